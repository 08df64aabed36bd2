"""F01, residence registrations: fixed width in bytes of GB18030, first everything, then daily increments A/U/D."""

import numpy as np
import polars as pl

from pipelines.simulate import numbers
from pipelines.simulate.deliveries import fixed
from pipelines.simulate.deliveries.common import FULL_WIDTH, Occasion, edit
from pipelines.simulate.deliveries.identity import BIRTH, NAME, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World

FILE = "lhry.txt"
WIDTHS = {
    "DJBH": 14, "ZJZL": 3, "ZJHM": 20, "XM": 30, "XBDM": 1, "CSRQ": 8, "MZDM": 2, "HJXZQH": 6, "HJXZ": 80,
    "JZDZ": 100, "JZFWID": 18, "DJRQ": 8, "LHRQ": 8, "YXQZ": 8, "ZJLX": 4, "JZZYXQ": 8, "JFZT": 1, "ZZSY": 2,
    "JWDM": 12, "CZBS": 1,
}  # fmt: skip


def _spoil(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    number = frame["ZJHM"]
    live = (frame["CZBS"] != "D").to_numpy()
    old_age = live & (frame["CSRQ"] < "20000101").to_numpy() & (frame["CSRQ"] >= "19000101").to_numpy()
    changes = [
        ("number_wrong_check", "ZJHM", live, lambda old, _: numbers.wrong_check(old)),
        ("impossible_date", "DJRQ", live, lambda old, _: f"{old[:4]}1341"),
        ("old_number_15", "ZJHM", old_age, lambda old, _: numbers.old_form(old)),
        ("lower_case_x", "ZJHM", live & number.str.ends_with("X").to_numpy(), lambda old, _: old.lower()),
        ("address_cut_in_character", "HJXZ", live, lambda old, _: fixed.overlong(old, WIDTHS["HJXZ"])),
        ("home_address_cut_in_character", "JZDZ", live, lambda old, _: fixed.overlong(old, WIDTHS["JZDZ"], "旁")),
        ("valid_to_zeros", "YXQZ", live, lambda old, _: "00000000"),
        ("valid_to_open_end", "YXQZ", live, lambda old, _: "99991231"),
        ("full_width_digits_in_address", "JZDZ", live, lambda old, _: old.translate(FULL_WIDTH)),
    ]
    for name, column, allowed, change in changes:
        rows = picker.rows(name, allowed)
        frame = edit(frame, column, rows, change)
        picker.plant(name, rows)
    return misidentified(frame, picker, {NAME: "XM", BIRTH: "CSRQ"}, live)


def _again(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """Puts the record of an earlier registration, with the same number, before some of the records."""
    plain = ((frame["CZBS"] != "D") & frame["DJBH"].str.ends_with("01")).to_numpy()
    rows = picker.rows("registered_again", plain)
    former = edit(frame[rows], "DJRQ", np.arange(len(rows)), lambda old, _: f"{int(old[:4]) - 1}{old[4:6]}{old[6:8]}")
    former = edit(former, "DJRQ", np.arange(len(rows)), lambda old, _: old.replace("0229", "0228"))
    former = former.with_columns(YXQZ=frame["DJRQ"].gather(rows))
    place = np.argsort(np.concatenate([np.arange(len(frame)) * 2 + 1, rows * 2]), kind="stable")
    merged = pl.concat([frame, former])[place]
    where = np.empty(len(place), dtype=np.int64)
    where[place] = np.arange(len(place))
    for position, (kind, at) in enumerate(picker.planted):
        picker.planted[position] = (kind, where[at])
    picker.plant("registered_again", where[len(frame) + np.arange(len(rows))])
    return merged


def write(world: World, occasion: Occasion, rows: pl.DataFrame) -> int:
    """Write the records in `rows` (with CZBS); returns their number, the former registrations included."""
    ids = rows["uid"].to_numpy().astype(np.int64) * 4 + rows["DJBH"].str.ends_with("01").to_numpy()
    picker = Picker("F01", world.seed, ids, whole=occasion.first)
    stale = np.flatnonzero((rows["DJBH"].str.ends_with("00") & (rows["CZBS"] != "D")).to_numpy())
    picker.taken[stale] = True
    picker.plant("old_record_not_closed", stale)
    frame = _again(_spoil(rows, picker), picker)
    body = fixed.records(frame, WIDTHS)
    (occasion.folder / FILE).write_bytes(body + f"TTTT{len(frame):010d}\r\n".encode())
    occasion.truth.rows("F01", occasion.day, FILE, np.arange(1, len(frame) + 1), frame["uid"].to_numpy())
    occasion.truth.planted(picker, occasion.day, FILE, 1)
    return len(frame)
