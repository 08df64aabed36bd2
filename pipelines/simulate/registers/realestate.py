"""Registered rights in dwellings and rural homesteads (behind F30). A function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.dwellings import KINDS
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws

HOMESTEAD = KINDS.index("宅基地")
_UNREGISTERED = [KINDS.index(name) for name in ("宿舍", "工棚", "厂房")]
_PUBLIC = [KINDS.index(name) for name in ("公租房", "保租房", "公寓")]
_CANCELLED = 0.28  # dwellings whose former right is still in the register
_MOVING = 0.006  # rights registered anew in a month


def rights(world: World, day: date, whole: bool) -> pl.DataFrame:
    """One row a right: dwelling, generation (1 a former one), owner and co-owner (uid or -1), kind, registered, state.

    All of them, or those that changed hands in the month before the day's.
    """
    homes = world.dwellings.filter(~pl.col("kind").is_in([HOMESTEAD, *_UNREGISTERED]))
    month = f"{day.year * 12 + day.month}"
    number = homes["dwelling"].to_numpy()
    draws = Draws(world.seed, "rights", number)
    today = days.number(day)
    moved = draws.share(f"moved.{month}") < _MOVING
    since = np.maximum(
        days.number(date(1998, 1, 1)) + draws.whole("since", 0, 9_800),
        (homes["year"].to_numpy().astype(int) - 1970) * 365,
    )
    since = np.where(moved & (not whole), today - 1 - draws.whole("recent", 0, 28), np.minimum(since, today - 60))
    owner = homes["landlord"].to_numpy().astype(np.int64)
    spouse = world.people["spouse"].to_numpy()[owner]
    public = homes["kind"].is_in(_PUBLIC).to_numpy()
    share = draws.share("kind")
    kind = np.select([public, share < 0.02, share < 0.03], ["单位", "共有产权", "集体"], "个人")
    state = np.select([draws.share("state") < 0.01, draws.share("state") < 0.22], ["查封", "抵押"], "现势")
    now = pl.DataFrame(
        {
            "dwelling": number,
            "generation": np.zeros(len(number), dtype=np.int64),
            "owner": owner,
            "other": np.where((spouse >= 0) & (draws.share("both") < 0.45), spouse, -1).astype(np.int64),
            "kind": kind.astype(object),
            "registered": since,
            "status": state.astype(object),
            "area": homes["area"],
        },
        schema_overrides={"kind": pl.String, "status": pl.String},
    )
    if not whole:
        return now.filter(pl.Series(moved))
    former = now.filter(pl.Series(draws.share("former") < _CANCELLED)).with_columns(
        pl.lit(1, dtype=pl.Int64).alias("generation"),
        pl.lit("注销").alias("status"),
        pl.lit(-1, dtype=pl.Int64).alias("other"),
        (pl.col("registered") - 1_500).alias("registered"),
    )
    return pl.concat([now, former])


def homesteads(world: World, day: date) -> pl.DataFrame:
    """One row a homestead: dwelling, head (uid), areas, number of plots, transfer, rebuilding, moving, demolition."""
    homes = world.dwellings.filter(pl.col("kind") == HOMESTEAD)
    draws = Draws(world.seed, "homesteads", homes["dwelling"].to_numpy())
    quarter = f"{day.year * 4 + (day.month - 1) // 3}"
    approved = np.round(90 + 60 * draws.share("approved"), 1)
    return pl.DataFrame(
        {
            "dwelling": homes["dwelling"],
            "owner": homes["landlord"].cast(pl.Int64),
            "approved": approved,
            "occupied": np.round(approved * (0.9 + 0.35 * draws.share("occupied") ** 3), 1),
            "plots": 1 + (draws.share("plots") < 0.06).astype(np.int64),
            "transfer": draws.pick("transfer", ["未流转", "流转"], [0.92, 0.08]),
            "rebuild": draws.pick(f"rebuild.{quarter}", ["无", "审批", "施工", "竣工"], [0.94, 0.01, 0.015, 0.035]),
            "is_signed": draws.share("signed") < 0.07,
            "demolition": draws.pick("demolition", ["无", "签约", "过渡", "未签", "已安置"], [90, 3, 2, 1, 4]),
        }
    )
