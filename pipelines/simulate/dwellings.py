"""Dwellings: kind of building, age, size, fittings, address and coordinates, village by village.

House numbers lie above 9000, so that no address is anybody's. Who lives in a dwelling is decided in places.
"""

import numpy as np
import polars as pl

from pipelines.simulate.places import CARE_HOME, DORMITORY, Settlement

KINDS = ["商品房", "别墅", "动迁安置", "售后公房", "宅基地", "公租房", "保租房", "宿舍", "公寓", "厂房", "工棚"]
_COMMITTEE = np.array([0.57, 0.04, 0.20, 0.11, 0.0, 0.02, 0.03, 0.0, 0.03, 0.0, 0.0])
_VILLAGE = np.array([0.04, 0.01, 0.08, 0.0, 0.82, 0.0, 0.03, 0.0, 0.01, 0.005, 0.005])
_DORM = np.array([0, 0, 0, 0, 0, 0, 0.05, 0.72, 0.03, 0.12, 0.08])
_MEAN_AREA = np.array([72, 160, 68, 44, 118, 42, 38, 32, 35, 45, 24], dtype=float)
_MEAN_YEAR = np.array([2009, 2007, 2010, 1988, 1991, 2014, 2018, 2008, 2013, 2003, 2017])
_ESTATE, _CLUSTER = (
    260,
    24,
)  # dwellings to an estate, and to a place where buildings stand together, in the whole district
_ALL = 560_000
_LANES = 60  # lane numbers kept for each village, since villages of a town share roads
_GRID = 300
_DEGREE_LAT = 1 / 111_000


