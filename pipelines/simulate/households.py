"""Grouping people into households that could exist: couples, parents and children, grandparents, siblings, singles.

Works on ages, sexes and marital states only. The number of each form is set so that the census holds: households,
one-person households, generations. What a member is called in relation to the head is decided in relations.
"""

from dataclasses import dataclass, field

import numpy as np

from pipelines.simulate import margins
from pipelines.simulate.residents import MARRIED, MIGRANT, NEVER, OVERSEAS, Residents

# places a member can have in a household
SINGLE, HUSBAND, WIFE, CHILD, GRANDFATHER, GRANDMOTHER, GREAT_MALE, GREAT_FEMALE, SIBLING = range(9)
NO_COLLECTIVE, DORM, INSTITUTION = range(3)
_POOLS = ("registered", "migrant", "overseas")
_INSTITUTION_BEDS = 5_200
# how the forms divide between registered people and migrants; overseas people form only couples with children
_SHARE = {
    "three": (0.58, 0.42),
    "two_parents": (0.72, 0.28),
    "four": (0.85, 0.15),
    "lone_parent": (0.42, 0.58),
    "siblings": (0.12, 0.88),
    "skipped": (0.45, 0.55),
}
_AT_HOME = (  # unmarried children living with their parents, by age
    {0: 0.999, 14: 0.99, 15: 0.92, 19: 0.72, 24: 0.62, 34: 0.55, 40: 0.35, 50: 0.12, 60: 0.0},
    {0: 0.999, 14: 0.97, 15: 0.55, 17: 0.34, 19: 0.14, 24: 0.09, 34: 0.05, 40: 0.0},
    {0: 0.999, 17: 0.99, 18: 0.5, 24: 0.1, 30: 0.0},
)
_FIRST_CHILDREN = 0.83


@dataclass
class Households:
    """For each person: household (int32, -1 in collective quarters), place, lineage and links to family (row or -1).

    `paternal` tells of a household's grandparents whether they are the husband's parents.
    """

    household: np.ndarray
    place: np.ndarray
    collective: np.ndarray
    spouse: np.ndarray
    father: np.ndarray
    mother: np.ndarray
    paternal: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    count: int = 0

    def start(self, rows: int) -> np.ndarray:
        """Numbers of `rows` new households."""
        numbers = np.arange(self.count, self.count + rows, dtype=np.int32)
        self.count += rows
        return numbers

    def put(self, people: np.ndarray, household: np.ndarray, place: int | np.ndarray) -> None:
        """Enter people into households at a place."""
        self.household[people] = household
        self.place[people] = place


def empty(size: int) -> Households:
    """Nobody grouped yet."""
    none = np.full(size, -1, dtype=np.int32)
    return Households(
        none.copy(), np.zeros(size, np.int8), np.zeros(size, np.int8), none.copy(), none.copy(), none.copy()
    )


@dataclass(frozen=True)
class Forms:
    """How many of each form one pool of people is to have."""

    couples: int
    three: int
    two_parents: int
    four: int
    lone_parent: int
    siblings: int
    skipped: int
    parent_couples: float  # share of couples among the grandparent units


def collective(residents: Residents, census: dict[str, float], scale: float, rng: np.random.Generator) -> np.ndarray:
    """Who lives in dormitories and institutions (int8 codes): the census's people outside family households."""
    age, sex, kind = residents.age, residents.sex, residents.kind
    result = np.zeros(len(age), dtype=np.int8)
    beds = margins.count(_INSTITUTION_BEDS, scale, 2)
    old = margins.by_age({60: 0.0, 70: 0.004, 80: 0.05, 90: 0.18, 104: 0.3}, age) * (kind == 1)
    result[margins.pick(rng, old, beds)] = INSTITUTION
    total = margins.count(census["人口数_合计"] - census["家庭户人口数"], scale)
    worker = margins.by_age({17: 0.0, 18: 0.15, 22: 0.24, 30: 0.16, 45: 0.12, 58: 0.06, 62: 0.0}, age)
    worker *= np.where(kind == MIGRANT, 1.0, 0.04) * np.where(sex == 1, 1.0, 0.62) * (result == 0) * (kind != OVERSEAS)
    result[margins.pick(rng, worker, total - beds)] = DORM
    return result


