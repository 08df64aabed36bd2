"""B03, villages and committees: a clean UTF-8 CSV of the 355 units."""

import polars as pl

from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.population import World

FILE = "cunju.csv"


def write(world: World, occasion: Occasion) -> int:
    """Write the file; returns its rows."""
    people = pl.col("registered_weight") + pl.col("migrant_weight")
    grids = (people / 1_500).ceil().clip(1).cast(pl.Int64)
    if occasion.earlier:  # some villages were given another grid since
        grids = pl.when((pl.col("village") % 30 == 7) & (grids > 1)).then(grids - 1).otherwise(grids)
    frame = world.villages.select(
        pl.col("village_code").alias("村居代码"),
        pl.col("name").alias("村居名称"),
        pl.col("kind").alias("类型"),
        pl.col("town_code").alias("镇街代码"),
        pl.col("town_name").alias("镇街名称"),
        pl.col("form").fill_null("").alias("形态"),
        pl.col("is_agricultural").alias("是否涉农"),
        pl.col("urban_class").alias("城乡分类"),
        grids.alias("网格数"),
        (grids * 4).alias("微网格数"),
        pl.col("area_km2").alias("面积(平方公里)"),
        pl.lit("").alias("合并自"),
        pl.col("lon").alias("经度"),
        pl.col("lat").alias("纬度"),
    )
    text = frame.with_columns(pl.col("合并自").replace("", None)).write_csv(null_value="")
    (occasion.folder / FILE).write_bytes(text.encode())
    return len(frame)
