"""What a relation's columns and rows come from: the values that the reading of SQL computes with.

Belongs here: relations, branches and how they are put together. Not here: SQL (`sql`), the project (`lineage`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Origin = tuple[str, str]
"""A column that is not computed from another: (feed, lake column)."""

Origins = frozenset[Origin]
NOWHERE: Origins = frozenset()


def together(parts: Iterable[Origins]) -> Origins:
    """Every origin of some sets."""
    return frozenset().union(*parts)


@dataclass(frozen=True)
class Branch:
    """One part of a union, or one struct of an unnested list: the constants it states, and what it comes from."""

    constants: Mapping[str, str]
    origins: Origins


@dataclass(frozen=True)
class Relation:
    """Where each column's values come from, and what decides which rows there are.

    `is_open` marks relations whose columns nobody declares; any name is accepted of them, and comes from what decides
    the rows.
    """

    columns: Mapping[str, Origins]
    rows: Origins = NOWHERE
    branches: tuple[Branch, ...] = ()
    is_open: bool = False

    @property
    def origins(self) -> Origins:
        """Everything that values or rows come from."""
        return together([self.rows, *self.columns.values()])


OPEN = Relation({}, is_open=True)


@dataclass
class Source:
    """A relation as one query sees it: under an alias, and with what a left join adds to each of its values.

    `hidden` are the columns that a `using` merged into those of an earlier source.
    """

    alias: str
    relation: Relation
    added: Origins = NOWHERE
    hidden: set[str] = field(default_factory=set)

    def column(self, name: str) -> Origins | None:
        """Where a column's values come from; None if there is no such column."""
        if name in self.relation.columns:
            return self.relation.columns[name] | self.added
        return self.relation.rows | self.added if self.relation.is_open else None


def union(first: Relation, second: Relation, by_name: bool = False) -> Relation:
    """Both relations below each other: columns meet by position, or by name."""
    if by_name:
        names = [*first.columns, *(n for n in second.columns if n not in first.columns)]
        columns = {n: first.columns.get(n, NOWHERE) | second.columns.get(n, NOWHERE) for n in names}
    else:
        below = [*second.columns.values()]
        columns = {
            name: found | (below[place] if place < len(below) else NOWHERE)
            for place, (name, found) in enumerate(first.columns.items())
        }
    branches = first.branches + _renamed(second, [*first.columns] if not by_name else [*second.columns])
    return Relation(columns, first.rows | second.rows, branches, first.is_open or second.is_open)


def _renamed(relation: Relation, names: list[str]) -> tuple[Branch, ...]:
    """Branches with constants under the names their positions have in the union."""
    words = dict(zip(relation.columns, names, strict=False))
    return tuple(
        Branch({words.get(name, name): text for name, text in branch.constants.items()}, branch.origins)
        for branch in relation.branches
    )
