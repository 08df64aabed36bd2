"""How far published scores moved from one date to the next, which indicator moved them most, and whether anything came.

A score that moves without news is not believed: on a day on which no feed delivered, no unit's score may move by more
than the specification promises (`expect.still`). Belongs here: comparing two databases that are published.
Not here: scoring a date again under another edition (`past`) and the trend of an area (`editions.changes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from pipelines.indices.past import date_of
from pipelines.indices.problems import DataError
from pipelines.indices.spec import IndexSpec


@dataclass(frozen=True)
class Published:
    """One date as published: units' scores of the root, their cells, and up to when each feed had spoken."""

    day: date
    scores: pl.DataFrame
    cells: pl.DataFrame
    feeds: pl.DataFrame


def movements(spec: IndexSpec, databases: Sequence[Path]) -> pl.DataFrame:
    """Return one row a pair of neighbouring dates: how many units moved how far, and whether the promise was kept.

    Of two databases of one date the later in the list counts; `news` counts feeds that delivered in between, and
    `is_kept` is null where there was news or nothing is promised. Raises `DataError` without two dates.
    """
    found = {known.day: known for known in (_read(spec, database) for database in databases)}
    if len(found) < 2:
        raise DataError("a movement needs two dates: give a second database with --history")
    rows = [_pair(spec, found[first], found[second]) for first, second in pairwise(sorted(found))]
    return pl.DataFrame(rows, infer_schema_length=None).cast({"area": pl.String, "is_kept": pl.Boolean})


def _read(spec: IndexSpec, database: Path) -> Published:
    key = [spec.index, spec.edition, spec.units.level]
    with duckdb.connect(str(database), read_only=True) as connection:
        day = date_of(connection, database)
        scores = connection.sql(
            "select area_code, score from indices.index_score "
            "where index = ? and edition = ? and level = ? and part_code = ? and rank is not null",
            params=[*key, spec.root.code],
        ).pl()
        cells = connection.sql(
            "select area_code, part_code, score from indices.index_cell "
            "where index = ? and edition = ? and level = ? and score is not null",
            params=key,
        ).pl()
        feeds = connection.sql("select feed, business_on from subjects.feed_status").pl()
    if scores.height == 0:
        raise DataError(f"{database} holds no ranked score of {spec.index} {spec.edition}")
    return Published(day, scores, cells, feeds)


def _pair(spec: IndexSpec, before: Published, after: Published) -> dict[str, object]:
    both = before.scores.join(after.scores, on="area_code", suffix="_after")
    moved = np.abs((both["score_after"] - both["score"]).to_numpy())
    fresh = before.feeds.join(after.feeds, on="feed", suffix="_after", nulls_equal=True)
    news = fresh.filter(pl.col("business_on").ne_missing(pl.col("business_on_after"))).height
    greatest = float(moved.max()) if len(moved) else 0.0
    still, days = spec.expect.still, (after.day - before.day).days
    mover, most = _mover(before, after)
    return {
        "from": before.day.isoformat(),
        "to": after.day.isoformat(),
        "news": news,
        "units": both.height,
        "moved": int((moved > 1e-9).sum()),
        "median": round(float(np.median(moved)), 4) if len(moved) else 0.0,
        "above_1": int((moved > 1).sum()),
        "above_3": int((moved > 3).sum()),
        "greatest": round(greatest, 4),
        "area": both["area_code"][int(moved.argmax())] if greatest else None,
        "moved_by": mover,
        "indicator_units": most,
        "is_kept": None if news or still is None else greatest <= still * days,
    }


def _mover(before: Published, after: Published) -> tuple[str | None, int]:
    """Return the indicator whose scores moved most over all units, and in how many it moved."""
    both = before.cells.join(after.cells, on=["area_code", "part_code"], suffix="_after")
    found = (
        both.with_columns(by=(pl.col("score_after") - pl.col("score")).abs())
        .filter(pl.col("by") > 1e-9)
        .group_by("part_code")
        .agg(pl.col("by").sum(), pl.len().alias("units"))
        .sort("by", "part_code", descending=[True, False])
    )
    return (found["part_code"][0], int(found["units"][0])) if found.height else (None, 0)
