"""Veterans and others entitled to benefits (behind F09). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import with_places
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_PERSONS = 22_000
_BENEFITS = [
    "残疾军人",
    "烈士遗属",
    "因公牺牲遗属",
    "病故遗属",
    "在乡复员",
    "带病回乡",
    "参战",
    "参试",
    "农村籍",
    "老年烈士子女",
]


def build(world: World, day: date) -> pl.DataFrame:
    """One row a person: uid, then the columns of F09 as text."""
    people = citizens(world, day).filter((pl.col("book") >= 0) | (pl.col("village") >= 0))
    age = days.ages(people["birth"].to_numpy(), day)
    local = (people["book"] >= 0).to_numpy()
    weight = np.where(age >= 22, np.where(people["sex"] == 1, 1.0, 0.08) * np.where(local, 1.0, 0.05), 0)
    people = draws.some(people, world.seed, "veteran", weight, draws.count(_PERSONS, world.scale, 30))
    d, today = Draws(world.seed, "veteran", people["uid"].to_numpy()), days.number(day)
    age = days.ages(people["birth"].to_numpy(), day)
    enlisted = people["birth"].to_numpy().astype(np.int64) + 18 * 366 + d.whole("enlisted", 0, 400)
    retired = np.minimum(enlisted + d.whole("served", 700, 1_600), today - 30)
    family = d.share("family") < 0.05
    kind = d.pick("kind", ["自主就业", "转业", "复员", "军休", "退休安置"], [0.72, 0.12, 0.11, 0.03, 0.02])
    kind = pl.select(pl.when(pl.Series(family)).then(pl.lit("现役军人家属")).otherwise(kind)).to_series()
    entitled = (age >= 60) & (d.share("entitled") < 0.5)
    benefit = pl.select(
        pl.when(pl.Series(entitled)).then(d.pick("benefit", _BENEFITS)).otherwise(pl.lit(""))
    ).to_series()
    places = with_places(people, world)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "姓名": people["name"],
            "公民身份号码": people["cert_no"],
            "性别": draws.texts(np.where(people["sex"] == 1, "男", "女")),
            "人员类别": kind,
            "优抚类别": benefit,
            "入伍时间": draws.dates(np.where(family, days.NONE, enlisted)),
            "退役时间": draws.dates(np.where(family, days.NONE, retired)),
            "服役部队": d.pick("unit", ["某部队", "某师", "某团"]),
            "立功受奖": d.pick(
                "merit", ["", "一等功", "二等功", "三等功", "优秀士兵"], [0.8, 0.002, 0.01, 0.08, 0.108]
            ),
            "光荣牌状态": d.pick("plaque", ["悬挂", "破损", "未悬挂", "不适用"], [0.85, 0.04, 0.08, 0.03]),
            "优待证状态": d.pick("card", ["已领", "申领中", "未申领"], [0.8, 0.05, 0.15]),
            "困难情况": d.pick("hardship", ["", "因病致困", "低保", "住房困难"], [0.93, 0.03, 0.02, 0.02]),
            "联系电话": people["mobile"],
            "户籍地": places["hukou_address"],
            "常住地": places["home_address"],
        }
    )
