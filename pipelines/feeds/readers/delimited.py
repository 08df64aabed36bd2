"""Delimited text: CSV with any delimiter, title rows, quotes, and rows that do not fit their header.

Rows without quotes, nearly all, are split by Polars; only rows with quotes go through a character-by-character reader.
A record's `_line` is the physical line it begins on.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import sniff
from pipelines.feeds.readers.footers import Footers
from pipelines.feeds.readers.raw import FILE, LINE, Raw, each_file, head, match_header, scraps

# A quoted field may run over this many lines. Without a bound one stray quote would swallow the rest of the file.
_LONGEST_RECORD = 50
_PIECE, _MOST_UNPACKED = 4_000_000, 1_000_000_000


# What a delimiter inside a remark becomes.
_FULL_WIDTH = {"|": "｜", ",": "，", ";": "；"}


@dataclass
class _Table:
    """One file taken apart: whole rows as lists, lines that fit no header, what was skipped."""

    header: list[str]
    whole: pl.DataFrame
    ragged: list[tuple[str, int, str, str]] = field(default_factory=list)
    structural: dict[str, int] = field(default_factory=dict)


def read_delimited(contract: Contract, folder: Path) -> Raw:
    """Read every file of the delivery. Raises DeliveryProblem on encoding, header and truncation."""
    frames, ragged, added = [], [], set()
    structural: dict[str, int] = {}
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            table = _read(contract, decode(path, name, contract.delivery.encoding, contract.delivery.compression), name)
        added |= set(match_header(contract, table.header, name, contract.delivery.header_row))
        frames.append(table.whole.select([*contract.physicals, FILE, LINE]))
        ragged += table.ragged
        for key, count in table.structural.items():
            structural[key] = structural.get(key, 0) + count
    return Raw(pl.concat(frames), scraps(ragged), structural=structural, added=tuple(sorted(added)))


def decode(path: Path, name: str, encoding: str, compression: str | None = None) -> str:
    """The file's text, strictly: a byte that does not belong to the encoding refuses the file with its offset."""
    # Old exports end in a Ctrl-Z.
    data = (_unpacked(path, name) if compression else path.read_bytes()).rstrip(b"\x1a")
    if not data.strip(b"\r\n\t \x00"):
        raise DeliveryProblem("empty_file", file=name)
    if other := sniff.no_text(data[: sniff.HEAD]):
        raise DeliveryProblem("other_format", file=name, detail=other)
    if b"\x00" in data:
        raise DeliveryProblem("encoding", file=name, detail=f"{encoding}, NUL at byte {data.index(0)}")
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"{encoding}, byte {error.start}"
        # A file that breaks off inside its last character was cut, not encoded otherwise.
        if error.end >= len(data) and ("incomplete" in error.reason or "end of data" in error.reason):
            raise DeliveryProblem("truncated", file=name, line=line, detail="inside a character") from error
        raise DeliveryProblem("encoding", file=name, line=line, detail=detail) from error
    return _with_line_feeds(text)


def _with_line_feeds(text: str) -> str:
    """The text of a file all of whose lines end in CR alone, as Excel for the Mac writes them, with LF instead."""
    if "\r" in text and "\n" not in text.rstrip("\r\n"):
        return text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _unpacked(path: Path, name: str) -> bytes:
    """A gzip file's content, in pieces so that a bomb is met at the limit and not after it."""
    parts, size = [], 0
    start = head(path)
    if start and not start.startswith(b"\x1f\x8b") and (other := sniff.told(start)):
        raise DeliveryProblem("other_format", file=name, detail=other)
    try:
        with gzip.open(path) as file:
            while part := file.read(_PIECE):
                size += len(part)
                if size > _MOST_UNPACKED:
                    raise DeliveryProblem("too_large", file=name, detail=f"more than {_MOST_UNPACKED // 10**6} MB")
                parts.append(part)
    except EOFError as error:
        raise DeliveryProblem("truncated", file=name, detail="inside the compressed data") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DeliveryProblem("damaged", file=name, detail=type(error).__name__) from error
    return b"".join(parts)


