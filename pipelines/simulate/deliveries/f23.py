"""F23, home-safety devices: a daily GB18030 text with carets between its fields."""

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.identity import NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import sensors
from pipelines.simulate.registers.draws import stamp

FILE = "shebei.txt"
_EAST = 8 * 3_600  # Shanghai's clock is ahead of the one that counts epochs


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `uid`, `device` and the last alarm in epoch seconds as `_epoch`."""
    frame = sensors.build(world, occasion.day)
    people = world.people[frame["uid"].to_numpy()]
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    alarmed, second = frame["alarmed"].to_numpy().astype(np.int64), frame["second"].to_numpy()
    return frame.select(
        "uid",
        "device",
        ("SB" + pl.col("device").cast(pl.String).str.zfill(9)).alias("SBBH"),
        pl.col("kind").alias("SBLX"),
        people["cert_no"].alias("SFZH"),
        homes["dwelling_id"].alias("FWBM"),
        days.text("installed").alias("AZRQ"),
        pl.col("state").alias("ZT"),
        stamp(alarmed, second, "%Y%m%d%H%M%S").alias("ZJGJSJ"),
        pl.when(pl.col("alarmed") > days.NONE)
        .then(pl.col("kind").replace_strict(sensors.ALARMS, return_dtype=pl.String))
        .otherwise(pl.lit(""))
        .alias("GJLX"),
        homes["village_code"].alias("JWDM"),
        days.text("changed").alias("GXRQ"),
        pl.Series((alarmed * 86_400 + second - _EAST).astype(str).astype(object), dtype=pl.String).alias("_epoch"),
    )


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = snapshot(world, occasion)
    picker = Picker("F23", world.seed, frame["device"].to_numpy())
    alarmed = (frame["ZJGJSJ"] != "").to_numpy()
    rows = picker.rows("alarm_in_epoch_seconds", alarmed)
    frame = frame.with_columns(frame["ZJGJSJ"].scatter(rows, frame["_epoch"].gather(rows)))
    picker.plant("alarm_in_epoch_seconds", rows)
    other = frame["FWBM"].to_list()
    frame = files.spoil(
        frame,
        picker,
        [
            ("number_wrong_check", "SFZH", None, lambda old, _: numbers.wrong_check(old)),
            ("impossible_installation", "AZRQ", None, lambda old, _: f"{old[:4]}1341"),
            ("state_as_digit", "ZT", (frame["ZT"] != "停用").to_numpy(), lambda old, _: "1" if old == "在线" else "0"),
            ("test_alarm", "GJLX", alarmed, lambda _, n: "测试"),
            ("device_moved_on", "FWBM", None, lambda _, n: other[n % len(other)]),
        ],
    )
    frame = misidentified(frame, picker, {NUMBER: "SFZH"})
    rows = picker.rows("second_vendor")
    before = frame["AZRQ"].gather(rows)
    picker.plant("second_vendor", len(frame) + np.arange(len(rows)))
    frame = pl.concat([frame, frame[rows].with_columns(before.alias("GXRQ"), pl.lit("").alias("JWDM"))])
    columns = [name for name in frame.columns if name not in ("uid", "device", "_epoch")]
    files.delimited(occasion.folder / FILE, frame, columns, "^", "gb18030", "\r\n")
    files.told(occasion, FILE, picker, 2, frame["uid"].to_numpy())
    return len(frame)
