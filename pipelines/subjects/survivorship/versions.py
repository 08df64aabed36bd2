"""Versions: a person's whole row as it was known from one date to another.

A row is closed on the date on which one of its attributes became something else, or nobody spoke of the person any
more. The row in force stands in `person`; here are the rows that were. What was true when is kept by `periods`.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipelines.subjects.survivorship.claims import PERSON

KNOWN_FROM, KNOWN_TO = "known_from_on", "known_to_on"


def dated(now: pl.DataFrame, was: pl.DataFrame, place: pl.Series, attributes: Sequence[str], on: date) -> pl.DataFrame:
    """People as merged now, with `known_from_on`: since when all of their attributes have been known to be so.

    `was` are rows of the date before, and `place` tells for each of `now` which of them is the same person's; null for
    who is not there and begins today.
    """
    former = was.select(pl.col(a).gather(place).alias(f"was:{a}") for a in (KNOWN_FROM, *attributes))
    same = pl.all_horizontal(pl.col(a).eq_missing(pl.col(f"was:{a}")) for a in attributes)
    begun = pl.col(f"was:{KNOWN_FROM}")
    since = now.hstack(former).select(pl.when(begun.is_not_null() & same).then(begun).otherwise(pl.lit(on)))
    return now.with_columns(since.to_series().alias(KNOWN_FROM))


def closed(now: pl.DataFrame, was: pl.DataFrame, attributes: Sequence[str], on: date) -> pl.DataFrame:
    """The rows of the date before that are not in force any more, with the date on which they ceased to be.

    `now` must come from `dated`: a row that goes on is one that began before today.
    """
    going_on = now.filter(pl.col(KNOWN_FROM) < on).select(PERSON)
    ended = was.join(going_on, on=PERSON, how="anti")
    return ended.select(PERSON, *attributes, KNOWN_FROM, pl.lit(on).alias(KNOWN_TO))
