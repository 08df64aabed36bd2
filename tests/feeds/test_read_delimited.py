import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import read
from tests.feeds.making import column, make_contract, some

COLUMNS = [column("a", "甲"), column("b", "乙"), column("c", "丙")]
HEADER = "甲,乙,丙"


def read_text(folder, text: str | bytes, encoding: str = "utf-8", **delivery):
    contract = make_contract(
        folder, COLUMNS, {"format": "delimited", "files": "f.csv", "encoding": encoding, **delivery}
    )
    (folder / "f.csv").write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return read(contract, folder)


def cells(raw) -> list[tuple]:
    return raw.frame.select("甲", "乙", "丙", "_line").rows()


def refused(folder, text, **delivery) -> DeliveryProblem:
    with pytest.raises(DeliveryProblem) as caught:
        read_text(folder, text, **delivery)
    return caught.value


def test_lines_are_counted_from_the_title_row(tmp_path):
    raw = read_text(tmp_path, f"标题(十月)\n{HEADER}\n1,2,3\n4,5,6\n", header_row=2)
    assert cells(raw) == [("1", "2", "3", 3), ("4", "5", "6", 4)]
    assert raw.structural["lines_above_data"] == 2


def test_columns_are_found_by_name_in_any_order(tmp_path):
    raw = read_text(tmp_path, "丙,甲,乙\n3,1,2\n")
    assert cells(raw) == [("1", "2", "3", 2)]


def test_a_column_more_is_noticed_and_not_read(tmp_path):
    raw = read_text(tmp_path, "甲,新列,乙,丙\n1,x,2,3\n")
    assert cells(raw) == [("1", "2", "3", 2)] and raw.added == ("新列",)


@pytest.mark.parametrize(
    ("header", "kind", "named"),
    [
        ("甲,乙", "header_missing", "丙"),
        ("甲,乙,丙丁", "header_missing", "丙"),
        ("甲,乙,乙,丙", "header_duplicate", "乙"),
    ],
)
def test_a_header_that_lacks_or_repeats_a_column_is_refused(tmp_path, header, kind, named):
    problem = refused(tmp_path, f"{header}\n1,2,3\n")
    assert (problem.kind, problem.column, problem.line) == (kind, named, 1)
    assert named in problem.message.zh and named in problem.message.en


def test_swapped_columns_never_load_by_position(tmp_path):
    assert cells(read_text(tmp_path, "乙,甲,丙\n2,1,3\n")) == [("1", "2", "3", 2)]


def test_rows_that_do_not_fit_the_header_are_set_aside_with_their_text(tmp_path):
    raw = read_text(tmp_path, f"{HEADER}\n1,2,3\n1,2,3,4\n1,2\n4,5,6\n")
    assert [c[3] for c in cells(raw)] == [2, 5]
    assert raw.scraps.rows() == [("f.csv", 3, "1,2,3,4", "fields"), ("f.csv", 4, "1,2", "fields")]
    assert raw.delivered == 4


def test_blank_lines_and_repeated_headers_are_no_rows(tmp_path):
    raw = read_text(tmp_path, f"{HEADER}\n1,2,3\n\n,,\n{HEADER}\n4,5,6\n")
    assert [c[3] for c in cells(raw)] == [2, 6] and raw.delivered == 2
    assert (raw.structural["blank_lines"], raw.structural["repeated_headers"]) == (2, 1)


def test_quotes_hold_delimiters_quotes_and_line_ends(tmp_path):
    raw = read_text(tmp_path, f'{HEADER}\n"1,1","2""2","3\n3"\n"4","5","6"\n7,"8,8",9\n')
    assert cells(raw) == [("1,1", '2"2', "3\n3", 2), ("4", "5", "6", 4), ("7", "8,8", "9", 5)]


def test_a_stray_quote_costs_one_row_and_not_the_rest(tmp_path):
    tail = "".join(f"{i},x,y\n" for i in range(200))
    raw = read_text(tmp_path, f'{HEADER}\n1,"2,3\n{tail}')
    assert raw.scraps.rows() == [("f.csv", 2, '1,"2,3', "fields")]
    assert raw.frame.height == 200


@pytest.mark.parametrize(
    "text", [f'{HEADER}\n1,2,3\n1,"2', f"{HEADER}\n1,2,3\n4,5,6", f'{HEADER}\n1,2,3\n1,2,"3\n', f"{HEADER}\n1,2,3\n4,"]
)
def test_a_file_that_breaks_off_is_refused_whole(tmp_path, text):
    assert refused(tmp_path, text).kind == "truncated"


def test_a_last_line_without_end_may_be_allowed(tmp_path):
    assert cells(read_text(tmp_path, f"{HEADER}\n1,2,3", final_newline=False)) == [("1", "2", "3", 2)]


def test_bytes_of_another_encoding_are_refused_with_their_place(tmp_path):
    problem = refused(tmp_path, f"{HEADER}\n李,2,3\n".encode("gb18030"), encoding="utf-8")
    assert problem.kind == "encoding" and "byte 0" in problem.message.en
    lone = f"{HEADER}\n1,2,3\n".encode("gb18030") + b"\xff\xfe,2,3\n"
    problem = refused(tmp_path, lone, encoding="gb18030")
    assert (problem.kind, problem.line) == ("encoding", 3)


