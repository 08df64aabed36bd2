"""Orders of the citizens' hotline and how they were answered (behind F27)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, events

CATEGORIES = ["停车管理", "房屋维修", "邻里纠纷", "房屋违规使用", "业主大会/业委会", "消防管理", "群租管理"]
CATEGORIES += ["物业安保", "旧住房改造", "清洁卫生", "物业收费", "物业服务态度", "房屋交易纠纷", "其他"]
_A_YEAR, _MEMORY = 120_000, 365


def build(world: World, day: date, whole: bool) -> pl.DataFrame:
    """Orders as known at the end of `day`: all of a year, or those new or changed on the day.

    One row an order: event, moment, source, kind, category, dwelling, caller, days of contact, due, closing, answers.
    """
    event, at = events(world, "hotline", day, _MEMORY, _A_YEAR)
    draws = Draws(world.seed, "hotline", event)
    today = days.number(day)
    contact = at + draws.whole("contact", 0, 2)
    closed = at + 1 + np.floor(draws.share("pace") ** 2 * 24).astype(np.int64)
    is_closed = closed <= today
    answered = pl.Series(is_closed)

    def when_closed(values: pl.Series) -> pl.Series:
        return pl.select(pl.when(answered).then(values).otherwise(pl.lit(""))).to_series()

    frame = pl.DataFrame(
        {
            "event": event,
            "at": at,
            "second": draws.whole("second", 21_600, 79_200),
            "source": draws.pick(
                "source", ["电话", "网站", "随申办", "微信", "领导信箱"], [0.72, 0.05, 0.15, 0.06, 0.02]
            ),
            "kind": draws.pick("kind", ["咨询类", "求助类", "投诉举报类", "意见建议类"], [0.2, 0.35, 0.38, 0.07]),
            "category": draws.pick("category", CATEGORIES, [16, 14, 8, 5, 4, 7, 4, 5, 3, 12, 5, 5, 2, 10]),
            "dwelling": draws.whole("dwelling", 0, len(world.dwellings)),
            "caller": draws.whole("caller", 0, 60_000),
            "handler": draws.whole("handler", 1, 60),
            "contact": np.where(contact <= today, contact, days.NONE),
            "due": at + 15,
            "closed": np.where(is_closed, closed, days.NONE),
            "solved": when_closed(
                draws.pick("solved", ["解决", "部分解决", "未解决", "不办理退单"], [0.78, 0.1, 0.09, 0.03])
            ),
            "satisfaction": when_closed(
                draws.pick("happy", ["满意", "非常满意", "理解", "不满意", "未评价"], [0.42, 0.16, 0.1, 0.12, 0.2])
            ),
            "is_returned": draws.share("returned") < 0.03,
            "urged": np.floor(draws.share("urged") ** 6 * 4).astype(np.int64),
            "is_difficult": draws.share("difficult") < 0.015,
        }
    )
    return frame if whole else frame.filter(pl.Series((at == today) | (closed == today)))
