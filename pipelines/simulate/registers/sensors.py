"""Devices in the homes of older people (behind F23): who has which, since when, its state and last alarm."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, citizens, count, some

KINDS = ["一键呼叫", "智能水表", "门磁", "烟感"]
_DEVICES = 26_000
_ALARM_SHARE = 0.05
ALARMS = {"一键呼叫": "呼叫", "智能水表": "用水异常", "门磁": "长时未出门", "烟感": "烟雾"}


def build(world: World, day: date) -> pl.DataFrame:
    """One row a device: uid, dwelling, kind, installed, state, last alarm (day and second), changed."""
    people = citizens(world, day).filter(pl.col("dwelling") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    home = people["household"].to_numpy()
    size = np.bincount(home[home >= 0], minlength=int(home.max()) + 1)
    alone = (home >= 0) & (size[np.maximum(home, 0)] == 1)
    weight = (age >= 65) * np.where(alone, 6.0, 1.0) * np.where(age >= 80, 2.0, 1.0)
    holders = some(people, world.seed, "sensors", weight, count(_DEVICES / 1.6, world.scale, 20))
    uid = np.repeat(holders["uid"].to_numpy(), 2)
    kind = np.tile([0, 1], len(holders))
    dwelling = np.repeat(holders["dwelling"].to_numpy(), 2)
    draws = Draws(world.seed, "sensors", uid.astype(np.int64) * 4 + kind)
    kind = np.where(draws.share("other") < 0.35, kind + 2, kind)
    keep = (np.arange(len(uid)) % 2 == 0) | (draws.share("second") < 0.6)
    today = days.number(day)
    installed = today - 10 - draws.whole("installed", 0, 1_800)
    state = draws.share(f"state.{today // 3}")
    has_alarm = draws.share("has_alarm") < 0.5
    alarm = np.where(draws.share(f"alarm.{today}") < _ALARM_SHARE, today, today - 2 - draws.whole("alarm", 0, 200))
    return pl.DataFrame(
        {
            "uid": uid,
            "dwelling": dwelling,
            "device": uid.astype(np.int64) * 4 + kind,
            "kind": pl.Series(KINDS).gather(kind),
            "installed": installed,
            "state": pl.Series(["在线", "离线", "停用"]).gather(np.select([state < 0.93, state < 0.985], [0, 1], 2)),
            "alarmed": np.where(has_alarm & (alarm > installed), alarm, days.NONE),
            "second": draws.whole(f"second.{today}", 0, 86_400),
            "changed": np.maximum(today - draws.whole("changed", 0, 90), installed + 1),
        }
    ).filter(pl.Series(keep))
