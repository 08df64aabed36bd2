"""The evaluator's files: deterministic, ordered, restricted tags apart, and clear errors."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from worlds import AS_OF, SCHEMA, TAG_RULES, Population, words_by_column, words_of

from pipelines.tags.catalogue import load_catalogue
from pipelines.tags.evaluate import EvaluationError, evaluate, evaluate_with
from pipelines.tags.exports import MissingTableError

SIZES = {
    "person": 200, "household": 60, "dwelling": 60, "village": 5, "facility": 2, "relief": 80, "disability": 60,
    "disability_restricted": 40, "insurance": 50, "residence_reg": 150, "lease": 60, "person_village": 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(TAG_RULES, SCHEMA, AS_OF)


@pytest.fixture
def world(catalogue):
    return Population(3, SIZES, words_of(), hints=words_by_column(catalogue))


def database(world: Population) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    world.create(connection)
    return connection


def test_the_same_subjects_in_another_order_give_the_same_bytes(catalogue, world, tmp_path):
    first = evaluate_with(database(world), catalogue, AS_OF, tmp_path / "a")
    for rows in world.rows.values():
        world.random.shuffle(rows)
    second = evaluate_with(database(world), catalogue, AS_OF, tmp_path / "b")
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].read_bytes() == second[name].read_bytes(), name


def test_files_are_wide_ordered_and_restricted_tags_stand_apart(catalogue, world, tmp_path):
    files = evaluate_with(database(world), catalogue, AS_OF, tmp_path)
    assert set(files) == {"person", "household", "dwelling", "village", "restricted_person"}
    restricted = {c for c, t in catalogue.tags.items() if t.is_restricted}
    for name, path in files.items():
        frame = pl.read_parquet(path)
        subject = name.removeprefix("restricted_")
        assert frame.columns[0] == f"{subject}_id"
        assert frame.columns[1:] == sorted(frame.columns[1:])
        assert frame[f"{subject}_id"].is_sorted() and frame.height == SIZES[subject]
        assert set(frame.columns[1:]) & restricted == (restricted if name.startswith("restricted_") else set())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in files.values())


def test_numbers_are_decimals_of_the_declared_digits(catalogue, world, tmp_path):
    frame = pl.read_parquet(evaluate_with(database(world), catalogue, AS_OF, tmp_path)["village"])
    for code, tag in catalogue.tags.items():
        if tag.subject == "village" and tag.type.kind != "bool":
            assert frame.schema[code] == pl.Decimal(28, tag.type.scale)
    shares = [v for v in frame.select(pl.last()).to_series() if v is not None]
    assert all(isinstance(v, Decimal) for v in shares)


def test_a_file_on_disk_is_only_read(catalogue, world, tmp_path):
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as connection:
        world.create(connection)
    before = path.read_bytes()
    said: list[str] = []
    evaluate(catalogue, path, AS_OF, tmp_path / "out", said.append)
    assert path.read_bytes() == before
    assert any(line.startswith("person: ") for line in said)


def test_a_tag_is_computed_only_while_it_is_in_force(catalogue, world, tmp_path):
    code = next(c for c, t in catalogue.tags.items() if t.subject == "dwelling")
    ended = replace(catalogue.tags[code], state="retired", valid_to=date(2026, 10, 30))
    young = next(c for c, t in catalogue.tags.items() if t.subject == "village")
    begun = replace(catalogue.tags[young], valid_from=AS_OF)
    changed = replace(catalogue, tags=catalogue.tags | {code: ended, young: begun})
    files = evaluate_with(database(world), changed, AS_OF, tmp_path)
    assert code not in pl.read_parquet_schema(files["dwelling"])
    assert young in pl.read_parquet_schema(files["village"])
    earlier = evaluate_with(database(world), changed, date(2026, 10, 30), tmp_path)
    assert code in pl.read_parquet_schema(earlier["dwelling"])
    assert young not in pl.read_parquet_schema(earlier["village"])


@pytest.mark.parametrize(
    "spoil",
    [
        "insert into subjects.person select * from subjects.person limit 1",
        "update subjects.person set person_id = null where person_id = 'p0001'",
    ],
)
def test_subjects_without_an_id_of_their_own_are_refused(catalogue, world, tmp_path, spoil):
    connection = database(world)
    connection.execute(spoil)
    with pytest.raises(EvaluationError, match=r"subjects\.person: an id is missing or repeated"):
        evaluate_with(connection, catalogue, AS_OF, tmp_path)


def test_a_missing_table_is_named(catalogue, world, tmp_path):
    connection = database(world)
    connection.execute("drop table subjects.lease")
    with pytest.raises(MissingTableError, match=r"subjects\.lease"):
        evaluate_with(connection, catalogue, AS_OF, tmp_path)
