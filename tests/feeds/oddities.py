"""Damage that is none by its bytes: what exporters, apps and uploads really write. Applied by `mutations.damage`."""

import io
import os
import random
import re
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.feeds.contracts import Contract

JSON_FORMATS = ("json", "json_lines", "geojson")


@dataclass(frozen=True)
class Damage:
    """What was done. `first_line` is the first physical line that may differ, None where lines are not comparable.

    `keeps_content` says that the delivery means the same as before.
    """

    kind: str
    file: str
    first_line: int | None = None
    keeps_content: bool = False


Mutation = Callable[[Contract, Path, random.Random], Damage | None]

_VALUE = re.compile(rb'":\s*("[^"\\]*"|-?[0-9.]+|true|false|null)')
_ODD_VALUES = (
    rb'"\ud83d"',
    rb'"a\ude00b"',
    rb'"\ud83d\ud83d\ude00"',
    rb'"\ud83d\n"',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0.0",
    b"9" * 5_000,
    b"9" * 30,
    b"[" * 60 + b"]" * 60,
    b"[" * 980 + b"]" * 980,
    b'{"a":1,"a":"\\ud83d"}',
    b"[null,[],{},[[]]]",
    b'"\\u0000"',
    b"'single'",
    b"undefined",
)


def odd_json(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """A value or a name that JSON, or text, has not: half an emoji, no number, a key said twice."""
    if contract.delivery.format not in JSON_FORMATS or contract.delivery.parts:
        return None
    data = path.read_bytes()
    places = list(_VALUE.finditer(data))
    if not places:
        return None
    place, odd = chance.choice(places), chance.choice(_ODD_VALUES)
    if chance.random() < 0.2:
        at = data.rindex(b"{", 0, place.start())
        twice = b'"x\\ud83d":1,"x\\ud83d":2,'
        changed = data[: at + 1] + twice + data[at + 1 :]
    else:
        at = place.start(1)
        changed = data[:at] + odd + data[place.end(1) :]
    path.write_bytes(changed)
    return Damage("odd JSON", "", data[:at].count(b"\n") + 1)


def odd_column(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """A Parquet column of another type: bytes that are no text, lists, times, nothing."""
    if contract.delivery.format != "parquet" or contract.delivery.parts:
        return None
    table = pq.ParquetFile(path).read()
    at, rows = chance.randrange(table.num_columns), table.num_rows
    columns = {
        "GBK": pa.array(["甲".encode("gbk")] * rows, pa.binary()),
        "bytes": pa.array([b"text"] * rows, pa.binary()),
        "fixed": pa.array([b"\xff\xfe"] * rows, pa.binary(2)),
        "list": pa.array([["甲"]] * rows, pa.list_(pa.string())),
        "struct": pa.array([{"a": "甲"}] * rows),
        "map": pa.array([[("a", "b")]] * rows, pa.map_(pa.string(), pa.string())),
        "duration": pa.array([timedelta(days=1)] * rows, pa.duration("ns")),
        "decimal": pa.array([Decimal("1.5")] * rows, pa.decimal256(40, 3)),
        "dictionary": pa.array(["甲"] * rows).dictionary_encode(),
        "null": pa.nulls(rows),
        "date": pa.array([date(2026, 1, 31)] * rows),
        "moment": pa.array([datetime(2026, 1, 31, 8)] * rows, pa.timestamp("ns", "UTC")),
        "time": pa.array([1] * rows, pa.time64("us")),
        "half": pa.array([float("nan")] * rows, pa.float64()),
        "huge": pa.array([2**64 - 1] * rows, pa.uint64()),
    }
    kind = chance.choice(sorted(columns))
    pq.write_table(table.set_column(at, table.column_names[at], columns[kind]), path)
    return Damage(f"column of {kind}", "")


def odd_table(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Values that SQLite lets stand in a column of text: bytes, halves of characters, numbers, the separator."""
    if contract.delivery.format != "sqlite" or contract.delivery.parts:
        return None
    values = ("cast(x'b1b2' as text)", "x'ff00'", "cast(x'e5b1' as text)", "0.1", "char(31)", "char(0) || 'a'", "9e999")
    table, column = str(contract.delivery.table), chance.choice(contract.physicals)
    with sqlite3.connect(path) as connection:
        (kind,) = connection.execute("select type from sqlite_master where name = ?", [table]).fetchone()
        if kind == "table":
            connection.execute(f'update "{table}" set "{column}" = {chance.choice(values)} where rowid % 5 = 2')
    connection.close()
    return Damage("odd table value", "") if kind == "table" else None


def line_ends(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Line ends of another system, of one kind or mixed."""
    if contract.delivery.format not in ("delimited", "fixed_width", "json_lines") or contract.delivery.compression:
        return None
    data = path.read_bytes()
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    kind = chance.choice(("CR", "LF", "CRLF", "CR and LF", "CR in one", "CR before the end"))
    if kind == "CR and LF":
        changed = b"".join(line + chance.choice((b"\r", b"\n")) for line in lines)
    elif kind == "CR in one":
        at = chance.randrange(len(data))
        changed = data[:at] + b"\r" + data[at:]
    else:
        end = {"CR": b"\r", "LF": b"\n", "CRLF": b"\r\n", "CR before the end": b"\r"}[kind]
        changed = end.join(lines) + (b"\n" if kind == "CR before the end" else b"")
    path.write_bytes(changed)
    return Damage(f"line ends: {kind}", "")


def empty_columns(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Columns at the end without name and value, and who filled in the table below it: the same delivery."""
    delivery = contract.delivery
    if delivery.format != "delimited" or delivery.compression or delivery.parts or delivery.surplus_to_last:
        return None
    data = path.read_bytes()
    if b'"' in data or not data.endswith(b"\n"):
        return None
    more = delivery.delimiter.encode() * chance.randrange(1, 4)
    lines = data.split(b"\n")[:-1]
    first = chance.choice((0, delivery.header_row))
    changed = [line.rstrip(b"\r") + more if at >= first and line.strip() else line for at, line in enumerate(lines)]
    footer = chance.choice(("合  计", "制表人：张三", "备注：略", "——以下空白——"))
    path.write_bytes(b"\n".join([*changed, footer.encode(delivery.encoding), b""]))
    return Damage("empty columns and a footer", "", keeps_content=True)


def odd_name(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Names and kinds of files that uploads bring: GBK, copies, folders, pipes, links to nowhere, rights withheld."""
    kind = chance.choice(("GBK beside", "surrogate", "copy", "upper", "folder", "pipe", "link", "rights", "empty"))
    if kind in ("GBK beside", "surrogate"):
        # Beside the delivery's folder of partitions, not in it.
        name = "报送说明.bak".encode("gbk") if kind == "GBK beside" else b"\xed\xa0\xbd\xff.bak"
        with open(os.fsencode(path.parent) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name that is no text
            file.write(b"x")
        return Damage(f"name: {kind}", "", keeps_content=True)
    if kind in ("copy", "upper"):
        name = f"{path.stem}(1){path.suffix}" if kind == "copy" else path.name.upper()
        path.rename(path.with_name(name))
    elif kind == "rights":
        path.chmod(0)
    else:
        path.unlink()
        make = {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "empty": path.touch}
        make.get(kind, lambda: path.symlink_to("nowhere"))()
    return Damage(f"name: {kind}", "")


_OTHERS = (
    b"<!DOCTYPE html><html><table><tr><td>x</td></tr></table></html>",
    b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>',
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000),
    b"%PDF-1.7\n",
    b"Rar!\x1a\x07\x00",
    b"PK\x05\x06" + bytes(18),
    b"PK\x03\x04",
    b"\x1f\x8b\x08\x00",
    b"SQLite format 3\x00",
    b"PAR1PAR1",
    "甲,乙\r\n1,2\r\n".encode("gbk"),
    "甲\t乙\n".encode("utf-16"),
    b"{}\n",
    b"[]",
    b"\x00" * 5_000,
)


def another_format(contract: Contract, path: Path, chance: random.Random) -> Damage:
    """Another format under the agreed name."""
    path.write_bytes(chance.choice(_OTHERS))
    return Damage("another format", "")


def odd_workbook(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """XML that other writers of workbooks write, and entries an archive may have besides."""
    if path.suffix != ".xlsx" or contract.delivery.is_password_protected:
        return None
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = chance.choice([name for name in members if name.startswith("xl/worksheets/sheet")])
    kind = chance.choice(("dimension", "entries", "UTF-16", "no strings", "deep", "cell type", "references"))
    keeps = kind in ("dimension", "entries")
    if kind == "dimension":
        odd = chance.choice((b"1:49", b"A:P", b"", b"$A$1:$P$9", b"x"))
        members[sheet] = re.sub(rb'(<dimension ref=")[^"]*', rb"\g<1>" + odd.replace(b"\\", b""), members[sheet])
    elif kind == "entries":
        members |= {
            "../../etc/passwd": b"x",
            "/abs": b"x",
            "C:\\x": b"x",
            "报送说明.txt": b"x",
            "a" * 300: b"",
            "d/": b"",
        }
    elif kind == "UTF-16":
        members[sheet] = members[sheet].decode().replace("UTF-8", "UTF-16").encode("utf-16")
    elif kind == "no strings":
        members.pop("xl/sharedStrings.xml", None)
    elif kind == "deep":
        members[sheet] = members[sheet].replace(b"<sheetData>", b"<x>" * 50_000 + b"</x>" * 50_000 + b"<sheetData>")
    elif kind == "cell type":
        odd = chance.choice((b't="x"', b't="s" s="999999"', b't="d"', b't="b"', b't="n"'))
        members[sheet] = members[sheet].replace(b't="s"', odd, chance.randrange(1, 30))
    else:
        members[sheet] = re.sub(rb"<v>[0-9]+</v>", b"<v>99999999999999999999</v>", members[sheet], count=3)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    path.write_bytes(written.getvalue())
    return Damage(f"odd workbook: {kind}", "", keeps_content=keeps)


KINDS: tuple[Mutation, ...] = (
    *[odd_json] * 2,
    # Few feeds come in these formats; elsewhere another kind is chosen.
    *[odd_column] * 12,
    *[odd_table] * 6,
    line_ends,
    empty_columns,
    odd_name,
    another_format,
    *[odd_workbook] * 4,
)
