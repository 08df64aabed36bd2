"""F30, real estate: rights and homesteads, CSV exports of an Oracle database in GB18030 with its own dates."""

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import realestate
from pipelines.simulate.registers.draws import gather

RIGHTS, HOMESTEADS = "bdc_ql.csv", "zjd.csv"


def _oracle(column: str) -> pl.Expr:
    """05-1月 -23"""
    day = days.as_date(column)
    return day.dt.strftime("%d-") + day.dt.month().cast(pl.String) + "月 -" + day.dt.strftime("%y")


def _unit(letters: str) -> pl.Expr:
    """28 characters: district, village, kind of land and the unit's number."""
    return (
        "310118"
        + pl.col("village_code").str.slice(6)
        + letters
        + "00001F"
        + pl.col("dwelling").cast(pl.String).str.zfill(8)
    )


def _placed(frame: pl.DataFrame, world: World) -> pl.DataFrame:
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    people = world.people[frame["owner"].to_numpy()]
    return frame.with_columns(
        homes["dwelling_id"],
        homes["village_code"],
        homes["address"].str.replace("^上海市", ""),
        people["name"],
        people["cert_no"].alias("number"),
    )


def _rights(world: World, occasion: Occasion) -> int:
    frame = _placed(realestate.rights(world, occasion.day, occasion.first), world)
    other = frame["other"].to_numpy()
    rows = frame.select(
        (pl.col("dwelling").cast(pl.Int64) * 2 + pl.col("generation")).alias("row"),
        "owner",
        ("沪青" + pl.col("dwelling").cast(pl.String).str.zfill(8) + "-" + pl.col("generation").cast(pl.String))
        .alias("BDCQZH"),
        _unit("GB").alias("BDCDYH"),
        pl.col("address").alias("ZL"),
        pl.col("dwelling_id").alias("FWBM"),
        pl.col("name").alias("QLRMC"),
        pl.col("number").alias("QLRZJH"),
        pl.col("kind").alias("QLLX"),
        pl.col("area").cast(pl.String).alias("JZMJ"),
        pl.lit("住宅用地").alias("TDYT"),
        _oracle("registered").alias("DJSJ"),
        pl.col("status").alias("QSZT"),
        gather(world.people["name"], other).alias("_name"),
        gather(world.people["cert_no"], other).alias("_number"),
    )  # fmt: skip
    picker = Picker("F30", world.seed, rows["row"].to_numpy(), whole=occasion.first)
    both = (rows["_number"] != "").to_numpy()
    chosen = picker.rows("co_owners", both)
    joined = {
        name: rows[name].scatter(chosen, (rows[name] + "、" + rows[more]).gather(chosen))
        for name, more in (("QLRMC", "_name"), ("QLRZJH", "_number"))
    }
    rows = rows.with_columns(joined.values())
    picker.plant("co_owners", chosen)
    old = (rows["QLRZJH"].str.slice(6, 4) < "2000").to_numpy()
    rows = files.spoil(
        rows,
        picker,
        [
            ("number_wrong_check", "QLRZJH", None, lambda text, _: numbers.wrong_check(text[:18])),
            ("unit_number_short", "BDCDYH", None, lambda text, _: text[:27]),
            ("old_number_15", "QLRZJH", old, lambda text, _: numbers.old_form(text)),
            ("area_zero", "JZMJ", None, lambda _, n: "0"),
        ],
    )
    rows = files.repeat(rows, picker)
    files.delimited(occasion.folder / RIGHTS, rows, rows.columns[2:-2], encoding="gb18030", newline="\r\n")
    files.told(occasion, RIGHTS, picker, 2)
    occasion.truth.rows("F30", occasion.day, RIGHTS, 2 + np.arange(len(rows)), rows["owner"].to_numpy(), "owner")
    occasion.odd("cancelled_right", RIGHTS, 2 + np.flatnonzero((rows["QSZT"] == "注销").to_numpy()))
    occasion.odd("address_in_other_style", RIGHTS)
    return len(rows)


def _with_dead_heads(rows: pl.DataFrame, picker: Picker, world: World) -> pl.DataFrame:
    """The homesteads with some still under the name of somebody who has died."""
    dead = world.people.filter(~pl.col("alive") & (pl.col("book") >= 0) & (pl.col("cert_kind") == "111"))
    at = picker.rows("head_deceased")[: len(dead)]
    heads = dead.head(len(at))
    picker.plant("head_deceased", at)
    return rows.with_columns(
        rows["owner"].scatter(at, heads["uid"].cast(rows["owner"].dtype)),
        rows["户主"].scatter(at, heads["name"]),
        rows["证号"].scatter(at, heads["cert_no"]),
    )


def _homesteads(world: World, occasion: Occasion) -> int:
    frame = _placed(realestate.homesteads(world, occasion.day), world)
    rows = frame.select(
        "dwelling",
        "owner",
        ("青宅" + pl.col("dwelling").cast(pl.String).str.zfill(8)).alias("BDCQZH"),
        _unit("JC").alias("BDCDYH"),
        pl.col("address").alias("ZL"),
        pl.col("dwelling_id").alias("FWBM"),
        pl.col("name").alias("户主"),
        pl.col("number").alias("证号"),
        pl.col("approved").cast(pl.String).alias("批准面积"),
        pl.col("occupied").cast(pl.String).alias("实占面积"),
        pl.col("plots").cast(pl.String).alias("宗数"),
        pl.col("transfer").alias("流转状态"),
        pl.col("rebuild").alias("翻建状态"),
        pl.when("is_signed").then(pl.lit("是")).otherwise(pl.lit("否")).alias("集中居住签约"),
        pl.col("demolition").alias("动迁状态"),
    )
    picker = Picker("F30", world.seed, rows["dwelling"].to_numpy() + 10**8)
    rows = files.spoil(
        rows,
        picker,
        [
            ("plots_in_words", "宗数", None, lambda old, _: f"{old}宗"),
            ("occupied_impossible", "实占面积", None, lambda old, _: f"-{old}"),
        ],
    )
    rows = _with_dead_heads(rows, picker, world)
    files.delimited(occasion.folder / HOMESTEADS, rows, rows.columns[2:], encoding="gb18030", newline="\r\n")
    files.told(occasion, HOMESTEADS, picker, 2)
    occasion.odd("address_in_other_style", HOMESTEADS)
    occasion.truth.rows("F30", occasion.day, HOMESTEADS, 2 + np.arange(len(rows)), rows["owner"].to_numpy(), "owner")
    return len(rows)


def write(world: World, occasion: Occasion) -> int:
    """Write the rights, and the homesteads at first and every quarter; returns the rows."""
    size = _rights(world, occasion)
    if occasion.first or occasion.day.month in (1, 4, 7, 10):
        size += _homesteads(world, occasion)
    return size
