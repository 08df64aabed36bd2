"""The schema `identity` of a run's database, the macro that resolves people, and people's decisions as files."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import DecisionProblem
from pipelines.subjects import tables
from pipelines.subjects.decisions import Merge, Split, read_person_decisions
from tests.subjects.conftest import AS_OF, Warehouse
from tests.subjects.linking import FIRST, Lake, crowd, number, resident

BORN = date(1953, 7, 14)
ONE, TWO = "a" * 20, "b" * 20
NUMBER = "319901195307140012"


def test_a_date_fills_the_schema(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    lake = Lake(tmp_path, contracts)
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), *crowd()])
    row = {"name": "沈阿珍", "person_candidates": [number("a")], "person_stated_birth_on": BORN, "_line": 7}
    lake.deliver("F13", FIRST, [row])
    with duckdb.connect() as connection:
        counts = tables.register(connection, lake.replay(FIRST))
        assert counts["known"] == 41
        assert counts["redirect"] == counts["mention"] == counts["mention_row"] == 1
        found = connection.sql("select feed, slot, _delivery, _line, person_id, method from identity.mention_row")
        assert found.fetchall() == [("F13", "person", "001", 7, number("a"), "repaired")]
        told = connection.sql("select event, count(*) from identity.history group by all order by all").fetchall()
        assert told == [("created", 41), ("repaired", 1)]


def test_without_a_date_the_schema_is_empty() -> None:
    with duckdb.connect() as connection:
        assert set(tables.register(connection, None).values()) == {0}


def test_rows_are_resolved(empty_warehouse: Warehouse) -> None:
    rows = [{"person_id": "old", "pension_kind": "城保"}, {"pension_kind": "居保"}, {"person_id": "shared"}]
    empty_warehouse.fill({"F11": [*rows, {"person_id": "plain"}, {}]})
    with empty_warehouse.open() as connection:
        connection.execute("insert into identity.redirect values ('old', 'kept')")
        mine = f"'F11', 'person', date '{AS_OF}', '001', 'f'"
        connection.execute(f"insert into identity.mention_row values ({mine}, 2, 'found', 'linked', 0.97, 'certain')")
        connection.execute(f"insert into identity.mention_row values ({mine}, 3, 'alone', 'none', null, 'provisional')")
    empty_warehouse.build("stg_f11", "insurance")
    found = empty_warehouse.rows("select person_id from subjects.insurance order by 1")
    assert found == [("alone",), ("found",), ("kept",), ("plain",)]


def decisions(tmp_path: Path, text: str) -> list[Merge | Split]:
    folder = tmp_path / "decisions"
    folder.mkdir()
    (folder / "people.yml").write_text(text, encoding="utf-8")
    return read_person_decisions(tmp_path)


def test_decisions_are_read_in_order_of_date(tmp_path: Path) -> None:
    told = decisions(
        tmp_path,
        f"- {{decision: split, person: {ONE}, keys: [{TWO}], name: 张三, reason: 双胞胎姐妹, decided_on: 2026-11-03}}\n"
        f"- {{decision: merge, persons: [{ONE}, {TWO}], name: 张三, reason: 电话核实, decided_on: 2026-11-02}}\n"
        "- {decision: accept, feed: F13}\n",
    )
    assert [d.decision for d in told] == ["merge", "split"]


@pytest.mark.parametrize(
    "wrong",
    [
        f"- {{decision: merge, persons: [{ONE}], name: 张三, reason: 电话核实, decided_on: 2026-11-02}}",
        f"- {{decision: merge, persons: [{ONE}, {NUMBER}], name: 张三, reason: 电话核实, decided_on: 2026-11-02}}",
        f"- {{decision: merge, persons: [{ONE}, {TWO}], name: 张三, decided_on: 2026-11-02}}",
        f"- {{decision: split, person: {ONE}, keys: [], name: 张三, reason: 电话核实, decided_on: 2026-11-02}}",
        "- {decision: merge",
    ],
)
def test_a_wrong_decision_is_refused_with_its_file(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(DecisionProblem, match=r"people\.yml") as raised:
        decisions(tmp_path, wrong)
    assert NUMBER not in str(raised.value)
