"""Deliveries of several layouts, and the readings their columns ask for: numbers with units."""

import polars as pl
import pytest

from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.parse import read
from pipelines.feeds.readers import read as read_delivery
from pipelines.settings import Settings
from tests.feeds.making import column, make_contract

PARTS = {
    "format": "delimited",
    "files": "*",
    "parts": [
        {"files": "a.csv", "format": "delimited", "columns": ["A", "B"]},
        {"files": "c.txt", "format": "delimited", "delimiter": "|", "columns": ["A", "C"], "rename": {"AA": "A"}},
        {"files": "late.csv", "format": "delimited", "columns": ["C"], "optional": True},
    ],
}
COLUMNS = [column("a", "A"), column("b", "B"), column("c", "C")]


def test_parts_come_together_under_one_layout(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, PARTS)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.csv").write_text("A,B\n1,2\n")
    (folder / "c.txt").write_text("AA|C\n3|4\n5\n")
    raw = read_delivery(contract, folder)
    assert raw.frame.select("A", "B", "C", "_file", "_line").rows() == [
        ("1", "2", None, "a.csv", 2),
        ("3", None, "4", "c.txt", 2),
    ]
    assert raw.scraps.select("_file", "_line").rows() == [("c.txt", 3)]
    assert raw.delivered == 3


def test_a_part_that_must_come_is_missed(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, PARTS)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.csv").write_text("A,B\n1,2\n")
    with pytest.raises(DeliveryProblem) as caught:
        read_delivery(contract, folder)
    # The delivery's other file is not taken for this one under a wrong name; a stranger may be.
    assert caught.value.kind == "missing_file" and "c.txt" in caught.value.message.en
    (folder / "C.TXT").write_text("AA|C\n3|4\n")
    with pytest.raises(DeliveryProblem) as caught:
        read_delivery(contract, folder)
    assert (caught.value.kind, caught.value.file) == ("misnamed", "C.TXT")


def test_a_part_names_only_columns_that_are_read(tmp_path):
    parts = {**PARTS, "parts": [{"files": "a.csv", "format": "delimited", "columns": ["A", "Z"]}]}
    with pytest.raises(ValueError, match="Z"):
        make_contract(tmp_path, COLUMNS, parts)


LAYOUTS = {
    "format": "delimited",
    "files": "*",
    "parts": [
        {"files": "a.csv", "format": "delimited", "layout_of": "a"},
        {"files": "a.csv", "format": "delimited", "columns": ["A", "B"], "layout_of": "a"},
        {"files": "c.csv", "format": "delimited", "layout_of": "c"},
        {"files": "c.csv", "format": "delimited", "columns": ["A", "C"], "rename": {"12A": "A"}, "layout_of": "c"},
    ],
}


@pytest.mark.parametrize("shared", [set(), {"a.csv"}, {"a.csv", "c.csv"}])
def test_a_file_is_read_by_the_layout_whose_columns_it_bears(tmp_path, shared):
    contract = make_contract(tmp_path, COLUMNS, LAYOUTS)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.csv").write_text("C,B,A\n,2,1\n" if "a.csv" in shared else "A,B\n1,2\n")
    (folder / "c.csv").write_text("A,B,C\n3,,4\n" if "c.csv" in shared else "C,12A\n4,3\n")
    raw = read_delivery(contract, folder)
    rows = raw.frame.select(pl.col("A", "B", "C").replace("", None)).rows()
    assert rows == [("1", "2", None), ("3", None, "4")] and raw.added == ()


def test_under_one_header_a_row_of_the_other_kind_is_read_where_it_stands(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, LAYOUTS)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.csv").write_text("A,B,C\n1,2,\n3,,4\n")
    (folder / "c.csv").write_text("A,B,C\n5,,6\n")
    assert read_delivery(contract, folder).frame["C"].to_list() == ["", "4", "6"]


def test_a_file_that_bears_no_layout_is_told_what_the_usual_one_misses(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, LAYOUTS)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.csv").write_text("A,B\n1,2\n")
    (folder / "c.csv").write_text("AA,C\n3,4\n")
    with pytest.raises(DeliveryProblem) as caught:
        read_delivery(contract, folder)
    assert (caught.value.kind, caught.value.column, caught.value.file) == ("header_missing", "12A", "c.csv")


def test_what_else_is_wrong_with_a_file_is_not_taken_for_another_layout(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, LAYOUTS)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.csv").write_bytes("A,B\n张,2\n".encode("gb18030"))
    (folder / "c.csv").write_text("12A,C\n3,4\n")
    with pytest.raises(DeliveryProblem) as caught:
        read_delivery(contract, folder)
    assert caught.value.kind == "encoding"


def test_only_the_beginning_of_a_text_counts_where_the_contract_says_so(tmp_path):
    contract = make_contract(tmp_path, [column("a", "A", leading=4)], {**PARTS, "parts": []})
    value, _ = read(contract.columns[0], pl.Series(["XQ01-1", "XQ01-2", "XQ01", "XQ0"]), Settings().reference)
    assert value.to_list() == ["XQ01", "XQ01", "XQ01", "XQ0"]


def test_a_number_is_the_same_with_and_without_its_prefix(tmp_path):
    contract = make_contract(tmp_path, [column("a", "A", strip=["SH", "12345-"])], {**PARTS, "parts": []})
    value, _ = read(contract.columns[0], pl.Series(["SH77", "12345-77", "77", "7SH7"]), Settings().reference)
    assert value.to_list() == ["77", "77", "77", "7SH7"]


def test_units_become_one_unit(tmp_path):
    of = column("t", "A", "number", digits=9, decimals=3, factors={"kg": 0.001, "%": 0.01, "t": 1})
    contract = make_contract(tmp_path, [of], {**PARTS, "parts": []})
    value, broken = read(contract.columns[0], pl.Series(["350kg", "1.25t", "95%", "2", "xkg"]), Settings().reference)
    assert [None if v is None else str(v) for v in value] == ["0.350", "1.250", "0.950", "2.000", None]
    assert broken["invalid"].to_list() == [False] * 4 + [True]
