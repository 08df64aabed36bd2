"""Workbooks (xlsx). The file itself is opened only by `workbook_child`, in a process with limits.

Here its cells become rows: header compared by name, merged household cells filled down inside their own range, totals
and notes told from rows.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import sniff
from pipelines.feeds.readers.footers import Footers
from pipelines.feeds.readers.raw import FILE, LINE, Raw, each_file, match_header

# Limits of the process that opens a workbook.
MEMORY_BYTES = 1_500_000_000
CPU_SECONDS = 50
WALL_SECONDS = 55
_DAYS_FROM_1900_TO_1904 = 1462


@dataclass
class _Sheet:
    name: str
    merged: list[list[int]]
    from_1904: bool
    rows: list[tuple[int, list[str | None]]] = field(default_factory=list)


def read_workbook(contract: Contract, folder: Path, password: str = "") -> Raw:
    """Read the contract's sheets of every file. `_file` is `name#sheet`, `_line` the sheet's row number.

    With a password each file is an archive around one workbook.
    """
    frames: list[pl.DataFrame] = []
    added: set[str] = set()
    structural = {"totals": 0, "notes": 0, "lines_above_data": 0}
    footers = Footers(contract)
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            for sheet in _open(path, name, contract.delivery.sheets, password):
                place = f"{name}#{sheet.name}"
                header, more = _header(contract, sheet, place)
                added |= set(more)
                _fill_merged(contract, sheet, header)
                structural["lines_above_data"] += contract.delivery.header_row
                frames.append(_frame(contract, sheet, header, place, footers, structural))
    return Raw(pl.concat(frames), structural=structural, added=tuple(sorted(added)))


def _frame(
    contract: Contract,
    sheet: _Sheet,
    header: dict[str, int],
    place: str,
    footers: Footers,
    structural: dict[str, int],
) -> pl.DataFrame:
    """The sheet's rows below its header, but for totals and notes, which are counted in `structural`."""
    numbers: list[int] = []
    kept: list[list[str | None]] = []
    for number, cells in sheet.rows:
        if number <= contract.delivery.header_row:
            continue
        kind = footers.kind(cells, _by_name(cells, header)) if footers.may_be(cells) else None
        if kind:
            structural[kind] += 1
            continue
        numbers.append(number)
        kept.append(cells)
    columns = list(zip(*kept, strict=True)) or [()] * (max(header.values()) + 1)
    texts = [pl.Series(name, columns[at], dtype=pl.String) for name, at in header.items()]
    frame = pl.DataFrame([*texts, pl.Series(LINE, numbers, dtype=pl.Int32)])
    if sheet.from_1904:
        frame = frame.with_columns(_from_1900(pl.col(name)).alias(name) for name in _serials(contract) & set(header))
    return frame.select(*header, pl.lit(place).alias(FILE), LINE)


def _serials(contract: Contract) -> set[str]:
    """Columns in which a plain number may count days."""
    return {column.physical for column in contract.read_columns if "excel" in column.intake.dates}


def _from_1900(text: pl.Expr) -> pl.Expr:
    """Plain day numbers of a workbook that counts from 1904, as everybody else counts them. Dates are told as such."""
    number = pl.when(text.str.contains(r"^[0-9]{1,5}(?:\.[0-9]+)?$")).then(text)
    day = number.str.extract(r"^([0-9]+)").cast(pl.Int64, strict=False) + _DAYS_FROM_1900_TO_1904
    return pl.coalesce(day.cast(pl.String) + number.str.extract(r"(\.[0-9]+)$").fill_null(""), text)


def _open(path: Path, name: str, sheets: tuple[str, ...], password: str = "") -> list[_Sheet]:
    """The sheets' cells, by way of the child process. Raises DeliveryProblem for whatever becomes of it."""
    child = Path(__file__).with_name("workbook_child.py")
    command = [sys.executable, "-I", str(child), str(MEMORY_BYTES), str(CPU_SECONDS), str(path), *sheets]
    try:
        done = subprocess.run(command, input=password.encode(), capture_output=True, timeout=WALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise DeliveryProblem("limits", file=name, detail=f"{WALL_SECONDS} s") from error
    opened: list[_Sheet] = []
    for line in done.stdout.splitlines() if done.returncode == 0 else ():
        item = json.loads(line)
        if isinstance(item, list):
            opened[-1].rows += item
        elif "problem" in item:
            raise _problem(item["problem"], item["detail"], name)
        else:
            opened.append(_Sheet(item["sheet"], item["merged"], item["from_1904"]))
    if done.returncode != 0 or len(opened) != len(sheets):
        raise DeliveryProblem("limits", file=name, detail=f"the reader ended with {done.returncode}")
    return opened


def _problem(kind: str, detail: str, name: str) -> DeliveryProblem:
    """What the child says of a file; of one that is no workbook at all it says the first bytes."""
    if kind != "no_workbook":
        return DeliveryProblem(kind, file=name, detail=detail)
    start = bytes.fromhex(detail)
    if not start.strip(b"\x00"):
        return DeliveryProblem("empty_file", file=name)
    other = sniff.told(start)
    if other and not start.startswith(b"PK"):
        return DeliveryProblem("other_format", file=name, detail=other)
    return DeliveryProblem("damaged", file=name, detail="no workbook")


def _header(contract: Contract, sheet: _Sheet, place: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Column positions by raw name, and columns beyond the contract."""
    at = contract.delivery.header_row
    cells = next((cells for number, cells in sheet.rows if number == at), None)
    if cells is None:
        raise DeliveryProblem("header_not_found", file=place, detail=f"row {at}")
    names = [(cell or "").strip().replace("\n", "") for cell in cells]
    more = match_header(contract, names, place, at)
    return {c: names.index(c) for c in contract.physicals}, tuple(name for name in more if name)


def _fill_merged(contract: Contract, sheet: _Sheet, header: dict[str, int]) -> None:
    """Give every cell of a merged range the range's value, for the columns the contract merges."""
    by_number = dict(sheet.rows)
    columns = {header[name] + 1 for name in contract.delivery.merged_down}
    for first_row, first_column, last_row, last_column in sheet.merged:
        if first_row <= contract.delivery.header_row or first_column != last_column or first_column not in columns:
            continue
        top = by_number.get(first_row, [])
        value = top[first_column - 1] if first_column <= len(top) else None
        for number in range(first_row + 1, last_row + 1):
            cells = by_number.get(number)
            if cells is not None and first_column <= len(cells):
                cells[first_column - 1] = value


def _by_name(cells: list[str | None], header: dict[str, int]) -> dict[str, str | None]:
    return {name: cells[at] if at < len(cells) else None for name, at in header.items()}
