"""Social-insurance enrolment of people of working and retired age (behind F11). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins, numbers
from pipelines.simulate.deliveries.common import present
from pipelines.simulate.population import World
from pipelines.simulate.residents import OVERSEAS, REGISTERED
from pipelines.simulate.seeds import shares

_PERSONS = 830_000
_PEOPLE_PER_EMPLOYER = 26
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _employers(count: int) -> list[str]:
    """Made-up credit codes of companies of the test area 319901."""
    bodies = []
    for number in range(count):
        digits = ""
        for _ in range(7):
            number, place = divmod(number, len(_LETTERS))
            digits = _LETTERS[place] + digits
        bodies.append(f"91319901MA{digits}")
    return numbers.uscc(bodies)


def build(world: World, day: date) -> pl.DataFrame:
    """One row a person: uid, certificate, kinds and states of each insurance, last paid month, employer, benefits."""
    today = days.number(day)
    alive = (pl.col("reported") == days.NONE) | (pl.col("reported") > today)
    people = present(world, day).filter(alive & (pl.col("kind") != OVERSEAS))
    age = days.ages(people["birth"].to_numpy(), day)
    local = (people["kind"] == REGISTERED).to_numpy()
    works = (people["work"] > 0).to_numpy()
    weight = np.select([age < 16, local & (age >= 60), works, local], [0.02, 3.0, 2.2, 0.9], 0.22)
    rank = -np.log(shares(world.seed, "insurance.chosen", people["uid"].to_numpy()) + 1e-12) / weight
    keep = np.sort(np.argsort(rank, kind="stable")[: margins.count(_PERSONS, world.scale)])
    people, age, local, works = people[keep], age[keep], local[keep], works[keep]
    uid = people["uid"].to_numpy()

    def share(name: str) -> np.ndarray:
        return shares(world.seed, f"insurance.{name}", uid)

    retire = np.where(people["sex"].to_numpy() == 1, 60, 53)
    retired = (age >= retire) & local
    employed = works & ~retired & (age >= 16)
    draw = share("pension")
    pension = np.select(
        [
            employed,
            retired & (draw < 0.55),
            retired & (draw < 0.80),
            retired & (draw < 0.96),
            retired,
            local & (age >= 16),
        ],
        ["职工", "职工", "居民", "征地养老", "机关事业", "居民"],
        "",
    )
    pension = np.where(employed & local & (draw > 0.95), "机关事业", pension)
    broken = share("break") < 0.05
    state = np.select([pension == "", retired, broken], ["", "领取", "中断"], "缴费")
    state = np.where((state == "缴费") & (share("end") < 0.01), "终止", state)
    medical = np.select(
        [employed | (retired & (pension != "居民")), local & (share("aid") < 0.01), local],
        ["职工", "互助帮困", "居民"],
        "",
    )
    medical_state = np.where(medical == "", "", np.where(broken & employed, "中断", "正常"))
    unemployed = local & ~employed & ~retired & (age >= 20) & (share("dole") < 0.05)
    month = np.datetime64(day, "M").astype(int) - 1
    paid = np.where(broken, month - 2 - np.floor(share("gap") * 20).astype(np.int64), month)
    last = np.where(state == "缴费", month, paid)
    last = np.where(
        state == "领取",
        days.years_before(day, age - retire).astype("datetime64[D]").astype("datetime64[M]").astype(int),
        last,
    )
    since = np.where(retired, days.years_before(day, np.maximum(age - retire, 0)) - 30, days.NONE)
    since = np.where(unemployed, today - 20 - np.floor(share("since") * 500).astype(np.int64), since)
    stop = np.where(unemployed & (share("over") < 0.3), today - 5, days.NONE)
    size = max(round(_PERSONS * world.scale / _PEOPLE_PER_EMPLOYER), 3)
    codes = pl.Series([*_employers(size), ""])
    # many work in small firms, few in large ones
    firm = np.where(employed, np.floor(share("firm") ** 2 * size).astype(np.int64), size)

    def text(values: np.ndarray) -> pl.Series:
        return pl.Series(values.astype(object), dtype=pl.String)

    return pl.DataFrame(
        {"uid": uid, "benefit_start": since.astype(np.int32), "benefit_stop": stop.astype(np.int32)}
    ).select(
        "uid",
        people["cert_no"].alias("person_cert"),
        text(pension).alias("pension_type"),
        text(state).alias("pension_status"),
        text(medical).alias("medical_type"),
        text(medical_state).alias("medical_status"),
        text(np.where(unemployed, "领取", np.where(employed, "参保", ""))).alias("unemp_status"),
        text(np.where(employed, np.where(share("injured") < 0.004, "享受", "参保"), "")).alias("injury_status"),
        pl.Series(((last // 12 + 1970) * 100 + last % 12 + 1).astype(np.int32)).alias("last_paid_ym"),
        codes.gather(firm).alias("employer_uscc"),
        days.text("benefit_start").alias("benefit_start"),
        days.text("benefit_stop").alias("benefit_stop"),
    )
