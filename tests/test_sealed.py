"""A sealed connection reaches its own database and the folders it was given, whatever the query says."""

from pathlib import Path

import duckdb
import pytest

from pipelines.run import connect
from pipelines.settings import Settings
from pipelines.sql import sealed


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path)
    for folder in (settings.vault, settings.lake, settings.warehouse):
        folder.mkdir()
    (settings.vault / "key").write_text("secret")
    (settings.lake / "a.csv").write_text("a\n1\n")
    return settings


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_text('{vault}/key')",
        "copy (select 1) to '{vault}/out.csv'",
        "copy (select 1) to '{root}/out.csv'",
        "attach '{vault}/x.duckdb'",
        "select * from glob('{vault}/*')",
        "select * from '{vault}/key.csv'",
        "export database '{vault}/e'",
        "install httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['{vault}']",
        "reset enable_external_access",
        "pragma temp_directory='{vault}'",
    ],
)
def test_a_run_reaches_no_key_and_takes_no_seal_off(house: Settings, query: str) -> None:
    with connect(house.warehouse / "run.duckdb", house) as connection:
        assert connection.sql(f"select * from '{house.lake}/a.csv'").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            connection.execute(query.format(vault=house.vault, root=house.root)).fetchall()
    assert sorted(p.name for p in house.vault.iterdir()) == ["key"] and not (house.root / "out.csv").exists()


def test_without_folders_only_the_database_is_there(house: Settings) -> None:
    with duckdb.connect() as connection:
        sealed(connection).execute("create table t as select 1 as a")
        with pytest.raises(duckdb.Error):
            connection.execute(f"select * from '{house.lake}/a.csv'")
