"""People's mediation: disputes, their parties and how they end (behind F24)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, events, persons_of

KINDS = ["邻里", "婚姻家庭", "物业", "房屋宅基地", "劳动", "损害赔偿", "土地承包", "消费", "家暴", "其他"]
_SHARE = [22, 16, 14, 10, 14, 10, 2, 6, 1, 5]
_A_YEAR, _MEMORY = 11_000, 365
_REVISED = 0.08  # of the cases closed with success


def build(world: World, day: date, whole: bool) -> pl.DataFrame:
    """Cases as known at the end of `day`: all of a year, or those taken in, closed or revised on the day.

    One row a case: event, at, second, kind, village, both parties (uid, -1 without a number), result, closed, amount,
    whether the result was changed after closing.
    """
    event, at = events(world, "mediation", day, _MEMORY, _A_YEAR)
    draws = Draws(world.seed, "mediation", event)
    today = days.number(day)
    first = persons_of(world, draws, at, "applicant")
    second = persons_of(world, draws, at, "respondent")
    first = np.where(draws.share("anonymous") < 0.12, -1, first)
    second = np.where((draws.share("unnamed") < 0.35) | (second == first), -1, second)
    closed = at + 2 + np.floor(draws.share("pace") ** 2 * 50).astype(np.int64)
    is_closed = closed <= today
    outcome = draws.pick("result", ["成功", "未成", "撤回", "转诉讼"], [0.88, 0.06, 0.03, 0.03])
    # Some agreements come to nothing: days after a case was closed its result is another.
    revised_on = np.where(draws.share("revised") < _REVISED, closed + 1 + draws.whole("later", 0, 4), today + 1)
    is_revised = (revised_on <= today) & (outcome == "成功").to_numpy()
    result = pl.select(
        pl.when(pl.Series(is_revised)).then(pl.lit("转诉讼"))
        .when(pl.Series(is_closed)).then(outcome)
        .otherwise(pl.lit("办理中"))
    ).to_series()  # fmt: skip
    frame = pl.DataFrame(
        {
            "event": event,
            "at": at,
            "second": draws.whole("second", 30_000, 61_000),
            "kind": draws.pick("kind", KINDS, _SHARE),
            "village": draws.whole("village", 0, len(world.villages)),
            "applicant": first,
            "respondent": second,
            "mediator": draws.whole("mediator", 1, 300),
            "is_difficult": draws.share("difficult") < 0.06,
            "result": result,
            "is_confirmed": is_closed & (draws.share("confirmed") < 0.08),
            "closed": np.where(is_closed, closed, days.NONE),
            "amount": np.where(is_closed & (draws.share("paid") < 0.3), draws.whole("amount", 1, 800) * 100, 0),
            "is_legal_aid": draws.share("aid") < 0.03,
            "is_revised": is_revised,
        }
    )
    return (
        frame
        if whole
        else frame.filter(pl.Series((at == today) | (closed == today) | (is_revised & (revised_on == today))))
    )
