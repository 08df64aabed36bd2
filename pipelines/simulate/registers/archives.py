"""Health archives, family-doctor contracts and chronic illness (behind F13). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_PERSONS = 880_000
# illness: shares of people of 35, 50, 65 and 80 years and more
ILLNESSES = {
    "hypertension": (0.05, 0.22, 0.48, 0.55),
    "diabetes": (0.02, 0.08, 0.17, 0.18),
    "chd": (0.002, 0.02, 0.08, 0.14),
    "stroke": (0.001, 0.01, 0.04, 0.07),
    "copd": (0.001, 0.008, 0.03, 0.05),
    "cancer": (0.004, 0.012, 0.03, 0.03),
    "ckd": (0.001, 0.005, 0.015, 0.02),
}


def build(world: World, day: date) -> pl.DataFrame:
    """One row a person: uid, town (position) and plain values; one text column an illness, '' where not ill."""
    people = citizens(world, day).filter((pl.col("village") >= 0) | (pl.col("book") >= 0))
    age = days.ages(people["birth"].to_numpy(), day)
    weight = np.select([age >= 60, age < 7, (people["book"] >= 0).to_numpy()], [4.0, 2.5, 1.8], 0.7)
    people = draws.some(people, world.seed, "archive", weight, draws.count(_PERSONS, world.scale))
    d, today = Draws(world.seed, "archive", people["uid"].to_numpy()), days.number(day)
    age = days.ages(people["birth"].to_numpy(), day)
    village = np.where(people["village"] >= 0, people["village"], people["hukou_village"]).astype(np.int64)
    towns = world.villages["town_code"].unique().sort()
    town = pl.Series(np.searchsorted(towns.to_numpy(), world.villages["town_code"].to_numpy())).gather(
        np.maximum(village, 0)
    )
    band = np.searchsorted([35, 50, 65, 80], age, side="right")
    ill = {name: d.share(name) < np.array([0.0, *shares])[band] for name, shares in ILLNESSES.items()}
    chronic = ill["hypertension"] | ill["diabetes"]
    signed = d.share("signed") < np.select([age >= 60, age < 7, chronic], [0.82, 0.85, 0.8], 0.45)
    start = today - d.whole("start", 30, 1_400)
    group = np.select([age >= 65, chronic, age < 7], ["老年", "慢病", "儿童"], "一般")
    served = np.where(d.share("served") < 0.75, today - d.whole("last", 1, 400), days.NONE)
    checked = np.where(d.share("checked") < np.where(age >= 65, 0.7, 0.25), today - d.whole("check", 5, 700), days.NONE)
    woman = (people["sex"] == 2).to_numpy() & (age >= 35) & (age < 65)
    women2 = np.where(woman & (d.share("women") < 0.45), today - d.whole("women2", 10, 900), days.NONE)
    crc = np.select(
        [(age < 50) | (age > 74), d.share("crc") < 0.6, d.share("crc") < 0.9, d.share("crc") < 0.96],
        ["", "未筛", "初筛阴性", "初筛阳性"], "已肠镜",
    )  # fmt: skip
    followed = np.where(chronic, today - d.whole("follow", 3, 170), days.NONE)
    status = np.select([d.share("ended") < 0.04, d.share("ended") < 0.06], ["到期", "解约"], "有效")
    flags = {
        "longRx": chronic & (d.share("rx") < 0.4),
        "dialysis": ill["ckd"] & (d.share("dialysis") < 0.12),
        "chemo": ill["cancer"] & (d.share("chemo") < 0.2),
    }
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "town": town,
            "idNo": people["cert_no"],
            "name": people["name"],
            "archive": draws.texts(np.where(d.share("archive") < 0.03, "迁出", "有效")),
            "updated": draws.dates(today - d.whole("updated", 1, 600)),
            "signed": signed,
            "team": "家医团队" + pl.Series(d.whole("team", 1, 40)).cast(pl.String),
            "combo": d.pick("combo", ["1+1+1", "基础包", "老年包"]),
            "group": draws.texts(group),
            "status": draws.texts(status),
            "start": draws.dates(start),
            "end": draws.dates(np.where(status == "到期", today - 20, start + 1_500)),
            "served": draws.dates(served),
            "checked": draws.dates(checked),
            "women2": draws.dates(women2),
            "crc": draws.texts(crc),
            "followed": draws.dates(followed),
            "controlled": d.share("controlled") < 0.68,
            **ill,
            **flags,
        }
    )
