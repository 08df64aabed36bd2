"""Residence registrations and permits of people from other provinces (behind F01).

A pure function of state and day: what differs between two days is exactly what an increment has to say. Dates that
nobody decided (renewals) are fixed by the person, so that about one in 365 falls due each day.
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import present, with_places
from pipelines.simulate.population import World
from pipelines.simulate.residents import MIGRANT
from pipelines.simulate.seeds import shares

_REGISTERED = 0.985  # the rest should be registered and are not
_STALE = 0.010  # moved, and the record of the former address is still open


def _renewed(today: int, start: np.ndarray, lapse: np.ndarray) -> np.ndarray:
    """End of the year that runs on `today` for yearly terms from `start`; where `lapse`, of an earlier year."""
    years = np.maximum(today - start, 0) // 365
    years = np.where(lapse & (years > 0), years - 1, years)
    return start + (years + 1) * 365


def build(world: World, day: date) -> pl.DataFrame:
    """Open registrations at the end of `day`, one row each, in order of number; text columns as F01 names them."""
    today = days.number(day)
    people = present(world, day).filter((pl.col("kind") == MIGRANT) & (pl.col("village") >= 0) & pl.col("alive"))
    uid = people["uid"].to_numpy()

    def share(name: str) -> np.ndarray:
        return shares(world.seed, f"residence.{name}", uid)

    arrived = people["arrived"].to_numpy()
    registered = arrived + np.floor(share("delay") * 8).astype(np.int64)
    keep = (share("registered") < _REGISTERED) & (registered <= today)
    valid = _renewed(today, registered, share("lapse") < 0.05)
    subtype = people["subtype"].to_numpy()
    permit = np.where(subtype > 0, _renewed(today, registered + 180, share("permit") < 0.05), days.NONE)
    draw = share("points")
    reached = np.where(np.isin(subtype, (210, 211)), 0.16 + 0.5 * (subtype == 211), 0.0)
    frame = with_places(people, world).with_columns(
        registered=pl.Series(registered.astype(np.int32)),
        valid=pl.Series(valid.astype(np.int32)),
        permit=pl.Series(permit.astype(np.int32)),
        points=pl.Series(np.select([draw < reached, draw < 0.93], ["1", "0"], " ").astype(object), dtype=pl.String),
        keep=pl.Series(keep),
    )
    frame = frame.filter("keep")
    old = frame.filter(pl.Series(shares(world.seed, "residence.stale", frame["uid"].to_numpy()) < _STALE))
    return pl.concat([_rows(frame, 1), _stale(old, world)]).sort("DJBH")


def _rows(frame: pl.DataFrame, running: int) -> pl.DataFrame:
    return frame.select(
        "uid",
        ("LH" + pl.col("uid").cast(pl.String).str.zfill(10) + f"{running:02d}").alias("DJBH"),
        pl.col("cert_kind").alias("ZJZL"),
        pl.col("cert_no").alias("ZJHM"),
        pl.col("name").alias("XM"),
        pl.col("sex").cast(pl.String).alias("XBDM"),
        days.text("birth").alias("CSRQ"),
        pl.col("ethnic").cast(pl.String).str.zfill(2).alias("MZDM"),
        pl.col("division").cast(pl.String).alias("HJXZQH"),
        pl.col("hukou_address").alias("HJXZ"),
        pl.col("home_address").alias("JZDZ"),
        pl.col("home_id").alias("JZFWID"),
        days.text("registered").alias("DJRQ"),
        days.text("arrived").alias("LHRQ"),
        days.text("valid").alias("YXQZ"),
        pl.col("subtype").cast(pl.String).str.zfill(4).alias("ZJLX"),
        days.text("permit").alias("JZZYXQ"),
        pl.col("points").alias("JFZT"),
        pl.when(pl.col("stay") > 0)
        .then(pl.col("stay").cast(pl.String).str.zfill(2))
        .otherwise(pl.lit(""))
        .alias("ZZSY"),
        pl.col("home_village").alias("JWDM"),
    )


def _stale(frame: pl.DataFrame, world: World) -> pl.DataFrame:
    """Registrations at a former address that were never closed: earlier, elsewhere, without permit."""
    homes = world.dwellings
    uid = frame["uid"].to_numpy()
    at = np.floor(shares(world.seed, "residence.former", uid) * len(homes)).astype(np.int64)
    former = homes[at]
    earlier = pl.col("registered") - 400
    return _rows(
        frame.with_columns(
            registered=earlier,
            arrived=pl.min_horizontal("arrived", earlier),
            valid=pl.col("registered") - 35,
            permit=pl.lit(days.NONE, dtype=pl.Int32),
            subtype=pl.lit(0, dtype=pl.Int16),
            points=pl.lit(" "),
            home_id=former["dwelling_id"],
            home_address=former["address"],
            home_village=former["village_code"],
        ),
        0,
    )


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Rows of an increment with CZBS: added (A), changed (U), deleted (D; as they were), in order of number."""
    columns = [name for name in after.columns if name not in ("uid", "DJBH")]
    added = after.join(before, on="DJBH", how="anti")
    gone = before.join(after, on="DJBH", how="anti")
    both = after.join(before.select("DJBH", pl.struct(columns).alias("was")), on="DJBH", how="inner")
    changed = both.filter(pl.struct(columns) != pl.col("was")).drop("was")
    parts = [part.with_columns(CZBS=pl.lit(op)) for part, op in ((added, "A"), (changed, "U"), (gone, "D"))]
    return pl.concat(parts).sort("DJBH")
