"""F34, water and environment: monthly readings of water in fixed width (bytes of GBK), daily ones of air in CSV."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.simulate.deliveries import files, fixed
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import environment
from pipelines.simulate.registers.draws import gather, stamp
from pipelines.simulate.seeds import shares

WATER, AIR = "hezhang.txt", "kongqi.csv"
WIDTHS = {
    "点位编码": 10, "点位名称": 30, "类型": 8, "居村委": 12, "指标": 10, "数值": 10, "类别": 4, "监测时间": 14,
    "责任河长": 20,
}  # fmt: skip
_MONTHS = 12
_DAYS = 365
_MISSED = 0.004  # of the points' months
_GRADES = ["", "I", "II", "III", "IV", "V", "VI"]
_OTHER_GRADES = {"III": "Ⅲ", "IV": "4", "II": "2", "V": "5", "I": "1", "VI": "劣5"}


def readings(world: World, day: date, metrics: tuple[str, ...]) -> pl.DataFrame:
    """The clean rows of one day, all text, plus `row`, a number that a reading keeps, and `is_moved`."""
    frame = environment.build(world, day, metrics)
    code = gather(world.villages["village_code"], frame["village"].to_numpy())
    names = world.villages["name"].str.replace("(社区)?(村委会|居委会)$", "")
    short = gather(names, frame["village"].to_numpy(), "省界")
    moment = stamp(frame["at"].to_numpy(), frame["second"].to_numpy(), "%Y%m%d%H%M%S")
    grades = pl.Series(_GRADES).gather(frame["grade"])
    whole = pl.col("metric").is_in(["AQI", "depth", "working"])
    return frame.select(
        (pl.col("point") * 100 + pl.col("metric").rank("dense")).cast(pl.Int64).alias("row"),
        "is_moved",
        ("HJ" + pl.col("point").cast(pl.String).str.zfill(6)).alias("点位编码"),
        (pl.lit(short) + pl.col("kind").str.slice(0, 2) + pl.col("point").cast(pl.String)).alias("点位名称"),
        pl.col("kind").alias("类型"),
        code.alias("居村委"),
        pl.col("metric").alias("指标"),
        pl.when(whole).then(pl.col("value").round(0).cast(pl.Int64).cast(pl.String))
        .otherwise(pl.col("value").cast(pl.String)).alias("数值"),
        grades.alias("类别"),
        moment.alias("监测时间"),
        pl.when(pl.col("kind") == environment.RIVER).then("河长" + pl.col("chief").cast(pl.String).str.zfill(3))
        .otherwise(pl.lit("")).alias("责任河长"),
    )  # fmt: skip


def _not_missed(world: World, frame: pl.DataFrame, months: np.ndarray) -> np.ndarray:
    """Which readings were taken: now and then nobody comes to a point for a whole month."""
    visit = frame["点位编码"].str.slice(2).cast(pl.Int64).to_numpy() * 100_000 + months
    return shares(world.seed, "F34.visits", visit) >= _MISSED


def _odd(occasion: Occasion, file: str, frame: pl.DataFrame, first_line: int) -> None:
    river = frame["类型"] == environment.RIVER
    for name, rows in (("station_moved", frame["is_moved"]), ("boundary_river", river & (frame["居村委"] == ""))):
        occasion.odd(name, file, first_line + np.flatnonzero(rows.to_numpy()))


def _water(world: World, occasion: Occasion) -> int:
    """The months' readings: the last twelve at first, the newest after that."""
    monthly = tuple(name for name in environment.METRICS if name not in environment.DAILY)
    month = occasion.day.year * 12 + occasion.day.month - 1
    back = _MONTHS if occasion.first else 1
    dates = [date((month - n) // 12, (month - n) % 12 + 1, 1) for n in range(back, 0, -1)]
    frame = pl.concat([readings(world, day, monthly) for day in dates])
    months = np.repeat([day.year * 12 + day.month for day in dates], len(frame) // len(dates))
    kept = _not_missed(world, frame, months)
    if not kept.all():
        occasion.odd("month_missing", WATER)
    frame, months = frame.filter(pl.Series(kept)), months[kept]
    picker = Picker("F34", world.seed, frame["row"].to_numpy() + 1_000_000 * months)
    river = (frame["类型"] == environment.RIVER).to_numpy()
    small = river & frame["指标"].is_in(["NH3N", "TP"]).to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("impossible_time", "监测时间", None, lambda old, _: f"{old[:4]}1341{old[8:]}"),
            ("unknown_village", "居村委", frame["居村委"].ne("").to_numpy(), lambda old, _: f"{old[:9]}999"),
            ("below_detection", "数值", small, lambda old, _: "<0.05"),
            ("not_detected", "数值", small, lambda old, _: "ND"),
            ("grade_in_other_style", "类别", river, lambda old, _: _OTHER_GRADES[old]),
        ],
    )
    rows = picker.rows("identical_row")
    picker.plant("identical_row", len(frame) + np.arange(len(rows)))
    frame = pl.concat([frame, frame[rows]])
    _odd(occasion, WATER, frame, 1)
    (occasion.folder / WATER).write_bytes(fixed.records(frame, WIDTHS))
    files.told(occasion, WATER, picker, 1)
    return len(frame)


def write(world: World, occasion: Occasion) -> int:
    """Write air and noise (the day, at first a year of it) and the water of a month that is over; returns the rows."""
    size = 0
    if occasion.first or occasion.day.day == 1:
        size = _water(world, occasion)
    back = _DAYS if occasion.first else 1
    frame = pl.concat([readings(world, occasion.day - timedelta(days=ago), environment.DAILY) for ago in range(back)])
    files.delimited(occasion.folder / AIR, frame, frame.columns[2:], encoding="gbk", newline="\r\n")
    _odd(occasion, AIR, frame, 2)
    return size + len(frame)
