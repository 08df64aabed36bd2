"""Care of the elderly: assessments of need (behind F10), services and allowances (behind F05).

Pure functions of state and day. Whoever is assessed at level 2 or more receives long-term care.
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_ASSESSED = 28_000
_LEVELS = np.array([0.10, 0.12, 0.20, 0.20, 0.16, 0.12, 0.09, 0.01])
PROVIDERS = [
    "青浦康乐护理站",
    "夏阳街道综合为老服务中心",
    "徐泾养老服务中心",
    "朱家角护理院",
    "华新镇社区助餐点",
    "赵巷照护之家",
]
# item: (code at the source, share of registered elders from an age on, that age, fen a month)
ITEMS = {
    "老年综合津贴": ("01", 0.93, 65, 7_500),
    "养老服务补贴": ("02", 0.06, 70, 64_000),
    "助餐": ("03", 0.14, 65, 9_000),
    "送餐": ("04", 0.05, 75, 6_000),
    "居家照料": ("05", 0.07, 70, 0),
    "日托": ("06", 0.015, 70, 120_000),
    "家庭照护床位": ("07", 0.010, 75, 30_000),
    "适老化改造": ("08", 0.020, 65, 300_000),
    "应急呼叫": ("09", 0.080, 70, 2_000),
    "老伙伴": ("10", 0.150, 75, 0),
    "机构养老": ("11", 0.030, 75, 350_000),
}


def assessments(world: World, day: date) -> pl.DataFrame:
    """One row an assessment: uid, then the columns of F10 as text."""
    people = citizens(world, day).filter(pl.col("book") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    weight = np.select([age >= 80, age >= 70, age >= 60, age >= 50], [6.0, 2.0, 0.7, 0.01], 0)
    people = draws.some(people, world.seed, "care", weight, draws.count(_ASSESSED, world.scale, 30))
    d, today = Draws(world.seed, "care", people["uid"].to_numpy()), days.number(day)
    # The day of an assessment stays; after two years another follows on the same day of the year.
    assessed = today - (today - d.whole("day", 0, 730)) % 730 - 1
    level = np.searchsorted(np.cumsum(_LEVELS)[:-1], d.share("level"), side="right")
    served = (level >= 2) & (level <= 6)
    start = np.where(served, assessed + d.whole("wait", 7, 40), days.NONE)
    start = np.where(start > today, days.NONE, start)
    ended = (start > days.NONE) & (d.share("ended") < 0.06)
    end = np.where(ended, start + np.maximum((d.share("end") * (today - start)).astype(np.int64), 0), days.NONE)
    mind = np.select([d.share("mind") < 0.62, d.share("mind") < 0.8], [0, 1], 2)
    home = d.pick("kind", ["居家", "机构", "住院护理"], [0.86, 0.12, 0.02])
    return pl.DataFrame({"uid": people["uid"]}).with_columns(
        ("PG" + pl.Series(assessed * 10_000_000 + people["uid"].to_numpy()).cast(pl.String)).alias("pgbh"),
        people["cert_no"].alias("zjhm"),
        people["name"].alias("xm"),
        draws.dates(assessed - d.whole("apply", 5, 25)).alias("sqrq"),
        draws.dates(assessed).alias("pgrq"),
        pl.Series(list("0123456H")).gather(level).alias("pgdj"),
        draws.dates(assessed + 730).alias("pgyxq"),
        pl.select(pl.when(pl.Series(start > days.NONE)).then(home).otherwise(pl.lit(""))).to_series().alias("fwlx"),
        pl.select(pl.when(pl.Series(start > days.NONE)).then(d.pick("provider", PROVIDERS)).otherwise(pl.lit("")))
        .to_series()
        .alias("fwjg"),
        draws.dates(start).alias("fwksrq"),
        draws.dates(end).alias("fwjsrq"),
        pl.Series((np.minimum(level, 6) * 4 // 6).astype(np.int64)).cast(pl.String).alias("snzt"),
        pl.Series(["正常", "障碍", "未评"]).gather(mind).alias("rzzt"),
    )


def services(world: World, day: date) -> pl.DataFrame:
    """One row a person and item: uid, then the columns of F05 as text."""
    every = citizens(world, day).filter((pl.col("book") >= 0) | (pl.col("village") >= 0))
    age = days.ages(every["birth"].to_numpy(), day)
    every, age = every.filter(pl.Series(age >= 65)), age[age >= 65]
    local = (every["book"] >= 0).to_numpy()
    today, uid = days.number(day), every["uid"].to_numpy()
    villages = pl.concat([world.villages["village_code"], pl.Series([""])])
    village = np.where(every["village"] >= 0, every["village"], every["hukou_village"]).astype(np.int64)
    code = villages.gather(np.where(village < 0, len(villages) - 1, village))
    d = Draws(world.seed, "elder", uid)
    frames = []
    for place, (item, (item_code, share, least, fen)) in enumerate(ITEMS.items()):
        chosen = np.flatnonzero((d.share(item) < share) & (age >= least) & local)
        of = Draws(world.seed, f"elder.{item}", uid[chosen])
        entitled = days.years_before(day, np.maximum(age[chosen] - least, 0)).astype(np.int64)
        start = np.maximum(entitled, today - of.whole("start", 20, 2_000))
        stopped = of.share("stopped") < (0.01 if place == 0 else 0.05)
        end = np.where(stopped, start + (of.share("end") * (today - start)).astype(np.int64), days.NONE)
        wished = (of.share("wished") < 0.06) & (place in (2, 4, 7))
        status = np.select([stopped, wished, place == 7], ["0", "2", "3"], "1")
        start = np.where(wished, days.NONE, start)
        end = np.where(wished, days.NONE, end)
        frames.append(
            pl.DataFrame(
                {
                    "uid": uid[chosen],
                    "ID": pl.Series(np.int64(place + 1) * 100_000_000 + uid[chosen]).cast(pl.String),
                    "GMSFHM": every["cert_no"].gather(chosen),
                    "XM": every["name"].gather(chosen),
                    "FWXM_DM": pl.repeat(item_code, len(chosen), eager=True),
                    "FWXM_MC": pl.repeat(item, len(chosen), eager=True),
                    "ZT": draws.texts(status),
                    "KSRQ": draws.dates(start, "%Y-%m-%d 00:00:00"),
                    "JSRQ": draws.dates(end, "%Y-%m-%d 00:00:00"),
                    "FWJG": of.pick("provider", PROVIDERS) if place > 1 else pl.repeat("", len(chosen), eager=True),
                    "JE_FEN": pl.repeat(str(fen), len(chosen), eager=True),
                    "JZDM": code.gather(chosen).str.slice(0, 9),
                    "JWDM": code.gather(chosen),
                    "GXSJ": draws.stamp(today - of.whole("changed", 1, 300), of.whole("second", 0, 86_400)),
                }
            )
        )
    return pl.concat(frames).sort("uid", "ID")
