"""The whole line on one small district: input is accounted for, what is published is right and repeatable."""

import json
import random
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import duckdb
import jsonschema
import polars as pl
import pytest
import yaml

from pipelines.feeds.contracts import load_contracts
from pipelines.identifiers import Key, pseudonyms
from pipelines.releases.audit import differences
from pipelines.releases.verify import verify
from pipelines.settings import Settings
from pipelines.tags.catalogue import load_catalogue
from pipelines.tags.sqltext import tag_query
from tests.end_to_end.support import hashes, xfy

KEYS = ["feed", "business_on", "delivery", "file", "line"]


@pytest.fixture(scope="module")
def published(district: Path) -> Path:
    return (district / "releases" / "current").resolve()


def test_every_delivery_reconciles(call: Callable) -> None:
    statuses = json.loads(call("feeds", "status", "--json").stdout)
    assert {s["feed"] for s in statuses} == set(load_contracts(Settings().contracts))
    for status in statuses:
        assert status["state"] == "accepted", status
        assert status["delivered"] == status["accepted"] + status["quarantined"] + status["duplicate"], status
        assert status["delivered"] > 0


def test_quarantine_is_exactly_what_was_planted(district: Path) -> None:
    truth = pl.read_parquet(district / "vault" / "truth" / "dirt.parquet").with_columns(
        pl.col("business_on").cast(pl.Utf8)
    )
    planted = {tuple(map(str, r)) for r in truth.filter(pl.col("expect") == "quarantine").select(KEYS).iter_rows()}
    found = set()
    for path in (district / "vault" / "quarantine").rglob("*.parquet"):
        feed, day, number = path.parts[-3], path.parts[-2], path.stem
        rows = pl.read_parquet(path)
        found |= {(feed, day, number, str(f), str(line)) for f, line in rows.select("file", "line").iter_rows()}
    assert planted - found == set(), "a planted error passed"
    assert found - planted == set(), "a clean row was held back"
    assert len(planted) > 20


def test_every_true_resident_is_there_once(district: Path, published: Path) -> None:
    """By number, in the right village. Only a death that no feed has reported yet may make one too many."""
    truth = pl.read_parquet(district / "vault" / "truth" / "persons.parquet")
    key = Key((district / "vault" / "key").read_bytes())
    truth = truth.with_columns(pseudonyms(key, "person", truth["told_by"]).alias("person_id"))
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.sql(
            "select person_id, village_code from subjects.person_village "
            "join subjects.person using (person_id) where role = 'res' and alive <> 'dead'"
        )
        residents = pl.DataFrame(found.fetchall(), schema=["person_id", "village_code"], orient="row")
    assert residents["person_id"].is_unique().all()
    expected = truth.filter(pl.col("is_resident")).select("person_id", village_code="res_village_code")
    assert expected.join(residents, on=["person_id", "village_code"], how="anti").height == 0
    doubles = pl.read_parquet(district / "vault" / "truth" / "identity.parquet").filter(kind="second_number")["new"]
    second = pl.DataFrame({"person_id": pseudonyms(key, "person", doubles.unique())})
    too_many = residents.join(expected, on="person_id", how="anti").join(second, on="person_id", how="anti")
    too_many = too_many.join(truth, on="person_id", how="left")
    assert set(too_many["alive"]) <= {False}
    assert too_many.height <= 5


def test_published_tags_equal_their_sql(settings: Settings, published: Path) -> None:
    catalogue = load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects")
    open_tags = [t for t in catalogue.tags.values() if t.sensitivity != "restricted"]
    assert len(open_tags) >= 80
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as connection:
        wrong = {
            t.code: n
            for t in open_tags
            if (n := differences(connection, tag_query(catalogue, t.code), t.subject, t.code))
        }
    assert wrong == {}


def test_an_analyst_may_ask_in_chinese(published: Path) -> None:
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as connection:
        alone, disabled = connection.execute(
            "select countif(独居老人 and not 持证残疾人), countif(独居老人) from tags.person_named"
        ).fetchall()[0]
        assert 0 < alone <= disabled
        undocumented = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where coalesce(comment, '') = ''"
        ).fetchall()
        assert undocumented == []


def test_no_identifier_leaves_its_place(district: Path, published: Path) -> None:
    """Numbers only in vault and landing; names, phones and addresses nowhere an analyst or a log reader looks."""
    truth = pl.read_parquet(district / "vault" / "truth" / "persons.parquet")
    numbers = set(truth["cert_no"].drop_nulls().to_list())
    names = set(truth["name"].drop_nulls().to_list())
    whole_names = re.compile("|".join(re.escape(n) for n in sorted(names) if len(n) >= 3))
    looked_at = 0
    for path in (p for p in district.rglob("*") if p.is_file()):
        relative = path.relative_to(district)
        if relative.parts[0] in {"vault", "landing"} or path.suffix in {".parquet", ".duckdb"}:
            continue
        looked_at += 1
        for text in texts_of(path):
            found = numbers & set(re.findall(r"\d{15,17}[0-9Xx]|\d{15}", text))
            assert not found, f"{relative} holds an identity number"
            if "products" not in relative.parts:
                named = whole_names.search(text)
                assert not named, f"{relative} holds a name"
    assert looked_at > 300
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as connection:
        columns = connection.execute(
            "select c.schema_name, c.table_name, c.column_name from duckdb_columns() as c "
            "join duckdb_tables() as t using (schema_name, table_name) where c.data_type = 'VARCHAR'"
        ).fetchall()
        for schema, table, column in columns:
            rows = connection.execute(f'select distinct "{column}" from {schema}."{table}"').fetchall()
            values = {v for (v,) in rows if v}
            assert not values & numbers, f"{schema}.{table}.{column} holds an identity number"
            assert not values & names, f"{schema}.{table}.{column} holds a name"


