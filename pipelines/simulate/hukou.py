"""Where registered people are registered: at home, elsewhere in Qingpu or Shanghai, and who is registered but away.

Gives every registered household a hukou village, dwelling and household number, and members' relations to its head.
A family registered away from home either keeps a dwelling of its own there or stands in a relative's booklet.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulate import margins
from pipelines.simulate.relations import SELF

HERE, SAME_TOWN, OTHER_TOWN, OTHER_DISTRICT = range(4)
_HEAD = 2
_SAME_TOWN = 0.085  # share of registered residents whose hukou is in another village of the town (no census figure)
_WITH_RELATIVES = 0.42
_GRANDCHILD_OF_SON, _GRANDCHILD_OF_DAUGHTER = (41, 42), (43, 44)


@dataclass
class Registration:
    """Per person: hukou village (-1 outside Qingpu), dwelling, household number (-1 none), relation to its head.

    `district` tells of registered people whose hukou lies in another district, `empty` of 空挂户.
    """

    village: np.ndarray
    dwelling: np.ndarray
    book: np.ndarray
    relation: np.ndarray
    district: np.ndarray
    empty: np.ndarray


def _choose(
    rng: np.random.Generator, village_is_rural: np.ndarray, size: np.ndarray, census: dict[str, float], scale: float
) -> np.ndarray:
    """Where each resident registered household has its hukou, so that the census's counts of people are met."""
    people = size.sum()
    wanted = {
        OTHER_DISTRICT: margins.count(census["户口登记地在外乡镇街道人口_本省其他县"], scale),
        OTHER_TOWN: margins.count(census["户口登记地在外乡镇街道人口_本县"], scale),
        SAME_TOWN: round(people * _SAME_TOWN),
    }
    result = np.full(len(size), HERE, dtype=np.int8)
    for place, total in wanted.items():
        free = np.flatnonzero(result == HERE)
        weight = np.where(village_is_rural[free], 0.18, 1.0)
        rank = free[np.argsort(-np.log(rng.random(len(free)) + 1e-12) / weight, kind="stable")]
        result[rank[np.cumsum(size[rank]) <= total]] = place
    return result


def _other_village(rng: np.random.Generator, home: np.ndarray, place: np.ndarray, villages: pl.DataFrame) -> np.ndarray:
    """A hukou village other than home: in the same or another town, the more likely the more registered people."""
    towns = villages["town_code"].to_numpy()
    weight = villages["registered_weight"].to_numpy() * np.where(villages["kind"].to_numpy() == "村", 1.6, 1.0)
    result = home.astype(np.int64).copy()
    for town in np.unique(towns):
        mine = np.flatnonzero(towns[np.maximum(home, 0)] == town)
        for where, allowed in ((SAME_TOWN, towns == town), (OTHER_TOWN, towns != town)):
            rows = mine[place[mine] == where]
            bounds = np.cumsum(weight * allowed)
            drawn = np.searchsorted(bounds, rng.random(len(rows)) * bounds[-1], side="right")
            again = drawn == home[rows]
            drawn[again] = np.searchsorted(bounds, rng.random(int(again.sum())) * bounds[-1], side="right")
            result[rows] = drawn
    return result


def _one_of(rng: np.random.Generator, village: np.ndarray, candidates: np.ndarray, of: np.ndarray) -> np.ndarray:
    """For each wanted village one of the candidates lying there (`of` gives each candidate's village), else -1."""
    order = np.argsort(of, kind="stable")
    ranked = of[order]
    first, last = np.searchsorted(ranked, village, "left"), np.searchsorted(ranked, village, "right")
    at = first + np.floor(rng.random(len(village)) * (last - first)).astype(np.int64)
    found = last > first
    return np.where(found, candidates[order[np.minimum(at, max(len(order) - 1, 0))]] if len(order) else -1, -1)


@dataclass
class Families:
    """One row a registered household (resident, or registered but away): size, head, home village (-1 away)."""

    size: np.ndarray
    head: np.ndarray
    village: np.ndarray
    dwelling: np.ndarray


