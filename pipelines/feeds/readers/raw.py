"""What every reader hands over, and the few things all readers do alike: finding files and comparing column names."""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.deliveries import plain_files, shown
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import sniff

LINE, FILE = "_line", "_file"
SCRAP_SCHEMA = {FILE: pl.String, LINE: pl.Int32, "raw": pl.String, "rule": pl.String}


@dataclass
class Raw:
    """A delivery as text.

    frame: the contract's columns by raw name (String), `_file` and `_line`. scraps: rows that have no columns to be
    read by (`_file`, `_line`, raw text, rule). cut: raw name → true where a field ended in half a character. mended:
    half characters inside texts were replaced (U+FFFD).
    structural: what was in the files besides rows, by name. declared: the row count the files themselves state.
    """

    frame: pl.DataFrame
    scraps: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCRAP_SCHEMA))
    cut: dict[str, pl.Series] = field(default_factory=dict)
    structural: dict[str, int] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    declared: int | None = None
    mended: bool = False

    @property
    def delivered(self) -> int:
        """Rows in the files."""
        return self.frame.height + self.scraps.height


def scraps(rows: Sequence[tuple[str, int, str, str]]) -> pl.DataFrame:
    """(file, line, raw text, rule) rows as the frame `Raw.scraps` wants."""
    return pl.DataFrame(list(rows), schema=SCRAP_SCHEMA, orient="row")


def find_files(contract: Contract, folder: Path) -> list[Path]:
    """The files the contract asks for, in order of name; no hidden one, none by a link. Raises DeliveryProblem."""
    wanted = contract.delivery.files
    hits = [p for p in sorted(folder.glob(wanted)) if not _is_hidden(p, folder)]
    found = [p for p in hits if p.is_file() and not p.is_symlink()]
    # A name in GBK is the same name in other bytes.
    found = found or [p for p in plain_files(folder) if _is_called(shown(p, folder), wanted)]
    if found:
        return found
    if hits:
        raise DeliveryProblem("no_file", detail=shown(hits[0], folder))
    others = [_without_numbers(shown(p, folder)) for p in plain_files(folder)]
    if others:
        raise DeliveryProblem("misnamed", file="、".join(_likeliest(others, wanted)), detail=wanted)
    raise DeliveryProblem("missing_file", detail=wanted)


def each_file(contract: Contract, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files the contract asks for, each with the name it is told by."""
    for path in find_files(contract, folder):
        yield path, shown(path, folder)


def head(path: Path) -> bytes:
    """The first bytes of a file, to tell what it is."""
    with path.open("rb") as file:
        return file.read(sniff.HEAD)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_called(name: str, wanted: str) -> bool:
    parts, patterns = PurePosixPath(name).parts, PurePosixPath(wanted).parts
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


def _likeliest(names: list[str], wanted: str) -> list[str]:
    """Of other files' names at most three, those first that end like the one wanted."""
    suffix = PurePosixPath(wanted).suffix.casefold()
    alike = [name for name in names if PurePosixPath(name).suffix.casefold() == suffix]
    return (alike or names)[:3]


def _without_numbers(name: str) -> str:
    """A stranger's file name as it may be shown: people put numbers of identity into names."""
    return re.sub(r"[0-9]{14,}[0-9Xx]", "#", name)[:80]


def match_header(contract: Contract, names: Sequence[str], file: str, line: int | None = None) -> tuple[str, ...]:
    """Compare column names with the contract. Order is free; columns beyond the contract are returned, not read.

    Raises DeliveryProblem for a column that is missing (or renamed, which looks the same) or named twice.
    """
    wanted = contract.physicals
    for name in wanted:
        count = names.count(name)
        if count != 1:
            kind = "header_missing" if count == 0 else "header_duplicate"
            raise DeliveryProblem(kind, file=file, line=line, column=name)
    return tuple(told_name(name) for name in names if name not in wanted)


def told_name(name: str) -> str:
    """A stranger's column name as it may be shown: where a header is missing, "names" are what a row holds."""
    return re.sub(r"[0-9]{5,}", "#", "".join(c for c in name if c.isprintable()))[:40]


def place(frame: pl.DataFrame, file: str, first: int = 1) -> pl.DataFrame:
    """Add `_file` and `_line` counting from `first`."""
    lines = pl.int_range(first, first + frame.height, dtype=pl.Int32, eager=True).alias(LINE)
    return frame.with_columns(pl.lit(file).alias(FILE), lines)
