"""Damage for deliveries: bytes turned, files cut, columns moved, encodings mixed up, hostile contents and names, bombs.
What is odd without being broken is in `oddities`.

A mutation changes the files of one delivery folder in place and says what it did. It does not judge what should become
of the delivery; `test_fuzz` does.
"""

import csv
import gzip
import io
import json
import random
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.readers import find_files
from tests.feeds import oddities
from tests.feeds.oddities import Damage

HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "'; drop table person; --",
    '"unclosed',
    "\u202eabc\u202c",
    "\x00nul\x00",
    "{{ 7*7 }}",
    "张\ufffd三",
    "../../../etc/passwd",
    "NaN",
    "-0",
    "9" * 400,
    "字" * 5000,
    "😀𠮷",
)
TEXT_FORMATS = ("delimited", "fixed_width", "json_lines")


def damage(contract: Contract, folder: Path, chance: random.Random) -> Damage:
    """Apply one mutation, chosen by `chance`, to the delivery in `folder`."""
    path = chance.choice(find_files(contract, folder))
    kinds: list[Callable[[Contract, Path, random.Random], Damage | None]] = [
        *[_bytes] * 6,
        *oddities.KINDS,
        _encoding,
        _swapped_columns,
        _swapped_header,
        _hostile_value,
        _hostile_name,
        _inside_archive,
        _bomb,
    ]
    name = path.relative_to(folder).as_posix()
    while True:
        done = chance.choice(kinds)(contract, path, chance)
        if done is not None:
            return Damage(done.kind, name, done.first_line, done.keeps_content)


def _bytes(contract: Contract, path: Path, chance: random.Random) -> Damage:
    """Bits and stretches of bytes, wherever they are."""
    data = path.read_bytes()
    at = chance.randrange(len(data))
    kind = chance.choice(("flip", "flips", "cut", "again", "zeros", "noise", "gap", "lines", "empty"))
    size = chance.randrange(1, 400)
    if kind in ("flip", "flips"):
        places = sorted(chance.randrange(len(data)) for _ in range(1 if kind == "flip" else 20))
        turned = bytearray(data)
        for place in places:
            turned[place] ^= 1 << chance.randrange(8)
        at, changed = places[0], bytes(turned)
    elif kind == "lines":
        lines = data.split(b"\n")
        chance.shuffle(lines)
        at, changed = 0, b"\n".join(lines)
    elif kind == "empty":
        at, changed = 0, b""
    else:
        middle = {"zeros": bytes(size), "noise": chance.randbytes(size), "again": data[max(0, at - size) : at]}
        end = {"cut": b"", "gap": data[at + size :], "zeros": data[at + size :]}
        changed = data[:at] + middle.get(kind, b"") + end.get(kind, data[at:])
    path.write_bytes(changed)
    return Damage(kind, "", data[:at].count(b"\n") + 1)


def _encoding(contract: Contract, path: Path, chance: random.Random) -> Damage:
    """The file in another encoding, or with a byte order mark where none was agreed."""
    data = path.read_bytes()
    kind = chance.choice(("gb18030", "utf-16", "latin-1", "mark"))
    if kind == "mark":
        path.write_bytes(b"\xef\xbb\xbf" + data)
    else:
        path.write_bytes(data.decode("utf-8", errors="replace").encode(kind, errors="replace"))
    return Damage(f"encoding {kind}", "")


