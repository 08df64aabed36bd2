"""F24, people's mediation: one JSON array a delivery, parties nested, times in seconds since 1970."""

import json

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import mediation
from pipelines.simulate.registers.draws import gather

FILE = "tiaojie.json"
_EAST = 8 * 3_600  # Shanghai's clock is ahead of the one that counts epochs
_OLD_CODES = {kind: f"{place:02d}" for place, kind in enumerate(mediation.KINDS, 1)}


def _epoch(day_numbers: np.ndarray, seconds: np.ndarray) -> pl.Series:
    text = pl.Series(day_numbers * 86_400 + seconds - _EAST).cast(pl.String)
    return pl.select(pl.when(pl.Series(day_numbers > days.NONE)).then(text).otherwise(pl.lit(""))).to_series()


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows flat and as text, plus `event`, `applicant`, `respondent` and `is_revised`."""
    frame = mediation.build(world, occasion.day, occasion.first)
    second = frame["second"].to_numpy()
    one, two = frame["applicant"].to_numpy(), frame["respondent"].to_numpy()
    people = world.people
    return frame.select(
        "event",
        "applicant",
        "respondent",
        "is_revised",
        ("TJ" + pl.col("event").cast(pl.String)).alias("caseNo"),
        pl.col("kind").alias("type"),
        _epoch(frame["at"].to_numpy(), second).alias("acceptTime"),
        world.villages["village_code"].gather(frame["village"]).alias("villageCode"),
        ("调解员" + pl.col("mediator").cast(pl.String)).alias("mediator"),
        gather(people["name"], one, "某先生").alias("name"),
        gather(people["cert_no"], one).alias("idNo"),
        gather(people["mobile"], one).alias("phone"),
        gather(people["name"], two, "某女士").alias("otherName"),
        gather(people["cert_no"], two).alias("otherIdNo"),
        pl.when("is_difficult").then(pl.lit("是")).otherwise(pl.lit("否")).alias("difficulty"),
        "result",
        pl.when("is_confirmed").then(pl.lit("是")).otherwise(pl.lit("否")).alias("judicialConfirm"),
        _epoch(frame["closed"].to_numpy().astype(np.int64), second).alias("closeTime"),
        pl.when(pl.col("amount") > 0).then(pl.col("amount").cast(pl.String)).otherwise(pl.lit(""))
        .alias("agreementAmount"),
        pl.when("is_legal_aid").then(pl.lit("是")).otherwise(pl.lit("否")).alias("legalAid"),
        pl.lit(f"{occasion.day.isoformat()} 23:00:00").alias("updateTime"),
    )  # fmt: skip


def _record(row: dict[str, str]) -> dict:
    """A case as the interface gives it: its parties in a list."""
    parties = [
        {"role": "申请人", "name": row.pop("name"), "idNo": row.pop("idNo"), "phone": row.pop("phone")},
        {"role": "被申请人", "name": row.pop("otherName"), "idNo": row.pop("otherIdNo"), "phone": ""},
    ]
    return row | {"parties": parties}


def write(world: World, occasion: Occasion) -> int:
    """Write the array; returns its cases."""
    frame = snapshot(world, occasion)
    picker = Picker("F24", world.seed, frame["event"].to_numpy(), whole=occasion.first)
    closed, known = (frame["closeTime"] != "").to_numpy(), (frame["idNo"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("number_wrong_check", "idNo", known, lambda old, _: numbers.wrong_check(old)),
            ("closed_before_accepted", "closeTime", closed, lambda old, _: str(int(old) - 40_000_000)),
            ("unknown_village", "villageCode", None, lambda old, _: f"{old[:9]}999"),
            ("old_kind_code", "type", None, lambda old, _: _OLD_CODES[old]),
            ("result_before_close", "result", ~closed, lambda _, n: "成功"),
        ],
    )
    inside = ("event", "applicant", "respondent", "is_revised")
    records = [_record(row) for row in frame.drop(inside).iter_rows(named=True)]
    text = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (occasion.folder / FILE).write_text(f"[{text}]\n", encoding="utf-8")
    files.told(occasion, FILE, picker, 1)
    lines = 1 + np.arange(len(frame))
    nameless = ((frame["idNo"] == "") | (frame["otherIdNo"] == "")).to_numpy()
    occasion.odd("time_in_seconds", FILE)
    occasion.odd("party_without_number", FILE, lines[nameless])
    occasion.odd("result_after_close", FILE, lines[frame["is_revised"].to_numpy()])
    for slot in ("applicant", "respondent"):
        occasion.truth.rows("F24", occasion.day, FILE, lines, frame[slot].to_numpy(), slot)
    return len(frame)
