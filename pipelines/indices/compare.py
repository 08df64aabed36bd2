"""Two built indices side by side: scores, ranks and their shifts, for editions and for variants of the method.

Not here: deciding which is right.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.indices.associations import correlation
from pipelines.indices.problems import DataError
from pipelines.indices.result import Result


@dataclass(frozen=True)
class Comparison:
    """Units both results score: one row a unit and period with both scores, ranks and shifts, and a summary."""

    table: pl.DataFrame
    summary: dict[str, float | int | None]


def compare(first: Result, second: Result, node: str | None = None, level: str | None = None) -> Comparison:
    """Compare a node (default: each result's root) at a level (default: the units)."""
    frames = []
    for result in (first, second):
        name = node or result.spec.root.code
        at = level or result.spec.units.level
        if at not in result.levels or name not in result.levels[at].nodes:
            raise DataError(
                f"edition {result.spec.edition} of {result.spec.index} has no node '{name}' at level '{at}'"
            )
        scores = result.scores(at).filter(pl.col("node") == name)
        frames.append(scores.select("area_code", "period", "score", "rank"))
    joined = frames[0].join(frames[1], on=["area_code", "period"], how="full", suffix="_second", coalesce=True)
    table = joined.with_columns(
        (pl.col("score_second") - pl.col("score")).round(10).alias("score_change"),
        (pl.col("rank_second") - pl.col("rank")).alias("rank_change"),
    ).sort("period", "area_code")
    both = table.drop_nulls(["score", "score_second"])
    x, y = both["score"].to_numpy(), both["score_second"].to_numpy()
    shifts = both["rank_change"].drop_nulls().abs()
    return Comparison(
        table,
        {
            "units": both.height,
            "only_first": table.filter(pl.col("score").is_not_null() & pl.col("score_second").is_null()).height,
            "only_second": table.filter(pl.col("score").is_null() & pl.col("score_second").is_not_null()).height,
            "pearson": _finite(correlation(x, y, "pearson")[0]),
            "spearman": _finite(correlation(x, y, "spearman")[0]),
            "kendall": _finite(correlation(x, y, "kendall")[0]),
            "mean_score_change": float(np.mean(y - x)) if both.height else None,
            "mean_rank_shift": float(np.mean(shifts.to_numpy())) if len(shifts) else None,
            "max_rank_shift": float(np.max(shifts.to_numpy())) if len(shifts) else None,
        },
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