def plan(residents: Residents, quarters: np.ndarray, census: dict[str, float], scale: float) -> dict[str, Forms]:
    """Counts of each form by pool, from the census totals.

    Unknowns are the couples and the share of couples among grandparents; they follow from the number of households
    and of one-person households once the other forms are set.
    """
    people = float(np.sum(quarters == 0))
    children = sum(
        float(np.sum(_home_chance(residents, quarters, pool))) for pool in range(len(_POOLS))
    )
    families = children * _FIRST_CHILDREN
    three, four = census["三代户数"] * scale, census["四代以上户数"] * scale
    skipped, lone, siblings = 2_500 * scale, 15_000 * scale, 14_000 * scale
    two_parents = max(census["二代户数"] * scale - (families - three - four) - skipped, 2_000 * scale)
    units = three + 2 * four + two_parents
    singles, several = census["一人户数"] * scale, (census["家庭户数"] - census["一人户数"]) * scale
    in_couples = people - children - lone - 2.2 * siblings - 0.4 * skipped - singles - units
    paired = np.clip(in_couples + 2 * (lone + siblings + 0.4 * skipped - several), 0.25 * units, 0.85 * units)
    couples = (in_couples + paired) / 2
    foreign = float(np.sum((residents.kind == OVERSEAS) & (residents.sex == 2) & (residents.marital == MARRIED))) * 0.75
    women = (residents.sex == 2) & (residents.marital == MARRIED) & (quarters == 0)
    local = 0.97 * float(np.sum(women & (residents.kind == 1)))
    local = min(local, couples - foreign)
    share = float(paired / units)
    forms = {}
    for row, pool in enumerate(_POOLS[:2]):
        part = {name: _SHARE[name][row] for name in _SHARE}
        forms[pool] = Forms(
            couples=round((local, couples - local - foreign)[row]),
            three=round(three * part["three"]),
            two_parents=round(two_parents * part["two_parents"]),
            four=round(four * part["four"]),
            lone_parent=round(lone * part["lone_parent"]),
            siblings=round(siblings * part["siblings"]),
            skipped=round(skipped * part["skipped"]),
            parent_couples=share,
        )
    forms["overseas"] = Forms(round(foreign), 0, 0, 0, 0, 0, 0, 0.0)
    return forms


def _home_chance(residents: Residents, quarters: np.ndarray, pool: int) -> np.ndarray:
    """Chance of each person to live with parents as an unmarried child (0 outside the pool)."""
    mine = (residents.kind == pool + 1) & (quarters == 0) & (residents.marital == NEVER)
    return np.where(mine, margins.by_age(_AT_HOME[pool], residents.age), 0.0)


def assemble(
    residents: Residents, quarters: np.ndarray, forms: dict[str, Forms], rng: np.random.Generator
) -> Households:
    """Everybody grouped; people of one pool form households with each other."""
    result = empty(len(residents))
    result.collective = quarters
    lineage: list[np.ndarray] = []
    for row, pool in enumerate(_POOLS):
        if pool not in forms:
            continue
        members = np.flatnonzero((residents.kind == row + 1) & (quarters == 0))
        lineage.append(_Pool(residents, members, forms[pool], row, result, rng).run())
    result.paternal = np.concatenate(lineage) if lineage else np.zeros(0, dtype=bool)
    return result


