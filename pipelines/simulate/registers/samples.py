"""Nucleic-acid tests of a round and the list of people at risk (behind F15). Pure functions of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws, citizens

_TESTS, _AT_RISK = 40_000, 1_500
FIRST_HOUR, HOURS = 8, 6
SITES = ["夏阳街道采样点", "徐泾国展采样点", "华新镇采样点", "朱家角古镇采样点", "赵巷采样点"]


def build(world: World, day: date) -> pl.DataFrame:
    """One row a sample of the round's day, in order of time: uid, hour, then the columns of F15 as text."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    label = f"tests.{day.isoformat()}"
    people = draws.some(people, world.seed, label, np.ones(len(people)), draws.count(_TESTS, world.scale, 90))
    d, today = Draws(world.seed, label, people["uid"].to_numpy()), days.number(day)
    second = d.whole("second", FIRST_HOUR * 3_600, (FIRST_HOUR + HOURS) * 3_600)
    order = np.argsort(second, kind="stable")
    rank = np.empty(len(people), dtype=np.int64)
    rank[order] = np.arange(len(people))
    single = d.share("single") < 0.1
    tube = np.where(single, 500_000 + rank, rank // 10)
    report = second + d.whole("report", 5 * 3_600, 9 * 3_600)
    frame = pl.DataFrame(
        {
            "uid": people["uid"],
            "hour": second // 3_600,
            "code_id": "C" + pl.Series(d.whole("code", 10**11, 10**12)).cast(pl.String),
            "cert_type": pl.repeat("111", len(people), eager=True),
            "cert_no": people["cert_no"],
            "name": people["name"],
            "phone": people["mobile"],
            "village_code": world.villages["village_code"].gather(people["village"].cast(pl.Int64)),
            "sample_site": d.pick("site", SITES),
            "sample_time": draws.stamp(np.full(len(people), today), second),
            "tube_no": pl.Series([f"T{day:%y%m%d}"]).gather(np.zeros(len(people), dtype=np.int64))
            + pl.Series(tube).cast(pl.String).str.zfill(6),
            "mix_ratio": draws.texts(np.where(single, "1", "10")),
            "report_time": draws.stamp(np.full(len(people), today), report),
            "result": pl.repeat("阴性", len(people), eager=True),
            "channel": d.pick("channel", ["愿检尽检", "应检尽检", "大筛"], [0.3, 0.2, 0.5]),
        }
    )
    return frame[order]


def at_risk(world: World, day: date) -> pl.DataFrame:
    """One row a person and risk: uid, then the columns of the list as text."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    label = f"risk.{day.isoformat()}"
    people = draws.some(people, world.seed, label, np.ones(len(people)), draws.count(_AT_RISK, world.scale, 8))
    d, today = Draws(world.seed, label, people["uid"].to_numpy()), days.number(day)
    start = today - d.whole("from", 0, 6)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "cert_no": people["cert_no"],
            "risk_kind": d.pick("kind", ["密接", "次密接", "居家", "集中", "旅居"]),
            "from": draws.dates(start),
            "to": draws.dates(start + 7),
            "place": d.pick("place", ["青浦区集中隔离点", "居家", "外区"]),
        }
    )
