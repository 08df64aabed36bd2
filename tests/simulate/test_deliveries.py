"""The layouts of the ten feeds, as a department's file would be looked at by hand."""

import re
import sqlite3
import zipfile
from datetime import date, timedelta

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.simulate.conftest import AS_OF, DAYS
from tests.simulate.reading import READERS

FIRST = AS_OF - timedelta(days=DAYS - 1)
DAILY = {FIRST + timedelta(days=step) for step in range(DAYS)}
EXPECTED_DATES = {
    "B01": DAILY,
    "F01": DAILY,
    "B02": {FIRST, date(2026, 11, 2)},
    "F02": {FIRST, date(2026, 11, 2)},
    "B03": {FIRST},
    "B04": {FIRST},
    "B05": {FIRST},
    "F06": {FIRST},
    "F08": {FIRST, date(2026, 11, 1)},
    "F11": {FIRST, date(2026, 11, 1)},
    "F03": {FIRST, date(2026, 11, 2)},
    "F04": DAILY,
    "F09": {FIRST},
    "F16": {FIRST},
    "F17": {FIRST, date(2026, 11, 1)},
    "F05": {FIRST},
    "F13": {FIRST, date(2026, 11, 1)},
    "F15": {FIRST, date(2026, 11, 2)},
    "F07": {FIRST, date(2026, 11, 1)},
    "F10": {FIRST, date(2026, 11, 1)},
    "F12": {FIRST, date(2026, 11, 1)},
    "F14": {FIRST, date(2026, 11, 2)},
    "F18": {FIRST, date(2026, 11, 1)},
    "F19": {FIRST, date(2026, 11, 2)},
    "F20": {FIRST},
    "F21": {FIRST},
    "F22": {FIRST, date(2026, 11, 1)},
    "F23": DAILY,
    "F24": DAILY,
    "F25": {FIRST, date(2026, 11, 1)},
    "F26": DAILY,
    "F27": DAILY,
    "F28": {FIRST, date(2026, 11, 1)},
    "F29": {FIRST},
    "F30": {FIRST, date(2026, 11, 1)},
    "F31": {FIRST, date(2026, 11, 1)},
    "F32": {FIRST, date(2026, 11, 2)},
    "F33": DAILY,
    "F34": DAILY,
    "I01": DAILY,
    "I02": DAILY,
    "I03": DAILY,
    "I04": DAILY,
    "I05": DAILY,
    "I06": DAILY,
    "I07": DAILY,
    "I08": DAILY,
    "I09": DAILY,
    "I10": DAILY,
    "I11": DAILY,
    "I13": DAILY,
}


def test_each_feed_delivers_on_its_days(landing):
    found = {feed.name: {date.fromisoformat(day.name) for day in feed.iterdir()} for feed in landing.iterdir()}
    assert found == EXPECTED_DATES
    assert {path.name for path in landing.glob("*/*/*")} == {"001"}


def test_summary_counts_what_the_files_hold(small, landing):
    for delivered in small[1].deliveries:
        folder = landing / delivered.feed / delivered.business_on.isoformat() / delivered.delivery
        rows = sum(len(rows) for rows in READERS[delivered.feed](folder).values())
        assert rows == delivered.rows, delivered
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) == delivered.bytes


@pytest.fixture(scope="module")
def day(landing):
    return lambda feed, on=FIRST: landing / feed / on.isoformat() / "001"


def test_b01_is_all_text(day):
    frame = pl.read_parquet(day("B01") / "person.parquet")
    assert set(frame.dtypes) == {pl.String}
    assert frame.width == 45
    assert frame["RID"].n_unique() == len(frame) - _duplicates(frame)


def _duplicates(frame: pl.DataFrame) -> int:
    return len(frame) - frame.n_unique()


def test_b02_is_one_sqlite_table_of_text(day):
    with sqlite3.connect(day("B02") / "fangwu.db") as base:
        assert base.execute("select name from sqlite_master").fetchall() == [("V_FW",)]
        columns = base.execute("pragma table_info(V_FW)").fetchall()
        assert len(columns) == 31
        assert {column[2] for column in columns} == {"TEXT"}
        kinds = {row[0] for row in base.execute("select distinct typeof(JZMJ) from V_FW")}
    assert kinds == {"text"}


def test_b03_holds_the_355_units(day):
    rows = READERS["B03"](day("B03"))["cunju.csv"]
    assert len(rows) == 355
    assert b"\r" not in (day("B03") / "cunju.csv").read_bytes()
    assert sum(row["类型"] == "村" for row in rows.values()) == 184
    assert len({(row["经度"], row["纬度"]) for row in rows.values()}) == 355
    for row in rows.values():
        assert 120.88 <= float(row["经度"]) <= 121.31 and 30.97 <= float(row["纬度"]) <= 31.30
        assert row["村居代码"].startswith(row["镇街代码"]) and row["是否涉农"] in "是否"


