"""F20, party members: a quarterly workbook of two sheets, header in row 2, dates as Excel's day numbers."""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.identity import NAME, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import party
from pipelines.simulate.registers.draws import gather

FILE, MEMBERS, BRANCHES = "dangyuan.xlsx", "党员", "党组织"
_SERIAL_ZERO = 25_569  # Excel's number of 1970-01-01
_LEVELS = {1: "研究生", 2: "大学本科", 3: "大学专科", 4: "中专", 6: "高中", 7: "初中", 8: "小学", 9: "其他"}


def _serial(column: str) -> pl.Expr:
    """Dates as numeric cells, empty for none."""
    return pl.when(pl.col(column) > days.NONE).then(pl.col(column) + _SERIAL_ZERO)


def _flag(column: str) -> pl.Expr:
    return pl.when(column).then(pl.lit("是")).otherwise(pl.lit("否"))


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean members, text and day numbers, plus `uid`."""
    frame = party.build(world, occasion.day)
    people = world.people[frame["uid"].to_numpy()]
    branch = party.branches(world)[frame["branch"].to_numpy()]
    nations = world.reference.codes.filter(pl.col("table") == "ethnic")
    nation = dict(zip(nations["code"].cast(pl.Int64).to_list(), nations["name_cn"].to_list(), strict=True))
    level = people["edu"].cast(pl.Int64) // 10
    return frame.select(
        "uid",
        people["name"].alias("姓名"),
        people["cert_no"].alias("公民身份证号码"),
        people["sex"].cast(pl.Int64).replace_strict({1: "男", 2: "女"}, return_dtype=pl.String).alias("性别"),
        people["ethnic"].cast(pl.Int64).replace_strict(nation, default="汉族").alias("民族"),
        level.replace_strict(_LEVELS, default="其他").alias("学历"),
        pl.col("kind").alias("人员类别"),
        pl.col("membership").alias("身份类别"),
        _serial("joined").alias("入党日期"),
        _serial("confirmed").alias("转正日期"),
        branch["name"].alias("所在党支部"),
        branch["code"].alias("党支部代码"),
        pl.col("post").alias("党内职务"),
        _flag("is_floating").alias("流动党员"),
        _flag("is_lost").alias("失联"),
        _flag("is_hardship").alias("困难党员"),
        gather(world.villages["name"], frame["reported_village"].to_numpy()).alias("双报到村居"),
        _serial("reported").alias("报到日期"),
        pl.col("meetings").cast(pl.String).alias("本年参加组织生活次数"),
        pl.when("works").then("青浦第" + pl.col("employer").cast(pl.String) + "单位").otherwise(pl.lit(""))
        .alias("工作单位"),
        people["mobile"].alias("联系电话"),
        (occasion.day.year - days.as_date("joined").dt.year()).cast(pl.String).fill_null("").alias("党龄"),
    )  # fmt: skip


def _moved(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """Some members once more under the branch they left."""
    rows = picker.rows("transferred_in_both", (frame["身份类别"] == "在册").to_numpy())
    codes = frame["党支部代码"].gather(rows).to_list()
    left = frame[rows].with_columns(
        pl.lit("转出").alias("身份类别"),
        pl.Series("党支部代码", [code[:-1] + str(int(code[-1]) % 3 + 1) for code in codes], dtype=pl.String),
    )
    picker.plant("transferred_in_both", len(frame) + np.arange(len(rows)))
    return pl.concat([frame, left])


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns the rows of both sheets."""
    frame = snapshot(world, occasion)
    picker = Picker("F20", world.seed, frame["uid"].to_numpy())
    reported = (frame["双报到村居"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("number_wrong_check", "公民身份证号码", None, lambda old, _: numbers.wrong_check(old)),
            ("unknown_kind", "人员类别", None, lambda _, n: "群众"),
            ("branch_renamed", "所在党支部", None, lambda old, _: f"原{old}"),
            ("nation_short", "民族", None, lambda old, _: old.removesuffix("族")),
            ("unknown_reported_village", "双报到村居", reported, lambda _, n: "新光明村村委会"),
        ],
    )
    frame = misidentified(frame, picker, {NAME: "姓名"})
    joined = frame["入党日期"].is_not_null().to_numpy() & (frame["转正日期"].is_not_null()).to_numpy()
    rows = picker.rows("confirmed_before_joining", joined)
    early = frame["入党日期"].gather(rows) - 300
    frame = frame.with_columns(frame["转正日期"].scatter(rows, early))
    picker.plant("confirmed_before_joining", rows)
    aged = (frame["党龄"] != "").to_numpy()
    disagrees: files.Change = ("party_years_disagree", "党龄", aged, lambda old, n: str(int(old) + 3 + n % 9))
    frame = files.spoil(frame, picker, [disagrees])
    frame = files.repeat(_moved(frame, picker), picker)
    units = party.branches(world).select(
        pl.col("code").alias("党支部代码"),
        pl.col("name").alias("所在党支部"),
        world.villages["name"].gather(party.branches(world)["village"]).alias("所在村居"),
        _serial("founded").alias("成立日期"),
    )
    month = f"({occasion.day:%Y年%m月})"
    with Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": files.CREATED, "author": "区委组织部"})
        first = files.sheet(book, MEMBERS, frame, frame.columns[1:], title=f"党员信息{month}")
        files.sheet(book, BRANCHES, units, units.columns, title=f"党组织信息{month}")
    files.told(occasion, f"{FILE}#{MEMBERS}", picker, first, frame["uid"].to_numpy())
    for name in (MEMBERS, BRANCHES):
        occasion.odd("dates_as_serial", f"{FILE}#{name}")
    return len(frame) + len(units)
