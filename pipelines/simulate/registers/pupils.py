"""Pupils and children due for school (behind F17). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import with_places
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

# stage: (file, youngest, oldest, share of the age group, grades)
STAGES = {
    "托育": ("tuoyu", 2, 2, 0.25, ["托班"]),
    "幼儿园": ("youeryuan", 3, 5, 0.93, ["小班", "中班", "大班"]),
    "小学": ("xiaoxue", 6, 10, 0.97, ["一年级", "二年级", "三年级", "四年级", "五年级"]),
    "初中": ("chuzhong", 11, 14, 0.97, ["六年级", "七年级", "八年级", "九年级"]),
    "高中": ("gaozhong", 15, 17, 0.55, ["高一", "高二", "高三"]),
    "中职": ("zhongzhi", 15, 17, 0.25, ["一年级", "二年级", "三年级"]),
}
_NUMERALS = "一二三四五六七八"


def build(world: World, day: date) -> pl.DataFrame:
    """One row a pupil, by stage: uid, stage (position), birth (day number), then the columns of F17 as text."""
    every = citizens(world, day).filter(pl.col("village") >= 0)
    ages = days.ages(every["birth"].to_numpy(), day)
    young = (ages < 18) & (ages >= 2)
    every, ages = every.filter(pl.Series(young)), ages[young]
    draw = Draws(world.seed, "pupil", every["uid"].to_numpy()).share("school")
    frames = []
    for place, (stage, (_, low, high, share, grades)) in enumerate(STAGES.items()):
        start = STAGES["高中"][3] if stage == "中职" else 0.0
        chosen = (ages >= low) & (ages <= high) & (draw >= start) & (draw < start + share)
        people, age = every.filter(pl.Series(chosen)), ages[chosen]
        frames.append(_of_stage(world, people, place, stage, pl.Series(grades).gather(age.astype(np.int64) - low)))
    return pl.concat(frames)


def _of_stage(world: World, people: pl.DataFrame, place: int, stage: str, grade: pl.Series) -> pl.DataFrame:
    d = Draws(world.seed, "pupil", people["uid"].to_numpy())
    places = with_places(people, world)
    local = (people["book"] >= 0).to_numpy()
    town = world.villages["town_name"].gather(people["village"].cast(pl.Int64))
    short = town.str.replace("街道|镇", "")
    school = (
        "青浦区"
        + short
        + stage.replace("小学", "第一小学")
        + draws.texts(np.where(d.share("branch") < 0.3, "分校", ""))
    )
    parent = np.where(people["mother"] >= 0, people["mother"], people["father"]).astype(np.int64)
    poor = d.share("poor") < 0.02
    hardship = d.pick("hardship", ["低保", "低保边缘", "特困", "孤儿", "残疾", "建档立卡"])
    aided = poor & (d.share("aided") < 0.8)
    aid = d.pick("aid", ["助学结对", "减免", "送教上门", "午餐补助"])

    def where(mask: np.ndarray, values: pl.Series) -> pl.Series:
        return pl.select(pl.when(pl.Series(mask)).then(values).otherwise(pl.lit(""))).to_series()

    numeral = pl.Series(list(_NUMERALS)).gather(d.whole("year", 0, 5))
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "stage": pl.repeat(place, len(people), dtype=pl.Int64, eager=True),
            "birth": people["birth"],
            "学籍号": "G" + people["cert_no"],
            "姓名": people["name"],
            "身份证号": people["cert_no"],
            "性别": draws.texts(np.where(people["sex"] == 1, "男", "女")),
            "民族": pl.repeat("汉族", len(people), eager=True),
            "出生日期": draws.dates(people["birth"].to_numpy()),
            "学段": pl.repeat(stage, len(people), eager=True),
            "学校名称": school,
            "学校性质": draws.texts(np.where(d.share("private") < 0.12, "民办", "公办")),
            "学校所在区划": pl.repeat("310118", len(people), eager=True),
            "年级": grade,
            "班级": numeral + "(" + pl.Series(d.whole("class", 1, 9)).cast(pl.String) + ")班",
            "户籍地址": places["hukou_address"],
            "居住地址": places["home_address"],
            "人户一致": draws.texts(
                np.where(local & (people["dwelling"] == people["hukou_dwelling"]).to_numpy(), "是", "否")
            ),
            "材料状态": d.pick("papers", ["齐备", "缺失", "审核中"], [0.95, 0.02, 0.03]),
            "困难类别": where(poor, hardship),
            "资助项目": where(aided, aid),
            "缺勤天数": pl.Series(np.where(d.share("absent") < 0.7, 0, d.whole("days", 1, 12))).cast(pl.String),
            "监护人": draws.gather(world.people["name"], parent),
            "监护人电话": draws.gather(world.people["mobile"], parent),
        }
    )
