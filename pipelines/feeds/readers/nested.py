"""JSON with nesting: one object a line, or one array of objects a file.

A column's raw name is the path of its value: `archive.status`; `needTags[]` is every item of a list;
`chronic[].code` that of every object in a list; `chronic[code=hypertension|I10].control` that of the first object whose
`code` is one of these. Several values of one column are joined by the first of its separators.
"""

import gc
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import quick_json
from pipelines.feeds.readers.delimited import decode
from pipelines.feeds.readers.raw import FILE, LINE, Raw, each_file, scraps, told_name

_STEP = re.compile(r"([^.\[\]]+)(?:\[(?:([^=\]]+)=([^\]]+))?(\])|)(?:\.|$)")
_JOINED_BY = "、"
# Any escape, in pairs where two make one character; and what may be a half without a pair.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.", re.DOTALL
)
_MAY_BE_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
Reader = Callable[[Any], str | None]
Objects = Callable[[str, str], Iterator[tuple[int, Any]]]
Scrap = tuple[str, int, str, str]


def read_json_lines(contract: Contract, folder: Path) -> Raw:
    """Read one object a line. A line that is no object is a scrap; `_line` is the physical line."""
    return _read(contract, folder, _lines)


def read_json_array(contract: Contract, folder: Path) -> Raw:
    """Read one array of objects a file. `_line` is the ordinal of the object in its array."""
    return _read(contract, folder, _items)


def _read(contract: Contract, folder: Path, objects: Objects) -> Raw:
    known, added = {name.split(".")[0].split("[")[0] for name in contract.physicals}, set()
    ways = {name: steps(name) for name in contract.physicals}
    marks = {name: _separator(contract, name) for name in contract.physicals}
    frames: list[pl.DataFrame] = []
    bad: list[Scrap] = []
    is_mended = False
    is_utf8 = contract.delivery.encoding == "utf-8"
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            quick = quick_json.read(path, ways, marks, objects is _lines, _of_json) if is_utf8 else None
            if quick is None:
                readers = [_reader(way, marks[c]) for c, way in ways.items()]
                text = decode(path, name, contract.delivery.encoding)
                whole = with_whole_characters(text)
                is_mended |= whole is not text
                frame, seen, scraps_here = _read_objects(contract, whole, name, readers, objects)
                bad += scraps_here
            else:
                frame, seen = quick
        missing = sorted(known - seen) if seen else []
        if missing:
            # A name that no object of a file bears was renamed: reading on would empty the column in silence.
            raise DeliveryProblem("header_missing", file=name, column=missing[0])
        added |= {told_name(one) for one in seen - known}
        frames.append(frame.with_columns(pl.lit(name).alias(FILE)))
    structural = {"files": len(frames)}
    return Raw(pl.concat(frames), scraps(bad), structural=structural, added=tuple(sorted(added)), mended=is_mended)


def _read_objects(
    contract: Contract, text: str, name: str, readers: list[Reader], objects: Objects
) -> tuple[pl.DataFrame, set[str], list[Scrap]]:
    """One file's objects in Python: the columns with `_line`, every name the objects bear, and what is no object."""
    seen: set[str] = set()
    columns: list[list[str | None]] = [[] for _ in readers]
    numbers: list[int] = []
    bad: list[Scrap] = []
    # Millions of short-lived objects are made, none of them in a cycle: collecting costs a third of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for number, item in objects(text, name):
            if not isinstance(item, dict):
                bad.append((name, number, item if isinstance(item, str) else as_text(item), "object"))
                continue
            try:
                for values, reader in zip(columns, readers, strict=True):
                    values.append(reader(item))
            except RecursionError:
                # Not too deep to be read and too deep to be written.
                for values in columns:
                    del values[len(numbers) :]
                bad.append((name, number, "{…}", "object"))
                continue
            seen.update(item)
            numbers.append(number)
        texts = {c: pl.Series(v, dtype=pl.String) for c, v in zip(contract.physicals, columns, strict=True)}
    finally:
        if was_enabled:
            gc.enable()
    return pl.DataFrame(texts | {LINE: pl.Series(numbers, dtype=pl.Int32)}), seen, bad


def as_text(item: Any) -> str:
    """What is no object as it came, for whoever looks at it."""
    try:
        return json.dumps(item, ensure_ascii=False)
    except RecursionError:
        return "[…]"


def with_whole_characters(text: str) -> str:
    """JSON text with the replacement character where an escape is half of a character, cut off from its other half."""
    if _MAY_BE_HALF.search(text) is None:
        return text
    whole = _ESCAPE.sub(lambda found: "\\ufffd" if len(found[0]) == len(r"\ud83d") else found[0], text)
    return text if whole == text else whole


def _lines(text: str, name: str) -> Iterator[tuple[int, Any]]:
    lines = text.split("\n")
    if lines[-1] != "":
        raise DeliveryProblem("truncated", file=name, line=len(lines), detail="the last line has no end")
    for number, line in enumerate(lines[:-1], 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            item = None
        yield number, item if isinstance(item, dict) else line


def _items(text: str, name: str) -> Iterator[tuple[int, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nesting"
        raise DeliveryProblem("truncated", file=name, detail=where) from error
    if not isinstance(document, list):
        raise DeliveryProblem("damaged", file=name, detail="no array of objects")
    yield from enumerate(document, 1)


def steps(path: str) -> list[tuple[str, str, tuple[str, ...], bool]]:
    """A path taken apart: for each step the name, the name and values it asks for in a list, and whether it is one.

    Raises ValueError where the path cannot be read.
    """
    found, at = [], 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise ValueError(f"{path} is no path")
        found.append((step[1], step[2] or "", tuple((step[3] or "").split("|")), step[4] is not None))
        at = step.end()
    return found


def _separator(contract: Contract, physical: str) -> str:
    marks = [c.intake.separators for c in contract.read_columns if c.physical == physical and c.intake.separators]
    return marks[0][0] if marks else _JOINED_BY


def _reader(path: list[tuple[str, str, tuple[str, ...], bool]], separator: str) -> Reader:
    """A function that takes an object to the text at a path; null where anything on the way is missing."""
    (name, asked, values, is_list), rest = path[0], path[1:]
    deeper = _reader(rest, separator) if rest else _text

    def plain(item: Any) -> str | None:
        value = item.get(name) if isinstance(item, dict) else None
        return None if value is None else deeper(value)

    def first(item: Any) -> str | None:
        value = item.get(name) if isinstance(item, dict) else None
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, dict) and entry.get(asked) in values:
                return deeper(entry)
        return None

    def every(item: Any) -> str | None:
        value = item.get(name) if isinstance(item, dict) else None
        if not isinstance(value, list):
            return None if value is None else _text(value)
        texts = [text for text in map(deeper, value) if text]
        return separator.join(texts) if texts else None

    if not is_list:
        return plain
    return first if asked else every


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if value != value:
        # NaN, which is no JSON, is what pandas writes for nothing at all.
        return None
    # A whole number beyond 15 digits is written out: Python's keep every digit, unlike a spreadsheet's.
    return json.dumps(value, ensure_ascii=False)


def _of_json(text: str) -> str | None:
    """What a value is read as, from its JSON text."""
    return _text(json.loads(text))
