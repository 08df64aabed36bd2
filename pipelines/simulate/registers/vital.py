"""Marriages, divorces, deaths and cremations as registered (behind F07). A pure function of state, day and span."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import present, with_places
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws

_WEDDINGS_A_YEAR, _DIVORCES_A_YEAR = 6_000, 2_400
_REMARKS = ["", "", "", "材料齐全", "补录", "委托办理"]
_OFFICE = {"结婚": "青浦区婚姻登记中心", "离婚": "青浦区婚姻登记中心", "死亡": "青浦区民政局", "火化": "青浦区殡仪馆"}


def build(world: World, day: date, back: int) -> pl.DataFrame:
    """One row an event of the `back` days before `day`: uid and partner (uid or -1), then the columns of F07."""
    today = days.number(day)
    people = present(world, day).filter(pl.col("cert_kind") == "111")
    dead = people.filter((pl.col("died") > today - back - 1) & (pl.col("died") < today))
    frames = [_events(dead, "死亡", dead["died"].to_numpy()), _events(dead, "火化", dead["died"].to_numpy() + 3)]
    alive = people.filter(pl.col("alive"))
    age = days.ages(alive["birth"].to_numpy(), day)
    couples = ((alive["spouse"] >= 0) & (alive["sex"] == 1)).to_numpy() & (age < 50)
    parted = (alive["marital"] == 40).to_numpy()
    for event, mask, a_year in (("结婚", couples, _WEDDINGS_A_YEAR), ("离婚", parted, _DIVORCES_A_YEAR)):
        # Each of them has one day of a year on which it happened, so that a month brings those of the month.
        few = alive.filter(pl.Series(mask))
        d = Draws(world.seed, f"vital.{event}.{day.year}", few["uid"].to_numpy())
        at = today - 1 - (today - d.whole("day", 0, 365)) % 365
        size = draws.count(a_year * back / 365, world.scale, 8)
        near = np.flatnonzero((at >= today - back) & (at < today))
        chosen = near[np.argsort(d.share("chosen")[near], kind="stable")[:size]]
        frames.append(_events(few[chosen], event, at[chosen], event == "结婚"))
    frame = pl.concat(frames)
    frame = frame.filter((pl.col("at") < today) & (pl.col("at") >= today - back - 3)).sort("at", "uid", "事件类型")
    d = Draws(world.seed, "vital", frame["uid"].to_numpy())
    partner = frame["partner"].to_numpy().astype(np.int64)
    names, certs = world.people["name"], world.people["cert_no"]
    certs = pl.select(pl.when(world.people["cert_kind"] == "111").then(certs).otherwise(pl.lit(""))).to_series()
    return frame.with_columns(
        draws.gather(names, partner).alias("对方姓名"),
        draws.gather(certs, partner).alias("对方身份证号"),
        draws.dates(frame["at"].to_numpy()).alias("事件日期"),
        pl.col("事件类型").replace_strict(_OFFICE, return_dtype=pl.String).alias("登记机关"),
        with_places(world.people[frame["uid"].to_numpy()], world)["hukou_address"].alias("户籍地"),
        d.pick("remark", _REMARKS).alias("备注"),
    ).select(
        "uid", "事件类型", "姓名", "身份证号", "对方姓名", "对方身份证号", "事件日期", "登记机关", "户籍地", "备注"
    )


def _events(people: pl.DataFrame, event: str, at: np.ndarray, has_partner: bool = False) -> pl.DataFrame:
    return people.select(
        "uid",
        (pl.col("spouse") if has_partner else pl.lit(-1, dtype=pl.Int32)).alias("partner"),
        pl.lit(event).alias("事件类型"),
        pl.col("name").alias("姓名"),
        pl.col("cert_no").alias("身份证号"),
        pl.Series(np.asarray(at).astype(np.int64)).alias("at"),
    )
