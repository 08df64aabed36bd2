"""A change of method: the past under the new edition, the scores published before untouched, trends over both."""

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.indices.command import app
from pipelines.indices.editions import find_editions
from pipelines.indices.load import load_spec
from pipelines.indices.past import past, releases_of
from pipelines.indices.problems import DataError
from pipelines.indices.report.facts import read_facts
from pipelines.indices.warehouse import run, write
from tests.indices.conftest import SPECS
from tests.indices.test_report import _database

BEFORE, NOW = date(2025, 10, 31), date(2026, 10, 31)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """Two releases and a folder of specifications in which a second edition supersedes the first after the first."""
    root = tmp_path_factory.mktemp("house")
    for day in (BEFORE, NOW):
        (root / "releases" / f"{day}.1").mkdir(parents=True)
    _database(root / "releases" / f"{BEFORE}.1" / "warehouse.duckdb", BEFORE, share=0.5)
    specs = root / "specs"
    specs.mkdir()
    shutil.copy(SPECS / "happiness.yml", specs / "happiness.yml")
    old = (specs / "happiness.yml").read_text(encoding="utf-8")
    new = old.replace('edition: "2026.2"', 'edition: "2027.1"').replace('supersedes: "2026.1"', 'supersedes: "2026.2"')
    new = new.replace("goalposts: [20, 100]", "goalposts: [0, 100]", 1)
    (specs / "happiness-2027.yml").write_text(new, encoding="utf-8")
    overlap = old.replace('valid_from: "2020-01-01"', 'valid_from: "2020-01-01"\nvalid_to: "2026-12-31"')
    (specs / "happiness.yml").write_text(overlap, encoding="utf-8")
    current = root / "releases" / f"{NOW}.1" / "warehouse.duckdb"
    _database(current, NOW, share=0.6)
    with duckdb.connect(str(current)) as connection:
        connection.execute(
            "create or replace table indices.index_score as select * from indices.index_score where false"
        )
    found = run(current, specs, NOW)
    with duckdb.connect(str(current)) as connection:
        write(connection, found)
    (root / "releases" / "current").symlink_to(f"{NOW}.1")
    return root


def _published(database: Path) -> pl.DataFrame:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql("select * from indices.index_score where index = 'happiness' order by all").pl()


def test_both_editions_are_published_in_the_overlap(house):
    assert [e.spec.edition for e in find_editions(house / "specs", NOW)] == ["2027.1", "2026.2"]
    found = _published(house / "releases" / f"{NOW}.1" / "warehouse.duckdb")
    assert set(found["edition"]) == {"2026.2", "2027.1"}
    assert set(_published(house / "releases" / f"{BEFORE}.1" / "warehouse.duckdb")["edition"]) == {"2026.2"}


@pytest.mark.parametrize(("file", "edition"), [("happiness.yml", "2026.2"), ("happiness-2027.yml", "2027.1")])
def test_past_dates_scored_again_equal_those_published_under_the_same_edition(house, file, edition):
    databases = releases_of(house / "releases")
    assert [path.parent.name for path in databases] == [f"{BEFORE}.1", f"{NOW}.1"]
    untouched = [_published(path) for path in databases]
    again = past(load_spec(house / "specs" / file), databases).scores().rename({"node": "part_code"})
    assert set(again["period"]) == {BEFORE.isoformat(), NOW.isoformat()} and set(again["edition"]) == {edition}
    for path, day in zip(databases, (BEFORE, NOW), strict=True):
        own = _published(path).filter(pl.col("edition") == edition)
        if own.height == 0:
            continue
        both = own.join(
            again.filter(pl.col("period") == day.isoformat()), on=["level", "area_code", "part_code"], suffix="_again"
        )
        assert both.height == own.height
        assert (both["score"].fill_null(-1) - both["score_again"].fill_null(-1)).abs().max() < 1e-9
        assert both["rank"].to_list() == both["rank_again"].to_list()
    assert [frame.equals(_published(path)) for frame, path in zip(untouched, databases, strict=True)] == [True, True]


def test_the_new_method_differs_only_where_it_changed(house):
    databases = releases_of(house / "releases")
    old, new = (past(load_spec(house / "specs" / f"happiness{year}.yml"), databases) for year in ("", "-2027"))
    both = old.scores().join(new.scores(), on=["level", "area_code", "period", "node"], suffix="_new")
    moved = both.filter((pl.col("score") - pl.col("score_new")).abs() > 1e-9)
    assert set(moved["node"]) == {"HAPPY", "EDU"}


def test_the_report_draws_the_trend_of_its_own_edition(house):
    current = house / "releases" / f"{NOW}.1" / "warehouse.duckdb"
    earlier = [house / "releases" / f"{BEFORE}.1" / "warehouse.duckdb"]
    facts = read_facts(current, "happiness", earlier, house / "specs")
    assert facts.edition["edition"] == "2027.1"
    points = facts.areas["district"]["310118"].history["HAPPY"]
    assert [day for day, _ in points] == [BEFORE.isoformat(), NOW.isoformat()]
    expected = past(load_spec(house / "specs" / "happiness-2027.yml"), earlier).scores("district")
    assert points[0][1] == expected.filter(pl.col("node") == "HAPPY")["score"].item()
    # Without the specifications such a date has no point rather than one of another method.
    assert len(read_facts(current, "happiness", earlier).areas["district"]["310118"].history["HAPPY"]) == 1


def test_the_command_scores_past_dates(house, monkeypatch):
    monkeypatch.setenv("XFY_DATA", str(house))
    spec = str(house / "specs" / "happiness-2027.yml")
    found = CliRunner().invoke(app, ["series", spec, "--level", "district", "--json"])
    assert found.exit_code == 0, found.output
    rows = [row for row in json.loads(found.stdout) if row["node"] == "HAPPY"]
    assert [row["period"] for row in rows] == [BEFORE.isoformat(), NOW.isoformat()] and rows[1]["change"] > 0
    history = ["--history", str(house / "releases" / f"{NOW}.1" / "warehouse.duckdb")]
    found = CliRunner().invoke(app, ["series", spec, *history])
    assert found.exit_code == 1 and "more than one period" in found.stderr


def test_a_database_without_indices_is_refused(tmp_path):
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("create table t (x int)")
    with pytest.raises(DataError, match="holds no indices"):
        past(load_spec(SPECS / "happiness.yml"), [tmp_path / "other.duckdb"])
