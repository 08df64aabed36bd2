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
    with pytest.raises(DeliveryProblem):
        read_delivery(contract, folder)


def test_a_part_names_only_columns_that_are_read(tmp_path):
    parts = {**PARTS, "parts": [{"files": "a.csv", "format": "delimited", "columns": ["A", "Z"]}]}
    with pytest.raises(ValueError, match="Z"):
        make_contract(tmp_path, COLUMNS, parts)


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
