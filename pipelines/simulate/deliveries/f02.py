"""F02, leases: a weekly GBK CSV with a title line above the header, CRLF, dates and counts as people type them."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import Occasion, edit, put
from pipelines.simulate.deliveries.files import unwritable
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import leases
from pipelines.simulate.seeds import scores

FILE = "czfw.csv"
_INTERNAL = ("dwelling", "landlord", "_early")
_GROUPS = {0: "无", 1: "疑似", 2: "确认", 3: "整治"}
_NOTES = ["", "", "", "", "", "", "", "已整改", "无隐患", "限期整改", "已告知房东", "电线老化，已更换"]
_SERIAL_ZERO = 25_569  # Excel's number of 1970-01-01


def _dates(column: str, style: pl.Expr) -> pl.Expr:
    """Dates in five spellings: 2023/1/5, 2023-01-05, 20230105, 2023年1月5日 and Excel's serial number."""
    day = days.as_date(column)
    year, month, of_month = (part.cast(pl.String) for part in (day.dt.year(), day.dt.month(), day.dt.day()))
    return (
        pl.when(style < 50).then(year + "/" + month + "/" + of_month)
        .when(style < 75).then(day.dt.strftime("%Y-%m-%d"))
        .when(style < 88).then(day.dt.strftime("%Y%m%d"))
        .when(style < 96).then(year + "年" + month + "月" + of_month + "日")
        .otherwise((pl.col(column) + _SERIAL_ZERO).cast(pl.String))
    )  # fmt: skip


def snapshot(world: World, day: date) -> pl.DataFrame:
    """The clean rows, all text, plus `dwelling` and `landlord`."""
    frame = leases.build(world, day)
    style = pl.Series(
        (scores(world.seed, "lease.style", frame["dwelling"].to_numpy()) % np.uint64(100)).astype(np.int64)
    )
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    owner = world.people[frame["landlord"].to_numpy()]
    yes = {True: "是", False: "否"}
    return frame.with_columns(
        code=homes["dwelling_id"], address=homes["address"], name=owner["name"], number=owner["cert_no"],
        phone=owner["mobile"], style=style,
    ).select(
        "dwelling",
        "landlord",
        pl.col("code").alias("房屋编码"),
        ("ZL" + pl.col("code").str.slice(2)).alias("租赁编号"),
        pl.col("address").alias("门牌地址"),
        pl.col("name").alias("房东姓名"),
        pl.col("number").alias("房东证号"),
        pl.col("phone").alias("房东电话"),
        pl.col("filed").replace_strict(yes, return_dtype=pl.String).alias("是否网签备案"),
        _dates("start", pl.col("style")).alias("起租日期"),
        _dates("end", pl.col("style")).alias("到期日期"),
        pl.col("tenants").cast(pl.String).alias("承租人数"),
        pl.col("inside").cast(pl.String).alias("实住人数"),
        pl.col("area").cast(pl.String).alias("建筑面积"),
        pl.col("sublet").replace_strict(yes, return_dtype=pl.String).alias("是否转租"),
        pl.col("group").cast(pl.Int64).replace_strict(_GROUPS, return_dtype=pl.String).alias("群租标记"),
        pl.col("mixed").replace_strict(yes, return_dtype=pl.String).alias("三合一标记"),
        _dates("checked", 99 - pl.col("style")).alias("检查日期"),
        ("民警" + pl.col("officer").cast(pl.String).str.zfill(3)).alias("检查人"),
        pl.Series(_NOTES).gather(frame["note"]).alias("整改情况"),
        (pl.col("start") - 200).cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%d").alias("_early"),
    )  # fmt: skip


def _spoil(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    rows = picker.rows("owner_columns_swapped")
    owner, number = (frame[column].gather(rows).to_list() for column in ("房东姓名", "房东证号"))
    frame = put(put(frame, "房东姓名", rows, number), "房东证号", rows, owner)
    picker.plant("owner_columns_swapped", rows)
    rows = picker.rows("end_before_start")
    frame = frame.with_columns(frame["到期日期"].scatter(rows, frame["_early"].gather(rows)))
    picker.plant("end_before_start", rows)
    for kind, column, change in (
        ("no_dwelling_code", "房屋编码", lambda old, _: ""),
        ("count_in_words", "承租人数", lambda old, n: f"约{old}" if n % 2 else f"{old}人"),
        ("unquoted_comma", "整改情况", lambda old, n: "充电车进楼,已劝离" if n % 2 else "灭火器过期,线路老化,限期整改"),
    ):
        rows = picker.rows(kind)
        frame = edit(frame, column, rows, change)
        picker.plant(kind, rows)
    rows = picker.rows("identical_row")
    picker.plant("identical_row", len(frame) + np.arange(len(rows)))
    return pl.concat([frame, frame[rows]])


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows.

    Names with characters that GBK lacks come out with '?', as such exports have them.
    """
    frame = snapshot(world, occasion.day)
    picker = Picker("F02", world.seed, frame["dwelling"].to_numpy())
    frame = _spoil(frame, picker)
    columns = [name for name in frame.columns if name not in _INTERNAL]
    loose = np.zeros(len(frame), dtype=bool)
    loose[[row for kind, rows in picker.planted if kind.name == "unquoted_comma" for row in rows]] = True
    quoted = [pl.lit('"') + pl.col(name) + '"' for name in columns]
    quoted[-1] = pl.when(pl.Series(loose)).then(pl.col(columns[-1])).otherwise(quoted[-1])
    lines = frame.select(pl.concat_str(quoted, separator=",")).to_series()
    title = f"青浦区出租房屋信息表({occasion.day:%Y年%m月%d日})"
    text = "\r\n".join([title, ",".join(columns), *lines.to_list(), ""])
    (occasion.folder / FILE).write_bytes(text.encode("gbk", errors="replace"))
    occasion.truth.rows(
        "F02", occasion.day, FILE, np.arange(3, len(frame) + 3), frame["landlord"].to_numpy(), "landlord"
    )
    occasion.truth.planted(picker, occasion.day, FILE, 3)
    occasion.odd("dates_in_five_forms", FILE)
    occasion.odd("character_lost", FILE, 3 + unwritable(frame["房东姓名"]))
    return len(frame)