def _read(contract: Contract, text: str, name: str) -> _Table:
    delivery = contract.delivery
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    elif delivery.final_newline:
        raise DeliveryProblem("truncated", file=name, line=len(lines), detail="the last line has no end")
    if len(lines) < delivery.header_row:
        raise DeliveryProblem("header_not_found", file=name, detail=f"row {delivery.header_row}")
    header_line = lines[delivery.header_row - 1].rstrip("\r")
    lone = text.count("\r") - text.count("\r\n")
    if "\r" in header_line or lone > len(lines):
        raise DeliveryProblem(
            "line_ends", file=name, line=delivery.header_row, detail="CR alone ends its lines, LF others"
        )
    try:
        header = [cell.strip("\ufeff \t") for cell in next(csv.reader([header_line], delimiter=delivery.delimiter))]
    except (csv.Error, StopIteration) as error:
        raise DeliveryProblem("header_not_found", file=name, detail=f"row {delivery.header_row}") from error
    match_header(contract, header, name, delivery.header_row)
    if delivery.surplus_to_last:
        lines = [_joined(line, delivery.delimiter, len(header)) for line in lines]
    return _rows(contract, lines, header, header_line, name)


def _joined(line: str, delimiter: str, width: int) -> str:
    """The line with delimiters beyond its header's width, which stand in the remark at its end, made full width."""
    if line.count(delimiter) < width:
        return line
    *fields, remark = line.split(delimiter, width - 1)
    # Empty columns at the end of a line are no part of the remark.
    remark = remark.rstrip("\r").rstrip(delimiter)
    return delimiter.join([*fields, remark.replace(delimiter, _FULL_WIDTH.get(delimiter, " "))])


def _rows(contract: Contract, lines: list[str], header: list[str], header_line: str, name: str) -> _Table:
    first, delimiter = contract.delivery.header_row, contract.delivery.delimiter
    width = _Width(len(header), _named(header))
    frame = pl.DataFrame({"text": pl.Series(lines[first:], dtype=pl.String).str.strip_suffix("\r")})
    frame = frame.with_row_index("at", offset=first + 1)
    blank = pl.col("text").str.strip_chars(f" \t{delimiter}") == ""
    repeated = pl.col("text") == header_line
    skipped = frame.select(blank.sum().alias("blank_lines"), repeated.sum().alias("repeated_headers")).row(
        0, named=True
    )
    kinds = _footers(contract, frame, header)
    footer = pl.Series(list(kinds), dtype=pl.UInt32)
    quoted = frame["text"].str.contains('"', literal=True) & ~frame["at"].is_in(footer.implode())
    plain = frame.filter(~quoted & ~blank & ~repeated & ~pl.col("at").is_in(footer.implode()))
    plain = _fitted(plain, width, delimiter)
    fields = plain["text"].str.count_matches(delimiter, literal=True) + 1
    split = pl.col("text").str.split_exact(delimiter, width.all - 1).struct.rename_fields(_positions(header))
    whole = plain.filter(fields == width.all).select(pl.col("at").cast(pl.Int32).alias(LINE), split).unnest("text")
    ragged = [(name, at, text, "fields") for at, text in plain.filter(fields != width.all).iter_rows()]
    if quoted.any():
        rows, more, used = _quoted(frame, quoted, width, delimiter, name)
        ragged = [scrap for scrap in ragged if scrap[1] not in used] + more
        kinds = {at: kind for at, kind in kinds.items() if at not in used}
        whole = pl.concat([whole.filter(~pl.col(LINE).is_in(list(used))), rows]).sort(LINE)
    told = _told_header(header, whole)
    wanted = [pl.col(f"{i}").alias(column) for i, column in enumerate(header) if column in contract.physicals]
    structural = {"lines": len(lines), "lines_above_data": first} | skipped
    structural |= {kind: count for kind in ("totals", "notes") if (count := [*kinds.values()].count(kind))}
    return _Table(told, whole.select(LINE, *wanted, pl.lit(name).alias(FILE)), ragged, structural)


@dataclass(frozen=True)
class _Width:
    """How many fields a row has with all columns, and with those alone that have a name or stand before one."""

    all: int
    named: int


def _named(header: list[str]) -> int:
    return max((at for at, cell in enumerate(header, 1) if cell), default=0)


def _told_header(header: list[str], whole: pl.DataFrame) -> list[str]:
    """The header without columns that have neither name nor value; one that has values is told by its place."""
    nameless = [i for i, cell in enumerate(header) if not cell]
    said = whole.select((pl.col(f"{i}").str.strip_chars() != "").any() for i in nameless)
    filled = {i for i in nameless if whole.height and said[f"{i}"][0]}
    return [cell or f"#{i + 1} (无列名)" for i, cell in enumerate(header) if cell or i in filled]