def texts_of(path: Path) -> Iterator[str]:
    """A file's text, whatever it is; of a workbook, that of its parts."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            yield from (book.read(name).decode("utf-8", "replace") for name in book.namelist())
    else:
        yield path.read_bytes().decode("utf-8", "replace")


def test_lake_and_run_database_hold_no_raw_number(district: Path) -> None:
    truth = pl.read_parquet(district / "vault" / "truth" / "persons.parquet")
    numbers = pl.Series(truth["cert_no"].drop_nulls())
    for path in (district / "lake").rglob("rows.parquet"):
        for column in pl.read_parquet(path).select(pl.col(pl.Utf8)).iter_columns():
            assert not column.is_in(numbers.implode()).any(), f"{path.parts[-4]} {column.name} holds an identity number"


def test_every_published_file_has_a_contract_that_is_true(published: Path) -> None:
    """Independent of the audit: the standard's own schema, and what DuckDB and Parquet readers see."""
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    promised = {}
    for path in published.rglob("contracts/**/*.yaml"):
        body = yaml.safe_load(path.read_text("utf-8"))
        jsonschema.Draft201909Validator(schema).validate(body)
        parquet = next(s["path"] for s in body["servers"] if s.get("format") == "parquet")
        promised[parquet] = [p["name"] for p in body["schema"][0]["properties"]]
    assert promised == {
        p.relative_to(published).as_posix(): pl.read_parquet_schema(p).names() for p in published.rglob("*.parquet")
    }
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    assert {f"parquet/{schema}/{name}/part-0.parquet" for schema, name in tables} <= set(promised)
    assert (published / "products" / "internal" / "feeds" / "index.html").exists()


def test_masks_show_two_characters(published: Path) -> None:
    with duckdb.connect(str(published / "warehouse.duckdb"), read_only=True) as connection:
        longest = connection.execute(
            "select max(length(replace(cert_masked, '*', ''))) from subjects.person where cert_masked is not null"
        ).fetchall()[0][0]
    assert longest == 2


def test_who_may_open_what(district: Path, published: Path) -> None:
    """Nothing a run writes is everybody's; what is published is its audience's, all else the owner's alone."""
    for path in (district / "vault", published / "restricted"):
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} is open to others"
    made_by_hand = {"data", "landing"}  # this test's own copies
    for path in district.rglob("*"):
        inside = path.relative_to(district).parts
        if path.is_symlink() or inside[0] in made_by_hand or inside in (("run.json",), ("run.log",)):
            continue
        mode = path.stat().st_mode & 0o777
        assert mode & 0o006 == 0, f"{path} is open to everybody ({mode:o})"
        # Products of the run are the release's own files under a second name, behind folders that are closed.
        if inside[0] != "releases" and path.stat().st_nlink == 1:
            assert mode & 0o077 == 0, f"{path} is open to others ({mode:o})"


def test_the_same_deliveries_again_give_the_same_content(district: Path) -> None:
    before = hashes(district)
    again = json.loads(xfy(district, "run", "--force", "--json").stdout)
    assert again["success"] and again["release"].endswith(".2")
    assert hashes(district) == before
    assert verify(district / "releases" / again["release"])[1] == []


def test_where_nothing_is_new_the_release_stands(district: Path) -> None:
    now = (district / "releases" / "current").readlink().name
    said = json.loads(xfy(district, "run", "--json").stdout)
    assert said["success"] and said["nothing_new"] and said["release"] == now
    assert (district / "releases" / "current").readlink().name == now


def test_order_of_arrival_and_a_repeated_delivery_change_nothing(
    deliveries: Path, district: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(deliveries / "vault", root / "vault")
    found = sorted(p for p in (deliveries / "landing").glob("*/*/*") if p.is_dir())
    random.Random(3).shuffle(found)
    for source in found:
        shutil.copytree(source, root / "landing" / source.relative_to(deliveries / "landing"))
    repeated = root / "landing" / "F08"
    day = sorted(repeated.iterdir())[0]
    shutil.copytree(day / "001", day / "002")
    xfy(root, "run", "--json")
    assert hashes(root) == hashes(district)
    statuses = json.loads(xfy(root, "feeds", "status", "--json").stdout)
    [twice] = [s for s in statuses if s["feed"] == "F08" and s["duplicate"] == s["delivered"]]
    assert twice["accepted"] == 0 and any("001" in r for r in twice["reasons"])
