"""F11, social insurance: a monthly Parquet folder by month (snappy, dictionary-encoded)."""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries.common import Occasion, edit, present
from pipelines.simulate.deliveries.identity import NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import insurance

_INSURANCE = ["pension_type", "pension_status", "medical_type", "medical_status", "unemp_status", "injury_status"]
_DICTIONARY = [*_INSURANCE, "employer_uscc"]


def _months(frame: pl.DataFrame, rows: np.ndarray, value: Callable[[np.ndarray], np.ndarray]) -> pl.DataFrame:
    old = frame["last_paid_ym"]
    fresh = value(old.gather(rows).to_numpy()).astype(np.int32)
    return frame.with_columns(old.scatter(rows, pl.Series(fresh)))


def _spoil(frame: pl.DataFrame, picker: Picker, world: World, day: date) -> pl.DataFrame:
    number = frame["person_cert"]
    rows = picker.rows("last_paid_zero", (frame["pension_status"] == "").to_numpy())
    frame = _months(frame, rows, lambda old: old * 0)
    picker.plant("last_paid_zero", rows)
    rows = picker.rows("last_paid_month_13")
    frame = _months(frame, rows, lambda old: old // 100 * 100 + 13)
    picker.plant("last_paid_month_13", rows)
    for name, allowed, change in (
        ("lower_case_x", number.str.ends_with("X").to_numpy(), lambda old, _: old.lower()),
        ("number_wrong_check", None, lambda old, _: numbers.wrong_check(old)),
    ):
        rows = picker.rows(name, allowed)
        frame = edit(frame, "person_cert", rows, change)
        picker.plant(name, rows)
    frame = misidentified(frame, picker, {NUMBER: "person_cert"})
    twice = (frame["pension_status"] == "缴费") & (frame["pension_type"] == "职工")
    rows = picker.rows("second_open_pension", twice.to_numpy())
    second = frame[rows].with_columns(pension_type=pl.lit("居民"), employer_uscc=pl.lit(""))
    picker.plant("second_open_pension", len(frame) + np.arange(len(rows)))
    dead = _after_death(world, day, max(len(picker.rows("benefit_after_death")), 1))
    picker.plant("benefit_after_death", len(frame) + len(rows) + np.arange(len(dead)))
    return pl.concat([frame, second, dead.select(frame.columns)])


def _after_death(world: World, day: date, size: int) -> pl.DataFrame:
    """Pensions still paid to people whose death is known."""
    today = days.number(day)
    people = present(world, day).filter((pl.col("reported") > days.NONE) & (pl.col("reported") <= today))[:size]
    paid = {"pension_type": "职工", "pension_status": "领取", "medical_type": "职工", "medical_status": "终止"}
    return people.select(
        "uid",
        pl.col("cert_no").alias("person_cert"),
        *(pl.lit(paid.get(name, "")).alias(name) for name in _DICTIONARY),
        pl.lit(day.year * 100 + day.month, dtype=pl.Int32).alias("last_paid_ym"),
        days.text("birth").str.replace("^(....)", "2010").str.replace("0229$", "0228").alias("benefit_start"),
        pl.lit("").alias("benefit_stop"),
    )


def write(world: World, occasion: Occasion) -> int:
    """Write the month's partition; returns its rows."""
    frame = insurance.build(world, occasion.day)
    picker = Picker("F11", world.seed, frame["uid"].to_numpy())
    frame = _spoil(frame, picker, world, occasion.day)
    file = f"ym={occasion.day:%Y%m}/part-0.parquet"
    path = occasion.folder / file
    path.parent.mkdir()
    table = frame.drop("uid").with_columns(pl.col(_DICTIONARY).cast(pl.Categorical)).to_arrow()
    pq.write_table(table, path, compression="snappy", use_dictionary=True)
    occasion.truth.rows("F11", occasion.day, file, np.arange(1, len(frame) + 1), frame["uid"].to_numpy())
    occasion.truth.planted(picker, occasion.day, file, 1)
    return len(frame)
