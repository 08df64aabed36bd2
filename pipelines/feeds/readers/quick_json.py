"""JSON of the usual shape read by DuckDB: a fifth of the time of making every object in Python.

Gives exactly what `nested` gives, or nothing at all: where a file is anything but regular (a broken line, a key said
twice, another shape than the paths ask for) it is left to `nested`, which tells broken rows one by one. Columns come as
JSON texts, so that the number 1, the text "1" and true stay apart until they are told apart here.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.feeds.readers.raw import LINE
from pipelines.sql import quoted, text_literal

# (name, key asked for in a list, values asked for, is a list), as `nested.steps` gives them.
Step = tuple[str, str, tuple[str, ...], bool]
Text = Callable[[str], str | None]

# Smaller files are read sooner than a connection is made.
WORTH_BYTES = 2_000_000
_PATTERN_SIGNS = frozenset("*?[]{}")
# The one thing DuckDB reads and the standard does not know. Texts that hold it cost time, nothing else.
_TRAILING_COMMA = re.compile(rb",\s*[}\]]")
# Numbers that any writer of shortest decimals writes alike; the others are written anew.
_PLAIN_NUMBER = r"^(?:0|-?[1-9][0-9]{0,14}(?:\.[0-9]{1,6})?|-?0\.0{0,2}[1-9][0-9]{0,9})$"
_LIMITS: dict[str, Any] = {"threads": 2, "memory_limit": "1GB", "temp_directory": ""}


class _NotUsualError(Exception):
    """The paths or the file are beyond what is read here."""


def read(
    path: Path, wanted: dict[str, list[Step]], joined_by: dict[str, str], is_lines: bool, as_text: Text
) -> tuple[pl.DataFrame, set[str]] | None:
    """The wanted columns (raw name → path) with `_line`, and every name the objects bear; None: read it otherwise.

    `joined_by` says by what the items of a list are joined. `as_text` takes any JSON text to what `nested` makes of it.
    """
    if path.stat().st_size < WORTH_BYTES or _PATTERN_SIGNS & set(str(path)):
        return None
    data = path.read_bytes()
    if data[:1] != (b"{" if is_lines else b"[") or _TRAILING_COMMA.search(data):
        return None
    height = data.count(b"\n") if is_lines else None
    if is_lines and not data.endswith(b"\n"):
        return None
    del data
    try:
        frame, seen = _query(path, wanted, is_lines)
        # An empty row is an object without any of the names, or no object; an empty line is no row.
        if height not in (None, frame.height) or not frame["has_any"].all():
            return None
        texts = [_texts(frame[f"{at}"], joined_by[name], as_text).alias(name) for at, name in enumerate(wanted)]
    except (_NotUsualError, duckdb.Error, UnicodeEncodeError):
        return None
    lines = pl.int_range(1, frame.height + 1, dtype=pl.Int32, eager=True).alias(LINE)
    return pl.DataFrame([*texts, lines]), seen


def _query(path: Path, wanted: dict[str, list[Step]], is_lines: bool) -> tuple[pl.DataFrame, set[str]]:
    """One column a path, named by position, `has_any` (whether the row has anything), and the names of all objects."""
    shape = _shape(wanted.values())
    form = "newline_delimited" if is_lines else "array"
    options = f"{text_literal(path)}, format = '{form}', compression = 'uncompressed'"
    columns = ", ".join(f"{text_literal(name)}: {text_literal(_sql_type(inner))}" for name, inner in shape.items())
    values = [f"{_value(quoted(way[0][0]), way)} as {quoted(str(at))}" for at, way in enumerate(wanted.values())]
    some = f"coalesce({', '.join(f'{quoted(name)}::varchar' for name in shape)}) is not null as has_any"
    connection = duckdb.connect(config=_LIMITS)
    try:
        connection.execute("set enable_progress_bar = false")
        query = f"select {', '.join(values)}, {some} from read_json({options}, columns = {{{columns}}})"
        frame = pl.from_arrow(connection.sql(query).to_arrow_table())
        names = f"select distinct unnest(json_keys(json)) from read_json_objects({options})"
        seen = {row[0] for row in connection.sql(names).fetchall()}
    finally:
        connection.close()
    assert isinstance(frame, pl.DataFrame)
    return frame, seen


def _shape(ways: Any) -> dict[str, Any]:
    """The paths as one tree: name → tree, [tree] for a list, None for a value."""
    root: dict[str, Any] = {}
    for way in ways:
        at = root
        for place, (name, asked, _, is_list) in enumerate(way):
            is_last = place == len(way) - 1
            inner: Any = None if is_last and not asked else {}
            made = [inner] if is_list else inner
            there = at.setdefault(name, made)
            if _kind(there) != _kind(made):
                raise _NotUsualError(name)
            at = there[0] if is_list else there
            if asked:
                at.setdefault(asked, None)
    return root


def _kind(node: Any) -> tuple[str, ...]:
    if isinstance(node, list):
        return ("list", *_kind(node[0]))
    return ("object",) if isinstance(node, dict) else ("value",)


def _sql_type(node: Any) -> str:
    if isinstance(node, list):
        return f"{_sql_type(node[0])}[]"
    if isinstance(node, dict):
        return f"STRUCT({', '.join(f'{quoted(name)} {_sql_type(inner)}' for name, inner in node.items())})"
    return "JSON"


def _value(field: str, way: Sequence[Step], depth: int = 0) -> str:
    """SQL for what stands at the end of a path: a JSON text, or a list of them."""
    (_, asked, values, is_list), rest = way[0], way[1:]
    inner = f"x{depth}"
    if not is_list:
        return _value(f"{field}.{quoted(rest[0][0])}", rest, depth + 1) if rest else field
    if asked:
        if not rest:
            raise _NotUsualError(field)
        texts = ", ".join(text_literal(_as_json(value)) for value in values)
        first = f"list_filter({field}, lambda {inner}: {inner}.{quoted(asked)}::varchar in ({texts}))[1]"
        return _value(f"{first}.{quoted(rest[0][0])}", rest, depth + 1)
    if any(step[3] for step in rest):
        raise _NotUsualError(field)
    if not rest:
        return field
    return f"list_transform({field}, lambda {inner}: {_value(f'{inner}.{quoted(rest[0][0])}', rest, depth + 1)})"


def _as_json(value: str) -> str:
    if '"' in value or "\\" in value:
        raise _NotUsualError(value)
    return f'"{value}"'


def _texts(column: pl.Series, joined_by: str, as_text: Text) -> pl.Series:
    """JSON texts as `nested` reads them; the items of lists joined, those without text left out."""
    if column.dtype != pl.List(pl.String):
        return _plain(column.cast(pl.String), as_text)
    rows = pl.DataFrame({"items": column}).with_row_index("row")
    items = rows.explode("items")
    items = items.with_columns(_plain(items["items"], as_text).alias("text")).filter(pl.col("text") != "")
    joined = items.group_by("row", maintain_order=True).agg(pl.col("text").str.join(joined_by))
    return rows.join(joined, on="row", how="left", maintain_order="left")["text"]


def _plain(column: pl.Series, as_text: Text) -> pl.Series:
    is_text = column.str.starts_with('"')
    bare = column.str.strip_prefix('"').str.strip_suffix('"')
    number = ~is_text & column.str.contains(_PLAIN_NUMBER)
    odd = (~is_text & ~number) | (is_text & column.str.contains("\\", literal=True))
    places = odd.arg_true()
    if len(places) == 0:
        return bare
    found = column.gather(places)
    # True, false and escaped texts are few different ones, or few.
    known = {text: as_text(text) for text in found.unique().to_list()}
    read = found.replace_strict(list(known), list(known.values()), return_dtype=pl.String)
    return bare.scatter(places, read)
