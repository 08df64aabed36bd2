"""Ledgers as workbooks: one file a village with one sheet a ledger, in Chinese, as a cadre fills them in.

What belongs here: how a sheet looks and that nothing in it can act (no formula, no link). What does not: which rows and
columns there are; the Parquet files of `parquet.py` and the declarations say so. The bytes depend on the rows, the
declarations, `as_of` and which feeds are stale.
"""

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import xlsxwriter

from pipelines.products.bulk import LINE_HEIGHT, Block, BulkSheet, render
from pipelines.products.declarations import AUTO, MANUAL, PENDING, Declarations, Ledger
from pipelines.products.parquet import TOWN, VILLAGE, write_parquet
from pipelines.run import begin_worker

WRITTEN_AS = datetime(2000, 1, 1)
"""The creation time all workbooks bear; the clock's would make equal books differ."""

HEADER_ROW = 3
_BATCH_ROWS = 20_000
_OPTIONS = {
    # Without temporary files: the district has 355 books of eleven parts each.
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
_NOTE = (
    "填表说明：灰色单元格由系统自动填充，请勿改写，如有差错请报数据来源部门更正，下次到数即更新；白色单元格由村居填写；"
    "“待接入”栏目的数据来源尚未接入，暂为空。"
)
_WIDTHS = {
    **{"址": 30, "人口类别": 20, "疑似": 24, "要求": 30, "疑问": 24, "来源": 16, "证": 22},
    **{"电话": 14, "日期": 12, "年月": 10, "姓名": 10, "性别": 6},
}
A3, A4 = 8, 9
A4_UNITS = 200
"""Widths up to this fit an A4 page, landscape, at three quarters of their size or more; wider sheets go on A3."""


@dataclass(frozen=True)
class _Job:
    """One town's books, in a form that can be sent to another process."""

    town_code: str
    town_name: str
    villages: tuple[tuple[str, str], ...]
    folder: Path
    parquet: dict[str, Path]
    ledgers: tuple[Ledger, ...]
    audience: str
    as_of: date
    stale: dict[str, str]


def write_ledgers(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    out_dir: Path,
    as_of: date,
    report: Callable[[str], None] | None = None,
    processes: int = 2,
    systems: Mapping[str, str] | None = None,
) -> list[Path]:
    """Writes all ledgers of an open run database below `out_dir` and returns the files, sorted.

    `ledgers/<town>_<name>/<village>_<name>.xlsx` for every village, also one without rows, and
    `ledgers/parquet/<code>.parquet`. Folders have mode 0700, files 0600: they carry names. Towns are shared out
    among `processes`. A ledger that draws on a stale feed says so, by the feed's name in `systems`.
    """
    root = out_dir / "ledgers"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    parquet = write_parquet(connection, declarations.ledgers, root / "parquet", report)
    stale = _stale_lines(connection, declarations, systems or {})
    jobs = list(_jobs(connection, declarations, root, parquet, as_of, stale))
    files = list(parquet.values())
    for done, written in enumerate(_each(jobs, processes), 1):
        files += written
        if report:
            report(f"workbooks: {done} of {len(jobs)} towns")
    return sorted(files)


def _jobs(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    root: Path,
    parquet: dict[str, Path],
    as_of: date,
    stale: dict[str, str],
) -> Iterator[_Job]:
    towns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    rows = connection.execute(
        "select town_code, town_name, village_code, name, n_res from subjects.village order by village_code"
    ).fetchall()
    people: dict[str, int] = {}
    for town_code, town_name, code, name, residents in rows:
        towns.setdefault((town_code, town_name), []).append((code, name))
        people[town_code] = people.get(town_code, 0) + residents
    audience = declarations.audiences[declarations.ledgers[0].audience].label
    # The largest town first, so that no process is left alone with it at the end.
    for (town_code, town_name), villages in sorted(towns.items(), key=lambda item: (-people[item[0][0]], item[0])):
        folder = root / f"{town_code}_{_file_name(town_name)}"
        yield _Job(town_code, town_name, tuple(villages), folder, parquet, declarations.ledgers, audience, as_of, stale)


def _stale_lines(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, systems: Mapping[str, str]
) -> dict[str, str]:
    """For each ledger that draws on a stale feed, by its code: which, and of what date it is."""
    rows = connection.execute(
        "select feed, business_on from subjects.feed_status where is_available and is_stale order by feed"
    ).fetchall()
    days = {feed: f"{systems.get(feed, feed)}（{day:%Y-%m-%d}）" for feed, day in rows}
    lines = {}
    for ledger in declarations.ledgers:
        feeds = {feed for column in ledger.columns for feed in declarations.feeds_of(column)}
        old = [days[feed] for feed in sorted(feeds) if feed in days]
        if old:
            lines[ledger.code] = f"注意：以下来源未按时更新，仍用括号内日期的数据：{'、'.join(old)}。"
    return lines


def _each(jobs: list[_Job], processes: int) -> Iterator[list[Path]]:
    if processes <= 1 or len(jobs) <= 1:
        yield from map(_write_town, jobs)
        return
    # Not by fork: the parent holds an open database and threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, begin_worker, (os.getpid(),)) as pool:
        for future in as_completed([pool.submit(_write_town, job) for job in jobs]):
            yield future.result()


def _write_town(job: _Job) -> list[Path]:
    """Writes the books of one town's villages; runs in a process of its own."""
    job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    frames = {
        code: pl.scan_parquet(path).filter(pl.col(TOWN) == job.town_code).collect()
        for code, path in job.parquet.items()
    }
    files = []
    for villages in _batches(job.villages, frames):
        codes = [code for code, _ in villages]
        blocks = {
            ledger.code: rendered(ledger, frames[ledger.code].filter(pl.col(VILLAGE).is_in(codes)))
            for ledger in job.ledgers
        }
        for code, name in villages:
            path = job.folder / f"{code}_{_file_name(name)}.xlsx"
            sheets = [(ledger, blocks[ledger.code].get(code)) for ledger in job.ledgers]
            write_book(path, f"{job.town_name}{name}", sheets, job.audience, job.as_of, job.stale)
            files.append(path)
    return files


def _batches(villages: tuple[tuple[str, str], ...], frames: dict[str, pl.DataFrame]) -> Iterator[list[tuple[str, str]]]:
    """Villages in runs of not too many rows: few runs are quick, but the text of a run is held in memory."""
    counts: dict[str, int] = {}
    for frame in frames.values():
        for code, rows in frame.group_by(VILLAGE).len().iter_rows():
            counts[code] = counts.get(code, 0) + rows
    batch: list[tuple[str, str]] = []
    held = 0
    for village in villages:
        if batch and held + counts.get(village[0], 0) > _BATCH_ROWS:
            yield batch
            batch, held = [], 0
        batch.append(village)
        held += counts.get(village[0], 0)
    if batch:
        yield batch


def rendered(ledger: Ledger, frame: pl.DataFrame) -> dict[str, Block]:
    """The rows of a ledger by village; what is filled in by hand is left out and takes its column's format."""
    filled = {i: c.label for i, c in enumerate(ledger.shown, 1) if c.role != MANUAL}
    widths = {i: _width(label) for i, label in filled.items()}
    return render(frame, VILLAGE, filled, HEADER_ROW + 1, _Looks.AUTO, _Looks.DAY, widths)


def _file_name(name: str) -> str:
    """A name as part of a path: nothing that leads elsewhere."""
    return re.sub(r"[^\w\-]", "", name) or "_"


def write_book(
    path: Path,
    place: str,
    sheets: list[tuple[Ledger, Block | None]],
    audience: str,
    as_of: date,
    stale: Mapping[str, str] | None = None,
) -> None:
    """Writes one village's workbook with mode 0600. A ledger without rows still has its sheet.

    `stale` has a line for each ledger that draws on a stale feed, by the ledger's code.
    """
    with xlsxwriter.Workbook(str(path), dict(_OPTIONS)) as book:
        book.set_properties({"title": f"{place}台账", "created": WRITTEN_AS})
        looks = _Looks(book)
        for ledger, block in sheets:
            sheet = book.add_worksheet(ledger.title, BulkSheet)
            _write_sheet(sheet, looks, place, ledger, block, audience, as_of, (stale or {}).get(ledger.code, ""))
    path.chmod(0o600)


class _Looks:
    """The formats of one workbook. The first two have the same numbers in every book, which rendered rows rely on."""

    AUTO, DAY = 1, 2

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        font: dict[str, Any] = {"font_name": "宋体", "font_size": 10, "valign": "top", "text_wrap": True}
        # Black is said where the ground is grey: a dark screen's own ink would be white.
        grey = {**font, "font_color": "#000000", "bg_color": "#E7E6E6", "border": 4}
        auto, day = book.add_format(grey), book.add_format({**grey, "num_format": "yyyy-mm-dd", "align": "left"})
        if (auto._get_xf_index(), day._get_xf_index()) != (self.AUTO, self.DAY):
            raise RuntimeError("XlsxWriter numbers formats otherwise than rendered rows expect")
        self.manual = book.add_format({**font})
        self.title = book.add_format({**font, "bold": True, "font_size": 14, "text_wrap": False})
        self.line = book.add_format({**font, "font_color": "#595959"})
        self.warning = book.add_format({**font, "font_color": "#9B2C20"})
        head = {
            **font,
            "font_color": "#000000",
            "bold": True,
            "border": 1,
            "text_wrap": True,
            "align": "center",
            "valign": "vcenter",
        }
        self.head = {
            AUTO: book.add_format({**head, "bg_color": "#BFBFBF"}),
            PENDING: book.add_format({**head, "bg_color": "#BFBFBF", "italic": True}),
            MANUAL: book.add_format({**head, "bg_color": "#FFFFFF"}),
        }


def _write_sheet(
    sheet: BulkSheet,
    looks: _Looks,
    place: str,
    ledger: Ledger,
    block: Block | None,
    audience: str,
    as_of: date,
    stale: str,
) -> None:
    columns = ledger.shown
    rows = 0 if block is None else block.rows
    widths = [6, *(_width(column.label) for column in columns)]
    for i, width in enumerate(widths):
        manual = i > 0 and columns[i - 1].role == MANUAL
        sheet.set_column(i, i, width, looks.manual if manual else None)
    sheet.freeze_panes(HEADER_ROW + 1, 1)
    title = f"{place} {ledger.title}（{ledger.code}）"
    sheet.write_string(0, 0, title, looks.title)
    about = (
        f"数据日期：{as_of:%Y-%m-%d}　共{rows}条　用途：{ledger.purpose}　依据：{ledger.legal_basis}　"
        f"主管部门：{ledger.owner}　更新：{ledger.cadence}　使用范围：{audience}"
    )
    _write_across(sheet, 1, about, looks.line, widths)
    _write_across(sheet, 2, stale + _NOTE, looks.warning if stale else looks.line, widths)
    _for_paper(sheet, title, f"{as_of:%Y-%m-%d}　使用范围：{audience}", sum(widths))
    sheet.write_string(HEADER_ROW, 0, "序号", looks.head[AUTO])
    for i, column in enumerate(columns, 1):
        sheet.write_string(HEADER_ROW, i, column.label, looks.head[column.role])
    if block is not None:
        sheet.write_rendered(HEADER_ROW + 1, block, len(columns))


def _write_across(sheet: BulkSheet, row: int, text: str, look: Any, widths: list[int]) -> None:
    """A text over the whole width, as high as it needs: what runs over the last column is cut on paper."""
    lines = -(-sum(1 + (ord(c) > 0x2E7F) for c in text) // (sum(widths) - 6))
    sheet.merge_range(row, 0, row, len(widths) - 1, "", look)
    sheet.write_string(row, 0, text, look)
    sheet.set_row(row, LINE_HEIGHT * lines)


def _for_paper(sheet: BulkSheet, title: str, foot: str, width: int) -> None:
    """Landscape, as wide as the page, with what to do and the columns' names on every page, lines to write on."""
    sheet.set_landscape()
    sheet.set_paper(A4 if width <= A4_UNITS else A3)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, HEADER_ROW)
    sheet.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.6)
    sheet.hide_gridlines(0)
    # An ampersand begins a code in a footer.
    sheet.set_footer("&L" + f"{title}　{foot}".replace("&", "&&")[:200] + "&R第 &P 页，共 &N 页")


def _width(label: str) -> int:
    return next((width for part, width in _WIDTHS.items() if part in label), max(10, 2 * len(label) + 2))
