"""F33, safety inspections: JSON Lines, a year at first and every day what is new or has changed."""

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import inspections, organisations
from pipelines.simulate.registers.draws import dates, stamp

FILE = "yinhuan.jsonl"


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `event`; nothing is null, what is unknown is ''."""
    frame = inspections.build(world, occasion.day, occasion.first)
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    codes = organisations.codes(int(frame["place"].to_numpy().max(initial=0)) + 1)
    at, second = frame["at"].to_numpy(), frame["second"].to_numpy()
    found = np.where((frame["hazard_kind"] != "").to_numpy(), at, days.NONE)
    firm = pl.Series((frame["place"].to_numpy() % 3 == 0) & (frame["place_kind"] == "企业").to_numpy())
    return frame.select(
        "event",
        ("XC" + pl.col("event").cast(pl.String)).alias("inspect_id"),
        ("CS" + pl.col("place").cast(pl.String).str.zfill(7)).alias("place_id"),
        ("第" + pl.col("place").cast(pl.String) + "号" + pl.col("place_kind") + "场所").alias("place_name"),
        pl.col("place_kind").alias("place_type"),
        homes["address"].alias("address"),
        homes["village_code"].alias("village_code"),
        pl.when(firm).then(codes.gather(frame["place"].to_numpy())).otherwise(pl.lit("")).alias("uscc"),
        stamp(at, second).alias("inspect_time"),
        pl.when(pl.col("hazard_kind") == "").then(pl.lit("")).otherwise("YH" + pl.col("event").cast(pl.String))
        .alias("hazard_no"),
        pl.col("hazard_kind").alias("hazard_type"),
        pl.when(pl.col("hazard_kind") == "").then(pl.lit("")).when("is_major").then(pl.lit("重大"))
        .otherwise(pl.lit("一般")).alias("hazard_level"),
        stamp(found, second).alias("found_time"),
        dates(frame["due"].to_numpy()).alias("due_time"),
        stamp(frame["fixed"].to_numpy(), second).alias("fixed_time"),
        pl.col("status"),
        pl.col("repeats").cast(pl.String).alias("repeat_count"),
        ("巡查员" + pl.col("inspector").cast(pl.String)).alias("inspector"),
        pl.when(pl.col("hazard_kind") == "").then(pl.lit("")).otherwise(pl.format("q{}.jpg", "event"))
        .alias("photo_before"),
        pl.when(pl.col("fixed") > days.NONE).then(pl.format("h{}.jpg", "event")).otherwise(pl.lit(""))
        .alias("photo_after"),
    )  # fmt: skip


def write(world: World, occasion: Occasion) -> int:
    """Write the records; returns their number."""
    frame = snapshot(world, occasion)
    picker = Picker("F33", world.seed, frame["event"].to_numpy(), whole=occasion.first)
    fixed, hazard = (frame["fixed_time"] != "").to_numpy(), (frame["hazard_no"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("fixed_before_found", "fixed_time", fixed, lambda old, _: f"2019{old[4:]}".replace("-02-29", "-02-28")),
            ("former_village", "village_code", None, lambda old, _: f"{old[:9]}999"),
            ("level_as_digit", "hazard_level", hazard, lambda old, _: "2" if old == "重大" else "1"),
            ("place_renamed", "place_name", None, lambda old, _: f"{old}(分店)"),
            ("photo_missing", "photo_before", hazard, lambda _, n: ""),
            ("place_under_two_numbers", "place_id", None, lambda old, _: f"CS9{old[3:]}"),
        ],
    )
    frame = files.repeat(frame, picker)
    files.json_lines(occasion.folder / FILE, frame.drop("event").iter_rows(named=True))
    files.told(occasion, FILE, picker, 1)
    return len(frame)
