"""F07, marriages and funerals: a monthly increment delimited by bars, UTF-8 with a byte-order mark.

The first delivery brings a year, later ones their month.
"""

import numpy as np

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import delimited, spoil, told
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import vital

FILE = "hunbin.txt"
_FOREIGN = ["JOHN SMITH", "YUKI TANAKA", "ANNA MUELLER"]


def write(world: World, occasion: Occasion) -> int:
    """Write the events; returns their rows."""
    frame = vital.build(world, occasion.day, 365 if occasion.first else 31)
    picker = Picker("F07", world.seed, frame["uid"].to_numpy())
    wedding = (frame["对方身份证号"] != "").to_numpy()
    death = frame["事件类型"].is_in(["死亡", "火化"]).to_numpy()
    late = days.day_of(days.number(occasion.day) + 40).isoformat()
    upper = frame["身份证号"].str.ends_with("X").to_numpy()
    rows = rows_of_strangers = picker.rows("foreign_spouse", wedding)
    frame = frame.with_columns(frame["对方身份证号"].scatter(rows, ""))
    for place, row in enumerate(rows.tolist()):
        frame = frame.with_columns(frame["对方姓名"].scatter([row], _FOREIGN[place % len(_FOREIGN)]))
    picker.plant("foreign_spouse", rows)
    changes = [
        ("lower_case_x", "身份证号", upper, lambda old, _: old.lower()),
        ("after_the_file", "事件日期", None, lambda old, _: late),
        ("number_wrong_check", "身份证号", None, lambda old, _: numbers.wrong_check(old)),
        ("registered_elsewhere", "户籍地", death, lambda old, n: f"江苏省苏州市昆山市玉山镇{9001 + n}号"),
        ("bar_in_remark", "备注", None, lambda old, n: f"补录|经办人{n}|已核"),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "身份证号", NAME: "姓名"})
    delimited(occasion.folder / FILE, frame, frame.columns[1:], delimiter="|", encoding="utf-8-sig")
    told(occasion, FILE, picker, 2, frame["uid"].to_numpy())
    uid = frame["uid"].to_numpy()
    partner = np.where(wedding, world.people["spouse"].to_numpy()[uid], -1)
    partner[rows_of_strangers] = -1
    lines = 2 + np.flatnonzero(wedding)
    occasion.truth.rows("F07", occasion.day, FILE, lines, partner[wedding], "partner")
    return len(frame)