def register(
    family_of: np.ndarray,
    families: Families,
    relation: np.ndarray,
    birth: np.ndarray,
    sex: np.ndarray,
    free_dwellings: np.ndarray,
    dwelling_village: np.ndarray,
    villages: pl.DataFrame,
    census: dict[str, float],
    scale: float,
    rng: np.random.Generator,
) -> Registration:
    """Hukou of every member of the families (`family_of` is -1 for people without one in this sense)."""
    away = families.village < 0
    rural = (villages["kind"] == "村").to_numpy()
    place = np.full(len(away), OTHER_TOWN, dtype=np.int8)
    home = np.flatnonzero(~away)
    place[home] = _choose(rng, rural[families.village[home]], families.size[home], census, scale)
    village = families.village.astype(np.int64).copy()
    weight = villages["registered_weight"].to_numpy() * np.where(rural, 1.7, 0.8)
    gone = np.flatnonzero(away)
    village[gone] = rng.permutation(margins.spread(weight, np.ones(len(gone))))
    moved = home[(place[home] == SAME_TOWN) | (place[home] == OTHER_TOWN)]
    village[moved] = _other_village(rng, families.village[moved], place[moved], villages)
    village[place == OTHER_DISTRICT] = -1

    at_home = np.flatnonzero((place == HERE) & ~away)
    elsewhere = np.concatenate([moved, gone])
    dwelling = families.dwelling.astype(np.int64).copy()
    own = _one_of(rng, village[elsewhere], free_dwellings, dwelling_village[free_dwellings])
    anything = _one_of(rng, village[elsewhere], np.arange(len(dwelling_village)), dwelling_village)
    dwelling[elsewhere] = np.where(own >= 0, own, anything)
    dwelling[place == OTHER_DISTRICT] = -1

    host = np.full(len(away), -1, dtype=np.int64)
    host[elsewhere] = _relatives(rng, elsewhere, village, at_home, families, birth)
    joined = host >= 0
    dwelling[joined] = dwelling[host[joined]]
    book = np.where(place == OTHER_DISTRICT, -1, np.where(joined, host, np.arange(len(away))))

    member = family_of >= 0
    family = np.where(member, family_of, 0)
    with_book = member & (book[family] >= 0)
    relation = np.where(relation == 0, SELF, relation)  # people in quarters stand alone
    code = np.where(relation == SELF, _HEAD, relation).astype(np.int64)
    guest = with_book & joined[family]
    code[guest] = _as_guests(relation[guest], sex[guest], sex[families.head[family[guest]]])
    empty = rng.random(len(away)) < np.where(away & ~joined, 0.34, np.where(place == HERE, 0.0, 0.07))
    return Registration(
        village=np.where(with_book, village[family], -1).astype(np.int16),
        dwelling=np.where(with_book, dwelling[family], -1).astype(np.int32),
        book=np.where(with_book, book[family], -1).astype(np.int32),
        relation=np.where(with_book, code, 0).astype(np.int8),
        district=member & (place[family] == OTHER_DISTRICT),
        empty=with_book & empty[family],
    )


def _relatives(
    rng: np.random.Generator,
    elsewhere: np.ndarray,
    village: np.ndarray,
    at_home: np.ndarray,
    families: Families,
    birth: np.ndarray,
) -> np.ndarray:
    """For each family registered elsewhere the household of the head's parents that it stands with, or -1."""
    hosts = at_home[rng.permutation(len(at_home))]
    found = _one_of(rng, village[elsewhere], hosts, families.village[hosts].astype(np.int64))
    gap = (birth[families.head[elsewhere]] - birth[families.head[np.maximum(found, 0)]]) / 365.25
    wanted = (found >= 0) & (gap > 18.5) & (gap < 42)
    again = _one_of(rng, village[elsewhere], hosts, families.village[hosts].astype(np.int64))
    gap = (birth[families.head[elsewhere]] - birth[families.head[np.maximum(again, 0)]]) / 365.25
    second = (again >= 0) & (gap > 18.5) & (gap < 42)
    host = np.where(wanted, found, np.where(second, again, -1))
    return np.where(rng.random(len(host)) < min(1.0, _WITH_RELATIVES * 1.9), host, -1)


def _as_guests(relation: np.ndarray, sex: np.ndarray, head_sex: np.ndarray) -> np.ndarray:
    """Relations of a child's family to the parents' head."""
    male = sex == 1
    spouse = (relation == 11) | (relation == 12)
    child = (relation >= 20) & (relation < 40)
    of_son = head_sex == 1
    return np.select(
        [relation == SELF, spouse, child & of_son, child],
        [
            np.where(male, 20, 30),
            np.where(male, 28, 38),
            np.where(male, *_GRANDCHILD_OF_SON),
            np.where(male, *_GRANDCHILD_OF_DAUGHTER),
        ],
        97,
    )
