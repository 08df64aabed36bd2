"""Grouping people into households that could exist: couples, parents and children, grandparents, siblings, singles.

Works on ages, sexes and marital states only. The number of each form is set so that the census holds: households,
one-person households, generations. What a member is called in relation to the head is decided in relations.
"""

from dataclasses import dataclass, field

import numpy as np

from pipelines.simulate import margins
from pipelines.simulate.residents import MARRIED, MIGRANT, NEVER, OVERSEAS, REGISTERED, Residents

# places a member can have in a household
SINGLE, HUSBAND, WIFE, CHILD, GRANDFATHER, GRANDMOTHER, GREAT_MALE, GREAT_FEMALE, SIBLING, RELATIVE = range(10)
NO_COLLECTIVE, DORM, INSTITUTION = range(3)
_INSTITUTION_BEDS = 5_200
# not in the census: lone-parent, sibling and skipped-generation households of the district
_LONE_PARENTS, _SIBLINGS, _SKIPPED = 15_000, 14_000, 2_500
# how the forms divide between registered people and migrants; overseas people form only couples with children
_SHARE = {
    "three": (0.58, 0.42),
    "two_parents": (0.72, 0.28),
    "four": (0.85, 0.15),
    "lone_parents": (0.42, 0.58),
    "siblings": (0.12, 0.88),
    "skipped": (0.45, 0.55),
}
_AT_HOME = {  # unmarried people living with their parents, by age
    REGISTERED: {0: 1.0, 14: 1.0, 16: 0.93, 19: 0.72, 24: 0.62, 34: 0.55, 40: 0.35, 50: 0.12, 60: 0.0},
    MIGRANT: {0: 1.0, 14: 1.0, 16: 0.62, 18: 0.34, 20: 0.14, 24: 0.09, 34: 0.05, 40: 0.0},
    OVERSEAS: {0: 1.0, 17: 1.0, 18: 0.5, 24: 0.1, 30: 0.0},
}
_FIRST_CHILDREN = 0.83
_COUPLE_GAP = (1.9, 2.9, -7.0, 14.0)
_PARENT_GAP = (27.3, 4.2, 18.0, 46.0)
_ELDER_GAP = (26.2, 3.7, 18.0, 44.0)


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
    """How many of each form one pool of people is to have; `singles` None leaves one-person households to chance."""

    couples: int
    three: int = 0
    two_parents: int = 0
    four: int = 0
    lone_parents: int = 0
    siblings: int = 0
    skipped: int = 0
    paired_elders: float = 0.5  # share of couples among the older generations that live with their children
    singles: int | None = None


def collective(residents: Residents, census: dict[str, float], scale: float, rng: np.random.Generator) -> np.ndarray:
    """Who lives in dormitories and institutions (int8 codes): the census's people outside family households."""
    age, sex, kind = residents.age, residents.sex, residents.kind
    result = np.zeros(len(age), dtype=np.int8)
    beds = margins.count(_INSTITUTION_BEDS, scale, 2)
    old = margins.by_age({60: 0.0, 70: 0.004, 80: 0.05, 90: 0.18, 104: 0.3}, age) * (kind == REGISTERED)
    result[margins.pick(rng, old, beds)] = INSTITUTION
    total = margins.count(census["人口数_合计"] - census["家庭户人口数"], scale)
    worker = margins.by_age({14: 0.0, 16: 0.3, 18: 0.2, 22: 0.24, 30: 0.16, 45: 0.12, 58: 0.06, 62: 0.0}, age)
    worker *= np.where(kind == MIGRANT, 1.0, 0.04) * np.where(sex == 1, 1.0, 0.62) * (result == 0) * (kind != OVERSEAS)
    result[margins.pick(rng, worker, total - beds)] = DORM
    return result


