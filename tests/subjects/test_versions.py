"""Any past date, both ways: the views of a run's database, the macros over them, and the query the docs give."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import jinja2
import pytest

from pipelines.feeds.contracts import Contract
from pipelines.settings import REPOSITORY, Settings
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.tables import register
from tests.subjects.dates import Dates

EAST, WEST, SOUTH = "310118001001", "310118102201", "310118103201"
FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 9)


def lives(village: str, verified: date, name: str = "甲") -> dict:
    return {"person_id": "one", "name": name, "res_village_code": village, "verified_on": verified, "alive": "alive"}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, contracts: Mapping[str, Contract]) -> duckdb.DuckDBPyConnection:
    """Lived in the east; the second delivery says west since the third; the third that it was the south all along."""
    rules = load_rules(Settings(), contracts).only(["B01", "F01"])
    root: Path = tmp_path_factory.mktemp("past")
    dates = Dates(root, contracts, rules)
    dates.deliver(
        {
            (FIRST, "B01", "001"): [lives(EAST, date(2026, 2, 1))],
            (SECOND, "B01", "001"): [lives(WEST, date(2026, 3, 3))],
            (THIRD, "B01", "001"): [lives(SOUTH, date(2026, 3, 7), "乙")],
        }
    )
    dates.run(root / "identity")
    connection = duckdb.connect()
    register(connection, rules, dates.folders[THIRD])
    connection.execute("create schema subjects")
    connection.execute("create table subjects.person as select person_id, res_village_code from identity.person")
    connection.execute("create table subjects.person_source as from identity.person")
    connection.execute(
        "create table subjects.person_period as from identity.period "
        "where valid_to_on is not null or known_to_on is not null"
    )
    return connection


def macro(name: str, *arguments: str) -> str:
    text = (REPOSITORY / "dbt_project" / "macros" / "as_known.sql").read_text("utf-8")
    environment = jinja2.Environment()
    environment.globals["source"] = lambda schema, table: f"{schema}.{table}"
    return str(getattr(environment.from_string(text).module, name)(*arguments))


def documented(true_on: date, known_on: date) -> str:
    page = (REPOSITORY / "docs" / "subjects.md").read_text("utf-8")
    query = re.search(r"```sql\n(select person_id, value.*?)```", page, re.DOTALL)
    assert query
    return query[1].replace("2026-07-01", str(true_on)).replace("2026-09-01", str(known_on))


@pytest.mark.parametrize(
    ("true_on", "known_on", "village"),
    [
        (date(2026, 1, 31), THIRD, None),
        (date(2026, 2, 1), FIRST, EAST),
        (date(2026, 2, 1), date(2026, 2, 28), None),
        (date(2026, 3, 4), FIRST, EAST),
        (date(2026, 3, 4), date(2026, 3, 4), EAST),
        (date(2026, 3, 4), SECOND, WEST),
        (date(2026, 3, 2), THIRD, EAST),
        (date(2026, 3, 6), SECOND, WEST),
        (date(2026, 3, 6), THIRD, WEST),
        (date(2026, 3, 7), SECOND, WEST),
        (date(2026, 3, 7), THIRD, SOUTH),
        (date(2030, 1, 1), THIRD, SOUTH),
    ],
)
def test_where_somebody_lived_on_one_date_as_known_on_another(
    past: duckdb.DuckDBPyConnection, true_on: date, known_on: date, village: str | None
) -> None:
    expected = [("one", village)] if village else []
    assert past.execute(documented(true_on, known_on)).fetchall() == expected
    told = macro("person_as_known", f"date '{true_on}'", f"date '{known_on}'")
    query = f"select person_id, value from {told} where attribute = 'res_village_code'"
    assert past.execute(query).fetchall() == expected


def test_whole_rows_as_they_were_known(past: duckdb.DuckDBPyConnection) -> None:
    names = {}
    for known_on in (date(2026, 2, 28), FIRST, SECOND, date(2026, 3, 8), THIRD):
        told = macro("people_as_known", f"date '{known_on}'")
        names[known_on] = past.execute(f"select name, res_village_code from {told}").fetchall()
    assert list(names.values()) == [[], [("甲", EAST)], [("甲", WEST)], [("甲", WEST)], [("乙", SOUTH)]]


def test_without_a_folder_the_views_are_there_and_empty(contracts: Mapping[str, Contract]) -> None:
    with duckdb.connect() as connection:
        register(connection, load_rules(Settings(), contracts), None)
        for table in ("person", "conflict", "person_version", "period"):
            assert connection.execute(f"select count(*) from identity.{table}").fetchall() == [(0,)]
