"""What registers draw alike: fixed shares of an entity, choices out of lists, people of a group, events of past days.

Nothing here knows a register.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins
from pipelines.simulate.population import World
from pipelines.simulate.seeds import shares

_EVENTS_A_DAY = 1_000_000


class Draws:
    """Shares in [0, 1) of some entities, by label: the same whenever they are asked for."""

    def __init__(self, seed: int, register: str, ids: np.ndarray):
        self.seed, self.register, self.ids = seed, register, np.asarray(ids)

    def share(self, label: str) -> np.ndarray:
        """One share for each entity."""
        return shares(self.seed, f"{self.register}.{label}", self.ids)

    def whole(self, label: str, low: int, high: int) -> np.ndarray:
        """Whole numbers from `low` up to but without `high`."""
        return low + np.floor(self.share(label) * (high - low)).astype(np.int64)

    def pick(self, label: str, options: Sequence[str], weights: Sequence[float] | None = None) -> pl.Series:
        """One of the options for each entity."""
        chance = np.full(len(options), 1 / len(options)) if weights is None else np.asarray(weights, dtype=float)
        at = np.searchsorted(np.cumsum(chance)[:-1] / chance.sum(), self.share(label), side="right")
        return pl.Series(list(options), dtype=pl.String).gather(at)


def citizens(world: World, day: date) -> pl.DataFrame:
    """Living people in the register who hold a citizen's number, as departments know them."""
    today = days.number(day)
    alive = (pl.col("reported") == days.NONE) | (pl.col("reported") > today)
    here = (pl.col("from_day") <= today) & (pl.col("until") > today)
    return world.people.filter(alive & here & (pl.col("cert_kind") == "111"))


def some(people: pl.DataFrame, seed: int, register: str, weight: np.ndarray, size: int) -> pl.DataFrame:
    """`size` of the people, the likelier the heavier; who is chosen depends on the person and not on the day."""
    rank = -np.log(shares(seed, f"{register}.chosen", people["uid"].to_numpy()) + 1e-12) / np.maximum(weight, 1e-9)
    size = min(size, int((weight > 0).sum()))
    return people[np.sort(np.argsort(rank, kind="stable")[:size])]


def events(world: World, register: str, day: date, back: int, a_year: float) -> tuple[np.ndarray, np.ndarray]:
    """Event numbers and their days (both int64) of the `back` days up to `day`; an event keeps its number for ever."""
    rate = a_year * world.scale / 365
    today = days.number(day)
    span = np.arange(today - back, today + 1)
    draw = shares(world.seed, f"{register}.times", span)
    size = np.floor(rate * (0.75 + 0.5 * draw) + shares(world.seed, f"{register}.rest", span)).astype(np.int64)
    size = np.maximum(size, 1)
    at = np.repeat(span, size)
    first = np.repeat(np.cumsum(size) - size, size)
    return at * _EVENTS_A_DAY + np.arange(len(at)) - first, at


def level(world: World, label: str, village: np.ndarray) -> np.ndarray:
    """What a village is like in some respect, a share in [0, 1) that stays: villages differ, and not by chance."""
    return shares(world.seed, f"level.{label}", np.asarray(village, dtype=np.int64))


def dwellings_by_level(world: World, draws: Draws, label: str, low: float, high: float) -> np.ndarray:
    """A dwelling for each entity, `low` to `high` times as likely by its village's level of `label`."""
    weight = low + (high - low) * level(world, label, world.dwellings["village"].to_numpy())
    bounds = np.cumsum(weight)
    return np.searchsorted(bounds, draws.share("dwelling") * bounds[-1], side="right").clip(max=len(weight) - 1)


def dwellings_of(world: World, draws: Draws, label: str = "dwelling") -> np.ndarray:
    """A dwelling for each entity; the number of dwellings never changes."""
    return draws.whole(label, 0, len(world.dwellings))


def persons_of(world: World, draws: Draws, at: np.ndarray, label: str = "person") -> np.ndarray:
    """An adult citizen for each event (uid), -1 where the draw fell on somebody who cannot have been there.

    Only people known on the event's own day are drawn, so that later arrivals change nothing.
    """
    known = np.searchsorted(world.people["from_day"].to_numpy(), np.maximum(at, _first(world)), side="right")
    uid = np.floor(draws.share(label) * known).astype(np.int64)
    people = world.people[uid]
    adult = people["birth"].to_numpy() < at - 18 * 366
    gone = people["died"].to_numpy()
    fit = adult & (people["cert_kind"] == "111").to_numpy() & ((gone == days.NONE) | (gone > at))
    return np.where(fit, uid, -1)


def _first(world: World) -> int:
    return int(world.people["from_day"].to_numpy()[0])


def count(thing: float, scale: float, least: int = 1) -> int:
    """How many of a district's things there are at a scale."""
    return margins.count(thing, scale, least)


def gather(values: pl.Series, at: np.ndarray, empty: str = "") -> pl.Series:
    """Values at positions, `empty` where the position is negative."""
    return pl.concat([values, pl.Series([empty], dtype=values.dtype)]).gather(np.where(at < 0, len(values), at))


def texts(values: np.ndarray) -> pl.Series:
    """An array of str objects as a text column."""
    return pl.Series(values.astype(object), dtype=pl.String)


def stamp(day_numbers: np.ndarray, seconds: np.ndarray, form: str = "%Y-%m-%d %H:%M:%S") -> pl.Series:
    """Moments as text, '' where the day is `NONE`."""
    known = day_numbers > days.NONE
    whole = pl.Series(np.where(known, day_numbers * 86_400 + seconds, 0)).cast(pl.Int64) * 1_000_000
    text = whole.cast(pl.Datetime("us")).dt.strftime(form)
    return pl.select(pl.when(pl.Series(known)).then(text).otherwise(pl.lit(""))).to_series()


def dates(day_numbers: np.ndarray, form: str = "%Y-%m-%d") -> pl.Series:
    """Days as text, '' for `NONE`."""
    return stamp(np.asarray(day_numbers).astype(np.int64), np.zeros(len(day_numbers), dtype=np.int64), form)
