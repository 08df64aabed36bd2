"""B02, dwellings: a weekly snapshot as a SQLite file with one table V_FW, every column text."""

import numpy as np
import polars as pl

from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion, edit
from pipelines.simulate.dirt import Picker
from pipelines.simulate.dwellings import KINDS
from pipelines.simulate.population import World

FILE, TABLE = "fangwu.db", "V_FW"
_STATUS = ["自住", "出租", "空置", "出借", "经营", "待拆"]


def _flag(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int8).cast(pl.String)


def _named(column: str, names: list[str]) -> pl.Expr:
    return pl.col(column).cast(pl.Int64).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def snapshot(world: World) -> pl.DataFrame:
    """The clean rows, all text, plus `dwelling`."""
    return world.dwellings.select(
        "dwelling",
        pl.col("dwelling_id").alias("FWID"),
        pl.col("address_id").alias("DZBM"),
        pl.col("address").alias("BZDZ"),
        pl.col("road").alias("LM"),
        pl.col("lane").alias("NH"),
        pl.col("number").alias("HH"),
        pl.col("room").alias("SH"),
        pl.col("village_code").alias("JWDM"),
        pl.col("grid").alias("WGID"),
        pl.col("estate").alias("XQID"),
        _named("kind", KINDS).alias("FWLX"),
        pl.col("year").cast(pl.String).alias("JCND"),
        pl.col("storeys").cast(pl.String).alias("ZCS"),
        pl.col("floor").cast(pl.String).alias("SZC"),
        pl.col("area").cast(pl.String).alias("JZMJ"),
        _flag("lift").alias("DT"),
        _flag("lift_added").alias("JZDT"),
        _flag("lift_consult").alias("JTZX"),
        _flag("kitchen").alias("CF"),
        _flag("toilet").alias("WSJ"),
        _flag("gas").alias("GDRQ"),
        _flag("bottled").alias("PZYHQ"),
        _flag("smoke").alias("YG"),
        _flag("smart").alias("ZNSB"),
        _named("status", _STATUS).alias("SYZT"),
        _named("safety", ["", "A", "B", "C", "D"]).alias("AQDJ"),
        _flag("illegal").alias("WFDJ"),
        _flag("facade").alias("WQYH"),
        _flag("business").alias("ZJJY"),
        pl.col("lon").cast(pl.String).alias("X"),
        pl.col("lat").cast(pl.String).alias("Y"),
    )


def _spoil(frame: pl.DataFrame, vacant: np.ndarray, picker: Picker) -> pl.DataFrame:
    """Defects; rows that will be quarantined are vacant dwellings, so that nobody's home gets lost."""
    changes = [
        ("floor_above_roof", "SZC", vacant, lambda old, n: str(int(old) + 40 + n % 3)),
        ("unknown_village", "JWDM", vacant, lambda old, n: f"{old[:9]}{990 + n % 9}"),
        ("area_zero", "JZMJ", None, lambda old, _: "0"),
        ("area_with_unit", "JZMJ", None, lambda old, _: f"{old}㎡"),
        ("flag_in_words", "DT", None, lambda old, _: "是" if old == "1" else "否"),
        ("year_of_two_digits", "JCND", (frame["JCND"] < "2000").to_numpy(), lambda old, _: old[2:]),
    ]
    for name, column, allowed, change in changes:
        rows = picker.rows(name, allowed)
        frame = edit(frame, column, rows, change)
        picker.plant(name, rows)
    rows = picker.rows("identical_row")
    picker.plant("identical_row", len(frame) + np.arange(len(rows)))
    return pl.concat([frame, frame[rows]])


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = snapshot(world)
    lived_in = np.zeros(len(frame), dtype=bool)
    for column in ("dwelling", "hukou_dwelling"):
        at = world.people[column].to_numpy()
        lived_in[at[at >= 0]] = True
    empty = (world.dwellings["status"] == 2).to_numpy()
    never = empty & ~lived_in
    picker = Picker("B02", world.seed, frame["dwelling"].to_numpy())
    frame = _spoil(frame, never if never.sum() >= 2 else empty, picker).drop("dwelling")
    files.write_table(occasion.folder / FILE, TABLE, frame)
    occasion.truth.planted(picker, occasion.day, FILE, 1)
    return len(frame)
