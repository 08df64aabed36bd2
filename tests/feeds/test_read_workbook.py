import io
import os
import re
import time as clock
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import read
from tests.feeds.making import column, make_contract

COLUMNS = [column("case_id", "编号"), column("head", "户主"), column("name", "姓名"), column("amount", "金额")]
HEADER = ["编号", "户主", "姓名", "金额"]
DELIVERY = {
    "format": "workbook",
    "files": "f.xlsx",
    "header_row": 2,
    "sheets": ["甲", "乙"],
    "merged_down": ["编号", "户主"],
    "totals": ["合计", "小计"],
    "notes": ["注"],
}

# The first bytes of the old binary format, and of a new workbook with a password.
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def book(rows: dict[str, list[list]], merges: dict[str, list[tuple]] | None = None, header=HEADER) -> bytes:
    """A workbook: title in row 1, header in row 2, rows below; merges as xlsxwriter takes them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as target:
        for name, lines in rows.items():
            sheet = target.add_worksheet(name)
            sheet.merge_range(0, 0, 0, 3, f"{name}名册")
            sheet.write_row(1, 0, header)
            for at, line in enumerate(lines, 2):
                for place, value in enumerate(line):
                    if isinstance(value, date):
                        sheet.write_datetime(at, place, value, target.add_format({"num_format": "yyyy-mm-dd"}))
                    elif value is not None:
                        sheet.write(at, place, value)
            for merge in (merges or {}).get(name, []):
                sheet.merge_range(*merge)
    return out.getvalue()


def read_book(folder: Path, data: bytes, **delivery):
    contract = make_contract(folder, COLUMNS, {**DELIVERY, **delivery})
    (folder / "f.xlsx").write_bytes(data)
    return read(contract, folder)


def cells(raw) -> list[tuple]:
    return raw.frame.select("编号", "户主", "姓名", "金额", "_file", "_line").rows()


def refused(folder: Path, data: bytes, **delivery) -> DeliveryProblem:
    with pytest.raises(DeliveryProblem) as caught:
        read_book(folder, data, **delivery)
    return caught.value


def test_merged_household_cells_are_filled_inside_their_household_only(tmp_path):
    rows = [
        ["A1", "张三", "张三", "1,420.00"],
        [None, None, "李四", 300.5],
        [None, None, "王五", 10],
        ["B2", "赵六", "赵六", 7],
    ]
    merges = [(2, 0, 3, 0, "A1"), (2, 1, 3, 1, "张三")]
    raw = read_book(tmp_path, book({"甲": rows, "乙": []}, {"甲": merges}))
    assert cells(raw) == [
        ("A1", "张三", "张三", "1,420.00", "f.xlsx#甲", 3),
        ("A1", "张三", "李四", "300.5", "f.xlsx#甲", 4),
        (None, None, "王五", "10", "f.xlsx#甲", 5),
        ("B2", "赵六", "赵六", "7", "f.xlsx#甲", 6),
    ]


def test_totals_and_notes_are_no_rows(tmp_path):
    rows = [
        ["A1", "张", "张", 1],
        ["小计", None, None, 1],
        ["B1", "李", "李", 2],
        ["合计", None, None, 3],
        ["注:单位元"],
    ]
    raw = read_book(tmp_path, book({"甲": rows, "乙": [["C1", "王", "王", 4]]}))
    assert [(c[0], c[4], c[5]) for c in cells(raw)] == [
        ("A1", "f.xlsx#甲", 3),
        ("B1", "f.xlsx#甲", 5),
        ("C1", "f.xlsx#乙", 3),
    ]
    assert (raw.structural["totals"], raw.structural["notes"]) == (2, 1)


def test_a_number_of_eighteen_digits_shows_that_its_end_is_lost(tmp_path):
    rows = [[319901197001020012, "x", 319901650312101, 1e-7], [True, date(2026, 1, 5), "007", 0.1 + 0.2]]
    raw = read_book(tmp_path, book({"甲": rows, "乙": []}))
    assert cells(raw)[0][:4] == ("3.19901197001020E+17", "x", "319901650312101", "1e-07")
    assert cells(raw)[1][:4] == ("1", "2026-01-05", "007", "0.3")


def test_columns_are_found_by_name(tmp_path):
    raw = read_book(
        tmp_path, book({"甲": [["1", "x", "n", "h", "A"]], "乙": []}, header=["金额", "备注", "姓名", "户主", "编号"])
    )
    assert cells(raw)[0][:4] == ("A", "h", "n", "1") and raw.added == ("备注",)


def test_sheets_and_headers_must_be_there(tmp_path):
    assert refused(tmp_path, book({"甲": []})).kind == "sheet_missing"
    problem = refused(tmp_path, book({"甲": [], "乙": []}, header=["编号", "户主", "名字", "金额"]))
    assert (problem.kind, problem.column, problem.file) == ("header_missing", "姓名", "f.xlsx#甲")
    assert refused(tmp_path, book({"甲": [], "乙": []}), header_row=40).kind == "header_not_found"


def test_no_rows_is_a_delivery_of_no_rows(tmp_path):
    assert read_book(tmp_path, book({"甲": [], "乙": []})).delivered == 0


# ---------------------------------------------------------------- hostile files


def rewritten(data: bytes, change) -> bytes:
    """The workbook with every entry passed through `change(name, content)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return out.getvalue()


def one_sheet(name: str, content: bytes, old: bytes, new: bytes) -> bytes:
    return content.replace(old, new) if name == "xl/worksheets/sheet1.xml" else content


def test_a_sheet_that_claims_to_be_huge_is_not_opened(tmp_path):
    data = book({"甲": [["A", "h", "n", "1"]], "乙": []})
    huge = rewritten(
        data, lambda n, c: one_sheet(n, c, b'<dimension ref="A1:D3"/>', b'<dimension ref="A1:XFD1048576"/>')
    )
    assert huge != data
    assert refused(tmp_path, huge).kind == "too_large"


def test_a_four_kilobyte_sparse_sheet_harms_nobody(tmp_path):
    small = openpyxl.Workbook()
    small.active.title = "甲"
    small.create_sheet("乙")
    small["甲"]["XFD1048576"] = 1
    out = io.BytesIO()
    small.save(out)
    assert len(out.getvalue()) < 8_000
    started = clock.monotonic()
    assert refused(tmp_path, out.getvalue()).kind == "too_large"
    hidden = rewritten(out.getvalue(), lambda n, c: one_sheet(n, c, b'ref="XFD1048576"', b'ref="A1"'))
    hidden = rewritten(hidden, lambda n, c: one_sheet(n, c, b'ref="A1:XFD1048576"', b'ref="A1"'))
    assert refused(tmp_path, hidden).kind in ("too_large", "limits")
    assert clock.monotonic() - started < 60


def test_a_bomb_is_refused_by_what_it_would_unpack_to(tmp_path):
    data = book({"甲": [], "乙": []})
    bomb = rewritten(
        data, lambda n, c: one_sheet(n, c, b"</worksheet>", b"<!--" + b" " * 30_000_000 + b"--></worksheet>")
    )
    assert len(bomb) < 200_000
    assert refused(tmp_path, bomb).kind == "too_large"


def test_an_archive_that_lies_about_its_sizes_is_damaged(tmp_path):
    data = bytearray(book({"甲": [["A", "h", "n", "1"]] * 50, "乙": []}))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    wrong = bytes(data).replace(size.to_bytes(4, "little"), (size // 2).to_bytes(4, "little"))
    assert wrong != bytes(data)
    assert refused(tmp_path, wrong).kind == "damaged"


def test_entities_are_not_expanded(tmp_path):
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet'
    data = book({"甲": [], "乙": []})
    assert refused(tmp_path, rewritten(data, lambda n, c: one_sheet(n, c, b"<worksheet", entity))).kind == "damaged"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty_file"),
        (b"no workbook at all", "other_format"),
        (COMPOUND + bytes(600), "other_format"),
        (COMPOUND + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (book({"甲": [], "乙": []})[:-700], "damaged"),
    ],
    ids=["empty", "text", "old", "encrypted", "cut"],
)
def test_what_is_no_workbook_is_refused(tmp_path, data, kind):
    assert refused(tmp_path, data).kind == kind


def test_a_workbook_that_takes_too_long_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.feeds.readers.workbook.WALL_SECONDS", 0.01)
    assert refused(tmp_path, book({"甲": [], "乙": []})).kind == "limits"


def almost_empty(corner: str) -> bytes:
    """A workbook whose first sheet has a header and one cell far away."""
    made = openpyxl.Workbook()
    made.active.title = "甲"
    made.create_sheet("乙").append([])
    for sheet in made:
        for at, name in enumerate(HEADER, 1):
            sheet.cell(2, at, name)
    made["甲"][corner] = "x"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("limit", "value"), [("MEMORY_BYTES", 300_000_000), ("CPU_SECONDS", 1)])
def test_the_reading_process_has_limits_of_its_own(tmp_path, monkeypatch, limit, value):
    """A workbook that needs more than the child may have ends the child, not the run."""
    monkeypatch.setattr(f"pipelines.feeds.readers.workbook.{limit}", value)
    assert refused(tmp_path, almost_empty("Y1048576")).kind == "limits"


def test_a_cell_far_away_is_a_row_of_its_own(tmp_path):
    raw = read_book(tmp_path, almost_empty("A300000"))
    assert cells(raw) == [("x", None, None, None, "f.xlsx#甲", 300_000)]


def test_cells_of_every_kind_are_read_as_text(tmp_path):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as target:
        day, moment = (target.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"))
        for name in DELIVERY["sheets"]:
            target.add_worksheet(name).write_row(1, 0, HEADER)
        sheet = target.worksheets()[0]
        sheet.write_datetime(2, 0, date(1958, 2, 28), day)
        sheet.write_datetime(2, 1, datetime(2026, 10, 30, 23, 59, 59), moment)
        sheet.write_datetime(2, 2, time(7, 30), target.add_format({"num_format": "hh:mm"}))
        sheet.write_boolean(2, 3, False)
        sheet.write_formula(3, 0, "=1+1", None, 2)
        sheet.write_formula(3, 1, '="a"&"b"', None, "ab")
        sheet.write_rich_string(3, 2, "张", target.add_format({"bold": True}), "三 ")
        sheet.write_string(3, 3, " 0010 ")
        sheet.write_number(5, 0, -12.50)
        sheet.write_blank(5, 1, None, day)
        sheet.write_number(5, 2, 1e15 - 1)
        sheet.write_string(5, 3, "a\nb<&>")
        sheet.write_formula(6, 0, "=A1/0", None, "#DIV/0!")
        sheet.write_formula(6, 1, "=Q99", None, "#REF!")
        sheet.write_string(6, 2, '<c t="e">')
    assert [row[:4] + row[5:] for row in cells(read_book(tmp_path, out.getvalue()))] == [
        ("1958-02-28", "2026-10-30 23:59:59", "07:30:00", "0", 3),
        ("2", "ab", "张三 ", " 0010 ", 4),
        ("-12.5", None, "999999999999999", "a\nb<&>", 6),
        ("#DIV/0!", "#REF!", '<c t="e">', None, 7),
    ]


def test_a_sheet_of_another_format_is_refused(tmp_path):
    sheet = io.BytesIO()
    with zipfile.ZipFile(sheet, "w") as target:
        target.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        target.writestr("content.xml", "<office:document-content/>")
    problem = refused(tmp_path, sheet.getvalue())
    assert problem.kind == "other_format" and "OpenDocument" in problem.message.zh


def with_dimension(data: bytes, element: bytes) -> bytes:
    found = re.compile(rb"<dimension[^>]*/>")
    return rewritten(data, lambda n, c: found.sub(element, c) if "worksheets/" in n else c)


@pytest.mark.parametrize(
    "element",
    [
        *(b'<dimension ref="%s"/>' % ref for ref in (b"1:49", b"A:D", b"", b"A1:D", b"$A$1:$D$4", b"a1:d4", b"#REF!")),
        b'<dimension ref=" A1:D4 "/>',
        b"<dimension ref='1:49'/>",
        b'<dimension ref="1:49"></dimension>',
        b'<dimension foo="x" ref = "1:1048576" />',
        b"",
    ],
)
def test_a_size_that_names_no_cells_is_passed_by(tmp_path, element):
    data = book({"甲": [["A1", "张三", "张三", 7], ["A2", "张三", "张三", "x"]], "乙": []})
    raw = read_book(tmp_path, with_dimension(data, element))
    assert [c[:4] for c in cells(raw)] == [("A1", "张三", "张三", "7"), ("A2", "张三", "张三", "x")]


def test_totals_and_notes_by_other_words_are_no_rows(tmp_path):
    footers = [
        ["合  计"], ["合　计", None, None, 1], ["本页合计"], ["共计", "1户"], ["备注：数据截至10月"], ["说明：略"],
        ["填报人：张三", None, "审核人：李四"], ["制表日期：2026-10-30"], [None, None, "合计", 3], ["（以下空白）"],
        ["第1页 共2页"],
    ]  # fmt: skip
    rows = [["A1", "张三", "张三", 7], *footers, ["注册", "备注", "合计", 1]]
    raw = read_book(tmp_path, book({"甲": rows, "乙": []}), totals=[], notes=[])
    assert [c[0] for c in cells(raw)] == ["A1", "注册"]
    assert raw.structural["totals"] + raw.structural["notes"] == len(footers)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<html><table><tr><td>x</td></tr></table></html>", "HTML"),
        ("\ufeff<table border=1>".encode(), "HTML"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "2003"),
        ("编号,户主\r\n".encode("gbk"), "text"),
        ("编号\t户主\r\n".encode("utf-16"), ""),
        (b"%PDF-1.4", "PDF"),
        (b"Rar!\x1a\x07\x00rest", "RAR"),
        (b"7z\xbc\xaf\x27\x1crest", "7-Zip"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
    ],
)
def test_what_is_no_workbook_is_told_for_what_it_is(tmp_path, data, told):
    problem = refused(tmp_path, data)
    assert problem.kind == ("other_format" if told else "damaged") and told in problem.message.en


@pytest.mark.parametrize(
    ("name", "told"), [("xl/workbook.bin", "xlsb"), ("word/document.xml", "Word"), ("f.xlsx", "ZIP")]
)
def test_another_archive_is_told_for_what_it_is(tmp_path, name, told):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr(name, b"x")
    problem = refused(tmp_path, out.getvalue())
    assert problem.kind == "other_format" and told in problem.message.en


def test_a_workbook_whose_name_is_in_gbk_is_read(tmp_path):
    contract = make_contract(tmp_path / "c", COLUMNS, {**DELIVERY, "files": "名册*.xlsx"})
    (tmp_path / "f").write_bytes(book({"甲": [["A1", "张三", "张三", 7]], "乙": []}))
    os.rename(tmp_path / "f", os.fsencode(tmp_path) + "/名册1.xlsx".encode("gbk"))  # noqa: PTH104
    assert [c[4] for c in cells(read(contract, tmp_path))] == ["名册1.xlsx#甲"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (b"<f>N9*2</f>", "#FORMULA!"),
        (b"<f>N9*2</f><v></v>", "#FORMULA!"),
        (b"<f>N9*2</f> <v/>", "#FORMULA!"),
        (b'<f t="shared" ref="A1:A2" si="0">IF(A1&lt;2,1,2)</f>', "#FORMULA!"),
        (b'<f t="shared" si="0"/>', "#FORMULA!"),
        (b"<f/>", "#FORMULA!"),
        (b"<f>N9*2</f><v>1420</v>", "1420"),
        (b'<f t="shared" si="0"/><v>7</v>', "7"),
        (b"<v>5</v>", "5"),
    ],
)
def test_a_formula_nobody_computed_is_not_empty(tmp_path, cell, text):
    data = book({"甲": [["A1", "户", "王", 77]], "乙": []})
    data = rewritten(data, lambda name, content: content.replace(b"<v>77</v>", cell))
    assert cells(read_book(tmp_path, data))[0][3] == text


def test_a_formula_that_gave_an_empty_text_is_empty(tmp_path):
    data = book({"甲": [["A1", "户", "王", 77]], "乙": []})
    empty = b' t="str"><f>IF(1,"")</f><v></v>'
    data = rewritten(data, lambda name, content: content.replace(b"><v>77</v>", empty))
    assert cells(read_book(tmp_path, data))[0][3] is None


def test_a_workbook_that_counts_from_1904_counts_plain_numbers_from_there(tmp_path):
    columns = [*COLUMNS[:3], column("start_on", "金额", "date", dates=["dashed", "excel"])]
    contract = make_contract(tmp_path, columns, DELIVERY)
    lines = [["1", "2", "3", value] for value in (43890, 43890.5, "2024-03-01", None)]
    from_1904 = b'<workbookPr date1904="1"'
    data = rewritten(book({"甲": lines, "乙": []}), lambda name, content: content.replace(b"<workbookPr", from_1904))
    (tmp_path / "f.xlsx").write_bytes(data)
    raw = read(contract, tmp_path)
    assert raw.frame["金额"].to_list() == ["45352", "45352.5", "2024-03-01", None]
    # Numbers that count no days stay what they are.
    assert raw.frame["编号"].to_list() == ["1"] * 4