def test_a_cut_inside_a_character_is_a_cut(tmp_path):
    assert refused(tmp_path, f"{HEADER}\n1,2,李".encode()[:-1]).kind == "truncated"


def test_nul_bytes_are_refused(tmp_path):
    assert refused(tmp_path, f"{HEADER}\n1,\x00,3\n").kind == "encoding"


@pytest.mark.parametrize("text", ["", "\n\n", "\r\n"])
def test_an_empty_file_is_refused(tmp_path, text):
    assert refused(tmp_path, text).kind == "empty_file"


def test_a_header_alone_is_a_delivery_of_no_rows(tmp_path):
    raw = read_text(tmp_path, HEADER + "\r\n")
    assert raw.delivered == 0 and raw.frame.columns[:3] == ["甲", "乙", "丙"]


def test_a_missing_file_is_named(tmp_path):
    contract = make_contract(tmp_path / "contract", COLUMNS, {"format": "delimited", "files": "f.csv"})
    (tmp_path / "delivery").mkdir()
    with pytest.raises(DeliveryProblem) as caught:
        read(contract, tmp_path / "delivery")
    assert caught.value.kind == "missing_file" and "f.csv" in caught.value.message.zh


def test_rare_names_survive_gb18030(tmp_path):
    raw = read_text(tmp_path, f"{HEADER}\r\n𠮷野,㛃,䶮\r\n", encoding="gb18030")
    assert cells(raw) == [("𠮷野", "㛃", "䶮", 2)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert cells(read_text(tmp_path, f"\ufeff{HEADER}\n1,2,3\n")) == [("1", "2", "3", 2)]


@pytest.mark.parametrize("delimiter", ["|", ";", "\t", "^"])
def test_any_delimiter(tmp_path, delimiter):
    text = f"{HEADER}\n1,2,3\n".replace(",", delimiter)
    assert cells(read_text(tmp_path, text, delimiter=delimiter)) == [("1", "2", "3", 2)]


CELL = st.text(alphabet=st.sampled_from(list('ab,"\n 甲𠮷1')), max_size=6)


@some
@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=12), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_reads_what_the_standard_library_writes(tmp_path_factory, rows, quoting):
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, lineterminator="\n")
    rows = [row for row in rows if any(cell.strip() for cell in row) and row != ("甲", "乙", "丙")]
    writer.writerows([HEADER.split(","), *rows])
    raw = read_text(tmp_path_factory.mktemp("d"), out.getvalue())
    # csv.writer leaves a lone line end unquoted in no case, so every row comes back.
    assert [c[:3] for c in cells(raw)] == rows and raw.scraps.is_empty()


@some
@given(st.binary(max_size=300))
def test_no_bytes_bring_the_reader_down_or_rows_out_of_nowhere(tmp_path_factory, noise):
    folder = tmp_path_factory.mktemp("d")
    data = f"{HEADER}\n1,2,3\n".encode() + noise
    try:
        raw = read_text(folder, data)
    except DeliveryProblem as problem:
        assert problem.message.en and problem.message.zh
    else:
        assert 1 <= raw.delivered <= 1 + noise.count(b"\n")


# ---------------------------------------------------------------- line ends


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("last", ["", "\n", "\r\n"])
def test_line_ends_of_one_kind_are_read_whichever_they_are(tmp_path, end, last):
    text = end.join([HEADER, "1,2,3", '"4",5,6']) + (last or end)
    assert cells(read_text(tmp_path, text)) == [("1", "2", "3", 2), ("4", "5", "6", 3)]


def test_a_ctrl_z_at_the_end_is_no_line(tmp_path):
    assert cells(read_text(tmp_path, f"{HEADER}\r\n1,2,3\r\n\x1a")) == [("1", "2", "3", 2)]


@pytest.mark.parametrize(
    "text",
    [f"{HEADER}\r1,2,3\r4,5,6\n7,8,9\n", f"{HEADER}\n1,2,3\r4,5,6\r7,8,9\r1,1,1\r", f"{HEADER}\r1,2,3\r4,5,6\n7,8,9\r"],
)
def test_line_ends_of_two_kinds_are_told_as_that(tmp_path, text):
    problem = refused(tmp_path, text if text.endswith("\n") else text + "\n")
    assert problem.kind == "line_ends" and "CR" in problem.message.en and "换行符" in problem.message.zh


def test_a_cr_in_a_remark_costs_nothing(tmp_path):
    raw = read_text(tmp_path, f'{HEADER}\r\n1,2,"3\r4"\r\n5,6,7\r8\r\n9,9,9\r\n')
    assert raw.frame.height == 3 and raw.scraps.is_empty()


