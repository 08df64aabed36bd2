"""Tables of a database delivered as a SQLite file."""

import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import polars as pl

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import sniff
from pipelines.feeds.readers.raw import Raw, each_file, head, match_header, place, scraps
from pipelines.sql import quoted

# A row travels as one text with this control character between its fields: fetching 17 million values one by one is
# five times as slow. Rows that hold the character themselves are fetched again, field by field.
_SEPARATOR = "\x1f"


@dataclass
class _Texts:
    """A table's rows: each as one text, those that hold the separator by field, those that are no text as bytes."""

    rows: pl.Series
    undecodable: dict[int, bytes]
    exact: dict[int, list[str]] = field(default_factory=dict)


# A view may never come to its end: the statement is stopped after this, looked at every so many steps.
SECONDS, _STEPS = 600, 1_000_000


def read_sqlite(contract: Contract, folder: Path) -> Raw:
    """Read the contract's table, every value as text. `_line` is the ordinal of the row in rowid order."""
    frames, undecodable, added = [], [], set()
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            texts, more = _read(contract, path, name)
            frame, bad = _split(contract, texts, name)
        added |= set(more)
        frames.append(frame)
        undecodable += bad
    return Raw(pl.concat(frames), scraps(undecodable), added=tuple(sorted(added)), structural={"files": len(frames)})


def _read(contract: Contract, path: Path, name: str) -> tuple[_Texts, tuple[str, ...]]:
    start = head(path)
    if not start.strip(b"\x00"):
        raise DeliveryProblem("empty_file", file=name)
    if not start.startswith(b"SQLite format 3\x00") and (other := sniff.told(start)):
        raise DeliveryProblem("other_format", file=name, detail=other)
    ends_at = time.monotonic() + SECONDS
    try:
        # mode=ro with immutable: no lock or journal file is made beside a delivery.
        connection = sqlite3.connect(f"file:{quote(bytes(path))}?mode=ro&immutable=1", uri=True)
        try:
            connection.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS)
            return _table(connection, contract, name)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if time.monotonic() > ends_at:
            raise DeliveryProblem("limits", file=name, detail=f"{SECONDS} s") from error
        raise DeliveryProblem("damaged", file=name, detail=type(error).__name__) from error


def _table(connection: sqlite3.Connection, contract: Contract, name: str) -> tuple[_Texts, tuple[str, ...]]:
    table = quoted(str(contract.delivery.table))
    names = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    if not names:
        raise DeliveryProblem("sheet_missing", file=name, detail=str(contract.delivery.table))
    added = match_header(contract, names, name)
    wanted = contract.physicals
    fields = [f"coalesce({quoted(column)}, '')" for column in wanted]
    # One statement is one consistent view of the table; rowid order makes ordinals repeatable.
    joined = f" || '{_SEPARATOR}' || ".join(fields)
    source = f"from {table}{' order by rowid' if _has_rowid(connection, table) else ''}"
    rows: list[str | bytes]
    try:
        rows = [row[0] for row in connection.execute(f"select {joined} {source}")]
    except sqlite3.OperationalError as error:
        if "decode" not in str(error).lower():
            raise
        # SQLite takes any bytes for text: whoever wrote them is told row by row.
        connection.text_factory = _decoded
        rows = [row[0] for row in connection.execute(f"select {joined} {source}")]
    whole = [row if isinstance(row, str) else None for row in rows]
    texts = _Texts(
        pl.Series(whole, dtype=pl.String), {at: row for at, row in enumerate(rows) if isinstance(row, bytes)}
    )
    odd = (texts.rows.str.count_matches(_SEPARATOR, literal=True) != len(wanted) - 1).arg_true()
    if len(odd):
        by_field = list(connection.execute(f"select {', '.join(fields)} {source}"))
        texts.exact = {at: [str(value) for value in by_field[at]] for at in odd}
    return texts, added


def _has_rowid(connection: sqlite3.Connection, table: str) -> bool:
    """Views and tables that were made without have none; their rows come in the file's order."""
    try:
        connection.execute(f"select rowid from {table} limit 0")
    except sqlite3.OperationalError:
        return False
    return True


def _decoded(text: bytes) -> str | bytes:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text


def _split(contract: Contract, texts: _Texts, name: str) -> tuple[pl.DataFrame, list[tuple[str, int, str, str]]]:
    """The rows in columns, and those that are no text."""
    wanted = contract.physicals
    split = pl.col("row").str.split_exact(_SEPARATOR, len(wanted) - 1).struct.rename_fields(wanted)
    frame = texts.rows.to_frame("row").select(split).unnest("row")
    if texts.exact:
        exact = pl.DataFrame(list(texts.exact.values()), schema=dict.fromkeys(wanted, pl.String), orient="row")
        frame = frame.with_columns(frame[c].scatter(list(texts.exact), exact[c]) for c in wanted)
    placed = place(frame, name)
    if not texts.undecodable:
        return placed, []
    bad = [
        (name, at + 1, row.decode("utf-8", errors="backslashreplace").replace(_SEPARATOR, " | "), "encoding")
        for at, row in texts.undecodable.items()
    ]
    return placed.filter(texts.rows.is_not_null()), bad
