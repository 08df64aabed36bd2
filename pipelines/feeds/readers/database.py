"""Tables of a database delivered as a SQLite file."""

import sqlite3
from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.raw import Raw, find_files, match_header, place
from pipelines.sql import quoted

# A row travels as one text with this control character between its fields: fetching 17 million values one by one is
# five times as slow. Rows that hold the character themselves are fetched again, field by field.
_SEPARATOR = "\x1f"


def read_sqlite(contract: Contract, folder: Path) -> Raw:
    """Read the contract's table, every value as text. `_line` is the ordinal of the row in rowid order."""
    frames, added = [], set()
    for path in find_files(contract, folder):
        name = path.relative_to(folder).as_posix()
        try:
            # mode=ro with immutable: no lock or journal file is made beside a delivery.
            connection = sqlite3.connect(f"file:{_quoted_path(path)}?mode=ro&immutable=1", uri=True)
            try:
                frame, more = _table(connection, contract, name)
            finally:
                connection.close()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise DeliveryProblem("damaged", file=name, detail=type(error).__name__) from error
        added |= set(more)
        frames.append(place(frame, name))
    return Raw(pl.concat(frames), added=tuple(sorted(added)), structural={"files": len(frames)})


def _table(connection: sqlite3.Connection, contract: Contract, name: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    table = quoted(str(contract.delivery.table))
    names = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    if not names:
        raise DeliveryProblem("sheet_missing", file=name, detail=str(contract.delivery.table))
    added = match_header(contract, names, name)
    wanted = contract.physicals
    fields = [f"coalesce({quoted(column)}, '')" for column in wanted]
    # One statement is one consistent view of the table; rowid order makes ordinals repeatable.
    joined = f" || '{_SEPARATOR}' || ".join(fields)
    rows = [row[0] for row in connection.execute(f"select {joined} from {table} order by rowid")]
    lines = pl.DataFrame({"row": pl.Series(rows, dtype=pl.String)})
    odd = (lines["row"].str.count_matches(_SEPARATOR, literal=True) != len(wanted) - 1).arg_true()
    split = pl.col("row").str.split_exact(_SEPARATOR, len(wanted) - 1).struct.rename_fields(wanted)
    frame = lines.select(split).unnest("row")
    if len(odd):
        by_field = list(connection.execute(f"select {', '.join(fields)} from {table} order by rowid"))
        exact = pl.DataFrame(
            [[str(value) for value in by_field[i]] for i in odd], schema=dict.fromkeys(wanted, pl.String), orient="row"
        )
        frame = frame.with_columns(frame[c].scatter(odd, exact[c]) for c in wanted)
    return frame, added


def _quoted_path(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
