"""Workbooks: nothing in a cell can act, equal rows give equal bytes, and every village has a book."""

import stat
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.products import declarations
from pipelines.products.declarations import AUTO, MANUAL, Column, Declarations, Ledger
from pipelines.products.parquet import VILLAGE
from pipelines.products.workbooks import HEADER_ROW, rendered, write_book, write_ledgers
from pipelines.settings import REPOSITORY

AS_OF = date(2026, 10, 31)
HOSTILE = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "http://example.test/x",
    "mailto:a@example.test", "{=1}", "<b>&amp;</b>", "_x0041_", " 前后空格 ", "0123456", "1e5", "\x01\x1f张\ufffe三",
    "𠮷野",
]  # fmt: skip


def ledger(*columns: Column) -> Ledger:
    return Ledger(
        model="ledger_x", code="L99", title="试验台账", order=1, subject="person", audience="village", purpose="试验",
        legal_basis="试验", owner="某局", cadence="每月", town_review="否", selection=(), selection_note="全部",
        sort=("name",),
        columns=(Column("village_code", "村居代码", "village", "varchar", ("village.village_code",)), *columns),
        file=Path("ledger_x.yml"),
    )  # fmt: skip


LEDGER = ledger(
    Column("name", "姓名", AUTO, "varchar", ("person.name",)),
    Column("born_on", "出生日期", AUTO, "date", ("person.birth_on",)),
    Column("amount", "金额", AUTO, "decimal(12,2)", ("relief.amount_cny",)),
    Column("note", "备注", MANUAL, "varchar"),
)


def frame(names: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            VILLAGE: ["v"] * len(names),
            "姓名": pl.Series(names, dtype=pl.String),
            "出生日期": pl.Series([date(1953, 7, 1), None] * len(names), dtype=pl.Date)[: len(names)],
            "金额": pl.Series(["1420.50"] * len(names)).cast(pl.Decimal(12, 2)),
            "备注": pl.Series([None] * len(names), dtype=pl.String),
        }
    )


