"""F16, patients of the mental-health centre: a quarterly workbook in an archive with a password.

The password is made up for the simulation and kept beside its truth, in vault/passwords.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import CREATED, sheet, spoil, told
from pipelines.simulate.deliveries.identity import NAME, misidentified
from pipelines.simulate.deliveries.locked import write_locked
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import patients
from pipelines.simulate.registers.draws import citizens

FILE, INSIDE, SHEET = "jwgl.zip", "严重精神障碍患者.xlsx", "患者"


def password(seed: int) -> str:
    """The archive's password in the simulation with this seed."""
    return hashlib.blake2b(f"F16 {seed}".encode(), digest_size=12).hexdigest()


def keep_password(vault: Path, seed: int) -> None:
    """Put the password where the pipeline looks for it, readable by its owner only."""
    folder = vault / "passwords"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "F16"
    path.touch(mode=0o600)
    path.write_text(password(seed) + "\n", encoding="utf-8")


def _with_the_moved(frame: pl.DataFrame, picker: Picker, world: World, occasion: Occasion) -> pl.DataFrame:
    """The frame with a few patients behind it who live elsewhere by now; the rest of their rows is a sound one's."""
    sound = np.flatnonzero(~picker.taken)
    size = min(len(sound), max(1, len(frame) // 100))
    gone = citizens(world, occasion.day).filter((pl.col("village") < 0) & (pl.col("book") >= 0)).head(size)
    rows = frame[sound[-len(gone) :]].with_columns(
        gone["uid"], gone["name"].alias("姓名"), gone["cert_no"].alias("身份证号"),
        ("JW" + gone["uid"].cast(pl.String).str.zfill(9)).alias("个案号"),
    )  # fmt: skip
    picker.plant("moved_out", len(frame) + np.arange(len(rows)))
    return pl.concat([frame, rows.select(frame.columns)], how="vertical_relaxed")


def write(world: World, occasion: Occasion) -> int:
    """Write the archive; returns the workbook's rows."""
    frame = patients.build(world, occasion.day)
    picker = Picker("F16", world.seed, frame["uid"].to_numpy())
    guarded = (frame["监护人姓名"] != "").to_numpy()
    own = frame["姓名"].to_list()
    same = picker.rows("guardian_is_patient", guarded)
    frame = frame.with_columns(
        frame["监护人姓名"].scatter(same, pl.Series([own[row] for row in same], dtype=pl.String))
    )
    picker.plant("guardian_is_patient", same)
    changes = [
        ("risk_not_rated", "危险性评估", None, lambda old, n: "未评" if n % 2 == 0 else ""),
        ("number_wrong_check", "身份证号", None, lambda old, _: numbers.wrong_check(old)),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NAME: "姓名"})
    # The second town's row stands behind and stays; the first one is what is said again.
    rows = picker.rows("in_two_towns")
    picker.plant("in_two_towns", rows)
    frame = pl.concat([frame, frame[rows].with_columns(个案号=pl.col("个案号") + "B")])
    frame = _with_the_moved(frame, picker, world, occasion)
    inner = io.BytesIO()
    with Workbook(inner, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED, "author": "区精神卫生中心"})
        first = sheet(book, SHEET, frame, frame.columns[1:])
    write_locked(occasion.folder / FILE, INSIDE.encode("gbk"), inner.getvalue(), password(world.seed))
    told(occasion, f"{FILE}#{SHEET}", picker, first, frame["uid"].to_numpy())
    return len(frame)
