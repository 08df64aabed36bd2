"""Which cells of a published table of counts are hidden, so that none of them can be worked out from the rest.

What belongs here: the choice of cells, given counts and thresholds. What does not: what the counts are (declared with
the extract) and how a hidden cell looks to its reader (`extract.py`).

A table has villages as rows, towns and the district as sums of them, and measures as columns, each a sum of base
columns. Hiding the small cells alone protects nothing: what is missing is the town less its other villages. So a
hidden cell must have a *witness*: another table, with whole numbers none of them negative, that agrees in every cell
that is shown and differs in this one. A witness moves one unit between base columns in one village and moves it back
in another; all cells this changes are hidden too, and are thereby protected by the same witness. Whoever has a
witness against him can compute what he likes from the shown cells and does not learn the hidden one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

# Dearer than any sum of cells of a district, and far from the end of 64 bits.
_IMPOSSIBLE = np.int64(2**60)


@dataclass(frozen=True)
class Measure:
    """A published column. `sums` names base columns by family: families that split the same total give the same sum.

    Village cells below `threshold` are hidden; zero only if `hide_zero`. A threshold of 0 hides nothing.
    """

    name: str
    sums: Mapping[str, Sequence[str]]
    threshold: int = 0
    hide_zero: bool = False


@dataclass(frozen=True)
class Table:
    """Counts of a district: `counts` is villages x base columns; `town_of` gives each village's town by position.

    `families` says which base columns belong together; a family's columns are disjoint.
    """

    counts: Integers
    town_of: NDArray[np.intp]
    families: Mapping[str, Sequence[str]]
    measures: Sequence[Measure]

    @cached_property
    def columns(self) -> dict[str, int]:
        """Position of each base column in `counts`."""
        names = [c for family in self.families.values() for c in family]
        if len(set(names)) != len(names) or len(names) != self.counts.shape[1]:
            raise ValueError(f"{len(set(names))} base columns are declared once, the table has {self.counts.shape[1]}")
        return {name: i for i, name in enumerate(names)}

    @cached_property
    def selectors(self) -> list[list[Integers]]:
        """For each measure one 0/1 vector over base columns a family."""
        found = []
        for measure in self.measures:
            vectors = []
            for names in measure.sums.values():
                vector = np.zeros(self.counts.shape[1], dtype=np.int64)
                vector[[self.columns[n] for n in names]] = 1
                vectors.append(vector)
            if any((self.counts @ v != self.counts @ vectors[0]).any() for v in vectors):
                raise ValueError(f"{measure.name}: its families {', '.join(measure.sums)} do not give the same sums")
            found.append(vectors)
        return found

    @cached_property
    def village_values(self) -> Integers:
        """Measures of villages (villages x measures)."""
        return np.stack([self.counts @ vectors[0] for vectors in self.selectors], axis=1)


@dataclass
class Hidden:
    """Which cells are hidden, by level (areas x measures). Towns are numbered as in `Table.town_of`."""

    village: Bools
    town: Bools
    district: Bools
    witnesses: list["Witness"] = field(default_factory=list)


@dataclass(frozen=True)
class Witness:
    """One unit moved as `move` says (base columns, -1, 0 or 1) in `village`, and the other way in `partner` if any."""

    village: int
    partner: int | None
    move: tuple[int, ...]
    is_reversed: bool

    def apply(self, counts: Integers) -> Integers:
        """The other table that agrees in every shown cell."""
        sign = -1 if self.is_reversed else 1
        other = counts.copy()
        other[self.village] += sign * np.array(self.move)
        if self.partner is not None:
            other[self.partner] -= sign * np.array(self.move)
        return other


def hide(table: Table) -> Hidden:
    """The cells to hide: the small ones of villages, and as few and as small others as give each one a witness."""
    values = table.village_values
    towns = int(table.town_of.max()) + 1 if len(table.town_of) else 0
    small = np.zeros(values.shape, dtype=bool)
    for j, measure in enumerate(table.measures):
        small[:, j] = (values[:, j] < measure.threshold) & ((values[:, j] > 0) | measure.hide_zero)
    hidden = Hidden(small, np.zeros((towns, values.shape[1]), dtype=bool), np.zeros((1, values.shape[1]), dtype=bool))
    if small.any():
        _Search(table, hidden).run()
    return hidden


class _Search:
    """Looks for the cheapest witness of each hidden cell; the price of hiding a cell is its count plus one."""

    def __init__(self, table: Table, hidden: Hidden) -> None:
        self.table, self.hidden = table, hidden
        moves = _moves(table)
        self.moves = np.array(moves, dtype=np.int64).reshape(len(moves), table.counts.shape[1])
        change = np.stack([self.moves @ vectors[0] for vectors in table.selectors], axis=1)
        self.changes: Bools = change != 0
        self.by_measure = [np.flatnonzero(self.changes[:, j]) for j in range(change.shape[1])]
        empty = (table.counts < 1).astype(np.int64)
        self.can_give: Bools = (empty @ (self.moves > 0).T) == 0
        self.can_take: Bools = (empty @ (self.moves < 0).T) == 0
        self.members = [np.flatnonzero(table.town_of == t) for t in range(hidden.town.shape[0])]
        towns = np.stack([table.village_values[m].sum(axis=0) for m in self.members])
        self.prices = (table.village_values + 1, towns + 1, towns.sum(axis=0, keepdims=True) + 1)
        self.costs = [self._cost(level) for level in range(3)]
        self.protected = np.zeros_like(hidden.village)

    def _cost(self, level: int, row: int | None = None) -> Integers:
        """What it costs to hide all that each move changes, for all areas of a level or one."""
        mask = (self.hidden.village, self.hidden.town, self.hidden.district)[level]
        where = slice(None) if row is None else slice(row, row + 1)
        return np.where(mask[where], 0, self.prices[level][where]) @ self.changes.T.astype(np.int64)

    def run(self) -> None:
        # Rare measures first: what they need hidden helps the others, not the other way round.
        order = np.argsort(self.hidden.village.sum(axis=0), kind="stable")
        for j in order:
            for village in np.flatnonzero(self.hidden.village[:, j]):
                if not self.protected[village, j]:
                    self._protect(int(village), int(j))

    def _protect(self, village: int, measure: int) -> None:
        moves = self.by_measure[measure]
        best, cost = None, _IMPOSSIBLE
        for partners, extra in self._partners(village, moves):
            prices = self.costs[0][np.ix_(partners, moves)] + self.costs[0][village, moves] + extra
            forward = self.can_take[village, moves] & self.can_give[np.ix_(partners, moves)]
            backward = self.can_give[village, moves] & self.can_take[np.ix_(partners, moves)]
            prices = np.where((forward | backward) & (partners != village)[:, None], prices, _IMPOSSIBLE)
            if not prices.size:
                continue
            at = np.unravel_index(int(prices.argmin()), prices.shape)
            if prices[at] < cost:
                best, cost = (int(moves[at[1]]), int(partners[at[0]]), not bool(forward[at])), prices[at]
            if cost < _IMPOSSIBLE:
                break
        move, partner, is_reversed = best if best is not None else self._alone(village, measure)
        self._accept(village, partner, move, is_reversed)

    def _partners(self, village: int, moves: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], Integers]]:
        """First the villages of the same town, which leave the town as it is; then all others, which do not."""
        own = self.table.town_of[village]
        others = np.flatnonzero(self.table.town_of != own)
        town_costs = self.costs[1][np.ix_(self.table.town_of[others], moves)] + self.costs[1][own, moves]
        return [(self.members[own], np.zeros(len(moves), dtype=np.int64)), (others, town_costs)]

    def _alone(self, village: int, measure: int) -> tuple[int, None, bool]:
        """No village can take the other half: the town and the district must give way as well."""
        moves = self.by_measure[measure]
        own = self.table.town_of[village]
        prices = self.costs[0][village, moves] + self.costs[1][own, moves] + self.costs[2][0, moves]
        takes, gives = self.can_take[village, moves], self.can_give[village, moves]
        prices = np.where(takes | gives, prices, _IMPOSSIBLE)
        at = int(prices.argmin())
        if prices[at] >= _IMPOSSIBLE:
            raise ValueError(
                f"{self.table.measures[measure].name}: a small cell cannot be hidden without a negative count elsewhere"
            )
        return int(moves[at]), None, not bool(takes[at])

    def _accept(self, village: int, partner: int | None, move: int, is_reversed: bool) -> None:
        changed = self.changes[move]
        areas = [village] if partner is None else [village, partner]
        for row in areas:
            self.hidden.village[row] |= changed
            self.protected[row] |= changed
            self.costs[0][row] = self._cost(0, row)[0]
        towns = {int(self.table.town_of[row]) for row in areas}
        if partner is None or len(towns) > 1:
            for town in towns:
                self.hidden.town[town] |= changed
                self.costs[1][town] = self._cost(1, town)[0]
        if partner is None:
            self.hidden.district[0] |= changed
            self.costs[2] = self._cost(2)
        self.hidden.witnesses.append(Witness(village, partner, tuple(int(x) for x in self.moves[move]), is_reversed))


def _moves(table: Table) -> list[tuple[int, ...]]:
    """All moves of one unit that change every measure alike through each of its families.

    One column alone; from one column to another of its family; into one column of two families that split one total.
    """
    index, width = table.columns, table.counts.shape[1]
    steps: list[dict[int, int]] = [{i: 1} for i in index.values()]
    for names in table.families.values():
        steps += [{index[a]: 1, index[b]: -1} for a, b in combinations(names, 2)]
    linked = [vectors for vectors in table.selectors if len(vectors) > 1]
    together = {pair for measure in table.measures for pair in combinations(sorted(measure.sums), 2)}
    for left, right in sorted(together):
        steps += [{index[a]: 1, index[b]: 1} for a in table.families[left] for b in table.families[right]]
    found = []
    for step in steps:
        vector = np.zeros(width, dtype=np.int64)
        vector[list(step)] = list(step.values())
        if all(len({int(vector @ v) for v in vectors}) == 1 for vectors in linked):
            found.append(tuple(int(x) for x in vector))
    return found
