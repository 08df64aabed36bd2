"""Residential estates and their management (behind F29): whatever estates the dwellings form."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.dwellings import KINDS as BUILDINGS
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws

KINDS = ["商品房", "动迁安置", "售后公房", "别墅"]
_MIXED = 0.7  # with a smaller share of one kind of building an estate is mixed


def build(world: World, day: date) -> pl.DataFrame:
    """One row an estate in order of code; scores and the date of change move by the quarter."""
    codes = {BUILDINGS.index(name): name for name in KINDS}
    homes = world.dwellings.filter(pl.col("estate") != "")
    frame = (
        homes.with_columns(pl.col("kind").cast(pl.Int64).replace_strict(codes, default="商品房").alias("word"))
        .group_by("estate")
        .agg(
            pl.len().alias("homes"),
            pl.col("village").first().cast(pl.Int64),
            pl.col("year").median().cast(pl.Int64),
            pl.col("lift").sum(),
            pl.col("lift_added").sum(),
            *((pl.col("word") == word).mean().alias(word) for word in KINDS),
        )
        .sort("estate")
    )
    draws = Draws(world.seed, "estates", np.arange(len(frame)))
    shares_of = frame.select(KINDS).to_numpy()
    kind = np.where(shares_of.max(axis=1) >= _MIXED, np.array(KINDS)[shares_of.argmax(axis=1)], "混合")
    households = frame["homes"].to_numpy()
    lifts = np.ceil(frame["lift"].to_numpy() / 20).astype(np.int64)
    added = np.ceil(frame["lift_added"].to_numpy() / 20).astype(np.int64)
    state = draws.pick("committee", ["已组建", "筹备", "未组建", "不具备条件"], [0.64, 0.07, 0.19, 0.1])
    quarter = f"{day.year}.{day.month // 4}"
    return frame.select("estate", "homes", "village", "year").with_columns(
        pl.Series("kind", kind.astype(object), dtype=pl.String),
        pl.Series("company", draws.whole("company", 1, 90)),
        pl.Series("fee", np.round(0.4 + 3.2 * draws.share("fee") ** 2, 2)),
        state.alias("committee"),
        pl.Series(
            "term_end",
            np.where(
                (state == "已组建").to_numpy(),
                days.number(date(2026, 4, 1)) + draws.whole("term", 0, 1_500),
                days.NONE,
            ),
        ),
        pl.Series("lifts", lifts),
        pl.Series("lifts_added", np.minimum(added, lifts)),
        pl.Series("fund", np.round(draws.share("fund"), 3)),
        pl.Series("score", draws.whole(f"score.{quarter}", 58, 99)),
        pl.Series("chargers", np.floor(households * 0.09 * draws.share("chargers")).astype(np.int64)),
        pl.Series("parking", np.floor(households * (0.25 + 0.8 * draws.share("parking"))).astype(np.int64)),
        pl.Series("updated", days.number(day) - 1 - draws.whole(f"updated.{quarter}", 0, 80)),
    )
