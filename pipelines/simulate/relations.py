"""What members of a household are to its head (GB/T 4761), and whose surname they carry.

Takes the places that households.py gave; knows nothing of dwellings or of where people are registered.
"""

import numpy as np

from pipelines.simulate.households import (
    CHILD,
    GRANDFATHER,
    GRANDMOTHER,
    GREAT_FEMALE,
    GREAT_MALE,
    HUSBAND,
    RELATIVE,
    SIBLING,
    SINGLE,
    WIFE,
    Households,
)

SELF, HEAD, NON_RELATIVE = 1, 2, 99


def holders(groups: Households, place: int) -> np.ndarray:
    """For each household the row of the (last) member at `place`, -1 where there is none."""
    result = np.full(groups.count, -1, dtype=np.int64)
    rows = np.flatnonzero((groups.place == place) & (groups.household >= 0))
    result[groups.household[rows]] = rows
    return result


def eldest(groups: Households, birth: np.ndarray, place: int) -> np.ndarray:
    """For each household the row of its oldest member at `place`, -1 where there is none."""
    result = np.full(groups.count, -1, dtype=np.int64)
    rows = np.flatnonzero((groups.place == place) & (groups.household >= 0))
    rows = rows[np.argsort(-birth[rows], kind="stable")]  # the oldest is written last
    result[groups.household[rows]] = rows
    return result


def settle_lineage(groups: Households) -> None:
    """Grandparents of a lone parent's household are that parent's own parents."""
    husband, wife = holders(groups, HUSBAND) >= 0, holders(groups, WIFE) >= 0
    groups.paternal = np.where(husband & ~wife, True, np.where(wife & ~husband, False, groups.paternal))


def heads(groups: Households, birth: np.ndarray, registered: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The head's row of each household: the older generation in half of the registered families, else the parents."""
    husband, wife = holders(groups, HUSBAND), holders(groups, WIFE)
    grandfather, grandmother = holders(groups, GRANDFATHER), holders(groups, GRANDMOTHER)
    oldest = np.where(grandfather >= 0, grandfather, grandmother)
    stranger = ~registered[np.maximum(wife, 0)]  # a wife from elsewhere does not head a registered household
    middle = np.where((husband >= 0) & ((wife < 0) | stranger | (rng.random(groups.count) < 0.80)), husband, wife)
    with_elders = np.where(rng.random(groups.count) < np.where(registered[np.maximum(oldest, 0)], 0.5, 0.12), 1, 0)
    chosen = np.where((oldest >= 0) & ((middle < 0) | (with_elders == 1)), oldest, middle)
    chosen = np.where(chosen >= 0, chosen, holders(groups, SINGLE))
    return np.where(chosen >= 0, chosen, eldest(groups, birth, SIBLING))


def _birth_order(groups: Households, birth: np.ndarray, sex: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For children: order of birth among those of the same sex (0, 1, …) and number of children of the household."""
    order_of, size_of = np.zeros(len(sex), dtype=np.int64), np.zeros(len(sex), dtype=np.int64)
    rows = np.flatnonzero((groups.place == CHILD) & (groups.household >= 0))
    if len(rows) == 0:
        return order_of, size_of
    rows = rows[np.lexsort((birth[rows], sex[rows], groups.household[rows]))]
    key = groups.household[rows].astype(np.int64) * 2 + sex[rows] - 1
    start = np.r_[True, key[1:] != key[:-1]]
    order_of[rows] = np.arange(len(rows)) - np.maximum.accumulate(np.where(start, np.arange(len(rows)), 0))
    size_of[rows] = np.bincount(groups.household[rows], minlength=groups.count)[groups.household[rows]]
    return order_of, size_of


def codes(
    groups: Households, head: np.ndarray, birth: np.ndarray, sex: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Relation to the head (int8), `SELF` for the head, 0 for people without a household."""
    male = sex == 1
    inside = groups.household >= 0
    home = np.where(inside, groups.household, 0)
    head_row = head[home]
    head_place, head_male = groups.place[head_row], male[head_row]
    paternal = groups.paternal[home]
    order_of, size_of = _birth_order(groups, birth, sex)
    only = (size_of == 1) & (rng.random(len(sex)) < 0.6)
    child = np.where(only, 1, np.where(size_of == 1, 0, np.minimum(2 + order_of, 5))) + np.where(male, 20, 30)
    from_elders = (head_place == GRANDFATHER) | (head_place == GRANDMOTHER)
    own_parent = np.where(male, 51, 52)
    in_law = np.where(head_male, np.where(male, 55, 56), np.where(male, 53, 54))
    is_own = (head_place == HUSBAND) == paternal
    place = groups.place
    result = np.select(
        [
            place == RELATIVE,
            place == SIBLING,
            (place == CHILD) & from_elders,
            place == CHILD,
            from_elders & ((place == GRANDFATHER) | (place == GRANDMOTHER)),
            (place == GRANDFATHER) | (place == GRANDMOTHER),
            from_elders & (place == HUSBAND),
            from_elders & (place == WIFE),
            (place == HUSBAND) | (place == WIFE),
            from_elders & ((place == GREAT_MALE) | (place == GREAT_FEMALE)),
            (place == GREAT_MALE) | (place == GREAT_FEMALE),
        ],
        [
            97,
            np.where(male, 73, 77),
            np.where(paternal, np.where(male, 41, 42), np.where(male, 43, 44)),
            child,
            np.where(male, 11, 12),
            np.where(is_own, own_parent, in_law),
            np.where(paternal, 20, 28),
            np.where(paternal, 38, 30),
            np.where(male, 11, 12),
            np.where(head_male, own_parent, in_law),
            np.where(is_own, np.where(male, 61, 62), 65),
        ],
        SELF,
    )
    rows = np.arange(len(sex))
    return np.where(~inside, 0, np.where(rows == head_row, SELF, result)).astype(np.int8)


def surname_sources(groups: Households) -> np.ndarray:
    """For each person the row whose surname it carries (its own row if nobody's), one step up the generations."""
    source = np.arange(len(groups.place))
    father = groups.father
    source[father >= 0] = father[father >= 0]
    lone = (father < 0) & (groups.mother >= 0)
    source[lone] = groups.mother[lone]
    grandfather = holders(groups, GRANDFATHER)
    for place, wanted in ((HUSBAND, True), (WIFE, False)):
        child = holders(groups, place)
        house = np.flatnonzero((child >= 0) & (grandfather >= 0) & (groups.paternal == wanted))
        source[child[house]] = grandfather[house]
    forebear, grandmother = holders(groups, GREAT_MALE), holders(groups, GRANDMOTHER)
    child = np.where(grandfather >= 0, grandfather, grandmother)
    house = np.flatnonzero((forebear >= 0) & (child >= 0))
    source[child[house]] = forebear[house]
    return source
