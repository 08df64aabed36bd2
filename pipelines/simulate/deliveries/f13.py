"""F13, health archives: a monthly folder with one JSON array for each of the eleven community health centres.

Centres have their own words for the same thing. Objects are printed as text, since they are many.
"""

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import Occasion, edit
from pipelines.simulate.deliveries.files import numbered_within, told_apart
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import archives

_WORDS = [
    {"有效": "有效", "到期": "到期", "解约": "解约"},
    {"有效": "生效", "到期": "已到期", "解约": "终止"},
    {"有效": "valid", "到期": "expired", "解约": "cancelled"},
]
# what centres of each of the three kinds call an illness
_ILLNESSES = [
    dict(zip(archives.ILLNESSES, names, strict=True))
    for names in (
        list(archives.ILLNESSES),
        ["高血压", "糖尿病", "冠心病", "脑卒中", "慢阻肺", "肿瘤", "慢性肾病"],
        ["I10", "E11", "I25", "I64", "J44", "C80", "N18"],
    )
]

_FLAGS = ["longRx", "dialysis", "chemo"]


def write(world: World, occasion: Occasion) -> int:
    """Write the eleven files; returns their objects."""
    frame = archives.build(world, occasion.day)
    picker = Picker("F13", world.seed, frame["uid"].to_numpy())
    rows = picker.rows("number_masked")
    frame = edit(frame, "idNo", rows, lambda old, _: f"{old[:4]}{'*' * 10}{old[14:]}")
    picker.plant("number_masked", rows)
    chronic = (frame["hypertension"] | frame["diabetes"]).to_numpy()
    missing = picker.rows("list_missing", ~chronic)
    picker.plant("list_missing", missing)
    frame = misidentified(frame, picker, {NUMBER: "idNo", NAME: "name"})
    # The newer record stands in another centre and stays; the older one is what is said again.
    rows = picker.rows("in_two_centres")
    picker.plant("in_two_centres", rows)
    today = days.day_of(days.number(occasion.day)).isoformat()
    frame = pl.concat([frame, frame[rows].with_columns(town=(pl.col("town") + 1) % 11, updated=pl.lit(today))])
    printed = _printed(frame, missing)
    towns = world.villages["town_code"].unique().sort().to_list()
    names = [f"centre-{code}.json" for code in towns]
    which = frame["town"].to_numpy().astype(np.int64)
    for place, name in enumerate(names):
        body = ",\n".join(printed.filter(pl.Series(which == place)).to_list())
        (occasion.folder / name).write_text(f"[{body}]\n", encoding="utf-8")
        occasion.odd("words_of_the_centre", name)
    told_apart(occasion, picker, names, which, numbered_within(which, 1), frame["uid"].to_numpy())
    return len(frame)


def _printed(frame: pl.DataFrame, missing: np.ndarray) -> pl.Series:
    """Every row as a JSON object; `missing` rows lack the list of illnesses altogether."""
    gone = np.zeros(len(frame), dtype=bool)
    gone[missing] = True
    frame = frame.with_columns(kind=pl.col("town") % 3, gone=pl.Series(gone))
    contract = _object(
        {
            "team": _text("team"),
            "combo": _text("combo"),
            "group": _text("group"),
            "status": _quoted(_by_kind([_in_words("status", words) for words in _WORDS])),
            "start": _text("start"),
            "end": _text("end"),
        }
    )
    illnesses = pl.concat_str([_illness(name) for name in archives.ILLNESSES], separator=",", ignore_nulls=True)
    fields = {
        "idNo": _text("idNo"),
        "name": _text("name"),
        "archive": _object({"status": _text("archive"), "orgCode": _text("team"), "updateDate": _text("updated")}),
        "contract": pl.when("signed").then(contract).otherwise(pl.lit("null")),
        "lastServiceDate": _text("served"),
        "checkup": _object({"year": pl.col("checked").str.slice(0, 4).replace("", "null"), "date": _text("checked")}),
        "screening": _object({"women2": _text("women2"), "crc": _text("crc")}),
        "lastFollowupDate": _text("followed"),
        **{name: pl.when(name).then(pl.lit("true")).otherwise(pl.lit("false")) for name in _FLAGS},
    }
    listed = _object(fields | {"chronic": pl.concat_str(pl.lit("["), illnesses, pl.lit("]"))})
    return frame.select(pl.when("gone").then(_object(fields)).otherwise(listed)).to_series()


def _object(fields: dict[str, pl.Expr]) -> pl.Expr:
    """Expressions that are JSON already, as one object."""
    parts: list[pl.Expr] = []
    for place, (name, value) in enumerate(fields.items()):
        parts += [pl.lit(f'{"," if place else "{"}"{name}":'), value]
    return pl.concat_str([*parts, pl.lit("}")])


def _quoted(value: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), value, pl.lit('"'))


def _text(column: str) -> pl.Expr:
    return pl.when(pl.col(column) == "").then(pl.lit("null")).otherwise(_quoted(pl.col(column)))


def _in_words(column: str, words: dict[str, str]) -> pl.Expr:
    return pl.col(column).replace_strict(words, default="", return_dtype=pl.String)


def _by_kind(values: list[pl.Expr]) -> pl.Expr:
    """The value of the centre's kind."""
    return pl.when(pl.col("kind") == 0).then(values[0]).when(pl.col("kind") == 1).then(values[1]).otherwise(values[2])


def _illness(name: str) -> pl.Expr:
    """An entry of the list of illnesses, null for who is not ill."""
    control = pl.when("controlled").then(pl.lit('"达标"')).otherwise(pl.lit('"未达标"'))
    code = _quoted(_by_kind([pl.lit(words[name]) for words in _ILLNESSES]))
    entry = _object({"code": code, "level": pl.lit("1"), "control": control, "followupDate": _text("followed")})
    return pl.when(pl.col(name)).then(entry)
