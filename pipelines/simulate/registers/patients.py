"""Patients of the mental-health centre (behind F16, restricted). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_PERSONS = 5_500
_GROUPS = [
    "精神分裂症",
    "分裂情感性障碍",
    "偏执性精神病",
    "双相情感障碍",
    "癫痫所致精神障碍",
    "精神发育迟滞伴发精神障碍",
]


def build(world: World, day: date) -> pl.DataFrame:
    """One row a person: uid, then the columns of F16 as text."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    weight = np.where(age >= 18, np.where(people["book"] >= 0, 1.0, 0.15), 0)
    people = draws.some(people, world.seed, "smi", weight, draws.count(_PERSONS, world.scale, 25))
    d, today = Draws(world.seed, "smi", people["uid"].to_numpy()), days.number(day)
    relative = np.select(
        [people["spouse"] >= 0, people["mother"] >= 0, people["father"] >= 0],
        [people["spouse"], people["mother"], people["father"]], -1,
    )  # fmt: skip
    guarded = np.where(relative >= 0, np.where(d.share("weak") < 0.1, "弱监护", "正常"), "无监护")
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "个案号": "JW" + people["uid"].cast(pl.String).str.zfill(9),
            "姓名": people["name"],
            "身份证号": people["cert_no"],
            "诊断组": d.pick("group", _GROUPS, [0.68, 0.03, 0.04, 0.10, 0.05, 0.10]),
            "危险性评估": d.pick("risk", list("012345"), [0.9, 0.05, 0.02, 0.02, 0.007, 0.003]),
            "监护人姓名": draws.gather(world.people["name"], relative.astype(np.int64)),
            "监护人电话": draws.gather(world.people["mobile"], relative.astype(np.int64)),
            "监护状态": draws.texts(guarded),
            "以奖代补": draws.texts(np.where((guarded != "无监护") & (d.share("reward") < 0.7), "是", "否")),
            "最近随访日期": draws.dates(today - d.whole("followed", 3, 120)),
            "服药依从性": d.pick("medication", ["规律", "间断", "不服药", "医嘱无需服药"], [0.8, 0.12, 0.05, 0.03]),
            "是否在院": draws.texts(np.where(d.share("inside") < 0.12, "是", "否")),
        }
    )
