"""F25, fraud dissuasion and safety devices: two monthly GBK files, one of matters and one of devices.

In two months of a quarter the regular export puts one header, with the columns of both, over either file.
"""

import hashlib

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import peace

MATTERS, DEVICES = "quanzu.csv", "jifang.csv"
_BOTH = ["类别", "对象标识", "等级", "起始日期", "截止日期", "责任单位", "居村委", "状态"]
_BOTH += ["设备编号", "设备类型", "小区", "在线状态", "安装日期", "经度", "纬度"]


def _matters(world: World, occasion: Occasion) -> int:
    frame = peace.subjects(world, occasion.day)
    number = world.people["cert_no"].gather(frame["uid"]).to_list()
    hashed = frame["is_hashed"].to_list()
    subject = [
        hashlib.md5(text.encode()).hexdigest() if flag else text for text, flag in zip(number, hashed, strict=True)
    ]
    rows = frame.select(
        "uid",
        pl.col("kind").alias("类别"),
        pl.Series(subject, dtype=pl.String).alias("对象标识"),
        pl.col("level").alias("等级"),
        days.text("since", "%Y-%m-%d").alias("起始日期"),
        days.text("until", "%Y-%m-%d").alias("截止日期"),
        world.villages["town_name"].gather(frame["village"]).alias("责任单位"),
        world.villages["name"].gather(frame["village"]).alias("居村委"),
        pl.when("is_open").then(pl.lit("跟踪中")).otherwise(pl.lit("已结束")).alias("状态"),
    )
    picker = Picker("F25", world.seed, frame["uid"].to_numpy())
    over = (~frame["is_open"]).to_numpy()
    rows = files.spoil(
        rows,
        picker,
        [
            ("unknown_kind", "类别", None, lambda _, n: "其他关注"),
            ("ends_before_start", "截止日期", None, lambda _, n: "2015-01-01"),
            ("ended_not_closed", "状态", over, lambda _, n: "跟踪中"),
        ],
    )
    rows = files.repeat(rows, picker)
    _export(occasion, MATTERS, rows)
    files.told(occasion, MATTERS, picker, 2, rows["uid"].to_numpy())
    digest = rows["对象标识"].str.contains("^[0-9a-f]{32}$").to_numpy()
    occasion.odd("hash_for_number", MATTERS, 2 + np.flatnonzero(digest))
    return len(rows)


def _position(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Coordinates, which one vendor in three has put in."""
    return pl.when("is_placed").then(pl.lit(frame[column].round(6).cast(pl.String))).otherwise(pl.lit(""))


def _devices(world: World, occasion: Occasion) -> int:
    frame = peace.devices(world, occasion.day)
    rows = frame.select(
        "device",
        ("JF" + pl.col("device").cast(pl.String).str.zfill(7)).alias("设备编号"),
        pl.col("kind").alias("设备类型"),
        pl.col("estate").alias("小区"),
        pl.when("is_online").then(pl.lit("在线")).otherwise(pl.lit("离线")).alias("在线状态"),
        days.text("installed", "%Y-%m-%d").alias("安装日期"),
        world.villages["name"].gather(frame["village"]).alias("居村委"),
        _position(frame, "lon").alias("经度"),
        _position(frame, "lat").alias("纬度"),
    )
    picker = Picker("F25", world.seed, frame["device"].to_numpy())
    rows = files.spoil(
        rows,
        picker,
        [
            ("no_device_number", "设备编号", None, lambda _, n: ""),
            ("online_as_digit", "在线状态", None, lambda old, _: "1" if old == "在线" else "0"),
        ],
    )
    _export(occasion, DEVICES, rows)
    files.told(occasion, DEVICES, picker, 2)
    occasion.odd("device_without_position", DEVICES, 2 + np.flatnonzero((rows["经度"] == "").to_numpy()))
    return len(rows)


def _export(occasion: Occasion, file: str, rows: pl.DataFrame) -> None:
    """Write the rows under their own header, or under the one of both files."""
    header = rows.columns[1:]
    if occasion.day.day == 1 and occasion.day.month % 3:
        occasion.odd("one_header_for_both", file)
        rows = rows.with_columns(pl.lit("").alias(name) for name in _BOTH if name not in header)
        header = _BOTH
    files.delimited(occasion.folder / file, rows, header, encoding="gbk", newline="\r\n")


def write(world: World, occasion: Occasion) -> int:
    """Write both files; returns their rows."""
    return _matters(world, occasion) + _devices(world, occasion)
