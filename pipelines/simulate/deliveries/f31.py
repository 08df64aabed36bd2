"""F31, rural collectives: members as GBK CSV, contracts and assets as a workbook with broken formulas, every month."""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import collectives

MEMBERS, BOOK, CONTRACTS, ASSETS = "chengyuan.csv", "sanzi.xlsx", "合同", "资产"


def _merged(rows: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """The members with some once more under the cooperative of a village that theirs was merged with."""
    codes = rows["合作社代码"].unique().sort().to_list()
    at = picker.rows("again_after_merger")
    other = [codes[(codes.index(code) + 1) % len(codes)] for code in rows["合作社代码"].gather(at)]
    picker.plant("again_after_merger", len(rows) + np.arange(len(at)))
    return pl.concat([rows, rows[at].with_columns(pl.Series("合作社代码", other, dtype=pl.String))])


def _members(world: World, occasion: Occasion) -> int:
    frame = collectives.members(world, occasion.day)
    rows = frame.select(
        "uid",
        collectives.cooperatives(world)["code"].gather(frame["unit"]).alias("合作社代码"),
        pl.col("name").alias("成员姓名"),
        pl.col("number").alias("身份证号"),
        pl.col("worked").cast(pl.String).alias("农龄"),
        pl.col("shares").cast(pl.String).alias("份额"),
        pl.col("dividend").cast(pl.String).alias("年度分红(元)"),
        pl.col("land").cast(pl.String).alias("承包面积(亩)"),
        pl.col("transferred").cast(pl.String).alias("流转面积(亩)"),
        pl.lit("").alias("继承标记"),
    )
    picker = Picker("F31", world.seed, frame["uid"].to_numpy())
    land = (frame["land"] > 0).to_numpy()
    rows = files.spoil(
        rows,
        picker,
        [
            ("number_wrong_check", "身份证号", None, lambda old, _: numbers.wrong_check(old)),
            ("transferred_above_contract", "流转面积(亩)", land, lambda old, _: f"{float(old) + 30:.2f}"),
            ("inherited", "继承标记", frame["is_dead"].to_numpy(), lambda _, n: "是"),
            ("area_in_square_metres", "承包面积(亩)", land, lambda old, _: f"{float(old) * 2000 / 3:.2f}㎡"),
            ("share_in_words", "份额", None, lambda old, _: f"{old}份"),
        ],
    )
    rows = misidentified(rows, picker, {NUMBER: "身份证号", NAME: "成员姓名"}, ~frame["is_dead"].to_numpy())
    rows = files.repeat(_merged(rows, picker), picker)
    files.delimited(occasion.folder / MEMBERS, rows, rows.columns[1:], encoding="gbk", newline="\r\n")
    files.told(occasion, MEMBERS, picker, 2, rows["uid"].to_numpy())
    occasion.odd("character_lost", MEMBERS, 2 + files.unwritable(rows["成员姓名"]))
    return len(rows)


def _contracts(world: World, occasion: Occasion) -> tuple[pl.DataFrame, Picker]:
    frame = collectives.contracts(world, occasion.day)
    rows = frame.select(
        "contract",
        collectives.cooperatives(world)["code"].gather(frame["unit"]).alias("合作社代码"),
        ("HT" + pl.col("contract").cast(pl.String).str.zfill(6)).alias("合同编号"),
        ("青浦第" + pl.col("tenant").cast(pl.String) + "承租户").alias("承租方"),
        days.text("end", "%Y-%m-%d").alias("合同到期"),
        pl.col("due").cast(pl.String).alias("应收租金"),
        pl.col("paid").cast(pl.Int64).cast(pl.String).alias("实收租金"),
    )
    picker = Picker("F31", world.seed, frame["contract"].to_numpy() + 10**8)
    changes: list[files.Change] = [
        ("no_contract_number", "合同编号", None, lambda _, n: ""),
        ("broken_formula", "实收租金", None, lambda _, n: files.BROKEN),
    ]
    return files.spoil(rows, picker, changes), picker


def write(world: World, occasion: Occasion) -> int:
    """Write both files; returns the rows of all tables."""
    size = _members(world, occasion)
    rows, picker = _contracts(world, occasion)
    assets = collectives.assets(world)
    goods = assets.select(
        collectives.cooperatives(world)["code"].gather(assets["unit"]).alias("合作社代码"),
        ("ZC" + pl.col("asset").cast(pl.String).str.zfill(6)).alias("资产编号"),
        pl.col("kind").alias("资产类别"),
        pl.col("value").cast(pl.String).alias("账面原值"),
    )
    with Workbook(occasion.folder / BOOK, {"in_memory": True}) as book:
        book.set_properties({"created": files.CREATED, "author": "区农业农村委"})
        first = files.sheet(book, CONTRACTS, rows, rows.columns[1:])
        files.sheet(book, ASSETS, goods, goods.columns)
    files.told(occasion, f"{BOOK}#{CONTRACTS}", picker, first)
    return size + len(rows) + len(goods)
