"""What health departments keep of a week or a month: doses of vaccines (F14), pregnancies and births (F12).

Pure functions of state and day; rows are chosen by person and period, so that another period brings other rows.
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import present
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_DOSES_A_WEEK = 25_000
_EVENTS_A_MONTH = 750
CLINICS = ["夏阳街道社区卫生服务中心", "徐泾镇社区卫生服务中心", "华新镇社区卫生服务中心", "朱家角镇社区卫生服务中心"]
_VACCINES = {
    "卡介苗": "01",
    "乙肝": "02",
    "脊灰": "03",
    "百白破": "04",
    "麻腮风": "05",
    "乙脑": "06",
    "流脑": "07",
    "甲肝": "08",
    "水痘": "09",
    "流感": "21",
    "PPV23": "22",
    "HPV": "23",
    "新冠": "24",
    "狂犬": "25",
}
# Vaccines by the oldest age they are given at.
_BY_AGE = {
    1: ["卡介苗", "乙肝", "脊灰", "百白破"],
    6: ["百白破", "麻腮风", "乙脑", "流脑", "甲肝", "水痘"],
    15: ["流脑", "流感", "百白破"],
    60: ["流感", "新冠", "HPV", "狂犬"],
    200: ["流感", "PPV23", "新冠"],
}


def doses(world: World, day: date) -> pl.DataFrame:
    """One row a dose of the week: uid, then the columns of F14 as text."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    weight = np.select([age < 2, age < 7, age < 16, age >= 60], [30.0, 12.0, 4.0, 3.0], 0.5)
    weight = np.where(people["birth"].to_numpy() < days.number(day) - 40, weight, 0)
    week = f"doses.{days.number(day) // 7}"
    people = draws.some(people, world.seed, week, weight, draws.count(_DOSES_A_WEEK, world.scale, 40))
    d, today = Draws(world.seed, week, people["uid"].to_numpy()), days.number(day)
    age = days.ages(people["birth"].to_numpy(), day)
    vaccine = np.empty(len(people), dtype=object)
    last = -1
    for oldest, names in _BY_AGE.items():
        mask = (age <= oldest) & (age > last)
        vaccine[mask] = np.array(names, dtype=object)[d.whole("vaccine", 0, len(names))[mask]]
        last = oldest
    due = d.share("due") < 0.12
    given = np.where(due, days.NONE, np.maximum(today - 1 - d.whole("given", 0, 7), people["birth"].to_numpy()))
    following = np.where(due, today - 30 + d.whole("late", 0, 60), given + 180)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "person_no": "VAC" + people["uid"].cast(pl.String).str.zfill(9),
            "cert_no": people["cert_no"],
            "name": people["name"],
            "birth": draws.dates(people["birth"].to_numpy()),
            "vaccine_code": pl.Series([_VACCINES[name] for name in vaccine]),
            "vaccine_name": draws.texts(vaccine),
            "dose_no": pl.Series(1 + d.whole("dose", 0, 3)).cast(pl.String),
            "inoc_date": draws.dates(given),
            "inoc_unit": d.pick("clinic", CLINICS),
            "next_due": draws.dates(following),
            "status": draws.texts(np.where(due, "应种未种", "已接种")),
        }
    )


def pregnancies(world: World, day: date, back: int) -> pl.DataFrame:
    """One row a woman and event of the month, births of the last `back` days: uid, child (uid or -1), F12's columns."""
    month, today = f"fertility.{day.year}-{day.month}", days.number(day)
    people = present(world, day)
    births = people.filter((pl.col("mother") >= 0) & (pl.col("birth") > today - back)).unique("mother", keep="first")
    child_of = dict(zip(births["mother"].to_list(), births["uid"].to_list(), strict=True))
    women = citizens(world, day).filter((pl.col("sex") == 2) & (pl.col("spouse") >= 0))
    age = days.ages(women["birth"].to_numpy(), day)
    fit = np.where((age > 21) & (age < 42) & ~women["uid"].is_in(list(child_of)).to_numpy(), 1.0, 0)
    others = draws.some(women, world.seed, month, fit, draws.count(_EVENTS_A_MONTH, world.scale, 30))
    mothers = women.filter(pl.col("uid").is_in(list(child_of)))
    frame = pl.concat([mothers, others])
    uid = frame["uid"].to_numpy()
    d = Draws(world.seed, month, uid)
    is_birth = np.arange(len(frame)) < len(mothers)
    child = np.array([child_of.get(int(one), -1) for one in uid], dtype=np.int64)
    born = np.where(is_birth, world.people["birth"].to_numpy()[np.maximum(child, 0)], days.NONE)
    lmp = np.where(is_birth, born - 270 - d.whole("early", 0, 14), today - 40 - d.whole("lmp", 0, 200))
    ended = ~is_birth & (d.share("ended") < 0.04)
    event = np.select([is_birth, ended, d.share("stage") < 0.4], ["分娩", "终止妊娠", "生育登记"], "妊娠")
    spouse = np.where(frame["spouse"] >= 0, frame["spouse"], -1).astype(np.int64)
    names, certs = world.people["name"], world.people["cert_no"]
    kinds = world.people["cert_kind"]
    sexes = world.people["sex"].cast(pl.String)
    is_citizen = draws.gather(kinds, spouse) == "111"
    aid = d.share("aid") < 0.03
    return pl.DataFrame(
        {
            "uid": uid,
            "child": child,
            "FN_ID": "FN" + pl.Series(uid).cast(pl.String).str.zfill(9),
            "FN_XM": frame["name"],
            "FN_SFZ": frame["cert_no"],
            "POXM": draws.gather(names, spouse),
            "PO_SFZ": draws.gather(certs, np.where(is_citizen.to_numpy(), spouse, -1)),
            "HYZK": frame["marital"].cast(pl.String),
            "SJLX": draws.texts(event),
            "YYDJ_RQ": nls(np.minimum(lmp + 60, today - 1)),
            "MCYJ_RQ": nls(lmp),
            "YCQ": nls(lmp + 280),
            "FMRQ": nls(born),
            "HC": pl.Series(1 + (d.share("parity") < 0.35)).cast(pl.Int64).cast(pl.String),
            "ZN_XM": draws.gather(names, child),
            "ZN_XB": draws.gather(sexes, child),
            "ZN_SFZ": draws.gather(certs, child),
            "JCZT": draws.texts(np.where(d.share("booked") < 0.93, "已建", "未建")),
            "FSCS": pl.Series(np.where(is_birth, d.whole("visits", 0, 4), 0)).cast(pl.String),
            "FZDX_LX": draws.texts(np.where(aid, "光荣证", "")),
        }
    )


def nls(day_numbers: np.ndarray) -> pl.Series:
    """Days as a Chinese Oracle client prints them: 05-1月 -23."""
    return draws.dates(day_numbers, "%d-%-m月 -%y")
