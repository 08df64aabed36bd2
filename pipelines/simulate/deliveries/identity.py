"""Mistakes in who a row is about: names, numbers and birth dates typed wrongly, and rows about strangers.

One place for all feeds: a feed says in which columns its people stand, `dirt` says which kinds it has and how often.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from pipelines.simulate import days, slips, strangers
from pipelines.simulate.deliveries.common import edit
from pipelines.simulate.dirt import Picker
from pipelines.simulate.kinds import TABLE
from pipelines.simulate.population import World

NUMBER, NAME, BIRTH = "number", "name", "birth"
_CITIZEN = r"^[0-9]{17}[0-9X]"
_CHINESE, _OF_THREE = r"^\p{Han}{2,4}$", r"^\p{Han}{3}$"
_DATE = r"^[0-9]{4}-?[0-9]{2}-?[0-9]{2}$"


def _empty(_: str, __: int) -> str:
    return ""


def _masked(number: str, _: int) -> str:
    return f"{number[:4]}{'*' * 10}{number[14:]}"


# kind → what is changed: which of the columns, the texts that allow it, how
_SLIPS: dict[str, list[tuple[str, str, Callable[[str, int], str]]]] = {
    "number_transposed": [(NUMBER, _CITIZEN, slips.transposed)],
    "number_one_digit": [(NUMBER, _CITIZEN, slips.one_digit)],
    "number_of_nobody": [(NUMBER, _CITIZEN, slips.nobodys)],
    "number_left_out": [(NUMBER, _CITIZEN, _empty)],
    "no_number_name_slip": [(NUMBER, _CITIZEN, _empty), (NAME, _CHINESE, slips.one_character)],
    "no_number_birth_slip": [(NUMBER, _CITIZEN, _empty), (BIRTH, _DATE, slips.off_by_a_day)],
    "masked_name_slip": [(NUMBER, _CITIZEN, _masked), (NAME, _CHINESE, slips.one_character)],
    "name_one_character": [(NAME, _CHINESE, slips.one_character)],
    "name_swapped": [(NAME, _OF_THREE, slips.swapped)],
    "name_in_letters": [(NAME, _CHINESE, slips.in_letters)],
    "name_inner_space": [(NAME, _CHINESE, slips.inner_space)],
    "name_other_dot": [(NAME, "·", slips.other_dot)],
    "former_name": [(NAME, _CHINESE, slips.used)],
    "birth_off_by_a_day": [(BIRTH, _DATE, slips.off_by_a_day)],
    "birth_day_for_month": [(BIRTH, _DATE, slips.day_for_month)],
}
_ONE_OF_MANY = "one_number_of_many"


def misidentified(
    frame: pl.DataFrame, picker: Picker, columns: Mapping[str, str], allowed: np.ndarray | None = None
) -> pl.DataFrame:
    """The frame with the feed's declared mistakes about people; `columns` says where number, name and birth stand.

    Only `allowed` rows are touched, and none that carry another defect.
    """
    for kind, parts in _SLIPS.items():
        if (picker.feed, kind) not in TABLE:
            continue
        mask = np.ones(len(frame), dtype=bool) if allowed is None else allowed.copy()
        for which, pattern, _ in parts:
            mask &= frame[columns[which]].str.contains(pattern).fill_null(False).to_numpy()
        mask &= _differs(kind, frame, columns)
        rows = picker.rows(kind, mask)
        for which, _, change in parts:
            frame = edit(frame, columns[which], rows, change)
        picker.plant(kind, rows)
    if (picker.feed, _ONE_OF_MANY) in TABLE:
        number = frame[columns[NUMBER]]
        rows = picker.rows(_ONE_OF_MANY, number.str.contains(_CITIZEN).to_numpy())
        whose = number[int(rows[0])]
        frame = edit(frame, columns[NUMBER], rows, lambda _, __: whose)
        picker.plant(_ONE_OF_MANY, rows)
    return frame


def _differs(kind: str, frame: pl.DataFrame, columns: Mapping[str, str]) -> np.ndarray:
    """Rows in which an exchange changes anything, and leaves a date that exists."""
    if kind == "name_swapped":
        name = frame[columns[NAME]]
        return (name.str.slice(1, 1) != name.str.slice(2, 1)).to_numpy()
    if kind == "birth_day_for_month":
        digits = frame[columns[BIRTH]].str.replace_all("-", "")
        month, day = digits.str.slice(4, 2), digits.str.slice(6, 2)
        return ((month != day) & (day <= "12")).to_numpy()
    return np.ones(len(frame), dtype=bool)


def with_strangers(frame: pl.DataFrame, picker: Picker, world: World, columns: Mapping[str, str]) -> pl.DataFrame:
    """The frame with rows about people the base does not know behind its own, with and without their numbers.

    `columns` says what of a stranger stands where (number, name, birth, sex, mobile; birth as yyyy-mm-dd).
    The rest of a row is that of another, sound one. The first strangers are the same in every feed.
    """
    people = strangers.build(world.reference, world.scale, world.seed)
    told = people.select(
        "uid",
        pl.col("cert_no").alias(NUMBER),
        pl.col("name").alias(NAME),
        days.text("birth", "%Y-%m-%d").alias(BIRTH),
        pl.when(pl.col("sex") == 1).then(pl.lit("男")).otherwise(pl.lit("女")).alias("sex"),
        pl.col("mobile"),
    )
    sound = np.flatnonzero(~picker.taken)
    for kind in ("stranger", "stranger_without_number"):
        if (picker.feed, kind) not in TABLE:
            continue
        size = min(math.ceil(TABLE[picker.feed, kind].rate * len(picker.ids)), len(told), len(sound))
        mine = told.head(size)
        if kind == "stranger_without_number":
            mine = mine.with_columns(pl.lit("").alias(NUMBER))
        rows = frame[sound[-size:]].with_columns(
            mine["uid"].cast(frame["uid"].dtype), *(mine[which].alias(column) for which, column in columns.items())
        )
        picker.plant(kind, len(frame) + np.arange(size))
        frame = pl.concat([frame, rows])
    return frame
