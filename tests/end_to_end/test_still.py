"""A day on which nothing was delivered: the scores of the simulated district stand still but for birthdays."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.dbt import ensure_compiled
from pipelines.identifiers.age import age_sql
from pipelines.indices.build import build
from pipelines.indices.load import load_spec
from pipelines.indices.warehouse import read_inputs
from pipelines.settings import Settings
from tests.end_to_end.support import AS_OF


@pytest.fixture(scope="module")
def models() -> list[tuple[str, str]]:
    """Names and SQL of the models behind the indicators, each after what it reads."""
    nodes = json.loads(ensure_compiled(Settings()).read_text())["nodes"]
    found = {key: node for key, node in nodes.items() if node["schema"] == "indices" and "compiled_code" in node}
    order: list[str] = []
    while len(order) < len(found):
        order += [
            k for k, n in found.items() if k not in order and set(n["depends_on"]["nodes"]) & set(found) <= set(order)
        ]
    return [(found[key]["name"], found[key]["compiled_code"].replace('"memory".', "")) for key in order]


def _on(database: Path, models: list[tuple[str, str]], ago: int) -> pl.DataFrame:
    """Scores of villages with the run's date put off by some days, nobody having delivered in between."""
    spec = load_spec(Settings().tag_rules / "indices" / "happiness.yml")
    day = f"date '{AS_OF + timedelta(days=ago)}'"
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"update run.context set as_of = {day}").fetchall()
        connection.execute(f"update subjects.person set age = {age_sql('birth_on', day)}").fetchall()
        for name, sql in models:
            connection.execute(f"create or replace table indices.still_{name} as {_renamed(sql, models)}").fetchall()
        connection.execute("create or replace table indices.indicator_value as from indices.still_indicator_value")
        result = build(spec, *read_inputs(connection, spec))
    return result.scores("village").filter(pl.col("node") == "HAPPY", pl.col("score").is_not_null())


def _renamed(sql: str, models: list[tuple[str, str]]) -> str:
    for name, _ in models:
        sql = sql.replace(f'"indices"."{name}"', f'"indices"."still_{name}"')
    return sql


def test_a_day_without_news_moves_no_village_by_more_than_promised(district: Path, models, tmp_path: Path) -> None:
    run = max((district / "warehouse").glob("*.duckdb"), key=lambda path: path.stat().st_mtime)
    database = tmp_path / "still.duckdb"
    shutil.copy(run, database)
    promised = load_spec(Settings().tag_rules / "indices" / "happiness.yml").expect.still
    today = _on(database, models, 0)
    for ago in (1, 3):
        later = today.join(_on(database, models, ago), on="area_code", suffix="_later")
        assert later.height == today.height > 300
        moved = (later["score_later"] - later["score"]).abs()
        assert moved.max() <= promised * ago, later[moved.arg_max()]
