"""Which village and which dwelling every household, dormitory worker and care-home resident lives in.

Villages get their people by the weights of the village profiles; what a dwelling looks like is in dwellings.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulate import margins
from pipelines.simulate.households import DORM, INSTITUTION, SINGLE, Households
from pipelines.simulate.residents import MIGRANT, OVERSEAS, REGISTERED

HOME, DORMITORY, CARE_HOME = range(3)
_DWELLINGS = 560_000
_CARE_HOMES = 60
_ROOM = 7
_INDUSTRIAL = {"310118003": 3.0, "310118107": 2.4, "310118110": 1.8, "310118106": 1.2, "310118105": 1.2}
_OVERSEAS_TOWNS = {"310118106": 6.0, "310118105": 3.0, "310118001": 1.5, "310118102": 1.5}
_SHARING = 0.42  # migrants living alone who share a flat with others
_NEW_FLAT = 0.45  # chance that the next sharer opens another flat


@dataclass
class Settlement:
    """For each person village (int16) and dwelling (int32); for each dwelling village and use (`HOME`, …)."""

    village: np.ndarray
    dwelling: np.ndarray
    dwelling_village: np.ndarray
    dwelling_use: np.ndarray


def _town_factor(villages: pl.DataFrame, factors: dict[str, float], other: float) -> np.ndarray:
    return np.array([factors.get(town, other) for town in villages["town_code"]])


def _weights(villages: pl.DataFrame) -> dict[str, np.ndarray]:
    registered, migrant = villages["registered_weight"].to_numpy(), villages["migrant_weight"].to_numpy()
    ageing = villages["ageing"].to_numpy()
    return {
        "elder": registered * (0.55 + 1.3 * ageing),
        "kids": registered * (1.25 - 0.7 * ageing),
        "other": registered * (1.15 - 0.4 * ageing),
        "migrant": migrant,
        "overseas": (registered + migrant) * _town_factor(villages, _OVERSEAS_TOWNS, 0.4),
        "dorm": migrant * _town_factor(villages, _INDUSTRIAL, 0.35),
    }


def _household_villages(
    groups: Households, kind: np.ndarray, age: np.ndarray, villages: pl.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    rows = np.flatnonzero(groups.household >= 0)
    home = groups.household[rows]
    size = np.bincount(home, minlength=groups.count)
    pool = np.full(groups.count, OVERSEAS, dtype=np.int8)
    np.minimum.at(pool, home, kind[rows])  # registered where anybody is
    elder = np.bincount(home, weights=age[rows] >= 65, minlength=groups.count) > 0
    kids = np.bincount(home, weights=age[rows] < 15, minlength=groups.count) > 0
    weights = _weights(villages)
    strata = {
        "elder": (pool == REGISTERED) & elder,
        "kids": (pool == REGISTERED) & kids & ~elder,
        "other": (pool == REGISTERED) & ~kids & ~elder,
        "migrant": pool == MIGRANT,
        "overseas": pool == OVERSEAS,
    }
    result = np.zeros(groups.count, dtype=np.int16)
    for name, mask in strata.items():
        members = rng.permutation(np.flatnonzero(mask))
        result[members] = margins.spread(weights[name], size[members])
    present = np.bincount(result, minlength=len(villages))
    for village in np.flatnonzero(present == 0):  # nobody is left out at small scales
        donor = int(np.argmax(present))
        moved = np.flatnonzero((result == donor) & (pool == REGISTERED))
        moved = moved if len(moved) else np.flatnonzero(result == donor)
        result[moved[0]] = village
        present = np.bincount(result, minlength=len(villages))
    return result


def _flats(household_village: np.ndarray, sharing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Provisional flat of each household: its own, or one shared with others of the village."""
    flat = np.arange(len(household_village), dtype=np.int64)
    rows = np.flatnonzero(sharing)
    rows = rows[np.argsort(household_village[rows], kind="stable")]
    opens = rng.random(len(rows)) < _NEW_FLAT
    opens[:1] = True
    opens[1:] |= household_village[rows][1:] != household_village[rows][:-1]
    first = np.maximum.accumulate(np.where(opens, np.arange(len(rows)), 0)) if len(rows) else rows
    flat[rows] = rows[first]
    return flat


def _rooms(people: np.ndarray, village: np.ndarray, sex: np.ndarray) -> np.ndarray:
    """Room numbers 0, 1, … of dormitory workers: of one village and one sex, `_ROOM` to a room."""
    order = np.lexsort((sex[people], village))
    key = village[order].astype(np.int64) * 2 + sex[people][order]
    start = np.r_[True, key[1:] != key[:-1]] if len(order) else np.zeros(0, dtype=bool)
    seat = np.arange(len(order)) - np.maximum.accumulate(np.where(start, np.arange(len(order)), 0))
    room = np.empty(len(order), dtype=np.int64)
    room[order] = np.cumsum(seat % _ROOM == 0) - 1
    return room


def settle(
    groups: Households,
    kind: np.ndarray,
    age: np.ndarray,
    sex: np.ndarray,
    villages: pl.DataFrame,
    scale: float,
    rng: np.random.Generator,
) -> Settlement:
    """Villages and dwellings for all residents, plus vacant dwellings; dwellings are numbered village by village."""
    home_village = _household_villages(groups, kind, age, villages, rng)
    single = np.zeros(groups.count, dtype=bool)
    lone = np.flatnonzero((groups.place == SINGLE) & (groups.household >= 0) & (kind == MIGRANT))
    single[groups.household[lone]] = rng.random(len(lone)) < _SHARING
    flat = _flats(home_village, single, rng)

    workers, wards = np.flatnonzero(groups.collective == DORM), np.flatnonzero(groups.collective == INSTITUTION)
    weights = _weights(villages)
    worker_village = margins.spread(weights["dorm"], np.ones(len(workers)))
    room = _rooms(workers, worker_village, sex)
    homes = margins.count(_CARE_HOMES, scale, 1)
    site_village = margins.spread(weights["elder"], np.ones(homes))
    site = (np.arange(len(wards)) * homes) // max(len(wards), 1)

    unit_village = [home_village[np.unique(flat)]]
    room_village = np.zeros(room.max() + 1 if len(room) else 0, dtype=np.int16)
    room_village[room] = worker_village
    unit_village += [room_village, site_village]
    occupied = sum(len(part) for part in unit_village)
    vacant = max(margins.count(_DWELLINGS, scale) - occupied, len(villages))
    unit_village += [
        np.arange(len(villages), dtype=np.int16),
        margins.spread(weights["other"], np.ones(vacant - len(villages))),
    ]
    uses = np.concatenate(
        [
            np.full(len(unit_village[0]), HOME),
            np.full(len(room_village), DORMITORY),
            np.full(homes, CARE_HOME),
            np.full(vacant, HOME),
        ]
    ).astype(np.int8)
    every = np.concatenate(unit_village)
    order = np.lexsort((rng.random(len(every)), every))
    number = np.empty(len(every), dtype=np.int32)
    number[order] = np.arange(len(every), dtype=np.int32)

    village, dwelling = np.full(len(kind), -1, np.int16), np.full(len(kind), -1, np.int32)
    inside = np.flatnonzero(groups.household >= 0)
    flat_unit = np.searchsorted(np.unique(flat), flat)
    village[inside] = home_village[groups.household[inside]]
    dwelling[inside] = number[flat_unit[groups.household[inside]]]
    base = len(unit_village[0])
    village[workers], dwelling[workers] = worker_village, number[base + room]
    village[wards], dwelling[wards] = site_village[site], number[base + len(room_village) + site]
    return Settlement(village, dwelling, every[order], uses[order])
