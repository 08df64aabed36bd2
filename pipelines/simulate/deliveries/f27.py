"""F27, the hotline: new orders of the day as an exported workbook, closed ones and the past year as JSON Lines.

The export mostly bears the old column names with 12345 in front; the interface, and the newer client, dropped it.
"""

import hashlib

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import days
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import hotline
from pipelines.simulate.registers.draws import stamp

BOOK, SHEET, LINES = "12345.xlsx", "工单", "gongdan.jsonl"
PREFIXED = ["工单编号", "受理时间", "工单来源", "诉求地址", "工单类型", "内容描述"]
_SATURDAY = 5
_SERIAL_ZERO = 25_569  # Excel's number of 1970-01-01


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, under the new names, plus `event`, `at` and `_serial`."""
    frame = hotline.build(world, occasion.day, occasion.first)
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    villages = world.villages[homes["village"].to_numpy()]
    at, second = frame["at"].to_numpy(), frame["second"].to_numpy()
    caller = {number: hashlib.md5(f"{number}".encode()).hexdigest() for number in frame["caller"].unique().to_list()}
    estate = homes["estate"]
    return frame.select(
        "event",
        "at",
        ((pl.Series(at) + second / 86_400 + _SERIAL_ZERO).round(6).cast(pl.String)).alias("_serial"),
        ("SH" + pl.col("event").cast(pl.String)).alias("工单编号"),
        stamp(at, second).alias("受理时间"),
        pl.col("source").alias("工单来源"),
        homes["address"].alias("诉求地址"),
        pl.col("kind").alias("工单类型"),
        (pl.lit("来电反映") + pl.col("category") + "问题").alias("内容描述"),
        ("第" + pl.col("handler").cast(pl.String) + "承办单位").alias("主办单位"),
        pl.lit("").alias("答复市民要点"),
        pl.lit("城市管理").alias("一级业务分类"),
        pl.lit("住房和小区").alias("二级业务分类"),
        pl.col("category").alias("三级业务分类"),
        pl.lit("").alias("四级业务分类"),
        pl.lit("").alias("五级业务分类"),
        pl.col("category").alias("十四类"),
        estate.alias("小区名称"),
        pl.when(pl.Series(estate == "")).then(pl.lit("无")).otherwise(pl.lit("青浦物业")).alias("物业公司"),
        villages["town_name"].alias("街道"),
        villages["name"].alias("居村"),
        days.text("contact", "%Y-%m-%d").alias("先行联系时间"),
        days.text("due", "%Y-%m-%d").alias("办结时限"),
        stamp(frame["closed"].to_numpy().astype(np.int64), second).alias("办结时间"),
        pl.col("solved").alias("诉求是否解决"),
        pl.col("satisfaction").alias("市民满意度"),
        pl.when(pl.col("satisfaction") == "不满意")
        .then(pl.lit("未解决问题"))
        .otherwise(pl.lit("无"))
        .alias("不满原因"),
        pl.when("is_returned").then(pl.lit("是")).otherwise(pl.lit("否")).alias("退单标记"),
        pl.col("urged").cast(pl.String).alias("催办次数"),
        pl.when("is_difficult").then(pl.lit("是")).otherwise(pl.lit("否")).alias("疑难标记"),
        pl.col("caller").replace_strict(caller, return_dtype=pl.String).alias("来电人标识"),
    )


def _spoilt(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    rows = picker.rows("time_as_serial")
    frame = frame.with_columns(frame["受理时间"].scatter(rows, frame["_serial"].gather(rows)))
    picker.plant("time_as_serial", rows)
    closed = (frame["办结时间"] != "").to_numpy()
    return files.spoil(
        frame,
        picker,
        [
            ("order_number_otherwise", "工单编号", None, lambda old, n: old[2:] if n % 2 else f"12345-{old[2:]}"),
            ("closed_before_accepted", "办结时间", closed, lambda _, n: "2019-01-01 09:00:00"),
            ("unknown_kind", "工单类型", None, lambda _, n: "其他类型"),
            ("street_with_office", "街道", None, lambda old, _: f"{old}办事处"),
            ("category_struck_out", "十四类", None, lambda old, _: f"剔除-{old}"),
            ("phone_in_text", "内容描述", None, lambda old, n: f"{old},回电1{n:010d}"),
        ],
    )


def _nothing(frame: pl.DataFrame) -> np.ndarray:
    return np.flatnonzero((frame["物业公司"] == "无").to_numpy())


def write(world: World, occasion: Occasion) -> int:
    """Write both files; returns their orders."""
    frame = snapshot(world, occasion)
    is_new = frame["at"] == days.number(occasion.day)
    new, old = frame.filter(is_new), frame.filter(~is_new)
    # At weekends the export is made with the newer client, whose names are those of the interface.
    is_newer = occasion.day.weekday() >= _SATURDAY
    names = {} if is_newer else {name: f"12345{name}" for name in PREFIXED}
    picker = Picker("F27", world.seed, new["event"].to_numpy(), whole=False)
    new = _spoilt(new, picker).rename(names)
    with Workbook(occasion.folder / BOOK, {"in_memory": True}) as book:
        book.set_properties({"created": files.CREATED, "author": "区城运中心"})
        first = files.sheet(book, SHEET, new, new.columns[3:])
    files.told(occasion, f"{BOOK}#{SHEET}", picker, first)
    if is_newer:
        occasion.odd("columns_renamed", f"{BOOK}#{SHEET}")
    occasion.odd("none_as_word", f"{BOOK}#{SHEET}", first + _nothing(new))
    if len(old):
        picker = Picker("F27", world.seed, old["event"].to_numpy(), whole=occasion.first)
        old = _spoilt(old, picker)
        files.json_lines(occasion.folder / LINES, old.select(old.columns[3:]).iter_rows(named=True))
        files.told(occasion, LINES, picker, 1)
        occasion.odd("none_as_word", LINES, 1 + _nothing(old))
    return len(new) + len(old)
