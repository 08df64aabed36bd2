"""Cases of the grid management and the components in the streets (behind F26)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, count, dwellings_by_level, events, level

KINDS = ["暴露垃圾", "占道经营", "跨门经营", "违法搭建", "道路破损", "乱张贴", "绿化损毁", "河道垃圾", "乱堆物"]
KINDS += ["架空线", "井盖缺损", "路灯不亮", "其他"]
SOURCES = ["监督员上报", "村居", "12345", "我治理", "智能发现", "部门转办"]
COMPONENTS = ["公用设施", "道路交通", "市容环境", "园林绿化", "其他部件"]
# Mostly things in the streets: were dirt and disorder more than every seventh case, no village would be a clean one.
_KIND_SHARE = [4, 2, 2, 3, 22, 3, 1, 1, 2, 12, 13, 14, 21]
_PARTS = ["道路破损", "绿化损毁", "架空线", "井盖缺损", "路灯不亮"]
_A_YEAR, _COMPONENTS, _MEMORY = 260_000, 420_000, 365
_DAY = 86_400
_REOPENED = 0.01  # of the cases, two days after they were closed


def cases(world: World, day: date, whole: bool) -> pl.DataFrame:
    """Cases as known at the end of `day`: all of a year, or those new or changed on the day.

    One row a case: event, source, kind, place, moments of its way in seconds since 1970 (-1: not yet), state, marks.
    """
    event, at = events(world, "grid", day, _MEMORY, _A_YEAR)
    draws = Draws(world.seed, "grid", event)
    end = (days.number(day) + 1) * _DAY
    found = at * _DAY + draws.whole("second", 25_200, 68_400)
    steps = {"found": found, "accepted": found + draws.whole("accept", 60, 1_800)}
    steps["filed"] = steps["accepted"] + draws.whole("file", 120, 3_600)
    steps["dispatched"] = steps["filed"] + draws.whole("dispatch", 300, 7_200)
    dwelling = dwellings_by_level(world, draws, "cases", 0.4, 1.8)
    # Some villages are slow: in the best nothing is overdue, in the worst every fifth case is.
    slow = level(world, "slow", world.dwellings["village"].to_numpy()[dwelling])
    longest = (4.5 + 6 * slow) * _DAY
    steps["solved"] = steps["dispatched"] + 3_600 + np.floor(draws.share("solve") ** 3 * longest).astype(np.int64)
    steps["closed"] = steps["solved"] + draws.whole("close", 3_600, 2 * _DAY)
    # A closed case whose fault is back is opened again under its number, and solved and closed once more.
    again = steps["closed"] + 2 * _DAY
    is_open_again = (draws.share("again") < _REOPENED) & (again < end)
    steps["solved"] = np.where(is_open_again, again + 20_000 + draws.whole("anew", 0, 2 * _DAY), steps["solved"])
    steps["closed"] = np.where(is_open_again, steps["solved"] + _DAY // 2, steps["closed"])
    known = {name: np.where(value < end, value, -1) for name, value in steps.items()}
    names = list(steps)
    reached = sum((known[name] >= 0).astype(np.int64) for name in names)
    state = pl.Series(["受理", "受理", "立案", "派遣", "待核查", "结案"]).gather(np.maximum(reached, 1) - 1)
    waiting = (state == "派遣").to_numpy() & (end - known["dispatched"] > _DAY // 4)
    state = pl.select(pl.when(pl.Series(waiting)).then(pl.lit("处置中")).otherwise(state)).to_series()
    changed = is_open_again & (again >= end - _DAY)
    for name in names:
        changed |= known[name] >= end - _DAY
    kind = draws.pick("kind", KINDS, _KIND_SHARE)
    closed = known["closed"] >= 0
    frame = pl.DataFrame(
        {
            "event": event,
            "source": draws.pick("source", SOURCES, [0.44, 0.18, 0.12, 0.08, 0.12, 0.06]),
            "kind": kind,
            "is_part": kind.is_in(_PARTS),
            "dwelling": dwelling,
            "state": state,
            **known,
            "is_overdue": (steps["solved"] - steps["filed"] > 5 * _DAY) & (reached >= 5),
            "is_sent_back": draws.share("back") < 0.03,
            "is_ok": closed & (draws.share("ok") < 0.96),
            "is_closed": closed,
            "is_joint": draws.share("joint") < 0.02,
            "is_reopened": is_open_again,
            "is_typical": draws.share("typical") < 0.002,
        }
    )
    return frame if whole else frame.filter(pl.Series(changed))


def components(world: World) -> pl.DataFrame:
    """One row a component: number, kind, place."""
    number = np.arange(count(_COMPONENTS, world.scale, 80))
    draws = Draws(world.seed, "grid.components", number)
    return pl.DataFrame(
        {
            "component": number,
            "kind": draws.pick("kind", COMPONENTS, [0.42, 0.2, 0.12, 0.2, 0.06]),
            "dwelling": draws.whole("dwelling", 0, len(world.dwellings)),
            "is_whole": draws.share("whole") < 0.985,
        }
    )
