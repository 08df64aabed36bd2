"""Safety inspections and the hazards they find, followed until they are mended (behind F33)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, count, events

PLACES = ["九小", "三合一", "高层", "充电点", "危化", "粉尘", "有限空间", "工地", "养老机构", "学校", "企业", "出租房"]
_PLACE_SHARE = [30, 3, 8, 10, 1, 0.5, 1.5, 4, 2, 3, 20, 17]
HAZARDS = ["消防通道", "飞线充电", "电气线路", "燃气", "消防设施", "违规住人", "危化储存", "其他"]
_A_YEAR, _PLACES, _MEMORY = 160_000, 30_000, 365


def build(world: World, day: date, whole: bool) -> pl.DataFrame:
    """Inspections as known at the end of `day`: all of a year, or those new or changed on the day.

    One row an inspection: event, place, kind, village, found hazard or '', its level, days and moments, repeats.
    """
    event, at = events(world, "inspections", day, _MEMORY, _A_YEAR)
    draws = Draws(world.seed, "inspections", event)
    today = days.number(day)
    place = draws.whole("place", 0, count(_PLACES, world.scale, 40))
    of_place = Draws(world.seed, "inspections.places", place)
    has_hazard = draws.share("found") < 0.24
    due = at + np.where(draws.share("urgent") < 0.3, 3, 15)
    fixed = at + 1 + np.floor(draws.share("pace") ** 2 * 40).astype(np.int64)
    is_fixed = has_hazard & (fixed <= today) & (draws.share("never") > 0.02)
    status = np.select([~has_hazard, is_fixed, due < today, at == today], ["", "已整改", "逾期", "待整改"], "整改中")
    moves = has_hazard & ~is_fixed & ((due + 1 == today) | (at + 1 == today))
    changed = (at == today) | (is_fixed & (fixed == today)) | moves
    frame = pl.DataFrame(
        {
            "event": event,
            "at": at,
            "second": draws.whole("second", 30_000, 61_000),
            "place": place,
            "place_kind": of_place.pick("kind", PLACES, _PLACE_SHARE),
            "dwelling": of_place.whole("dwelling", 0, len(world.dwellings)),
            "hazard_kind": pl.Series([*HAZARDS, ""]).gather(np.where(has_hazard, draws.whole("kind", 0, 8), 8)),
            "is_major": has_hazard & (draws.share("major") < 0.03),
            "due": np.where(has_hazard, due, days.NONE),
            "fixed": np.where(is_fixed, fixed, days.NONE),
            "status": status.astype(object),
            "repeats": np.where(has_hazard, np.floor(draws.share("repeats") ** 4 * 4).astype(np.int64), 0),
            "inspector": of_place.whole("inspector", 1, 200),
        },
        schema_overrides={"status": pl.String},
    )
    return frame if whole else frame.filter(pl.Series(changed))
