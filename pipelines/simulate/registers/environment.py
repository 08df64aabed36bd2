"""Readings of rivers, rain gauges and rural sewage by the month, of air and noise by the day (behind F34)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws
from pipelines.simulate.seeds import shares

RIVER, AIR, NOISE, FLOOD, SEWAGE = "河道断面", "空气站", "噪声点", "积水点", "农污设施"
_POINTS = {RIVER: 420, AIR: 14, NOISE: 30, FLOOD: 160, SEWAGE: 500}
# metric: (kind of point, lowest and highest reading)
METRICS = {
    "DO": (RIVER, 2.5, 10.5), "CODMn": (RIVER, 2.0, 11.0), "NH3N": (RIVER, 0.1, 2.2), "TP": (RIVER, 0.03, 0.4),
    "AQI": (AIR, 25, 165), "PM25": (AIR, 8, 110), "Leq": (NOISE, 42, 72), "depth": (FLOOD, 0, 35),
    "working": (SEWAGE, 0, 1),
}  # fmt: skip
_MOVING = 0.02  # of the points, in the year
DAILY = ("AQI", "PM25", "Leq")


def build(world: World, day: date, metrics: tuple[str, ...]) -> pl.DataFrame:
    """One row a point and metric, read on `day`: point, kind, village (-1: on the boundary), is_moved, value, grade."""
    frames = [_metric(world, day, metric) for metric in metrics]
    return pl.concat(frames).sort("point", "metric")


def _dirty_air(world: World, day: date, site: np.ndarray, now: np.ndarray) -> np.ndarray:
    """How far readings of air lie between the lowest and the highest: the weather's, a little the station's own."""
    weather = shares(world.seed, "environment.weather", np.array([days.number(day)]))[0]
    return np.clip(0.55 * weather**2 + 0.16 * site + 0.12 * now, 0, 1)


def _metric(world: World, day: date, metric: str) -> pl.DataFrame:
    kind, low, high = METRICS[metric]
    first = sum(size for name, size in _POINTS.items() if list(_POINTS).index(name) < list(_POINTS).index(kind))
    number = first + np.arange(_POINTS[kind])
    draws = Draws(world.seed, "environment", number)
    village = (draws.share("village") * len(world.villages)).astype(np.int64)
    if kind == RIVER:
        village = np.where(draws.share("boundary") < 0.05, -1, village)
    # A station that moves keeps its number and reads at another place from then on.
    moved_on = days.number(date(2026, 1, 1)) + draws.whole("moved_on", 0, 365)
    is_moved = (draws.share("moves") < _MOVING) & (moved_on <= days.number(day)) & (village >= 0)
    village = np.where(is_moved, (village + 1 + draws.whole("further", 0, 9)) % len(world.villages), village)
    site, now = draws.share(metric), draws.share(f"{metric}.{day.isoformat()}")
    value = low + (high - low) * np.clip(0.6 * site + 0.4 * now, 0, 1)
    if kind == AIR:
        value = low + (high - low) * _dirty_air(world, day, site, now)
    if metric == "working":
        value = (draws.share(f"works.{day.isoformat()}") < 0.7 + 0.3 * draws.share("upkeep")).astype(float)
    # A section has bad visits, the more the dirtier it is; on such a visit most metrics miss class III.
    is_bad = draws.share(f"visit.{day.isoformat()}") < 0.04 + 0.5 * draws.share("dirty")
    grade = 1 + np.floor(3 * draws.share(f"{metric}.grade.{day.isoformat()}")).astype(int)
    grade = np.where(is_bad & (now > 0.3), grade + 3, grade)
    return pl.DataFrame(
        {
            "point": number,
            "kind": pl.Series([kind] * len(number)),
            "village": village,
            "is_moved": is_moved,
            "metric": pl.Series([metric] * len(number)),
            "value": np.round(value, 3),
            "grade": np.where(kind == RIVER, grade, 0),
            "second": np.full(len(number), 36_000) + draws.whole("second", 0, 3_600),
            "chief": draws.whole("chief", 1, 60),
            "at": np.full(len(number), days.number(day)),
        }
    )
