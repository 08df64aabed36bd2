"""Rows held back as a file for whoever corrects them at the source, and the record of every such file.

The rows bear raw identity numbers, so the file is made only for a named person and purpose, opens for nobody else, and
is written down first: in `vault/exports.jsonl`, where each line bears the hash of the line before it. Cells are texts,
never formulas.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines import chain
from pipelines.disk import write_private
from pipelines.feeds.contracts import Contract
from pipelines.feeds.quarantine import kept, private_folder
from pipelines.refusal import Refusal
from pipelines.settings import Settings

LOG = "exports.jsonl"
TITLES = ("来源", "系统", "业务日期", "批次", "文件", "行号", "列", "规则", "说明", "原文")
_MOST_ROWS, _LONGEST_CELL = 1_048_575, 32_767
# What makes a spreadsheet read a text of a CSV file as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportRefused(Refusal):
    """The rows are not written out; the message says why and what to do."""


@dataclass(frozen=True)
class Purpose:
    """Who takes the rows out of the vault, what for, and when."""

    name: str
    purpose: str
    at: datetime


def export(
    settings: Settings,
    contract: Contract,
    to: Path,
    purpose: Purpose,
    business_on: date | None = None,
    number: str | None = None,
    is_trial: bool = False,
) -> dict[str, Any]:
    """Write a feed's rows held back to a new .xlsx or .csv file (mode 0600), and write that down.

    All deliveries, or those of one date or number. Returns rows, rules, file and its sha256. Raises ExportRefused, and
    ChainBroken where the record of exports was tampered with.
    """
    if len(purpose.name.strip()) < 2 or len(purpose.purpose.strip()) < 4:
        raise ExportRefused("say who takes the rows (--name) and what for (--purpose)")
    to = _target(settings, to)
    rows, rules = _rows(settings, contract, business_on, number)
    if not rows:
        raise ExportRefused(f"{contract.feed}: no rows are held back there")
    body: dict[str, Any] = {"feed": contract.feed, "rows": len(rows), "rules": rules, "file": str(to)}
    if is_trial:
        return {**body, "sha256": None, "done": False}
    content = _workbook(rows) if to.suffix == ".xlsx" else _csv(rows)
    body["sha256"] = hashlib.sha256(content).hexdigest()
    told = {"date": business_on and business_on.isoformat(), "delivery": number}
    who = {"at": purpose.at.isoformat(timespec="seconds"), "name": purpose.name, "purpose": purpose.purpose}
    # Written down before it exists: a kill in between leaves a line too many, never a file too many.
    private_folder(settings.vault, settings.vault)
    chain.append(settings.vault / LOG, {**who, **body, **told})
    write_private(to, content)
    return {**body, "done": True}


def _target(settings: Settings, to: Path) -> Path:
    to = to.expanduser().absolute()
    if to.suffix not in (".xlsx", ".csv"):
        raise ExportRefused(f"{to.name}: write to a file that ends in .xlsx or .csv")
    if not to.parent.is_dir():
        raise ExportRefused(f"{to.parent} is no folder")
    if to.exists() or to.is_symlink():
        raise ExportRefused(f"{to} exists: it is not overwritten; give another name")
    place, vault = to.parent.resolve(), settings.vault.resolve()
    if place.is_relative_to(settings.root) and not place.is_relative_to(vault):
        raise ExportRefused(f"{place}: of the data root only vault/ may hold raw rows")
    return to


def _rows(
    settings: Settings, contract: Contract, business_on: date | None, number: str | None
) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    rows: list[tuple[str, ...]] = []
    rules: dict[str, int] = {}
    for day, of, held in kept(settings, contract.feed, business_on, number):
        for row in held.iter_rows(named=True):
            place = (contract.feed, contract.title, day.isoformat(), of, row["file"], str(row["line"]))
            told = ("；".join(c for c in row["columns"] if c), "；".join(row["rules"]), "".join(row["messages_zh"]))
            rows.append((*place, *told, row["raw"]))
            for code in row["rules"]:
                rules[code] = rules.get(code, 0) + 1
    return rows, dict(sorted(rules.items()))


def _workbook(rows: Sequence[tuple[str, ...]]) -> bytes:
    import xlsxwriter

    if len(rows) > _MOST_ROWS:
        raise ExportRefused(f"{len(rows)} rows do not fit a sheet: write a .csv file, or one delivery at a time")
    buffer = io.BytesIO()
    # In memory: the writer's own scratch files would lie outside the vault.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet("隔离数据")
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(TITLES) - 1)
        for column, title in enumerate(TITLES):
            sheet.write_string(0, column, title, bold)
        for number, row in enumerate(rows, start=1):
            for column, text in enumerate(row):
                sheet.write_string(number, column, _fitting(text))
    return buffer.getvalue()


def _fitting(text: str) -> str:
    """A text as long as a cell takes; the writer would leave out a longer one without a word."""
    note = "…（过长，全文见隔离区）"
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - len(note)] + note


def _csv(rows: Sequence[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(TITLES)
    writer.writerows([f"'{text}" if text.startswith(_FORMULA) else text for text in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")
