"""Contracts of what is published: in the standard's shape, true of the files, silent about dates."""

import json
import shutil
from datetime import date
from importlib.resources import files
from pathlib import Path

import duckdb
import jsonschema
import pytest
import yaml

from pipelines.dbt import ensure_manifest
from pipelines.products.declarations import load
from pipelines.products.panel import load_panel
from pipelines.releases import contracts
from pipelines.releases.access import close, read_audiences
from pipelines.releases.audit import _contracts
from pipelines.releases.datasets import Dataset, Field, datasets
from pipelines.releases.layout import FileEntry, Manifest
from pipelines.releases.publication import Published
from pipelines.settings import Settings

SETTINGS = Settings()
LEDGER = load(SETTINGS.dbt_project).ledgers[0]
SCHEMA = jsonschema.Draft201909Validator(
    json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Published]]:
    """A staged release of one table, one ledger, one panel, restricted tags and a file nobody declared."""
    folder = tmp_path_factory.mktemp("staging")
    columns = {"person_id": "VARCHAR", "marital_code": "VARCHAR", "age": "INTEGER"}
    tables = [
        Published("subjects", "person", columns, "One row a person", {"marital_code": "婚姻状况代码 — Code"}),
        Published("tags", "person_tags", {"person_id": "VARCHAR", "T01010101": "BOOLEAN"}, "Tags"),
    ]
    with duckdb.connect() as connection:
        for table in tables:
            nulls = ", ".join(f"null::{kind} as {name}" for name, kind in table.columns.items())
            copy(connection, f"select {nulls}", folder / "parquet" / table.schema / table.name / "part-0.parquet")
        labels = ", ".join(f"'x' as \"{c.label}\"" for c in LEDGER.shown)
        ledger = f"select '310118001' as \"镇街代码\", {labels}"
        copy(connection, ledger, folder / "products" / "ledgers" / "parquet" / f"{LEDGER.code}.parquet", 0o700)
        copy(connection, "select 1::bigint as value", folder / "products" / "dashboards" / "guan.parquet")
        copy(connection, "select true as T01010101", folder / "restricted" / "person_tags.parquet", 0o700)
        copy(
            connection, "select 1.5::decimal(12, 2) as a, ['x'] as b", folder / "products" / "labels" / "sheet.parquet"
        )
        found = list(datasets(SETTINGS, connection, tables, folder, ensure_manifest(SETTINGS)))
    contracts.write(found, folder)
    return folder, tables


def copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    for folder in path.parents:
        if folder.name in ("ledgers", "restricted"):
            folder.chmod(mode)


def manifest(folder: Path) -> Manifest:
    entries = [
        FileEntry(path=p.relative_to(folder).as_posix(), sha256="", bytes=0, rows=1)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    ]
    return Manifest(
        release="r", as_of=date(2026, 10, 31), code_version="", rules_version="", index_editions=[], duckdb_version="",
        feeds=[], files=entries, tables=[],
    )  # fmt: skip


def findings(folder: Path) -> list[str]:
    with duckdb.connect() as connection:
        return [f.problem for f in _contracts(connection, folder, manifest(folder))]


def test_every_file_has_a_contract_in_the_standard_s_shape_that_is_true(staged):
    folder, _ = staged
    found = contracts.read_all(folder)
    assert len(found) == 6
    for path, body in found.items():
        SCHEMA.validate(body)
        custom = {p["property"]: p["value"] for p in body["customProperties"]}
        assert custom["legalBasis"] and custom["audience"] and custom["classification"], path
        assert body["description"]["purpose"] and body["team"]["name"] and body["slaProperties"], path
    assert findings(folder) == []


def test_words_come_from_where_they_are_declared(staged):
    found = contracts.read_all(staged[0])
    person = {p["name"]: p for p in found["contracts/subjects/person.yaml"]["schema"][0]["properties"]}
    assert person["person_id"]["primaryKey"] and not person["age"].get("primaryKey")
    assert person["marital_code"]["businessName"] == "婚姻状况代码"
    assert person["marital_code"]["classification"] == "sensitive"
    tag = found["contracts/tags/person_tags.yaml"]["schema"][0]["properties"][1]
    assert tag["businessName"] != "T01010101" and tag["description"]
    ledger = found[f"products/ledgers/contracts/{LEDGER.code}.yaml"]
    assert ledger["description"]["purpose"] == LEDGER.purpose and ledger["team"]["name"] == LEDGER.owner
    assert [s["format"] for s in ledger["servers"]] == ["parquet"]
    workbooks = next(p["value"] for p in ledger["customProperties"] if p["property"] == "workbooks")
    assert workbooks == f"products/ledgers/*/*.xlsx, sheet {LEDGER.title}"
    restricted = found["restricted/contracts/person_tags.yaml"]
    assert {p["value"] for p in restricted["customProperties"] if p["property"] == "classification"} == {"restricted"}