def test_a_header_without_end_is_refused_and_no_more(tmp_path):
    assert refused(tmp_path, "x" * 200_000 + "\n1,2,3\n").kind in ("header_missing", "header_not_found")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04 rest", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), ".xls"),
        ("﻿<!DOCTYPE html>\n<html>甲,乙,丙</html>\n".encode(), "HTML"),
        (b"<table><tr><td>\n", "HTML"),
        (b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>\n', "2003"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_another_format_is_told(tmp_path, data, told):
    problem = refused(tmp_path, data)
    assert problem.kind == "other_format" and told in problem.message.en and told in problem.message.zh


# ---------------------------------------------------------------- columns without name, rows that are no rows


@pytest.mark.parametrize("quote", ["", '"'])
def test_columns_without_name_and_value_at_the_end_say_nothing(tmp_path, quote):
    first = f"{quote}1{quote},2,3"
    for head, rows in (
        (HEADER + ",", [first + ",", "4,5,6,"]),
        (HEADER + ",,", [first + ",,", "4,5,6,,"]),
        (HEADER, [first + ",", "4,5,6,,,"]),
        (HEADER + ",,", [first, "4,5,6,"]),
        (HEADER + ", ,", [first + ",", "4,5,6, ,"]),
    ):
        raw = read_text(tmp_path, "\n".join([head, *rows, ""]))
        assert [c[:3] for c in cells(raw)] == [("1", "2", "3"), ("4", "5", "6")], head
        assert raw.added == () and raw.scraps.is_empty()


def test_empty_fields_inside_the_columns_stay_where_they_are(tmp_path):
    raw = read_text(tmp_path, f"{HEADER},\n1,,,\n,,3,\n,2,,,\n")
    assert cells(raw) == [("1", "", "", 2), ("", "", "3", 3), ("", "2", "", 4)]


def test_a_column_without_name_that_says_something_is_told_by_its_place(tmp_path):
    raw = read_text(tmp_path, f"{HEADER},\n1,2,3,x\n4,5,6,\n")
    assert len(cells(raw)) == 2 and raw.added == ("#4 (无列名)",)
    raw = read_text(tmp_path, f",{HEADER},,\n0,1,2,3,,\n1,4,5,6,,y\n")
    assert raw.added == ("#1 (无列名)", "#6 (无列名)") and cells(raw)[1] == ("4", "5", "6", 3)


def test_fields_beyond_the_columns_that_say_something_are_no_row(tmp_path):
    raw = read_text(tmp_path, f"{HEADER},\n1,2,3,,x\n1,2\n4,5,6,,\n")
    assert raw.scraps["_line"].to_list() == [2, 3] and len(cells(raw)) == 1


def test_empty_columns_are_no_part_of_a_remark(tmp_path):
    raw = read_text(tmp_path, "甲|乙|丙|\n1|2|3|\n4|5|6|\n", delimiter="|")
    assert len(cells(raw)) == 2 and raw.added == ()
    raw = read_text(tmp_path, "甲|乙|丙\n1|2|a|b|\n4|5|6||\n", delimiter="|", surplus_to_last=True)
    assert [c[2] for c in cells(raw)] == ["a｜b", "6"]


FOOTERS = [
    "合计,,9",
    "合 计,,",
    "合　计,,9",
    '"合  计","","9"',
    ",合计,",
    "本页合计,,",
    "小计:,,3",
    "总 计,3,",
    "共计3户,,",
    "累计,,",
    "备注：数据截至10月",
    "说明：略,,",
    "注：略",
    "注1,略,",
    "填表人：张三,,",
    "填报人：张三,审核人：李四,",
    "制表日期：2026-10-30",
    '"审核:李四",,',
    "（以下空白）,,",
    "——以下无正文——",
    "打印时间：2026-10-30 10:00:00,,",
    "第 1 页,共 3 页,",
    "联系电话：略,,",
    "单位（盖章）：某局",
    "数据来源：某局,,",
]


def strict(folder, text):
    columns = [column("a", "甲", required=True), column("b", "乙", required=True), column("c", "丙", required=True)]
    contract = make_contract(folder, columns, {"format": "delimited", "files": "f.csv"})
    (folder / "f.csv").write_text(text, "utf-8")
    return read(contract, folder)


@pytest.mark.parametrize("line", FOOTERS)
def test_totals_and_notes_are_no_rows(tmp_path, line):
    raw = strict(tmp_path, f"{HEADER}\n1,2,3\n{line}\n4,5,6\n")
    assert raw.frame["_line"].to_list() == [2, 4] and raw.scraps.is_empty()
    assert raw.structural.get("totals", 0) + raw.structural.get("notes", 0) == 1


@pytest.mark.parametrize(
    "line", ["合计镇,2,3", "注册公司,2,3", "备注,2,3", "说明书厂,2,3", "共计,2,3", "1,合计,3", "截至,2,3", "总计划,2,3"]
)
def test_a_row_that_fills_its_columns_is_a_row_whatever_it_begins_with(tmp_path, line):
    raw = strict(tmp_path, f"{HEADER}\n1,2,3\n{line}\n4,5,6\n")
    assert raw.frame["_line"].to_list() == [2, 3, 4]
