"""Opens one workbook in a process of its own, with limits, and writes its cells to standard output as JSON lines.

Run as a script, never imported: it must stay light, so that its limit on address space can be tight. A 4 KB file can
make a workbook library ask for all memory there is; here that ends this process and nothing else.

Arguments: bytes of memory, seconds of processor time, path, then the sheets wanted. Standard input: the password, where
the file is an archive around the workbook; among the arguments it would be seen by others. Output: {"sheet", "merged",
"from_1904"} before each sheet's rows, then lists of [row number, cells]; or one {"problem", "detail"}. Cells are text
or null. Numbers of 16 digits and more are written in scientific notation: a spreadsheet keeps 15 digits, and what it
invents for the rest must not pass for a number. A formula whose value nobody computed is told as #FORMULA!, like a
cell's error.
"""

import io
import json
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

# Rows written at a time.
ROWS_A_LINE = 500
PIECE_BYTES = 1 << 20
MAX_ENTRIES = 5_000
MAX_LOCKED_BYTES = 50_000_000
MAX_UNPACKED_BYTES = 400_000_000
MAX_RATIO = 300
RATIO_FREE_BYTES = 10_000_000
MAX_COLUMNS = 1_000
MAX_CELLS = 30_000_000
ERROR_CELL = re.compile(rb"""(<c\b[^>]{,200}\bt=)(?:"e"|'e')""")
LONGEST_TAG = 250
DIMENSION = re.compile(rb"""<(?:\w+:)?dimension\s[^>]*?\bref\s*=\s*(["'])([^"'>]*)\1""")
CELLS = re.compile(rb"[A-Z]+[0-9]+(?::[A-Z]+[0-9]+)?")
HEAD = 2_048
# Old workbooks, and new ones with a password, are compound files; the latter hold a stream of this name.
COMPOUND = b"\xd0\xcf\x11\xe0"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
# How an archive says that an entry is locked by WinZip's AES, or by PKWARE's strong encryption.
AES, STRONG = 99, 0x40
# A formula without a value: what comes of it only a spreadsheet program would know. An empty text is one (t="str").
FORMULA_END = rb"</(?:[\w.-]+:)?f>|<(?:[\w.-]+:)?f(?:\s[^<>]{,200})?/>"
EMPTY_VALUE = rb"(\s*<(?:[\w.-]+:)?v\s*(?:/>|>\s*</(?:[\w.-]+:)?v>))?"
FORMULA_MARKS = (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/")
UNCOMPUTED = re.compile(rb"(?:" + FORMULA_END + rb")" + EMPTY_VALUE + rb"\s*</(?:[\w.-]+:)?c>")
UNCOMPUTED_CELL = re.compile(
    rb"<((?:[\w.-]+:)?)c\b([^<>]{,200})>\s*<(?:[\w.-]+:)?f\b(?:[^<>]{,200}/>|[^<>]{,200}>[^<]*</(?:[\w.-]+:)?f>)"
    + EMPTY_VALUE
    + rb"\s*</(?:[\w.-]+:)?c>"
)
CELL_TYPE = re.compile(rb"""\s+t=["']([^"']*)["']""")
DATE_1904 = re.compile(rb"""<(?:[\w.-]+:)?workbookPr\b[^<>]*\bdate1904=["'](?:1|true)["']""")


class Refused(Exception):
    """The workbook is not opened, or not read on: (problem, detail)."""


def main() -> None:
    """Read the workbook named by the arguments."""
    memory, seconds, path, sheets = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        password = sys.stdin.buffer.read()
        book = unlock(path, password) if password else io.BytesIO(path.read_bytes())
        is_odd, from_1904 = inspect(book)
        dump(mended(book) if is_odd else book, sheets, from_1904)
    except Refused as refused:
        emit({"problem": refused.args[0], "detail": refused.args[1]})
    except MemoryError:
        emit({"problem": "limits", "detail": f"{memory // 10**6} MB of memory"})
    except BaseException as error:  # noqa: BLE001 - whatever hostile files raise, panics too, becomes one sentence
        emit({"problem": "damaged", "detail": type(error).__name__})


def unlock(path: Path, password: bytes) -> io.BytesIO:
    """The one workbook in an archive with a password. Its name may be in any encoding and is not looked at."""
    must_be_archive(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        # An archive that a Mac packed holds a shadow of every file.
        entries = [e for e in entries if not e.filename.startswith("__MACOSX/")] or entries
        if any(e.filename == "[Content_Types].xml" for e in entries) or (entries and not _is_any_locked(entries)):
            raise Refused("unlocked", "")
        if len(entries) != 1:
            raise Refused("damaged", f"{len(entries)} files in the archive")
        if entries[0].file_size > MAX_LOCKED_BYTES:
            raise Refused("too_large", f"{entries[0].file_size // 10**6} MB locked")
        if entries[0].compress_type == AES or entries[0].flag_bits & STRONG:
            raise Refused("other_encryption", "AES" if entries[0].compress_type == AES else "PKWARE")
        try:
            return io.BytesIO(archive.read(entries[0], pwd=password))
        except NotImplementedError as error:
            raise Refused("other_encryption", f"method {entries[0].compress_type}") from error
        except (RuntimeError, zlib.error, zipfile.BadZipFile) as error:
            # One wrong password in 256 passes for right until the content is seen.
            raise Refused("wrong_password", "") from error


def _is_any_locked(entries: list[zipfile.ZipInfo]) -> bool:
    return any(entry.flag_bits & 1 for entry in entries)


def must_be_archive(file: io.BytesIO) -> None:
    """Refuse what is no ZIP archive, with its first bytes, by which the parent tells what it is."""
    head = file.read(HEAD)
    is_other = not head.startswith(b"PK") and (head.startswith(COMPOUND) or not zipfile.is_zipfile(file))
    if is_other:
        raise Refused("no_workbook", head.hex())
    file.seek(0)


def inspect(book: io.BytesIO) -> tuple[bool, bool]:
    """Refuse by what the workbook says of itself, then by what it unpacks to, before anything of it is parsed.

    Returns whether a sheet has something the library would stumble over, and must be mended, and whether days are
    counted from 1904.
    """
    if book.read(len(COMPOUND)) == COMPOUND and ENCRYPTED_PACKAGE in book.getvalue():
        raise Refused("encrypted", "")
    book.seek(0)
    must_be_archive(book)
    with zipfile.ZipFile(book) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES or sum(e.file_size for e in entries) > MAX_UNPACKED_BYTES:
            raise Refused("too_large", f"{sum(e.file_size for e in entries) // 10**6} MB unpacked")
        if any(entry.flag_bits & 1 for entry in entries):
            raise Refused("encrypted", "")
        _refuse_other_archives({entry.filename for entry in entries})
        for entry in entries:
            if entry.file_size > RATIO_FREE_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
                raise Refused("too_large", f"ratio above {MAX_RATIO}")
        xml = [entry for entry in entries if entry.filename.endswith((".xml", ".rels"))]
        is_odd = [_inspect_xml(archive, entry) for entry in xml]
        parts = [entry for entry in xml if entry.filename.replace("\\", "/").lower() == "xl/workbook.xml"]
        from_1904 = any(DATE_1904.search(archive.read(entry)) for entry in parts)
    book.seek(0)
    return any(is_odd), from_1904


def _refuse_other_archives(names: set[str]) -> None:
    """Refuse archives that are no xlsx, by what lies in them."""
    if "xl/workbook.bin" in names:
        raise Refused("other_format", "a binary workbook (.xlsb)")
    if "content.xml" in names:
        raise Refused("other_format", "an OpenDocument file (.ods)")
    if "word/document.xml" in names:
        raise Refused("other_format", "a Word document")
    if "[Content_Types].xml" not in names:
        is_around = any(name.lower().endswith((".xlsx", ".xls", ".et", ".csv")) for name in names)
        raise (
            Refused("other_format", "a ZIP archive around the file")
            if is_around
            else Refused("damaged", "no xlsx inside")
        )


def _inspect_xml(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    with archive.open(entry) as file:
        piece = file.read(PIECE_BYTES)
        if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece:
            raise Refused("damaged", "declares entities")
        dimension = re.search(rb'<dimension\s+ref="[A-Z]+\d+:([A-Z]+)(\d+)"', piece[:8192])
        if dimension:
            _refuse_huge(int(dimension[2]), _column_number(dimension[1].decode()))
        has_errors, tail = _odd_dimension(piece) is not None, b""
        # Unpacked to its end for its size and checksum, which this library holds to what was claimed.
        while piece:
            has_errors = has_errors or _has_errors(tail + piece)
            tail, piece = piece[-LONGEST_TAG:], file.read(PIECE_BYTES)
    return has_errors


def _odd_dimension(xml: bytes) -> re.Match[bytes] | None:
    """A sheet's statement of its size that names no cells, such as 1:49: the library gives up over it."""
    found = DIMENSION.search(xml[:8192])
    return found if found and not CELLS.fullmatch(found[2]) else None


def _has_errors(xml: bytes) -> bool:
    if ERROR_CELL.search(xml):
        return True
    return any(mark in xml for mark in FORMULA_MARKS) and UNCOMPUTED.search(xml) is not None


def mended(book: io.BytesIO) -> io.BytesIO:
    """The workbook as the library reads it whole.

    #REF! and its like, and formulas without a value, as text, where it would give empty cells, which say another thing;
    sizes that name cells.
    """
    written = io.BytesIO()
    with (
        zipfile.ZipFile(book) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(".xml"):
                content = UNCOMPUTED_CELL.sub(_told, ERROR_CELL.sub(rb'\1"str"', content))
                if odd := _odd_dimension(content):
                    content = content[: odd.start(2)] + b"A1" + content[odd.end(2) :]
            target.writestr(entry.filename, content)
    written.seek(0)
    return written


def _told(cell: re.Match[bytes]) -> bytes:
    prefix, attributes = cell[1], cell[2]
    kind = CELL_TYPE.search(attributes)
    if kind and kind[1] == b"str" and cell[3]:
        return cell[0]
    attributes = CELL_TYPE.sub(b"", attributes)
    return b'<%bc%b t="str"><%bv>#FORMULA!</%bv></%bc>' % (prefix, attributes, prefix, prefix, prefix)


def _refuse_huge(rows: int, columns: int) -> None:
    if columns > MAX_COLUMNS or columns * rows > MAX_CELLS:
        raise Refused("too_large", f"a sheet of {rows} rows and {columns} columns")


def dump(book: io.BytesIO, sheets: list[str], from_1904: bool = False) -> None:
    """Write the wanted sheets' merged ranges and rows."""
    from python_calamine import CalamineWorkbook

    opened = CalamineWorkbook.from_filelike(book)
    for name in sheets:
        if name not in opened.sheet_names:
            raise Refused("sheet_missing", name)
        # Cells are laid out as a whole rectangle here: of one that is too large for this process nothing comes back.
        sheet = opened.get_sheet_by_name(name)
        _refuse_huge(sheet.total_height, sheet.total_width)
        merged = sheet.merged_cell_ranges or []
        ranges = [[r1 + 1, c1 + 1, r2 + 1, c2 + 1] for (r1, c1), (r2, c2) in merged]
        emit({"sheet": name, "merged": ranges, "from_1904": from_1904})
        piece: list[tuple[int, list[str | None]]] = []
        for row in _rows(sheet):
            piece.append(row)
            if len(piece) == ROWS_A_LINE:
                emit(piece)
                piece = []
        emit(piece)


def _rows(sheet: Any) -> Iterator[tuple[int, list[str | None]]]:
    """Number and texts of every row that has any."""
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [(value or None) if type(value) is str else _text(value) for value in row]
        if any(cells):
            yield number, cells


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        if abs(value) >= 1e15:
            return f"{value:.14E}"
        return str(int(value)) if float(value).is_integer() else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False).encode


def emit(item: object) -> None:
    """One JSON line."""
    sys.stdout.write(_encode(item) + "\n")


if __name__ == "__main__":
    main()
