"""F10, assessments of care need: a monthly CSV, UTF-8."""

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import delimited, repeat, spoil, told
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import care
from pipelines.simulate.registers.draws import citizens

FILE = "pinggu.csv"
_WORDS = {"1": "一级", "2": "二级", "3": "三级", "4": "四级", "5": "五级", "6": "六级"}
_USUAL_AGE = 60  # from which on needs are assessed; who is a little younger is sometimes


def _with_the_younger(frame: pl.DataFrame, picker: Picker, world: World, occasion: Occasion) -> pl.DataFrame:
    """The assessments with a few of people who are not yet of the usual age."""
    rows = picker.rows("assessed_under_60")
    people = citizens(world, occasion.day).filter(pl.col("book") >= 0)
    age = days.ages(people["birth"].to_numpy(), occasion.day)
    younger = people.filter(pl.Series((age >= _USUAL_AGE - 10) & (age < _USUAL_AGE))).head(len(rows))
    picker.plant("assessed_under_60", rows)
    return frame.with_columns(
        frame[ours].scatter(rows, younger[theirs].cast(frame[ours].dtype))
        for ours, theirs in (("uid", "uid"), ("zjhm", "cert_no"), ("xm", "name"))
    )


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = care.assessments(world, occasion.day)
    picker = Picker("F10", world.seed, frame["uid"].to_numpy())
    graded = frame["pgdj"].is_in(list(_WORDS)).to_numpy()
    changes = [
        ("assessed_before_applied", "pgrq", None, lambda old, n: f"{int(old[:4]) - 3}{old[4:8]}15"),
        ("number_wrong_check", "zjhm", None, lambda old, _: numbers.wrong_check(old)),
        ("level_in_words", "pgdj", graded, lambda old, n: ("照护" if n % 2 else "") + _WORDS[old]),
        ("valid_to_empty", "pgyxq", None, lambda old, _: ""),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "zjhm", NAME: "xm"})
    frame = _with_the_younger(frame, picker, world, occasion)
    open_spell = ((frame["fwksrq"] != "") & (frame["fwjsrq"] == "")).to_numpy()
    for name, allowed, mark in (("overlapping_service", open_spell, "B"), ("former_not_closed", None, "A")):
        rows = picker.rows(name, allowed)
        picker.plant(name, len(frame) + np.arange(len(rows)))
        frame = pl.concat([frame, frame[rows].with_columns(pgbh=pl.col("pgbh") + mark)])
        picker.taken = np.concatenate([picker.taken, np.ones(len(rows), dtype=bool)])
        picker.ids = frame["uid"].to_numpy()
    frame = repeat(frame, picker)
    delimited(occasion.folder / FILE, frame, frame.columns[1:])
    told(occasion, FILE, picker, 2, frame["uid"].to_numpy())
    return len(frame)
