"""F14, vaccinations: a weekly increment, tab-delimited."""

import numpy as np

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import delimited, spoil, told
from pipelines.simulate.deliveries.identity import BIRTH, NAME, NUMBER, misidentified, with_strangers
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws, health

FILE = "jiezhong.tsv"
_OTHER_NAMES = {
    "流感": "流感疫苗",
    "乙肝": "乙肝疫苗",
    "脊灰": "脊髓灰质炎疫苗",
    "百白破": "百白破疫苗",
    "麻腮风": "麻腮风疫苗",
    "PPV23": "23价肺炎疫苗",
    "HPV": "宫颈癌疫苗",
    "新冠": "新冠疫苗",
    "水痘": "水痘疫苗",
    "卡介苗": "BCG",
}


def write(world: World, occasion: Occasion) -> int:
    """Write the week's doses; returns their rows."""
    frame = health.doses(world, occasion.day)
    picker = Picker("F14", world.seed, frame["uid"].to_numpy())
    uid = frame["uid"].to_numpy()
    mother = world.people["mother"].to_numpy()[uid]
    guarded = (mother >= 0) & (frame["birth"] > str(occasion.day.year - 7)).to_numpy()
    guarded &= (world.people["cert_kind"].gather(np.maximum(mother, 0)) == "111").to_numpy()
    rows = picker.rows("infant_under_guardian", guarded)
    guardian = world.people["cert_no"].gather(mother[rows].astype(np.int64))
    frame = frame.with_columns(frame["cert_no"].scatter(rows, guardian))
    picker.plant("infant_under_guardian", rows)
    late = draws.dates(np.array([days.number(occasion.day) + 30]))[0]
    given = (frame["inoc_date"] != "").to_numpy()
    changes = [
        ("given_in_future", "inoc_date", given, lambda old, _: late),
        ("number_wrong_check", "cert_no", None, lambda old, _: numbers.wrong_check(old)),
        ("dose_in_words", "dose_no", None, lambda old, n: f"第{old}{'针' if n % 2 else '剂'}"),
        (
            "vaccine_synonym",
            "vaccine_name",
            frame["vaccine_name"].is_in(list(_OTHER_NAMES)).to_numpy(),
            lambda old, _: _OTHER_NAMES[old],
        ),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "cert_no"})
    # The second clinic's row stands behind and stays; the first one is what is said again.
    rows = picker.rows("from_two_clinics", given)
    picker.plant("from_two_clinics", rows)
    other = {name: health.CLINICS[place - 1] for place, name in enumerate(health.CLINICS)}
    second = frame[rows]
    frame = frame.vstack(second.with_columns(second["inoc_unit"].replace(other)))
    frame = with_strangers(frame, picker, world, {NUMBER: "cert_no", NAME: "name", BIRTH: "birth"})
    delimited(occasion.folder / FILE, frame, frame.columns[1:], delimiter="\t")
    told(occasion, FILE, picker, 2, frame["uid"].to_numpy())
    return len(frame)