def plan(residents: Residents, quarters: np.ndarray, census: dict[str, float], scale: float) -> dict[int, Forms]:
    """Counts of each form by pool (population type), from the census totals.

    The couples and the share of couples among grandparents follow from the number of households, of one-person
    households and of generations, once the forms that no census counts are set.
    """
    people = float(np.sum(quarters == NO_COLLECTIVE))
    children = sum(float(np.sum(_home_chance(residents, quarters, pool))) for pool in _AT_HOME)
    families = children * _FIRST_CHILDREN
    three, four = census["三代户数"] * scale, census["四代以上户数"] * scale
    lone, siblings, skipped = _LONE_PARENTS * scale, _SIBLINGS * scale, _SKIPPED * scale
    two_parents = max(census["二代户数"] * scale - (families - three - four) - skipped, 2_000 * scale)
    units = three + four + two_parents  # households of four generations start as ones of three
    singles, several = census["一人户数"] * scale, (census["家庭户数"] - census["一人户数"]) * scale
    in_couples = people - children - lone - 2.2 * siblings - 0.4 * skipped - singles - units - four
    paired = np.clip(in_couples + 2 * (lone + siblings + 0.4 * skipped - several), 0.2 * units, 0.85 * units)
    couples = (in_couples + paired) / 2
    wives = (residents.sex == 2) & (residents.marital == MARRIED) & (quarters == NO_COLLECTIVE)
    overseas = 0.75 * float(np.sum(wives & (residents.kind == OVERSEAS)))
    local = min(0.96 * float(np.sum(wives & (residents.kind == REGISTERED))), couples - overseas)
    forms = {OVERSEAS: Forms(round(overseas))}
    # a little above the census, since not every planned meeting of ages comes about
    totals = {"three": three + four, "two_parents": 1.12 * two_parents, "four": 1.17 * four}
    totals |= {"lone_parents": lone, "siblings": siblings, "skipped": skipped}
    for row, (pool, pairs) in enumerate(((REGISTERED, local), (MIGRANT, couples - local - overseas))):
        numbers = {name: round(total * _SHARE[name][row]) for name, total in totals.items()}
        forms[pool] = Forms(round(pairs), paired_elders=float(paired / units), **numbers)
    return forms


def _home_chance(residents: Residents, quarters: np.ndarray, pool: int) -> np.ndarray:
    """Chance of each person to live with parents as an unmarried child (0 outside the pool)."""
    mine = (residents.kind == pool) & (quarters == NO_COLLECTIVE) & (residents.marital == NEVER)
    return np.where(mine, margins.by_age(_AT_HOME[pool], residents.age), 0.0)


def assemble(
    residents: Residents,
    quarters: np.ndarray,
    forms: dict[int, Forms],
    rng: np.random.Generator,
    singles: int | None = None,
) -> Households:
    """Everybody grouped; people of one pool form households with each other, and so that `singles` live alone."""
    result = empty(len(residents))
    result.collective = quarters
    lineage = []
    for pool in sorted(forms, key=lambda pool: (pool == MIGRANT, pool)):  # migrants even out the singles, so last
        members = np.flatnonzero((residents.kind == pool) & (quarters == NO_COLLECTIVE))
        alone = None
        if singles is not None and pool == MIGRANT:
            alone = max(singles - int(np.sum((result.place == SINGLE) & (result.household >= 0))), 0)
        group = _Pool(residents, members, forms[pool], pool, result, rng)
        group.run(alone)
        turned = 0.18 if pool == REGISTERED else 0.30
        lineage.append(rng.random(result.count - group.first_household) >= turned)
    result.paternal = np.concatenate(lineage)
    return result


