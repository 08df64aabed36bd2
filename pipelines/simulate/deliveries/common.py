"""What several writers share: the occasion of a delivery, addresses, full-width digits, edits of single cells."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.truth import Truth

FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@dataclass
class Occasion:
    """One delivery to be written: the day, its folder (existing, empty), and where the truth is collected.

    `first` deliveries bring all there is; `earlier` ones came before the first day of the simulation.
    """

    feed: str
    day: date
    folder: Path
    truth: Truth
    first: bool
    earlier: bool = False

    def odd(self, name: str, file: str, lines: np.ndarray | None = None) -> None:
        """Say that lines of a file (counted as the truth counts them), or the whole file, are odd by nature."""
        self.truth.odd(self.feed, name, self.day, file, lines)


def edit(frame: pl.DataFrame, column: str, rows: np.ndarray, change: Callable[[str, int], str]) -> pl.DataFrame:
    """The frame with the text cells `column` of `rows` changed; `change(old, n)` gets the running number n."""
    if len(rows) == 0:
        return frame
    old = frame[column].gather(rows).to_list()
    fresh = pl.Series([change(value, place) for place, value in enumerate(old)], dtype=pl.String)
    return frame.with_columns(frame[column].scatter(rows, fresh))


def put(frame: pl.DataFrame, column: str, rows: np.ndarray, values: list[str]) -> pl.DataFrame:
    """The frame with cells replaced, the values taken in turn."""
    return edit(frame, column, rows, lambda _, place: values[place % len(values)])


def present(world: World, day: date) -> pl.DataFrame:
    """People in the register at the end of `day`."""
    today = days.number(day)
    people = world.people
    if people["until"].to_numpy().min() > today and people["from_day"].to_numpy().max() <= today:
        return people
    return people.filter((pl.col("from_day") <= today) & (pl.col("until") > today))


def with_places(frame: pl.DataFrame, world: World) -> pl.DataFrame:
    """Adds home_id, home_address, home_village (code) and the same of the hukou; '' where there is none.

    Addresses outside Qingpu are named by the division and a number above 9000.
    """
    homes = world.dwellings.select("dwelling", "dwelling_id", "address")
    ids = pl.concat([homes["dwelling_id"], pl.Series([""])])
    addresses = pl.concat([homes["address"], pl.Series([""])])
    codes = pl.concat([world.villages["village_code"], pl.Series([""])])

    def at(values: pl.Series, column: str) -> pl.Series:
        place = frame[column].cast(pl.Int64).to_numpy()
        return values.gather(np.where(place < 0, len(values) - 1, place))

    origins = world.reference.origins
    order = np.argsort(origins["division_code"].to_numpy(), kind="stable")
    sorted_codes = origins["division_code"].to_numpy()[order]
    division = frame["division"].to_numpy()
    found = np.minimum(np.searchsorted(sorted_codes, division), len(order) - 1)
    known = sorted_codes[found] == division
    far = (
        origins["place"].gather(order[found]) + pl.Series(9_001 + frame["uid"].to_numpy() % 990).cast(pl.String) + "号"
    )
    hukou_address = at(addresses, "hukou_dwelling")
    return frame.with_columns(
        home_id=at(ids, "dwelling"),
        home_address=at(addresses, "dwelling"),
        home_village=at(codes, "village"),
        hukou_id=at(ids, "hukou_dwelling"),
        hukou_address=pl.select(pl.when(pl.Series(known)).then(far).otherwise(hukou_address)).to_series(),
        hukou_code=at(codes, "hukou_village"),
    )