def _swapped_columns(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Whole columns in another order: the same delivery, since columns are found by name."""
    kind = contract.delivery.format
    if contract.delivery.parts or contract.delivery.compression:
        return None
    if kind == "parquet":
        frame = pl.read_parquet(path, hive_partitioning=False)
        frame.select(reversed(frame.columns)).write_parquet(path)
    elif kind == "sqlite":
        _reverse_table(path, str(contract.delivery.table))
    elif kind == "json_lines":
        lines = path.read_text("utf-8").splitlines()
        path.write_text("".join(_reversed_object(line) + "\n" for line in lines), "utf-8")
    else:
        return None
    return Damage("columns in another order", "", keeps_content=True)


def _reverse_table(path: Path, table: str) -> None:
    with sqlite3.connect(path) as connection:
        (sql,) = connection.execute("select type from sqlite_master where name = ?", [table]).fetchone()
        columns = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
        chosen = ", ".join(f'"{c}"' for c in reversed(columns))
        connection.execute(f'create table "turned" as select {chosen} from "{table}"')
        connection.execute(f'drop {sql} "{table}"')
        connection.execute(f'alter table "turned" rename to "{table}"')
    connection.close()


def _reversed_object(line: str) -> str:
    try:
        content = json.loads(line)
    except ValueError:
        return line
    if not isinstance(content, dict):
        return line
    return json.dumps(dict(reversed(content.items())), ensure_ascii=False)


def _swapped_header(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Two names of the header change places, or one is renamed or doubled, while the data stay."""
    delivery = contract.delivery
    if delivery.format != "delimited" or delivery.compression or delivery.parts:
        return None
    lines = path.read_bytes().split(b"\n")
    at = delivery.header_row - 1
    header = next(csv.reader([lines[at].decode(delivery.encoding).rstrip("\r")], delimiter=delivery.delimiter))
    first, second = chance.sample(range(len(header)), 2)
    kind = chance.choice(("swapped", "renamed", "doubled"))
    if kind == "swapped":
        header[first], header[second] = header[second], header[first]
    else:
        header[first] = "改名" if kind == "renamed" else header[second]
    out = io.StringIO()
    csv.writer(out, delimiter=delivery.delimiter, lineterminator="").writerow(header)
    lines[at] = out.getvalue().encode(delivery.encoding) + (b"\r" if lines[at].endswith(b"\r") else b"")
    path.write_bytes(b"\n".join(lines))
    return Damage(f"header {kind}", "")


def _hostile_value(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """A hostile text in the middle of a line of text, or as a value of a table."""
    hostile = chance.choice(HOSTILE)
    if contract.delivery.format == "sqlite" and not contract.delivery.parts:
        column = chance.choice(contract.physicals)
        table = str(contract.delivery.table)
        with sqlite3.connect(path) as connection:
            kind = connection.execute("select type from sqlite_master where name = ?", [table]).fetchone()[0]
            if kind != "table":
                return None
            connection.execute(f'update "{table}" set "{column}" = ? where rowid % 7 = 3', [hostile])
        connection.close()
        return Damage("hostile value", "")
    if contract.delivery.format == "parquet" and not contract.delivery.parts:
        frame = pl.read_parquet(path, hive_partitioning=False)
        column = chance.choice(frame.columns)
        turned = pl.int_range(pl.len()) % 7 == 3
        frame.with_columns(
            pl.when(turned).then(pl.lit(hostile)).otherwise(pl.col(column).cast(pl.String)).alias(column)
        ).write_parquet(path)
        return Damage("hostile value", "")
    if contract.delivery.format not in TEXT_FORMATS or contract.delivery.compression:
        return None
    lines = path.read_bytes().split(b"\n")
    number = chance.randrange(len(lines))
    place = chance.randrange(len(lines[number]) + 1)
    lines[number] = lines[number][:place] + hostile.encode() + lines[number][place:]
    path.write_bytes(b"\n".join(lines))
    return Damage("hostile value", "", number + 1)


def _hostile_name(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Files beside the delivery's own that must be passed by, and links that must not be followed."""
    kind = chance.choice(("beside", "link", "folder"))
    beside = path.with_name("=cmd|' !A0\n" + "长" * 60 + path.suffix)
    if kind == "beside":
        beside.with_name("readme " + beside.name + ".bak").write_bytes(b"\xff\x00" * 50)
        return Damage("hostile name", "", keeps_content=True)
    if kind == "folder":
        (path.parent / "\t子目录'; --").mkdir()
        return Damage("hostile name", "", keeps_content=True)
    path.unlink()
    path.symlink_to("/etc/hostname")
    return Damage("symbolic link", "")


def _inside_archive(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """The XML of a workbook damaged inside a sound archive."""
    if path.suffix != ".xlsx":
        return None
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    victim = chance.choice([name for name in members if name.endswith((".xml", ".rels"))])
    data = bytearray(members[victim])
    kind = chance.choice(("flip", "cut", "without"))
    if kind == "flip":
        for _ in range(5):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[chance.randrange(len(data)) :]
    members[victim] = bytes(data)
    if kind == "without":
        del members[victim]
    _zip(path, members)
    return Damage(f"inside the archive: {kind}", "")


def _bomb(contract: Contract, path: Path, chance: random.Random) -> Damage | None:
    """Small files that would become very large, or documents too deep."""
    kind = contract.delivery.format
    if path.suffix in (".xlsx", ".zip"):
        if chance.random() < 0.5:
            _zip(path, _sparse_workbook())
            return Damage("sparse sheet", "")
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member,
        ):
            for _ in range(64):
                member.write(bytes(16 << 20))
        return Damage("zip bomb", "")
    if path.suffix == ".gz":
        with gzip.open(path, "wb", compresslevel=1) as file:
            for _ in range(80):
                file.write(bytes(16 << 20))
        return Damage("gzip bomb", "")
    if kind in ("json", "json_lines", "geojson"):
        path.write_bytes(b'{"a":' * 100_000 + b"[" * 100_000)
        return Damage("deep document", "")
    return None


def _sparse_workbook() -> dict[str, bytes]:
    """A workbook of 2 KB whose one sheet claims every cell there can be."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/"
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{package}content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}worksheet+xml"/></Types>'
        ).encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{package}relationships"><Relationship Id="r1" Type="{relation}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": (
            f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets><sheet name="一" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>"
        ).encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{package}relationships"><Relationship Id="r1" Type="{relation}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>'
        ).encode(),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'.encode(),
    }


def _zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
