"""F19, markets and shops: a weekly CSV with semicolons and a BOM; coordinates in three systems."""

import numpy as np
import polars as pl

from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion, edit, put
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import outlets
from pipelines.simulate.registers.draws import Draws

FILE = "shangye.csv"
_YES = {True: "是", False: "否"}
_UNKNOWN = ["新光明村村委会", "青东农场第三居委会"]


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `outlet`."""
    frame = outlets.build(world, occasion.day)
    villages = world.villages[frame["village"].to_numpy()]
    short = villages["name"].str.replace("(社区)?(村委会|居委会)$", "")
    hours = Draws(world.seed, "f19", frame["outlet"].to_numpy()).pick("hours", ["06:00-18:00", "07:00-21:00", "24小时"])
    return frame.select(
        "outlet",
        ("SY" + pl.col("outlet").cast(pl.String).str.zfill(6)).alias("网点编号"),
        (pl.lit(short) + pl.col("kind") + (pl.col("outlet") + 1).cast(pl.String)).alias("网点名称"),
        pl.col("kind").alias("业态"),
        (pl.lit("青浦区" + villages["town_name"] + villages["road"]) + (9_000 + pl.col("house")).cast(pl.String) + "号")
        .alias("地址"),
        villages["town_name"].alias("所属镇街"),
        villages["name"].alias("所属居村"),
        pl.col("area").cast(pl.String).alias("营业面积"),
        pl.col("stalls").cast(pl.String).alias("摊位数"),
        pl.col("status").alias("在营状态"),
        pl.col("star").cast(pl.String).alias("星级"),
        hours.alias("营业时间"),
        pl.col("value_counter").replace_strict(_YES, return_dtype=pl.String).alias("平价菜专柜"),
        pl.col("price_index").fill_nan(None).cast(pl.String).fill_null("").alias("价格指数"),
        pl.col("delivers").replace_strict(_YES, return_dtype=pl.String).alias("末端配送"),
        pl.col("lon").cast(pl.String).alias("经度"),
        pl.col("lat").cast(pl.String).alias("纬度"),
        pl.lit("WGS84").alias("坐标系"),
    )  # fmt: skip


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = snapshot(world, occasion)
    picker = Picker("F19", world.seed, frame["outlet"].to_numpy())
    rows = picker.rows("coordinates_swapped")
    lon, lat = frame["经度"].gather(rows).to_list(), frame["纬度"].gather(rows).to_list()
    frame = put(put(frame, "经度", rows, lat), "纬度", rows, lon)
    picker.plant("coordinates_swapped", rows)
    rows = picker.rows("other_coordinates")
    frame = edit(frame, "经度", rows, lambda old, _: f"{float(old) + 0.0045:.6f}")
    frame = edit(frame, "纬度", rows, lambda old, _: f"{float(old) - 0.0021:.6f}")
    frame = edit(frame, "坐标系", rows, lambda _, n: ["GCJ-02", "BD-09"][n % 2])
    picker.plant("other_coordinates", rows)
    stalls = (frame["摊位数"] != "0").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("unknown_village", "所属居村", None, lambda _, n: _UNKNOWN[n % 2]),
            ("no_outlet_number", "网点编号", None, lambda _, n: ""),
            ("stalls_in_words", "摊位数", stalls if stalls.any() else None, lambda old, _: f"{int(old) // 10 * 10}余"),
            ("kind_in_other_words", "业态", None, lambda _, n: ["餐馆", "小吃店"][n % 2]),
            ("renamed", "网点名称", None, lambda old, _: f"{old}({occasion.day.month}月新名)"),
        ],
    )
    frame = files.repeat(frame, picker)
    path = occasion.folder / FILE
    files.delimited(path, frame, frame.columns[1:], delimiter=";", encoding="utf-8-sig", newline="\r\n")
    files.told(occasion, FILE, picker, 2)
    occasion.odd("closed_outlet_kept", FILE, 2 + np.flatnonzero((frame["在营状态"] == "停业").to_numpy()))
    return len(frame)
