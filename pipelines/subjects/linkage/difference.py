"""Which rows of a snapshot say something else than the snapshot before it: nearly all say what they said.

Rows are compared by a hash of all their columns; groups of rows that share a value are told apart whole. What the
columns mean is the business of `evidence`.
"""

from collections.abc import Sequence
from functools import reduce

import polars as pl

# Odd and large, so that every column's hash reaches all places of the sum.
_FACTOR = pl.lit(0x9E3779B97F4A7C15, pl.UInt64)


def differing(was: pl.DataFrame, now: pl.DataFrame, groups: Sequence[str]) -> tuple[pl.Series, pl.Series]:
    """Two masks: rows of `now` to be looked at again, and rows of `was` that are not in `now`.

    To be looked at are new rows, all that share a value of a column of `groups` with a row that is new or gone, and all
    whose value several rows share: then which of them stands last may count. Rows tied by one value and by another are
    all taken or all left. Columns that `was` does not have do not count.
    """
    told = [c for c in was.columns if was[c].null_count() < len(was) or now[c].null_count() < len(now)]
    columns = told or was.columns
    before, after = (frame.select(_mixed(columns)).to_series() for frame in (was, now))
    is_gone = ~before.is_in(after.implode())
    marked = ~after.is_in(before.implode())
    ties = [group for group in groups if group in columns]
    for group in ties:
        lost = was[group].filter(is_gone).drop_nulls()
        several = now[group].hash().is_duplicated() & now[group].is_not_null()
        marked |= several | now[group].is_in(lost.implode()).fill_null(False)
    return _spread(now, ties, marked), is_gone


def _mixed(columns: Sequence[str]) -> pl.Expr:
    """One number of all values of a row; much cheaper than the hash of a struct."""
    return reduce(lambda mixed, column: mixed * _FACTOR + pl.col(column).hash(), columns, pl.lit(0, pl.UInt64))


def _spread(rows: pl.DataFrame, ties: Sequence[str], marked: pl.Series) -> pl.Series:
    """The marked rows and all that hang together with them."""
    while True:
        wider = marked
        for tie in ties:
            values = rows[tie].filter(wider).drop_nulls().unique()
            wider = wider | rows[tie].is_in(values.implode()).fill_null(False)
        if wider.sum() == marked.sum():
            return wider
        marked = wider
