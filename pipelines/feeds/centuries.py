"""The century of a season written with two places of its year, such as 05年冬 on a list of soldiers.

The century is the one that fits the life of the row's person and the date of the delivery. Where both fit, or neither,
the season stays unread. What is read without knowing the row stands in `days`.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pipelines.feeds.days import SEASONS
from pipelines.feeds.fields import PART_SUFFIX, Column

# The ages between which people enlist, retire and the like.
_FROM_AGE, _TO_AGE = 14, 65


def days(column: Column, texts: pl.Series, values: Mapping[str, pl.Series], business_on: date) -> pl.Series:
    """The first day of each season whose year has two places and one possible century; null everywhere else."""
    groups = pl.col("text").str.normalize("NFKC").str.extract_groups(r"^([0-9]{2})年?([春夏秋冬])季?$")
    month = groups.struct.field("2").replace_strict(SEASONS, default=None, return_dtype=pl.String)
    born = values.get(f"{column.intake.century_of}{PART_SUFFIX['birth_on']}")
    frame = pl.DataFrame(
        {"text": texts, "born": pl.repeat(None, len(texts), dtype=pl.Date, eager=True) if born is None else born}
    )
    old, new = (
        _fitting(pl.concat_str(pl.lit(c), groups.struct.field("1"), month, pl.lit("01")), business_on)
        for c in ("19", "20")
    )
    answer = frame.select(old.alias("old"), new.alias("new"))
    return answer.select(
        pl.when(pl.col("old").is_null() | pl.col("new").is_null()).then(pl.coalesce("old", "new"))
    ).to_series()


def _fitting(written: pl.Expr, business_on: date) -> pl.Expr:
    """The day, where it is not after the delivery and its person was of an age for it (or is not known)."""
    day, born = written.str.to_date("%Y%m%d", strict=False), pl.col("born")
    age = day.dt.year() - born.dt.year()
    return pl.when((day <= business_on) & age.is_between(_FROM_AGE, _TO_AGE).fill_null(True)).then(day)
