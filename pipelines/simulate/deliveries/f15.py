"""F15, nucleic-acid tests: after a round, gzip parts by the hour and a Parquet list of people at risk."""

import gzip

import numpy as np
import polars as pl

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import numbered_within, spoil, told_apart
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified, with_strangers
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import samples

RISKS = "risk_list.parquet"
_SPELLINGS = ["Negative", "-", "阴"]
_INTERNAL = 2


def write(world: World, occasion: Occasion) -> int:
    """Write the parts and the list; returns their rows."""
    frame = samples.build(world, occasion.day)
    picker = Picker("F15", world.seed, frame["uid"].to_numpy())
    frame = _positive_tube(frame, picker)
    rows = picker.rows("code_printed_twice")
    frame = frame.with_columns(frame["code_id"].scatter(rows, frame["code_id"].gather((rows + 1) % len(frame))))
    picker.plant("code_printed_twice", rows)
    villages, names = world.villages["village_code"], frame["name"].to_list()
    changes = [
        ("report_before_sample", "report_time", None, lambda old, n: f"{old[:11]}00:{n % 60:02d}:00"),
        ("number_wrong_check", "cert_no", None, lambda old, _: numbers.wrong_check(old)),
        ("wrong_village", "village_code", None, lambda old, n: str(villages[n % len(villages)])),
        ("name_of_another", "name", None, lambda old, n: names[n % len(names)]),
        ("result_spelling", "result", (frame["result"] == "阴性").to_numpy(), lambda old, n: _SPELLINGS[n % 3]),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "cert_no", NAME: "name"})
    frame = with_strangers(frame, picker, world, {NUMBER: "cert_no", NAME: "name", "mobile": "phone"})
    which = frame["hour"].to_numpy() - samples.FIRST_HOUR
    parts = [f"nat-{samples.FIRST_HOUR + place:02d}.csv.gz" for place in range(samples.HOURS)]
    columns = frame.columns[_INTERNAL:]
    lines = frame.select(pl.concat_str(columns, separator=",")).to_series()
    for place, name in enumerate(parts):
        mine = lines.filter(pl.Series(which == place)).to_list()
        body = "\n".join([",".join(columns), *mine, ""]).encode()
        (occasion.folder / name).write_bytes(gzip.compress(body, mtime=0))
    told_apart(occasion, picker, parts, which, numbered_within(which, 2), frame["uid"].to_numpy())
    return len(frame) + _risks(world, occasion)


def _positive_tube(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """Everybody of a tube that came out positive waits for the second look."""
    rows = picker.rows("mixed_tube_positive", (frame["mix_ratio"] == "10").to_numpy())
    tubes = frame["tube_no"].gather(rows[:1])
    together = np.flatnonzero(frame["tube_no"].is_in(tubes.to_list()).to_numpy())
    picker.taken[rows] = False
    picker.taken[together] = True
    picker.plant("mixed_tube_positive", together)
    return frame.with_columns(frame["result"].scatter(together, "混阳待复核"))


def _risks(world: World, occasion: Occasion) -> int:
    frame = samples.at_risk(world, occasion.day)
    frame.drop("uid").write_parquet(occasion.folder / RISKS, compression="snappy")
    lines = np.arange(1, len(frame) + 1)
    occasion.truth.rows("F15", occasion.day, RISKS, lines, frame["uid"].to_numpy())
    return len(frame)