def test_f01_records_are_334_bytes_with_a_trailer(day):
    for on in sorted(EXPECTED_DATES["F01"]):
        body = (day("F01", on) / "lhry.txt").read_bytes()
        *records, trailer, rest = body.split(b"\r\n")
        assert rest == b""
        assert {len(record) for record in records} <= {334}
        assert trailer == b"TTTT" + f"{len(records):010d}".encode()
        operations = {record[-1:] for record in records}
        assert operations == {b"A"} if on == FIRST else operations <= {b"A", b"U", b"D"}


def test_f01_increments_contain_every_operation(day):
    seen = set()
    for on in DAILY - {FIRST}:
        rows = READERS["F01"](day("F01", on))["lhry.txt"]
        seen |= {row["CZBS"] for row in rows.values()}
    assert seen == {"A", "U", "D"}


def test_f01_increments_apply_to_what_was_sent_before(day):
    """Nothing is added twice, changed or deleted before it was added."""
    live: set[str] = set()
    for on in sorted(DAILY):
        rows = READERS["F01"](day("F01", on))["lhry.txt"].values()
        for operation, wanted in (("D", True), ("U", True), ("A", False)):
            numbers = {row["DJBH"] for row in rows if row["CZBS"] == operation}
            assert all((number in live) is wanted for number in numbers), (on, operation)
            live = live - numbers if operation == "D" else live | numbers


def test_f02_is_gbk_with_title_and_crlf(day):
    body = (day("F02") / "czfw.csv").read_bytes()
    assert body.count(b"\n") == body.count(b"\r\n")
    lines = body.decode("gbk").split("\r\n")
    assert "出租房屋" in lines[0] and lines[1].startswith("房屋编码,租赁编号,门牌地址")
    assert lines[1].count(",") == 17


def test_f02_dates_come_in_five_spellings(day):
    rows = READERS["F02"](day("F02"))["czfw.csv"].values()
    styles = [r"\d{4}/\d{1,2}/\d{1,2}", r"\d{4}-\d\d-\d\d", r"\d{8}", r"\d{4}年\d{1,2}月\d{1,2}日", r"4\d{4}"]
    for style in styles:
        assert any(re.fullmatch(style, row["起租日期"]) for row in rows), style
    assert all(any(re.fullmatch(style, row["起租日期"]) for style in styles) for row in rows)


def test_f06_merges_households_and_ends_with_totals_and_note(day):
    book = openpyxl.load_workbook(day("F06") / "shjz.xlsx")
    assert book.sheetnames == ["城乡低保", "特困供养", "低保边缘", "临时救助"]
    merged = 0
    for sheet in book:
        first = [row[0] for row in sheet.iter_rows(min_row=1, values_only=True)]
        assert "花名册" in first[0] and first[1] == "救助编号"
        assert first[-1].startswith("注:") and first[-2] == "合计" and "小计" in first
        merged += sum(area.min_row > 2 and area.max_row > area.min_row for area in sheet.merged_cells.ranges)
        amounts = [row[13] for row in sheet.iter_rows(min_row=3, values_only=True) if row[5] is not None]
        total = next(row[13] for row in sheet.iter_rows(values_only=True) if row[0] == "合计")
        assert total == pytest.approx(sum(float(str(amount).replace(",", "")) for amount in amounts))
    assert merged > 0
    with zipfile.ZipFile(day("F06") / "shjz.xlsx") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_f08_certificates_carry_kind_and_grade(day):
    body = (day("F08") / "cjrz.csv").read_bytes()
    assert body.count(b"\n") == body.count(b"\r\n")
    rows = READERS["F08"](day("F08"))["cjrz.csv"]
    assert all(re.fullmatch(r"\d{17}[\dX]\d\d(B\d)?", row["残疾人证号"].replace(" ", "")) for row in rows.values())


def test_f11_is_snappy_and_dictionary_encoded(day):
    path = day("F11") / "ym=202610" / "part-0.parquet"
    file = pq.ParquetFile(path)
    chunk = file.metadata.row_group(0)
    assert {chunk.column(place).compression for place in range(chunk.num_columns)} == {"SNAPPY"}
    assert file.schema_arrow.field("last_paid_ym").type == pa.int32()
    assert "DICTIONARY" in str(chunk.column(1).encodings)
    assert (day("F11", date(2026, 11, 1)) / "ym=202611" / "part-0.parquet").exists()
