"""What every reader hands over, and the few things all readers do alike: finding files and comparing column names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem

LINE, FILE = "_line", "_file"
SCRAP_SCHEMA = {FILE: pl.String, LINE: pl.Int32, "raw": pl.String, "rule": pl.String}


@dataclass
class Raw:
    """A delivery as text.

    frame: the contract's columns by raw name (String), `_file` and `_line`. scraps: rows that have no columns to be
    read by (`_file`, `_line`, raw text, rule). cut: raw name → true where a field ended in half a character.
    structural: what was in the files besides rows, by name. declared: the row count the files themselves state.
    """

    frame: pl.DataFrame
    scraps: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCRAP_SCHEMA))
    cut: dict[str, pl.Series] = field(default_factory=dict)
    structural: dict[str, int] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    declared: int | None = None

    @property
    def delivered(self) -> int:
        """Rows in the files."""
        return self.frame.height + self.scraps.height


def scraps(rows: Sequence[tuple[str, int, str, str]]) -> pl.DataFrame:
    """(file, line, raw text, rule) rows as the frame `Raw.scraps` wants."""
    return pl.DataFrame(list(rows), schema=SCRAP_SCHEMA, orient="row")


def find_files(contract: Contract, folder: Path) -> list[Path]:
    """The files the contract asks for, in order of name; never through a symbolic link. Raises DeliveryProblem."""
    found = [p for p in sorted(folder.glob(contract.delivery.files)) if p.is_file() and not p.is_symlink()]
    if not found:
        raise DeliveryProblem("missing_file", detail=contract.delivery.files)
    return found


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
    return tuple(_told(name) for name in names if name not in wanted)


def _told(name: str) -> str:
    """A stranger's column name as it may be shown: where a header is missing, "names" are what a row holds."""
    return re.sub(r"[0-9]{5,}", "#", "".join(c for c in name if c.isprintable()))[:40]


def place(frame: pl.DataFrame, file: str, first: int = 1) -> pl.DataFrame:
    """Add `_file` and `_line` counting from `first`."""
    lines = pl.int_range(first, first + frame.height, dtype=pl.Int32, eager=True).alias(LINE)
    return frame.with_columns(pl.lit(file).alias(FILE), lines)
