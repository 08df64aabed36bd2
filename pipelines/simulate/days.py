"""Dates as the simulator keeps them: days since 1970-01-01 in int32 arrays, `NONE` where there is no date.

The sentinel is far below every birth date, so that comparisons with real dates need no mask.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

NONE = -1_000_000
_EPOCH = date(1970, 1, 1)


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(value: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=int(value))


def years_before(day: date, years: np.ndarray) -> np.ndarray:
    """Day numbers of the same calendar day `years` earlier (29 February becomes 1 March)."""
    month = (day.year - 1970) * 12 + day.month - 1 - 12 * np.asarray(years, dtype=np.int64)
    first = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return (first + day.day - 1).astype(np.int32)


def births(day: date, ages: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Birth day numbers, uniform among those that make each person exactly `ages` full years old on `day`."""
    youngest = years_before(day, ages).astype(np.int64)
    oldest = years_before(day, np.asarray(ages) + 1).astype(np.int64) + 1
    return (oldest + np.floor(rng.random(len(ages)) * (youngest - oldest + 1))).astype(np.int32)


def ages(birth: np.ndarray, day: date) -> np.ndarray:
    """Full years of age on `day` (int16); people born on 29 February become older on 1 March."""
    stamp = np.asarray(birth, dtype=np.int64).astype("datetime64[D]")
    year = stamp.astype("datetime64[Y]").astype(np.int64) + 1970
    month = stamp.astype("datetime64[M]").astype(np.int64) % 12 + 1
    of_month = (stamp - stamp.astype("datetime64[M]")).astype(np.int64) + 1
    before = (month > day.month) | ((month == day.month) & (of_month > day.day))
    return (day.year - year - before).astype(np.int16)


def as_date(column: str) -> pl.Expr:
    """Expression: a column of day numbers as Date, null for `NONE`."""
    return pl.when(pl.col(column) > NONE).then(pl.col(column)).cast(pl.Date)


def text(column: str, form: str = "%Y%m%d", empty: str = "") -> pl.Expr:
    """Expression: a column of day numbers as text in strftime's `form`, `empty` for `NONE`."""
    return as_date(column).dt.strftime(form).fill_null(empty)