class _Pool:
    """The steps of grouping one pool; each step takes people out of `free` and writes to `out`."""

    def __init__(self, residents, members, forms: Forms, row: int, out: Households, rng: np.random.Generator):
        self.age, self.sex, self.marital = residents.age.astype(float), residents.sex, residents.marital
        self.forms, self.row, self.out, self.rng = forms, row, out, rng
        self.free = np.zeros(len(residents), dtype=bool)
        self.free[members] = True
        self.first_household = out.count

    def run(self) -> np.ndarray:
        """Group everybody of the pool; returns `paternal` for its households."""
        children = self._children()
        wives, husbands = self._couples()
        lone = self._lone_parents()
        mothers = np.concatenate([wives, lone])
        fathers = np.concatenate([husbands, np.full(len(lone), -1)])
        kids_of = self._families(mothers, children)
        self._households(mothers, fathers, kids_of)
        self._siblings()
        rest = np.flatnonzero(self.free)
        self.out.put(rest, self.out.start(len(rest)), SINGLE)
        paternal = np.ones(self.out.count - self.first_household, dtype=bool)
        paternal[self.rng.random(len(paternal)) < (0.18 if self.row == 0 else 0.30)] = False
        return paternal

    def _take(self, people: np.ndarray) -> np.ndarray:
        self.free[people] = False
        return people

    def _noise(self, size: int) -> np.ndarray:
        return self.rng.random(size)

    def _children(self) -> np.ndarray:
        unmarried = np.flatnonzero(self.free & (self.marital == NEVER))
        chance = margins.by_age(_AT_HOME[self.row], self.age[unmarried])
        size = round(float(chance.sum()))
        return self._take(unmarried[margins.pick(self.rng, chance, size)])

    def _couples(self) -> tuple[np.ndarray, np.ndarray]:
        women = np.flatnonzero(self.free & (self.sex == 2) & (self.marital == MARRIED))
        men = np.flatnonzero(self.free & (self.sex == 1) & (self.marital == MARRIED))
        size = min(self.forms.couples, len(women), len(men))
        wives = women[margins.pick(self.rng, np.full(len(women), 0.5), size)]
        gap = np.clip(self.rng.normal(1.9, 2.9, size), -6, 13)
        wanted = np.maximum(self.age[wives] + self._noise(size) + gap, 22)
        husbands = men[margins.match(wanted, self.age[men] + self._noise(len(men)))]
        self.out.spouse[wives], self.out.spouse[husbands] = husbands, wives
        return self._take(wives), self._take(husbands)

    def _lone_parents(self) -> np.ndarray:
        adults = np.flatnonzero(self.free & (self.marital != NEVER) & (self.age >= 26) & (self.age <= 66))
        chance = np.where(self.marital[adults] == MARRIED, 0.10, 0.35) * np.where(self.sex[adults] == 2, 1.0, 0.3)
        return self._take(adults[margins.pick(self.rng, chance, min(self.forms.lone_parent, len(adults)))])

    def _families(self, mothers: np.ndarray, children: np.ndarray) -> np.ndarray:
        """Give every child a mother (or lone father); returns for each family its number of children."""
        count = np.zeros(len(mothers), dtype=np.int64)
        if len(mothers) == 0 or len(children) == 0:
            self.free[children] = True
            return count
        first = round(min(len(children) * _FIRST_CHILDREN, len(mothers) * 0.9))
        order = self.rng.permutation(len(children))
        older, younger = children[order[:first]], children[order[first:]]
        gap = np.clip(self.rng.normal(27.3, 4.2, len(older)), 19.5, 43)
        home = margins.match(self.age[older] + self._noise(len(older)) + gap, self.age[mothers])
        bad = (self.age[mothers[home]] - self.age[older] < 18) | (self.age[mothers[home]] - self.age[older] > 48)
        younger = np.concatenate([younger, older[bad]])
        older, home = older[~bad], home[~bad]
        self._adopt(mothers[home], older)
        count[home] = 1
        fertile = np.flatnonzero(self.age[mothers[home]] - self.age[older] <= 36)
        younger = younger[: len(fertile)]
        step = np.clip(self.rng.normal(4.5, 2.3, len(younger)), 1, 12)
        at = fertile[margins.match(self.age[younger] + step, self.age[older[fertile]] + self._noise(len(fertile)))]
        gap = self.age[mothers[home[at]]] - self.age[younger]
        good = (gap >= 18) & (gap <= 48)
        self._adopt(mothers[home[at[good]]], younger[good])
        count[home[at[good]]] += 1
        self.free[children[self.out.mother[children] + self.out.father[children] == -2]] = True
        return count

    def _adopt(self, parents: np.ndarray, children: np.ndarray) -> None:
        is_mother = self.sex[parents] == 2
        other = self.out.spouse[parents]
        self.out.mother[children] = np.where(is_mother, parents, other)
        self.out.father[children] = np.where(is_mother, other, parents)

    def _households(self, mothers: np.ndarray, fathers: np.ndarray, kids: np.ndarray) -> None:
        """Turn couples and lone parents into households, with grandparents moved in where planned."""
        paired = fathers >= 0
        older = self._parents_of(mothers, fathers, kids, paired)
        alone = np.ones(len(mothers), dtype=bool)
        alone[older[older >= 0]] = False
        number = np.full(len(mothers), -1, dtype=np.int64)
        number[alone] = self.out.start(int(alone.sum()))
        core = np.flatnonzero(alone)
        self._enter(mothers[core], fathers[core], number[core], (HUSBAND, WIFE))
        hosted = np.flatnonzero(older >= 0)
        guests = older[hosted]
        self._enter(mothers[guests], fathers[guests], number[hosted], (GRANDFATHER, GRANDMOTHER))
        number[guests] = number[hosted]
        self._single_parents(mothers, fathers, number, alone & (older < 0), kids)
        parent = np.where(self.out.mother >= 0, self.out.mother, self.out.father)
        children = np.flatnonzero(parent >= 0)
        children = children[np.isin(parent[children], np.concatenate([mothers, fathers[paired]]))]
        self.out.put(children, self.out.household[parent[children]], CHILD)

    def _enter(self, mothers, fathers, number, places) -> None:
        place = np.where(self.sex[mothers] == 2, places[1], places[0])
        self.out.put(mothers, number, place)
        both = fathers >= 0
        self.out.put(fathers[both], number[both], places[0])

    def _parents_of(self, mothers, fathers, kids, paired) -> np.ndarray:
        """For each family the couple (row in `mothers`) that moves in as the older generation, or -1."""
        older = np.full(len(mothers), -1, dtype=np.int64)
        middle = np.where(paired, self.age[fathers], self.age[mothers])
        youngest_child = self._youngest(mothers)
        with_kids = np.flatnonzero((kids > 0) & (youngest_child < 22) & (middle < 58))
        childless = np.flatnonzero((kids == 0) & (middle < 56) & paired)
        units = np.flatnonzero((kids == 0) & paired & (self.age[mothers] >= 45))
        for hosts, size in ((with_kids, self.forms.three), (childless, self.forms.two_parents)):
            hosts = hosts[~np.isin(hosts, older)]
            units = units[~np.isin(units, older) & (older[units] < 0)]
            size = min(round(size * self.forms.parent_couples), len(hosts), len(units))
            chosen = hosts[margins.pick(self.rng, np.full(len(hosts), 0.5), size)]
            free = units[~np.isin(units, chosen)]
            size = min(size, len(free))
            chosen = chosen[:size]
            gap = np.clip(self.rng.normal(26, 3.6, size), 19, 40)
            found = free[margins.match(middle[chosen] + gap, self.age[mothers[free]] + self._noise(len(free)))]
            good = (self.age[mothers[found]] - middle[chosen] >= 17) & (self.age[mothers[found]] - middle[chosen] <= 48)
            older[chosen[good]] = found[good]
        self._kids, self._middle = kids, middle
        return older

    def _youngest(self, mothers: np.ndarray) -> np.ndarray:
        parent = np.where(self.out.mother >= 0, self.out.mother, self.out.father)
        children = np.flatnonzero(parent >= 0)
        youngest = np.full(len(self.age), 999.0)
        np.minimum.at(youngest, parent[children], self.age[children])
        return youngest[mothers]

    def _single_parents(self, mothers, fathers, number, room, kids) -> None:
        """Widowed or lone elders join families as the older generation."""
        middle = self._middle
        youngest = self._youngest(mothers)
        share = 1 - self.forms.parent_couples
        for hosts, size in (
            (np.flatnonzero(room & (kids > 0) & (youngest < 22) & (middle < 62)), self.forms.three * share),
            (np.flatnonzero(room & (kids == 0) & (fathers >= 0) & (middle < 64)), self.forms.two_parents * share),
        ):
            elders = np.flatnonzero(self.free & (self.marital != NEVER) & (self.age >= 47))
            size = min(round(size), len(hosts), len(elders))
            chosen = hosts[margins.pick(self.rng, np.full(len(hosts), 0.5), size)]
            gap = np.clip(self.rng.normal(26.5, 4, size), 19, 42)
            found = elders[margins.match(middle[chosen] + gap, self.age[elders] + self._noise(len(elders)))]
            good = (self.age[found] - middle[chosen] >= 17) & (self.age[found] - middle[chosen] <= 48)
            place = np.where(self.sex[found] == 1, GRANDFATHER, GRANDMOTHER)
            self.out.put(found[good], number[chosen[good]], place[good])
            self._take(found[good])
            room[chosen[good]] = False

    def _siblings(self) -> None:
        """Adult brothers and sisters or other kin of about the same age sharing a home."""
        adults = np.flatnonzero(self.free & (self.age >= 18) & (self.age < 50) & (self.marital != MARRIED))
        size = min(round(self.forms.siblings * 2.2), len(adults)) // 11 * 11
        chosen = adults[margins.pick(self.rng, np.full(len(adults), 0.5), size)]
        chosen = chosen[np.argsort(-(self.age[chosen] + 3 * self._noise(size)), kind="stable")]
        group = np.repeat(np.arange(size // 11 * 5), np.tile([2, 2, 2, 2, 3], size // 11))
        self.out.put(chosen, self.out.start(size // 11 * 5)[group] if size else group, SIBLING)
        self._take(chosen)