def _floors(kind: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Storeys of the building and the dwelling's floor."""
    size = len(kind)
    tall = rng.choice([6, 11, 14, 18, 24], size, p=[0.38, 0.24, 0.12, 0.22, 0.04])
    low = np.isin(kind, [4, 1])
    total = np.select(
        [low, kind == 3, np.isin(kind, [9, 10]), np.isin(kind, [7, 8])],
        [rng.integers(2, 4, size), rng.integers(5, 7, size), rng.integers(1, 4, size), rng.integers(4, 8, size)],
        tall,
    )
    floor = 1 + np.floor(rng.random(size) * total).astype(np.int64)
    return np.where(low, 1, floor), total


def build(settlement: Settlement, villages: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row a dwelling, in dwelling order; `occupied` and `tenure` columns are added when people have settled."""
    village, use = settlement.dwelling_village.astype(np.int64), settlement.dwelling_use
    size = len(village)
    is_committee = (villages["kind"] == "居").to_numpy()[village]
    draw = rng.random(size)
    kind = np.searchsorted(np.cumsum(_COMMITTEE)[:-1], draw)
    kind = np.where(is_committee, kind, np.searchsorted(np.cumsum(_VILLAGE)[:-1], draw))
    kind = np.where(use == DORMITORY, np.searchsorted(np.cumsum(_DORM)[:-1], draw), kind)
    kind = np.where(use == CARE_HOME, 8, kind)
    floor, storeys = _floors(kind, rng)
    year = np.clip(np.rint(rng.normal(_MEAN_YEAR[kind], 6)), 1955, 2024).astype(np.int64)
    lift = (storeys >= 8) | ((storeys >= 6) & (year >= 2012) & (rng.random(size) < 0.5))
    added = ~lift & (storeys >= 5) & (year < 2005) & (rng.random(size) < 0.035)
    area = np.round(np.clip(_MEAN_AREA[kind] * rng.lognormal(0, 0.28, size), 12, 600), 1)
    area = np.where(use == CARE_HOME, np.round(area * 60, 1), area)
    rural = kind == 4
    gas = ~np.isin(kind, [4, 7, 9, 10]) & (rng.random(size) < 0.94) | rural & (rng.random(size) < 0.28)
    start = np.searchsorted(village, np.arange(len(villages)))
    order = np.arange(size) - start[village]
    frame = pl.DataFrame(
        {
            "dwelling": np.arange(size, dtype=np.int32),
            "village": village.astype(np.int16),
            "order": order.astype(np.int32),
            "kind": kind.astype(np.int8),
            "use": use,
            "year": year.astype(np.int16),
            "floor": floor.astype(np.int16),
            "storeys": storeys.astype(np.int16),
            "lift": lift | added,
            "lift_added": added,
            "lift_consult": ~lift & ~added & (storeys >= 4) & (storeys <= 7) & (rng.random(size) < 0.05),
            "area": area,
            "kitchen": ~np.isin(kind, [7, 10]) & (rng.random(size) < 0.96),
            "toilet": (kind != 10) & (rng.random(size) < 0.965),
            "gas": gas,
            "bottled": ~gas & (rng.random(size) < 0.62),
            "smoke": rng.random(size) < np.where(rural, 0.18, 0.10),
            "smart": rng.random(size) < 0.35,
            "safety": np.where(rng.random(size) < 0.012 + 0.02 * (year < 1985), rng.integers(1, 5, size), 0),
            "illegal": rng.random(size) < np.where(rural, 0.024, 0.008),
            "facade": rng.random(size) < 0.006,
            "business": rural & (rng.random(size) < 0.025),
        }
    )
    frame = _with_point(frame, villages, rng)
    return _with_address(frame, villages)


def _size(whole: int, dwellings: int, least: int) -> int:
    """How many dwellings stand together at this scale: places are as many as ever, and smaller."""
    return max(round(whole * min(dwellings / _ALL, 1)), least)


def _with_point(frame: pl.DataFrame, villages: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Coordinates: estates scattered about the village's centre, dwellings about their estate."""
    village = frame["village"].to_numpy().astype(np.int64)
    estate = village * 4_096 + frame["order"].to_numpy() // _size(_CLUSTER, len(village), 2)
    reach = np.sqrt(villages["area_km2"].to_numpy()) * 1_000 * 0.24
    found, row = np.unique(estate, return_inverse=True)
    spread = reach[(found // 4_096).astype(np.int64)]
    metres = rng.normal(0, 1, (2, len(found))) * spread
    metres = metres[:, row] + rng.normal(0, 22, (2, len(village)))
    lat = villages["lat"].to_numpy()[village] + metres[1] * _DEGREE_LAT
    lon = villages["lon"].to_numpy()[village] + metres[0] * _DEGREE_LAT / np.cos(np.radians(31.13))
    return frame.with_columns(
        pl.Series("lon", np.round(np.clip(lon, 120.88, 121.31), 6)),
        pl.Series("lat", np.round(np.clip(lat, 30.975, 31.295), 6)),
    )


def _with_address(frame: pl.DataFrame, villages: pl.DataFrame) -> pl.DataFrame:
    """Address parts and the standard address: 弄–号–室 in towns, village group and house number in the country."""
    place = villages.select(
        pl.col("village").cast(pl.Int16),
        "village_code",
        "town_name",
        "road",
        pl.col("name").str.replace("村委会$", "").alias("hamlet"),
        (pl.int_range(pl.len()).over("town_code") * _LANES).alias("first_lane"),
    )
    order, estate = pl.col("order"), _size(_ESTATE, len(frame), 12)
    rural = pl.col("kind") == KINDS.index("宅基地")
    room = pl.col("floor") * 100 + 1 + order % 4
    group = order // 40 + 1
    frame = frame.join(place, on="village", how="left", maintain_order="left").with_columns(
        pl.when(rural).then(pl.lit("")).otherwise("road").alias("road"),
        pl.when(rural)
        .then(pl.lit(""))
        .otherwise((9_001 + pl.col("first_lane") + order // estate).cast(pl.String))
        .alias("lane"),
        pl.when(rural)
        .then((9_001 + order).cast(pl.String))
        .otherwise((9_001 + order % estate).cast(pl.String))
        .alias("number"),
        pl.when(rural).then(pl.lit("")).otherwise(room.cast(pl.String)).alias("room"),
        (pl.col("village_code") + "G" + (order // _GRID + 1).cast(pl.String).str.zfill(2)).alias("grid"),
        pl.when(rural)
        .then(pl.lit(""))
        .otherwise("XQ" + pl.col("village_code").str.slice(6) + (order // estate + 1).cast(pl.String).str.zfill(3))
        .alias("estate"),
        ("QP" + pl.col("village_code").str.slice(6) + (order + 1).cast(pl.String).str.zfill(7)).alias("dwelling_id"),
        ("DZ" + pl.col("village_code").str.slice(6) + (order + 1).cast(pl.String).str.zfill(8)).alias("address_id"),
    )
    head = "上海市青浦区" + pl.col("town_name")
    return frame.with_columns(
        pl.when(rural)
        .then(head + pl.col("hamlet") + group.cast(pl.String) + "组" + pl.col("number") + "号")
        .otherwise(head + pl.col("road") + pl.col("lane") + "弄" + pl.col("number") + "号" + pl.col("room") + "室")
        .alias("address")
    ).drop("hamlet", "town_name", "first_lane")
