"""F12, births and pregnancies: a monthly increment, an Oracle client's export in GB18030.

The first delivery brings the births of a year, later ones their month.
"""

import numpy as np

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import delimited, spoil, told
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import health

FILE = "quanyuan.csv"


def write(world: World, occasion: Occasion) -> int:
    """Write the month's events; returns their rows."""
    frame = health.pregnancies(world, occasion.day, 400 if occasion.first else 45)
    picker = Picker("F12", world.seed, frame["uid"].to_numpy())
    is_birth = (frame["SJLX"] == "分娩").to_numpy()
    rows = picker.rows("newborn_without_number", is_birth)
    frame = frame.with_columns(frame["ZN_SFZ"].scatter(rows, ""))
    picker.plant("newborn_without_number", rows)
    changes = [
        ("child_without_name", "ZN_XM", is_birth, lambda old, n: "之女" if n % 2 else "之子"),
        ("due_before_last_period", "YCQ", None, lambda old, n: f"{1 + n % 28:02d}-1月 -19"),
        ("number_wrong_check", "FN_SFZ", None, lambda old, _: numbers.wrong_check(old)),
        ("parity_zero", "HC", None, lambda old, _: "0"),
    ]
    frame = spoil(frame, picker, changes)
    delimited(occasion.folder / FILE, frame, frame.columns[2:], encoding="gb18030", newline="\r\n")
    uid = frame["uid"].to_numpy()
    told(occasion, FILE, picker, 2, uid)
    occasion.odd("dates_of_oracle", FILE)
    elsewhere = (world.people["village"].gather(uid) < 0).to_numpy()
    occasion.odd("lives_in_another_district", FILE, 2 + np.flatnonzero(elsewhere))
    lines, spouse = 2 + np.arange(len(frame)), world.people["spouse"].to_numpy()[uid]
    for slot, other, named in (("spouse", spouse, "POXM"), ("child", frame["child"].to_numpy(), "ZN_XM")):
        there = (frame[named] != "").to_numpy()
        occasion.truth.rows("F12", occasion.day, FILE, lines[there], other[there], slot)
    return len(frame)