def written(path: Path, names: list[str | None]) -> openpyxl.worksheet.worksheet.Worksheet:
    write_book(path, "某镇某村", [(LEDGER, rendered(LEDGER, frame(names))["v"])], "村居工作人员", AS_OF)
    return openpyxl.load_workbook(path)["试验台账"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    sheet = written(tmp_path / "b.xlsx", HOSTILE)
    cells = [sheet.cell(HEADER_ROW + 2 + i, 2) for i in range(len(HOSTILE))]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
    # What XML cannot hold is gone; the spreadsheet's own escape is not taken for one.
    expected = [name.replace("\x01", "").replace("\x1f", "").replace("\ufffe", "") for name in HOSTILE]
    # A carriage return is a line break in every XML reader.
    assert [str(c.value).replace("_x005F_", "_").replace("\n", "\r") for c in cells] == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_text_makes_a_book_that_opens_with_as_many_rows(tmp_path_factory: pytest.TempPathFactory, names) -> None:
    path = tmp_path_factory.mktemp("b") / "b.xlsx"
    sheet = written(path, names)
    assert sheet.max_row == HEADER_ROW + 1 + len(names)
    assert [sheet.cell(HEADER_ROW + 1 + i, 1).value for i in range(1, len(names) + 1)] == list(range(1, len(names) + 1))


def test_sheet_says_what_it_is_and_leaves_room_to_write(tmp_path: Path) -> None:
    sheet = written(tmp_path / "b.xlsx", ["张三", None])
    assert sheet["A1"].value == "某镇某村 试验台账（L99）"
    assert (
        "数据日期：2026-10-31" in sheet["A2"].value
        and "用途：试验" in sheet["A2"].value
        and "共2条" in sheet["A2"].value
    )
    assert sheet["A3"].value.startswith("填表说明：")
    assert [c.value for c in sheet[HEADER_ROW + 1]] == ["序号", "姓名", "出生日期", "金额", "备注"]
    assert sheet.freeze_panes == f"B{HEADER_ROW + 2}"
    first = sheet[HEADER_ROW + 2]
    assert first[2].value.date() == date(1953, 7, 1) and first[2].number_format == "yyyy-mm-dd"
    assert first[3].value == 1420.5 and first[3].data_type == "n"
    grey, white = first[1].fill.fgColor.rgb, first[4].fill.fgColor.rgb
    assert grey == "FFE7E6E6" and white != grey and first[4].value is None
    empty = sheet.cell(HEADER_ROW + 3, 2)
    assert empty.value is None and empty.fill.fgColor.rgb == grey


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_book(
            tmp_path / name,
            "某村",
            [(LEDGER, rendered(LEDGER, frame(HOSTILE))["v"]), (LEDGER_TWO, None)],
            "村居工作人员",
            AS_OF,
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


LEDGER_TWO = Ledger(**{**LEDGER.__dict__, "title": "空台账", "code": "L98"})


@pytest.fixture
def run_database() -> duckdb.DuckDBPyConnection:
    """Two towns, three villages, and the columns of the one ledger."""
    connection = duckdb.connect()
    connection.execute("create schema subjects")
    connection.execute("create schema products")
    connection.execute(
        "create table subjects.village as select * from (values "
        "('310118001001', '东社区居委会', '310118001', '甲街道', 2), "
        "('310118001002', '西社区居委会', '310118001', '甲街道', 0), "
        "('310118102201', '../北村', '310118102', '乙镇', 9)) t(village_code, name, town_code, town_name, n_res)"
    )
    connection.execute(
        "create table subjects.feed_status as select * from (values ('B01', true, false, date '2026-10-31'), "
        "('F06', true, true, date '2026-10-10'), ('F34', true, true, date '2026-10-01')) "
        "t(feed, is_available, is_stale, business_on)"
    )
    connection.execute(
        "create table products.ledger_x as select * from (values "
        "('310118102201', '李四', date '1960-02-29', 10.0::decimal(12,2), null::varchar), "
        "('310118001001', '王五', date '1960-02-28', 0, null), ('310118001001', '王二', null, null, null)"
        ") t(village_code, name, born_on, amount, note)"
    )
    return connection


@pytest.mark.parametrize("processes", [1, 2])
def test_every_village_has_its_own_rows_and_nobody_elses(run_database, tmp_path: Path, processes: int) -> None:
    declared = declarations.load(REPOSITORY / "dbt_project")
    declared = Declarations((LEDGER,), declared.audiences, declared.attributes, declared.labels)
    told: list[str] = []
    files = write_ledgers(run_database, declared, tmp_path, AS_OF, told.append, processes, {"F06": "社会救助"})
    relative = [f.relative_to(tmp_path).as_posix() for f in files]
    assert relative == [
        "ledgers/310118001_甲街道/310118001001_东社区居委会.xlsx",
        "ledgers/310118001_甲街道/310118001002_西社区居委会.xlsx",
        "ledgers/310118102_乙镇/310118102201_北村.xlsx",
        "ledgers/parquet/L99.parquet",
    ]
    # F06 is behind a column of the ledger; F34, older still, is not.
    notes = {openpyxl.load_workbook(f)["试验台账"]["A3"].value.split("填表说明")[0] for f in files[:3]}
    assert notes == {"注意：以下来源未按时更新，仍用括号内日期的数据：社会救助（2026-10-10）。"}
    names = [
        [row[1] for row in openpyxl.load_workbook(f)["试验台账"].iter_rows(min_row=HEADER_ROW + 2, values_only=True)]
        for f in files[:3]
    ]
    assert names == [["王二", "王五"], [], ["李四"]]
    assert told[-1] == "workbooks: 2 of 2 towns"
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "ledgers").rglob("*") if p.is_dir()} == {0o700}
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    parquet = pl.read_parquet(files[3])
    assert parquet.columns == ["镇街代码", "镇街名称", "村居代码", "村居名称", "姓名", "出生日期", "金额", "备注"]
    assert parquet["姓名"].to_list() == ["王二", "王五", "李四"]


def test_a_sheet_prints_on_landscape_pages_with_nothing_cut(tmp_path: Path) -> None:
    long = "核对证件或户口簿，确认正确内容，报数据来源部门更正"
    sheet = written(tmp_path / "a.xlsx", ["张三", long, "第一行\n第二行"])
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.print_title_rows == f"$1:${HEADER_ROW + 1}"
    assert "&P" in sheet.oddFooter.right.text and sheet.print_options.gridLines
    # What to do and what the sheet is stand across all columns, as high as they need.
    merged = {str(area) for area in sheet.merged_cells.ranges}
    assert merged == {"A2:E2", "A3:E3"}
    width = sum(sheet.column_dimensions[letter].width for letter in "ABCDE")
    for row in (2, 3):
        needed = sum(1 + (ord(c) > 0x2E7F) for c in sheet.cell(row, 1).value) / width
        assert sheet.row_dimensions[row].height >= 14 * needed
    first, wide, two = (sheet.row_dimensions[HEADER_ROW + 2 + i].height for i in range(3))
    assert first is None and wide >= 14 * 2 * len(long) / 10 and two >= 28


def test_wide_ledgers_go_on_a_larger_page(tmp_path: Path) -> None:
    columns = [Column(f"a{i}", f"第{i}地址", AUTO, "varchar", ("person.name",)) for i in range(9)]
    write_book(tmp_path / "a.xlsx", "某镇某村", [(ledger(*columns), None)], "村居工作人员", AS_OF)
    assert openpyxl.load_workbook(tmp_path / "a.xlsx")["试验台账"].page_setup.paperSize == 8


def test_a_ledger_names_no_process_that_does_not_exist(tmp_path: Path) -> None:
    told = written(tmp_path / "a.xlsx", ["张三"]).cell(3, 1).value
    assert "如有差错请报数据来源部门更正" in told and "数据异议" not in told
