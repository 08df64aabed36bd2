"""B05, code tables: a clean UTF-8 CSV of the published codes with the date each standard took effect."""

import polars as pl

from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.population import World

FILE = "daima.csv"


def write(world: World, occasion: Occasion) -> int:
    """Write the file; returns its rows."""
    year = pl.col("standard").str.extract(r"-((?:19|20)\d\d)$")
    frame = world.reference.codes.select(
        "table",
        "code",
        pl.col("name_cn").alias("name"),
        pl.col("standard").alias("std"),
        (year + "-01-01").alias("valid_from"),
        pl.lit(None, dtype=pl.String).alias("valid_to"),
    )
    if occasion.earlier:  # some codes have been added since
        frame = frame.filter(pl.int_range(pl.len()) % 170 != 169)
    (occasion.folder / FILE).write_bytes(frame.write_csv(null_value="").encode())
    return len(frame)
