"""F29, property management of estates: a quarterly workbook with its header in row 1 and notes at the bottom."""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import days
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import estates

FILE, SHEET = "wuye.xlsx", "住宅小区"
_ADDITIVE = ["总户数", "电梯数", "加装电梯数", "充电桩数", "停车位数"]
_NOTES = ["注:物业费按建筑面积计。", "备注:加装电梯含在电梯数内。"]


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, text and numbers, plus `row`."""
    frame = estates.build(world, occasion.day).with_row_index("row")
    villages = world.villages[frame["village"].to_numpy()]
    short = villages["name"].str.replace("(社区)?(村委会|居委会)$", "")
    return frame.select(
        "row",
        pl.col("estate").alias("小区编号"),
        (pl.lit(short) + "家园" + pl.col("estate").str.slice(-3)).alias("小区名称"),
        pl.col("kind").alias("小区类型"),
        villages["name"].alias("居委"),
        pl.col("homes").cast(pl.String).alias("总户数"),
        pl.col("year").cast(pl.String).alias("建成年份"),
        ("青浦第" + pl.col("company").cast(pl.String) + "物业服务有限公司").alias("物业企业"),
        pl.col("fee").cast(pl.String).alias("物业费(元/㎡·月)"),
        pl.col("committee").alias("业委会状态"),
        days.text("term_end", "%Y-%m-%d").alias("业委会届满日期"),
        pl.col("lifts").cast(pl.String).alias("电梯数"),
        pl.col("lifts_added").cast(pl.String).alias("加装电梯数"),
        pl.col("fund").cast(pl.String).alias("维修资金续筹率"),
        pl.col("score").cast(pl.String).alias("物业考评得分"),
        pl.col("chargers").cast(pl.String).alias("充电桩数"),
        pl.col("parking").cast(pl.String).alias("停车位数"),
        days.text("updated", "%Y-%m-%d").alias("更新时间"),
    )


def _in_phases(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """The estates with some split in two by phases of building, each a part of the whole; the second behind all."""
    at = picker.rows("split_by_phases")
    split = frame[at]
    first, second = (
        split.with_columns(
            pl.col("小区编号") + f"-{phase}",
            pl.col("小区名称") + f"({'一二'[phase - 1]}期)",
            *((pl.col(name).cast(pl.Int64) // 2 + pl.col(name).cast(pl.Int64) % 2 * (2 - phase)).cast(pl.String)
              for name in _ADDITIVE),
        )
        for phase in (1, 2)
    )  # fmt: skip
    picker.plant("split_by_phases", np.concatenate([at, len(frame) + np.arange(len(at))]))
    changed = [frame[name].scatter(at, first[name]) for name in ("小区编号", "小区名称", *_ADDITIVE)]
    return pl.concat([frame.with_columns(changed), second])


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns its rows."""
    frame = snapshot(world, occasion)
    picker = Picker("F29", world.seed, frame["row"].to_numpy())
    term = (frame["业委会届满日期"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("added_above_all_lifts", "加装电梯数", None, lambda old, n: str(int(old) + 40)),
            ("no_estate_number", "小区编号", None, lambda _, n: ""),
            ("fee_as_range", "物业费(元/㎡·月)", None, lambda old, _: f"{old}-{float(old) + 0.6:.2f}"),
            ("term_in_words", "业委会届满日期", term, lambda old, _: f"{old[:4]}年底"),
            ("two_committees", "居委", None, lambda old, _: f"{old}、{old[:2]}第二居委会"),
            ("fund_in_percent", "维修资金续筹率", None, lambda old, _: f"{float(old) * 100:.1f}%"),
        ],
    )
    frame = _in_phases(frame, picker)
    with Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": files.CREATED, "author": "区房管局"})
        first = files.sheet(book, SHEET, frame, frame.columns[1:], notes=_NOTES)
    files.told(occasion, f"{FILE}#{SHEET}", picker, first)
    occasion.odd("notes_below", f"{FILE}#{SHEET}")
    return len(frame)