def _fitted(plain: pl.DataFrame, width: _Width, delimiter: str) -> pl.DataFrame:
    """Lines whose last columns have neither name nor value, with as many fields as the header."""
    text = pl.col("text")
    surplus = text.str.count_matches(delimiter, literal=True).cast(pl.Int64) + 1 - width.all
    odd = plain.with_columns(surplus.alias("surplus")).filter(pl.col("surplus") != 0)
    if odd.is_empty():
        return plain
    empty_at_end = text.str.len_chars().cast(pl.Int64) - text.str.strip_chars_end(delimiter).str.len_chars()
    is_long = (pl.col("surplus") > 0) & (empty_at_end >= pl.col("surplus"))
    is_short = (pl.col("surplus") < 0) & (pl.col("surplus") >= width.named - width.all)
    odd = odd.filter(is_long | is_short).with_columns(
        pl.when(is_long)
        .then(text.str.head(text.str.len_chars() - pl.col("surplus").clip(0)))
        .otherwise(text + pl.lit(delimiter).repeat_by(-pl.col("surplus").clip(None, 0)).list.join(""))
    )
    return plain.update(odd.drop("surplus"), on="at") if odd.height else plain


def _footers(contract: Contract, frame: pl.DataFrame, header: list[str]) -> dict[int, str]:
    """Lines that are totals or notes: number → which."""
    footers, delimiter = Footers(contract), contract.delivery.delimiter
    kinds: dict[int, str] = {}
    for at, text in frame.filter(pl.col("text").str.contains(footers.pattern(delimiter))).iter_rows():
        cells = next(csv.reader([text.replace("\r", " ")], delimiter=delimiter), [])
        kind = footers.kind(cells, {c: v for c, v in zip(header, cells, strict=False) if c in contract.physicals})
        # A quote that stays open belongs to a record that goes on.
        if kind and text.count('"') % 2 == 0:
            kinds[at] = kind
    return kinds


def _positions(header: list[str]) -> list[str]:
    """Names by position, safe even where the header repeats a name that the contract does not read."""
    return [f"{i}" for i in range(len(header))]


def _quoted(
    frame: pl.DataFrame, quoted: pl.Series, width: _Width, delimiter: str, name: str
) -> tuple[pl.DataFrame, list[tuple[str, int, str, str]], set[int]]:
    """Rows that hold quotes: the rows, those that do not fit, and the lines that belong to records begun above."""
    texts, offset = frame["text"].to_list(), int(frame["at"][0])
    rows: list[list[object]] = []
    ragged: list[tuple[str, int, str, str]] = []
    used: set[int] = set()
    simple, regular = _fully_quoted(frame, width.all, delimiter)
    for position in (quoted & ~regular).arg_true().to_list():
        at = position + offset
        if at in used:
            continue
        cells, length = _record(texts, position, width, delimiter)
        if length == 0 and len(texts) - position < _LONGEST_RECORD:
            raise DeliveryProblem("truncated", file=name, line=at, detail="inside a quoted field")
        if cells is None:
            ragged.append((name, at, texts[position], "fields"))
            continue
        rows.append([at, *cells])
        used.update(range(at + 1, at + length))
    schema = {LINE: pl.Int32} | {f"{i}": pl.String for i in range(width.all)}
    simple = simple.filter(~pl.col(LINE).is_in(list(used)))
    return pl.concat([simple, pl.DataFrame(rows, schema=schema, orient="row")]), ragged, used


def _fully_quoted(frame: pl.DataFrame, width: int, delimiter: str) -> tuple[pl.DataFrame, pl.Series]:
    """Rows in which every field is quoted and no field holds a quote, split at once, and which rows they are."""
    text, between = pl.col("text"), f'"{delimiter}"'
    regular = frame.select(
        text.str.starts_with('"')
        & text.str.ends_with('"')
        & (text.str.count_matches('"', literal=True) == 2 * width)
        & (text.str.count_matches(between, literal=True) == width - 1)
    ).to_series()
    names = [f"{i}" for i in range(width)]
    split = text.str.slice(1, text.str.len_chars() - 2).str.split_exact(between, width - 1)
    rows = frame.filter(regular).select(pl.col("at").cast(pl.Int32).alias(LINE), split.struct.rename_fields(names))
    return rows.unnest("text"), regular


def _record(texts: list[str], position: int, width: _Width, delimiter: str) -> tuple[list[str] | None, int]:
    """The record that begins at a line and the lines it takes.

    No record: (None, 1) where the row does not fit its header, (None, 0) where its quotes never close.
    """
    taken = 0

    def feed() -> Iterator[str]:
        nonlocal taken
        for text in texts[position : position + _LONGEST_RECORD]:
            taken += 1
            yield text + "\n"

    try:
        cells = next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        never_closed = "unexpected end" in str(error)
        return None, 0 if never_closed else 1
    if width.named <= len(cells) < width.all:
        cells += [""] * (width.all - len(cells))
    if not any(cells[width.all :]):
        cells = cells[: width.all]
    return (cells, taken) if len(cells) == width.all else (None, 1)