class _Pool:
    """The steps of grouping one pool; each step takes people out of `free` and writes to `out`."""

    def __init__(
        self,
        residents: Residents,
        members: np.ndarray,
        forms: Forms,
        pool: int,
        out: Households,
        rng: np.random.Generator,
    ):
        self.sex, self.marital = residents.sex, residents.marital
        self.age = residents.age + rng.random(len(residents))  # an exact age, so that people of one year differ
        self.forms, self.pool, self.out, self.rng = forms, pool, out, rng
        self.free = np.zeros(len(residents), dtype=bool)
        self.free[members] = True
        self.first_household = out.count

    def run(self, singles: int | None) -> None:
        """Group everybody of the pool."""
        children = self._children()
        couples = self._couples(self.forms.couples)
        lone = self._lone_parents()
        mothers = np.concatenate([couples[0], lone])
        fathers = np.concatenate([couples[1], np.full(len(lone), -1)])
        kids = self._families(mothers, fathers, children)
        parent = (fathers >= 0) | (kids > 0)  # lone adults who got no child live by themselves
        self.free[mothers[~parent]] = True
        mothers, fathers, kids = mothers[parent], fathers[parent], kids[parent]
        older = self._with_older_couple(mothers, fathers, kids)
        number = self._found(mothers, fathers, older)
        self._with_lone_elder(mothers, fathers, kids, older, number)
        self._four_generations()
        self._grandchildren(mothers, fathers, kids, older, number)
        self._siblings(self.forms.siblings)
        if singles is not None:
            self._top_up(singles)
        rest = np.flatnonzero(self.free)
        self.out.put(rest, self.out.start(len(rest)), SINGLE)

    def _take(self, people: np.ndarray) -> np.ndarray:
        self.free[people] = False
        return people

    def _children(self) -> np.ndarray:
        unmarried = np.flatnonzero(self.free & (self.marital == NEVER))
        chance = margins.by_age(_AT_HOME[self.pool], np.floor(self.age[unmarried]))
        size = max(round(float(chance.sum())), int(np.sum(self.age[unmarried] < 15)))
        return self._take(unmarried[margins.pick(self.rng, chance, size)])

    def _couples(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        women = np.flatnonzero(self.free & (self.sex == 2) & (self.marital == MARRIED))
        men = np.flatnonzero(self.free & (self.sex == 1) & (self.marital == MARRIED))
        wife, husband = margins.pair(self.rng, self.age[women], self.age[men], size, _COUPLE_GAP)
        wives, husbands = women[wife], men[husband]
        self.out.spouse[wives], self.out.spouse[husbands] = husbands, wives
        return self._take(wives), self._take(husbands)

    def _lone_parents(self) -> np.ndarray:
        adults = np.flatnonzero(self.free & (self.marital != NEVER) & (self.age >= 26) & (self.age <= 66))
        chance = np.where(self.marital[adults] == MARRIED, 0.10, 0.35) * np.where(self.sex[adults] == 2, 1.0, 0.3)
        return self._take(adults[margins.pick(self.rng, chance, min(self.forms.lone_parents, len(adults)))])

    def _families(self, mothers: np.ndarray, fathers: np.ndarray, children: np.ndarray) -> np.ndarray:
        """Give children a mother (or lone parent); returns for each family its number of children.

        Children for whom nobody of a fitting age is left go back to the free.
        """
        count = np.zeros(len(mothers), dtype=np.int64)
        order = self.rng.permutation(children)
        first = order[: round(min(len(children) * _FIRST_CHILDREN, len(mothers) * 0.92))]
        younger_parent = np.where(fathers >= 0, np.minimum(self.age[mothers], self.age[fathers]), self.age[mothers])
        older_parent = np.where(fathers >= 0, np.maximum(self.age[mothers], self.age[fathers] - 6), self.age[mothers])
        child, home = margins.pair(self.rng, self.age[first], younger_parent, len(first), _PARENT_GAP)
        fits = older_parent[home] - self.age[first[child]] <= _PARENT_GAP[3]
        child, home = child[fits], home[fits]
        self._adopt(mothers[home], fathers[home], first[child])
        count[home] = 1
        eldest = np.full(len(mothers), np.nan)
        eldest[home] = self.age[first[child]]
        for brood in (2, 3):  # second children, then those still without a home
            waiting = children[(self.out.mother[children] < 0) & (self.out.father[children] < 0)]
            room = np.flatnonzero((count == brood - 1) & (younger_parent - eldest <= 38))
            child, at = margins.pair(self.rng, self.age[waiting], eldest[room], len(waiting), (4.5, 2.3, 0.0, 13.0))
            fits = older_parent[room[at]] - self.age[waiting[child]] <= _PARENT_GAP[3]
            child, at = child[fits], room[at[fits]]
            self._adopt(mothers[at], fathers[at], waiting[child])
            count[at] += 1
        self.free[children[(self.out.mother[children] < 0) & (self.out.father[children] < 0)]] = True
        return count

    def _adopt(self, mothers: np.ndarray, fathers: np.ndarray, children: np.ndarray) -> None:
        woman = self.sex[mothers] == 2
        self.out.mother[children] = np.where(woman, mothers, fathers)
        self.out.father[children] = np.where(woman, fathers, mothers)

    def _youngest(self, mothers: np.ndarray) -> np.ndarray:
        """Age of each family's youngest child, 999 without children."""
        parent = np.where(self.out.mother >= 0, self.out.mother, self.out.father)
        children = np.flatnonzero(parent >= 0)
        youngest = np.full(len(self.age), 999.0)
        np.minimum.at(youngest, parent[children], self.age[children])
        return youngest[mothers]

    def _middle(self, mothers: np.ndarray, fathers: np.ndarray) -> np.ndarray:
        return np.where(fathers >= 0, np.maximum(self.age[fathers], self.age[mothers]), self.age[mothers])

    def _hosts(
        self, mothers: np.ndarray, fathers: np.ndarray, kids: np.ndarray, allowed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Families with children, and couples without, that could take in an older generation."""
        middle, youngest = self._middle(mothers, fathers), self._youngest(mothers)
        with_kids = np.flatnonzero(allowed & (kids > 0) & (youngest < 25) & (middle < 60))
        without = np.flatnonzero(allowed & (kids == 0) & (fathers >= 0) & (middle < 62))
        return with_kids, without

    def _with_older_couple(self, mothers: np.ndarray, fathers: np.ndarray, kids: np.ndarray) -> np.ndarray:
        """For each family the couple (row in `mothers`) that lives with it as the older generation, or -1."""
        older = np.full(len(mothers), -1, dtype=np.int64)
        busy = np.zeros(len(mothers), dtype=bool)
        middle = self._middle(mothers, fathers)
        share = self.forms.paired_elders
        for turn, size in enumerate((self.forms.three, self.forms.two_parents)):
            hosts = self._hosts(mothers, fathers, kids, ~busy)[turn]
            elders = np.flatnonzero(~busy & (kids == 0) & (fathers >= 0) & (self.age[mothers] >= 45))
            # a childless couple of 45 could be host or guest: the younger ones stay hosts
            elders = elders[~np.isin(elders, hosts[middle[hosts] < 52])]
            hosts = np.setdiff1d(hosts, elders)
            host, elder = margins.pair(
                self.rng, middle[hosts], self.age[mothers[elders]], round(size * share), _ELDER_GAP
            )
            older[hosts[host]] = elders[elder]
            busy[hosts[host]] = busy[elders[elder]] = True
        return older

    def _found(self, mothers: np.ndarray, fathers: np.ndarray, older: np.ndarray) -> np.ndarray:
        """Number the families' households and enter parents, children and moved-in couples; returns the numbers."""
        guests, hosted = older[older >= 0], np.flatnonzero(older >= 0)
        own = np.ones(len(mothers), dtype=bool)
        own[guests] = False
        number = np.full(len(mothers), -1, dtype=np.int64)
        number[own] = self.out.start(int(own.sum()))
        number[guests] = number[hosted]
        place = np.where(self.sex[mothers] == 2, WIFE, HUSBAND)
        place[guests] = GRANDMOTHER
        self.out.put(mothers, number, place)
        paired = fathers >= 0
        place = np.full(len(fathers), HUSBAND)
        place[guests] = GRANDFATHER
        self.out.put(fathers[paired], number[paired], place[paired])
        parent = np.where(self.out.mother >= 0, self.out.mother, self.out.father)
        children = np.flatnonzero((parent >= 0) & (self.out.household < 0))
        self.out.put(children, self.out.household[parent[children]], CHILD)
        return number

    def _with_lone_elder(
        self, mothers: np.ndarray, fathers: np.ndarray, kids: np.ndarray, older: np.ndarray, number: np.ndarray
    ) -> None:
        """Widowed or lone elders live with families as the older generation."""
        free = older < 0
        free[older[older >= 0]] = False
        middle = self._middle(mothers, fathers)
        share = 1 - self.forms.paired_elders
        for turn, size in enumerate((self.forms.three, self.forms.two_parents)):
            hosts = self._hosts(mothers, fathers, kids, free)[turn]
            elders = np.flatnonzero(self.free & (self.marital != NEVER) & (self.age >= 47))
            host, elder = margins.pair(self.rng, middle[hosts], self.age[elders], round(size * share), _ELDER_GAP)
            place = np.where(self.sex[elders[elder]] == 1, GRANDFATHER, GRANDMOTHER)
            self.out.put(self._take(elders[elder]), number[hosts[host]], place)
            free[hosts[host]] = False

    def _four_generations(self) -> None:
        """A widowed great-grandparent in households that already have three generations."""
        oldest = np.zeros(self.out.count)
        elder = np.isin(self.out.place, (GRANDFATHER, GRANDMOTHER)) & (self.out.household >= self.first_household)
        np.maximum.at(oldest, self.out.household[elder], self.age[elder])
        young = (self.out.place == CHILD) & (self.out.household >= self.first_household)
        houses = np.unique(self.out.household[young])
        houses = houses[(oldest[houses] > 0) & (oldest[houses] < 76)]
        great = np.flatnonzero(self.free & (self.marital != NEVER) & (self.age >= 66))
        host, guest = margins.pair(self.rng, oldest[houses], self.age[great], self.forms.four, (24.0, 3.5, 17.5, 42.0))
        place = np.where(self.sex[great[guest]] == 1, GREAT_MALE, GREAT_FEMALE)
        self.out.put(self._take(great[guest]), houses[host], place)

    def _grandchildren(
        self, mothers: np.ndarray, fathers: np.ndarray, kids: np.ndarray, older: np.ndarray, number: np.ndarray
    ) -> None:
        """Minors without parents here live with grandparents, the rest with other relatives."""
        lone = np.ones(len(mothers), dtype=bool)
        lone[older[older >= 0]] = False
        young = np.flatnonzero(self.free & (self.age < 18))
        few = np.flatnonzero(self.free & (self.age >= 18) & (self.age < 23) & (self.marital == NEVER))
        young = np.concatenate([young, few[: max(self.forms.skipped - len(young), 0)]])
        homes = np.flatnonzero(lone & (older < 0) & (kids == 0) & (fathers >= 0) & (self.age[mothers] >= 46))
        child, home = margins.pair(
            self.rng, self.age[young], self.age[mothers[homes]], len(young), (52.0, 5.0, 38.0, 72.0)
        )
        self.out.put(self._take(young[child]), number[homes[home]], CHILD)
        left = np.flatnonzero(self.free & (self.age < 18))
        hosts = np.unique(number[lone & (self.age[mothers] >= 25)])
        if len(hosts):
            self.out.put(self._take(left), hosts[self.rng.integers(0, len(hosts), len(left))], RELATIVE)

    def _siblings(self, groups: int) -> None:
        """Adult brothers, sisters or cousins of about the same age sharing a home, in groups of two and three."""
        adults = np.flatnonzero(self.free & (self.age >= 18) & (self.age < 50) & (self.marital != MARRIED))
        groups = min(groups, int(len(adults) / 2.2))
        sizes = np.where(np.arange(groups) % 5 == 4, 3, 2)
        chosen = self.rng.permutation(adults)[: sizes.sum()]
        chosen = chosen[np.argsort(-(self.age[chosen] + 4 * self.rng.random(len(chosen))), kind="stable")]
        group = np.repeat(self.out.start(groups), sizes)[: len(chosen)]
        self.out.put(self._take(chosen), group, SIBLING)

    def _top_up(self, singles: int) -> None:
        """More couples of those left, then more relatives sharing a home, until only `singles` are left alone."""
        excess = int(self.free.sum()) - singles
        wives, husbands = self._couples(max(excess // 2, 0))
        number = self.out.start(len(wives))
        self.out.put(wives, number, WIFE)
        self.out.put(husbands, number, HUSBAND)
        excess -= 2 * len(wives)
        self._siblings(max(round(excess / 2.2), 0))
