"""A run's database with hand-made rows in its lake, and dbt in this process to build the subjects over it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.lake import BUSINESS_ON, DELIVERY, sql_types
from pipelines.feeds.land import ROWS
from pipelines.feeds.staging import write
from pipelines.identifiers import Key
from pipelines.settings import REPOSITORY, Settings
from pipelines.subjects import tables
from pipelines.subjects.addresses.settle import settle
from pipelines.subjects.day import Day
from pipelines.subjects.survivorship import step as survivorship_step
from pipelines.subjects.survivorship import tables as survivorship_tables
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.rules import Rules
from tests.subjects.district import DISTRICT

AS_OF = date(2026, 10, 31)
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def contracts() -> dict[str, Contract]:
    return load_contracts(REPOSITORY / "data" / "contracts")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, contracts: dict[str, Contract]) -> Path:
    """A copy of the dbt project with staging models of the contracts as they are now."""
    copy = tmp_path_factory.mktemp("dbt") / "project"
    shutil.copytree(REPOSITORY / "dbt_project", copy, ignore=shutil.ignore_patterns("target", "logs"))
    write(contracts, copy)
    return copy


class Warehouse:
    """Builds subjects over hand-made lake rows; one database a test module."""

    def __init__(self, path: Path, project: Path, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch):
        self.path, self.project, self.contracts = path, project, contracts
        monkeypatch.setenv("XFY_WAREHOUSE", str(path))
        monkeypatch.setenv("XFY_TEMP", str(path.parent / "tmp"))

    def fill(self, rows: Rows, as_of: date = AS_OF, missing: tuple[str, ...] = ()) -> None:
        """Lays the rows into the lake. Columns left out are null; feeds in `missing` are not available."""
        with self.open() as connection:
            connection.execute("create schema if not exists lake; create schema if not exists run")
            connection.execute("create or replace table run.context (as_of date)")
            connection.execute("insert into run.context values (?)", [as_of])
            connection.execute(
                "create or replace table lake.feed_status "
                "(feed varchar, is_available boolean, is_stale boolean, business_on date, accepted_rows bigint)"
            )
            for feed, contract in self.contracts.items():
                columns = sql_types(contract)
                definition = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                connection.execute(f"create or replace table lake.{contract.code} ({definition})")
                mine = rows.get(feed, [])
                for line, row in enumerate(mine, 1):
                    full = {"_file": "f", "_line": line, "_business_on": as_of, "_delivery": "001"} | row
                    names = ", ".join(f'"{name}"' for name in full)
                    marks = ", ".join("?" for _ in full)
                    connection.execute(f"insert into lake.{contract.code} ({names}) values ({marks})", [*full.values()])
                connection.execute(
                    "insert into lake.feed_status values (?, ?, false, ?, ?)",
                    [feed, feed not in missing, as_of, len(mine)],
                )
            settings = Settings(data=self.path.parent)
            settle(connection, settings, self.contracts, Key(b"t" * 32))
            rules = load_rules(settings, self.contracts)
            folder = self._survive(connection, settings, rules, as_of)
            tables.register(connection, None)
            survivorship_tables.register(connection, rules, folder)

    def _survive(self, connection: duckdb.DuckDBPyConnection, settings: Settings, rules: Rules, as_of: date) -> Path:
        """One date of survivorship over the rows in the lake, without linkage: every number is a person."""
        in_use = {}
        for feed, contract in self.contracts.items():
            path = settings.lake / feed / as_of.isoformat() / "001" / ROWS
            path.parent.mkdir(parents=True, exist_ok=True)
            own = f"select * exclude ({BUSINESS_ON}, {DELIVERY}) from lake.{contract.code}"
            connection.execute(f"copy ({own}) to '{path}' (format parquet)")
            in_use[feed] = (path,)
        folder = settings.root / "identity"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        day = Day(as_of, None, in_use, {}, in_use, self.contracts, (), Key(b"t" * 32), settings)
        survivorship_step.survive(rules, None, day, folder)
        return folder

    def build(self, *select: str) -> bool:
        """Builds and tests models; tells whether everything passed."""
        return self._dbt("build", *select)

    def check(self, *select: str) -> bool:
        """Tests what is built; tells whether everything passed."""
        return self._dbt("test", *select)

    def _dbt(self, command: str, *select: str) -> bool:
        arguments = [command, "--select", *select, "--project-dir", str(self.project), "--profiles-dir"]
        arguments += [str(self.project), "--quiet", "--log-path", str(self.path.parent / "logs")]
        return bool(dbtRunner().invoke(arguments).success)

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The database; dbt holds it open between invocations in the same process."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()
        connection = duckdb.connect(str(self.path), config={"storage_compatibility_version": "v1.5.0"})
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows a query gives."""
        with self.open() as connection:
            return connection.execute(query).fetchall()

    def column(self, query: str) -> dict[Any, Any]:
        """A query of two columns as a dictionary."""
        return dict(self.rows(query))


@pytest.fixture
def empty_warehouse(tmp_path: Path, project: Path, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch):
    """A database of the test's own."""
    return Warehouse(tmp_path / "own.duckdb", project, contracts, monkeypatch)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, project: Path, contracts: dict[str, Contract]) -> Warehouse:
    """The hand-made district with its subjects, built once; tests only read it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        warehouse = Warehouse(tmp_path_factory.mktemp("w") / "hand.duckdb", project, contracts, monkeypatch)
        warehouse.fill(DISTRICT)
        assert warehouse.build("path:models/feeds", "path:models/subjects")
    return warehouse
