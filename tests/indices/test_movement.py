"""Movement between two published dates: still where nothing came, told with its cause where something did."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.indices.command import app
from pipelines.indices.movement import movements
from pipelines.indices.problems import DataError
from tests.indices.conftest import spec

HEAD = "units: {level: village}\nexpect: {still: 1, at_one_end: 1/3}"
DECLARED = spec("code: a, parent: ROOT, direction: more", head=HEAD)


def _published(path: Path, day: date, scores: dict[str, float], feeds: dict[str, date | None]) -> Path:
    one = [("test", "1", "village", code, "ROOT", score, 1.0) for code, score in scores.items()]
    cell = [("test", "1", "village", code, "a", score) for code, score in scores.items()]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema indices; create schema subjects").fetchall()
        connection.execute("create table indices.index_edition as select ?::date as as_of", [day]).fetchall()
        for name, rows, columns in (
            ("indices.index_score", one, ["index", "edition", "level", "area_code", "part_code", "score", "rank"]),
            ("indices.index_cell", cell, ["index", "edition", "level", "area_code", "part_code", "score"]),
            ("subjects.feed_status", list(feeds.items()), ["feed", "business_on"]),
        ):
            connection.register("incoming", pl.DataFrame(rows, schema=columns, orient="row").to_arrow())
            connection.execute(f"create table {name} as select * from incoming").fetchall()
            connection.unregister("incoming")
    return path


@pytest.fixture
def dates(tmp_path):
    friday, saturday, sunday = date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1)
    return [
        _published(tmp_path / "a.duckdb", friday, {"v1": 50.0, "v2": 60.0}, {"F01": friday, "F02": None}),
        _published(tmp_path / "b.duckdb", saturday, {"v1": 50.4, "v2": 60.0}, {"F01": friday, "F02": None}),
        _published(tmp_path / "c.duckdb", sunday, {"v1": 55.4, "v2": 60.0}, {"F01": sunday, "F02": None}),
    ]


def test_still_days_are_held_to_the_promise_and_others_only_told(dates):
    found = movements(DECLARED, dates)
    assert found.select("news", "units", "moved", "above_3", "is_kept").rows() == [
        (0, 2, 1, 0, True),
        (1, 2, 1, 1, None),
    ]
    assert found["greatest"].to_list() == [0.4, 5.0] and found["area"].to_list() == ["v1", "v1"]
    assert found["moved_by"].to_list() == ["a", "a"]


def test_a_score_that_moves_without_news_breaks_the_promise(dates, tmp_path):
    moved = _published(tmp_path / "d.duckdb", date(2026, 10, 31), {"v1": 51.5, "v2": 60.0}, {"F01": date(2026, 10, 30)})
    assert movements(DECLARED, [dates[0], moved])["is_kept"].to_list() == [False]
    path = tmp_path / "still.yml"
    path.write_text(
        f"index: test\nedition: '1'\n{HEAD}\nnodes:\n  - {{code: ROOT}}\n"
        "indicators:\n  - {code: a, parent: ROOT, direction: more}\n"
    )
    told = CliRunner().invoke(app, ["movement", str(path), "--history", str(dates[0]), "--history", str(moved)])
    assert told.exit_code == 1 and "moved by 1.50 points where at most 1 a day are promised" in told.output.replace(
        "\n", " "
    )
    kept = CliRunner().invoke(app, ["movement", str(path), "--history", str(dates[0]), "--history", str(dates[1])])
    assert kept.exit_code == 0
    machine = CliRunner().invoke(
        app, ["movement", str(path), "--history", str(dates[0]), "--history", str(dates[2]), "--json"]
    )
    assert '"from":"2026-10-30"' in machine.output.replace(": ", ":") and machine.exit_code == 0


def test_one_date_is_refused(dates):
    with pytest.raises(DataError, match="needs two dates"):
        movements(DECLARED, dates[:1])
