"""Writing the plain formats: delimited text, worksheets, JSON, SQLite; planting cell defects; the truth about a file.

Knows formats, no feed. Fixed-width records are in `fixed`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate.deliveries.common import Occasion, edit
from pipelines.simulate.dirt import Picker

BROKEN = "#REF!"  # what a formula shows whose cells are gone
CREATED = datetime(2020, 1, 1)  # fixed, so that the same content gives the same bytes
# name, column, rows allowed (None: all), change(old text, running number)
Change = tuple[str, str, np.ndarray | None, Callable[[str, int], str]]


def spoil(frame: pl.DataFrame, picker: Picker, changes: Iterable[Change]) -> pl.DataFrame:
    """The frame with single text cells changed, each change planted under its name."""
    for name, column, allowed, change in changes:
        rows = picker.rows(name, allowed)
        frame = edit(frame, column, rows, change)
        picker.plant(name, rows)
    return frame


def repeat(frame: pl.DataFrame, picker: Picker, name: str = "identical_row") -> pl.DataFrame:
    """The frame with some sound rows once more at its end."""
    rows = picker.rows(name)
    picker.plant(name, len(frame) + np.arange(len(rows)))
    return pl.concat([frame, frame[rows]])


def delimited(
    path: Path,
    frame: pl.DataFrame,
    columns: Sequence[str],
    delimiter: str = ",",
    encoding: str = "utf-8",
    newline: str = "\n",
) -> None:
    """A header line and the rows, without quotes; characters the encoding lacks come out as '?'."""
    lines = frame.select(pl.concat_str([pl.col(name).fill_null("") for name in columns], separator=delimiter))
    text = newline.join([delimiter.join(columns), *lines.to_series().to_list(), ""])
    path.write_bytes(text.encode(encoding, errors="replace"))


def sheet(
    book: Workbook, name: str, frame: pl.DataFrame, columns: Sequence[str], title: str = "", notes: Sequence[str] = ()
) -> int:
    """A worksheet: a title row if there is a title, the header, rows, notes. Returns the line of the first row.

    Text cells are text and numbers numeric cells; empty and null cells stay empty.
    """
    page = book.add_worksheet(name)
    line = 0
    if title:
        page.write_string(0, 0, title)
        line = 1
    for place, column in enumerate(columns):
        page.write_string(line, place, column)
        for row, value in enumerate(frame[column].to_list(), line + 1):
            if value == BROKEN:
                page.write_formula(row, place, "=SUM(#REF!)", None, BROKEN)
            elif isinstance(value, str):
                if value:
                    page.write_string(row, place, value)
            elif value is not None:
                page.write_number(row, place, value)
    for offset, note in enumerate(notes, line + 1 + len(frame)):
        page.write_string(offset, 0, note)
    return line + 2


def unwritable(texts: pl.Series, encoding: str = "gbk") -> np.ndarray:
    """Positions of texts with a character that the encoding lacks; it comes out as '?'."""
    every = set("".join(texts.drop_nulls().unique().to_list()))
    lacking = [sign for sign in sorted(every) if not sign.encode(encoding, errors="ignore")]
    if not lacking:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(texts.str.contains_any(lacking).fill_null(False).to_numpy())


def json_lines(path: Path, records: Iterable[dict]) -> None:
    """One object a line."""
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def told(occasion: Occasion, file: str, picker: Picker, first_line: int, uid: np.ndarray | None = None) -> None:
    """Record what a picker planted in a file whose rows begin at `first_line`, and whom each row is about if known."""
    if uid is not None:
        lines = np.arange(first_line, first_line + len(uid))
        occasion.truth.rows(occasion.feed, occasion.day, file, lines, uid)
    occasion.truth.planted(picker, occasion.day, file, first_line)


def told_apart(
    occasion: Occasion, picker: Picker, names: Sequence[str], which: np.ndarray, lines: np.ndarray, uid: np.ndarray
) -> None:
    """`told` for rows spread over several files: row i stands on `lines[i]` of the file `names[which[i]]`."""
    for place, name in enumerate(names):
        here = np.flatnonzero(which == place)
        if len(here):
            occasion.truth.rows(occasion.feed, occasion.day, name, lines[here], uid[here])
        for kind, at in picker.planted:
            mine = at[which[at] == place]
            if len(mine):
                occasion.truth.dirt(kind, occasion.day, name, lines[mine])


def numbered_within(which: np.ndarray, first: int) -> np.ndarray:
    """For rows dealt to files in order: the line of each in its file, counted from `first`."""
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], which[order], side="left")
    lines = np.empty(len(which), dtype=np.int64)
    lines[order] = np.arange(len(which)) - starts + first
    return lines


def write_table(path: Path, table: str, frame: pl.DataFrame) -> None:
    """One table of texts in a new SQLite file; the same rows give the same bytes."""
    marks = ", ".join("?" * len(frame.columns))
    with sqlite3.connect(path, isolation_level=None) as base:
        base.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 4096;")
        base.execute(f"CREATE TABLE {table} ({', '.join(f'{name} TEXT' for name in frame.columns)})")
        base.execute("BEGIN")
        base.executemany(f"INSERT INTO {table} VALUES ({marks})", frame.iter_rows())
        base.execute("COMMIT")
    base.close()
