"""F28, waste sorting and sanitation: a monthly CSV; tons and kilograms, per cent and shares side by side."""

from datetime import date

import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import sanitation

FILE = "ljfl.csv"
_MONTHS = 12


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `point` and `row`: the month before, of the first deliveries twelve months."""
    first = occasion.day.year * 12 + occasion.day.month - 1
    months = [first - ago for ago in range(_MONTHS if occasion.first or occasion.earlier else 1)]
    return pl.concat([_month(world, date(n // 12, n % 12 + 1, 1)) for n in months])


def _month(world: World, day: date) -> pl.DataFrame:
    frame = sanitation.build(world, day)
    month = days.day_of(days.number(day) - 1)
    villages = world.villages[frame["village"].to_numpy()]
    short = villages["name"].str.replace("(社区)?(村委会|居委会)$", "")

    def weight(column: str) -> pl.Expr:
        return pl.when("is_waste").then(pl.col(column).cast(pl.String)).otherwise(pl.lit(""))

    return frame.select(
        "point",
        (pl.col("point") + 100_000 * (12 * month.year + month.month)).alias("row"),
        ("HW" + pl.col("point").cast(pl.String).str.zfill(6)).alias("点位编号"),
        pl.col("kind").alias("点位类型"),
        (pl.lit(short) + pl.col("estate").cast(pl.String) + "号小区").alias("小区"),
        villages["name"].alias("居村委"),
        pl.lit(f"{month:%Y-%m}").alias("月份"),
        weight("wet").alias("湿垃圾(吨)"),
        weight("dry").alias("干垃圾(吨)"),
        weight("recycled").alias("可回收物(吨)"),
        weight("hazard").alias("有害垃圾(kg)"),
        weight("purity").alias("分类纯净率"),
        pl.col("score").cast(pl.String).alias("检查得分"),
        days.text("checked", "%Y-%m-%d").alias("检查日期"),
        pl.col("status").alias("设施状态"),
        pl.col("green").cast(pl.String).alias("绿地面积"),
    )


def write(world: World, occasion: Occasion) -> int:
    """Write the month; returns its rows."""
    frame = snapshot(world, occasion)
    if occasion.earlier:  # some had not been looked at yet
        late = pl.col("point") % 31 == 5
        frame = frame.with_columns(pl.when(~late).then(pl.col("检查得分", "检查日期")).otherwise(pl.lit("")))
    picker = Picker("F28", world.seed, frame["row"].to_numpy())
    waste = (frame["分类纯净率"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("unknown_village", "居村委", None, lambda _, n: ["原白鹤一村村委会", "城中居委会(已撤并)"][n % 2]),
            ("impossible_month", "月份", None, lambda old, _: f"{old[:4]}-13"),
            ("weight_in_kilograms", "湿垃圾(吨)", waste, lambda old, _: f"{round(float(old) * 1000)}kg"),
            ("purity_in_percent", "分类纯净率", waste, lambda old, _: f"{float(old) * 100:.1f}%"),
            ("month_of_one_digit", "月份", None, lambda old, _: f"{old[:4]}-{int(old[5:])}"),
            ("negative_correction", "干垃圾(吨)", waste, lambda old, _: f"-{old}"),
        ],
    )
    frame = files.repeat(frame, picker)
    files.delimited(occasion.folder / FILE, frame, frame.columns[2:])
    files.told(occasion, FILE, picker, 2)
    return len(frame)