def test_every_data_set_knows_the_feeds_it_comes_from(tmp_path):
    """So that a release can say where a stale feed is used."""
    columns = {"area_code": "VARCHAR"}
    tables = [
        Published("subjects", "person", {"marital_code": "VARCHAR"}, "", {}),
        Published("indices", "index_score", columns, "", {}),
        Published("products", "dashboard_guan", columns, "", {}),
        Published("tags", "person_tags", {"T01010101": "BOOLEAN"}, "", {}),
    ]
    with duckdb.connect() as connection:
        labels = ", ".join(f"'x' as \"{c.label}\"" for c in LEDGER.shown)
        copy(connection, f"select {labels}", tmp_path / f"products/ledgers/parquet/{LEDGER.code}.parquet")
        copy(connection, "select 1 as value", tmp_path / "products/dashboards/guan.parquet")
        found = {d.name: d for d in datasets(SETTINGS, connection, tables, tmp_path, ensure_manifest(SETTINGS))}
    panel = load_panel(SETTINGS.dbt_project, "guan")
    assert found["indices.index_score"].feeds > {"F19", "F34"}
    assert found["products.dashboard_guan"].feeds == {feed for item in panel.items for feed in item.feeds}
    assert found["products.dashboards.guan"].feeds == found["products.dashboard_guan"].feeds
    assert "B01" in found["subjects.person"].feeds and "F19" not in found["subjects.person"].feeds
    assert found["tags.person_tags"].feeds
    declared = load(SETTINGS.dbt_project)
    of_ledger = {feed for column in LEDGER.shown for feed in declared.feeds_of(column)}
    assert found[f"products.ledgers.parquet.{LEDGER.code}"].feeds == of_ledger >= {"B01"}


def test_a_contract_is_as_private_as_its_data(staged, tmp_path):
    folder = tmp_path / "2026-10-31.1"
    shutil.copytree(staged[0], folder)
    close(folder, read_audiences(SETTINGS.declarations / "access" / "audiences.yml"), lambda _: None)
    for path in (f"products/ledgers/contracts/{LEDGER.code}.yaml", "restricted/contracts/person_tags.yaml"):
        data = (folder / path).parent.parent
        assert (folder / path).parent.stat().st_mode == data.stat().st_mode
        assert (folder / path).stat().st_mode & 0o007 == 0
    assert (folder / "restricted/contracts/person_tags.yaml").stat().st_mode & 0o777 == 0o600


def test_a_contract_that_is_not_true_is_found(staged, tmp_path):
    folder, _ = staged
    path = folder / "contracts/subjects/person.yaml"
    sound = path.read_text("utf-8")
    for spoilt, said in (
        (sound.replace("INTEGER", "BIGINT"), "promises other columns"),
        (sound.replace("name: age", "name: years"), "promises other columns"),
        (sound.replace("part-0.parquet", "part-1.parquet"), "has no contract"),
    ):
        assert spoilt != sound
        path.write_text(spoilt, "utf-8")
        assert any(said in problem for problem in findings(folder)), said
    path.write_text(sound, "utf-8")
    assert findings(folder) == []


def test_hostile_words_stay_words_and_dates_stay_out(tmp_path):
    hostile = "a: &b *c !!python/object:os.system {}\n- x"
    dataset = Dataset(
        name="subjects.x", contract="contracts/subjects/x.yaml", title=hostile, description=hostile, purpose=hostile,
        legal_basis=hostile, owner=hostile, audience=hostile, cadence=hostile, freshness_hours=60, sensitivity="public",
        fields=(Field(hostile, "VARCHAR[]", hostile, hostile), Field("b", "DECIMAL(38,9)"), Field("c", "BIGINT")),
        schema="subjects", parquet="x.parquet",
    )  # fmt: skip
    contracts.write([dataset], tmp_path)
    body = yaml.safe_load((tmp_path / dataset.contract).read_text("utf-8"))
    assert body == contracts.document(dataset) and body["name"] == hostile
    assert [p["logicalType"] for p in body["schema"][0]["properties"]] == ["array", "number", "integer"]
    SCHEMA.validate(body)
    with pytest.raises(ValueError, match="two data sets"):
        contracts.write([dataset], tmp_path)


@pytest.mark.parametrize("kind", ["UINTEGER", "HUGEINT", "UHUGEINT", "UUID", "STRUCT(a INTEGER)", "MAP(VARCHAR, DATE)",
    "BLOB", "INTERVAL", "TIME", "INTEGER[][]", "UBIGINT[]", "TIMESTAMP WITH TIME ZONE", "BOOLEAN[3]"])  # fmt: skip
def test_a_type_readers_do_not_know_is_not_published(kind):
    with pytest.raises(ValueError, match="subjects.x: column 'c' is .*, which readers do not know: cast it"):
        contracts.document(made_of(Field("c", kind)))


@pytest.mark.parametrize(
    "kind", ["VARCHAR", "VARCHAR[]", "DATE[]", "DECIMAL(20,9)", "DECIMAL(9,2)[]", "BIGINT", "TIMESTAMP"]
)
def test_a_type_is_read_back_as_it_was(kind):
    body = contracts.document(made_of(Field("c", kind)))
    SCHEMA.validate(body)
    assert contracts.columns(body) == {"c": kind}


def test_a_table_is_called_as_the_database_calls_it():
    """The standard's tool looks for `physicalName` in the server's schema: a prefix would be looked for in vain."""
    schema = contracts.document(made_of(Field("c", "DATE")))["schema"][0]
    assert schema["name"] == schema["physicalName"] == "x"


def made_of(*fields: Field) -> Dataset:
    return Dataset(
        name="subjects.x",
        contract="contracts/subjects/x.yaml",
        **dict.fromkeys(("title", "description", "purpose", "legal_basis", "owner", "audience", "cadence"), "x"),
        freshness_hours=60,
        sensitivity="public",
        fields=fields,
        schema="subjects",
        parquet="parquet/subjects/x/part-0.parquet",
    )
