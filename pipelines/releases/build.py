"""Builds a release in staging from a run's database and files. Checks nothing and publishes nothing."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipelines import keys
from pipelines.disk import sha256_of
from pipelines.releases import contracts, dictionary, files
from pipelines.releases.access import PASSAGE
from pipelines.releases.anchors import anchors
from pipelines.releases.content import content_hash
from pipelines.releases.datasets import datasets, datasets_of_views
from pipelines.releases.dictionary import code_tables
from pipelines.releases.layout import MANIFEST, STAGING_PREFIX, FileEntry, Manifest, StaleFeed, TableEntry, next_name
from pipelines.releases.publication import Published, published_tables, published_views
from pipelines.run import Run, connect
from pipelines.settings import REPOSITORY, Settings
from pipelines.sql import quoted, text_literal

WAREHOUSE = "warehouse.duckdb"
SOURCES = (
    "pipelines/**/*.py", "dbt_project/models/**/*", "dbt_project/macros/**/*", "dbt_project/seeds/**/*",
    "dbt_project/*.yml",
)  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """Which declarations and deliveries a release was made from."""

    rules_version: str
    index_editions: list[str]
    feeds: list[dict[str, Any]]
    stale: list[dict[str, Any]]
    made_of: str = ""


def stage(
    settings: Settings, run: Run, manifest: Path, provenance: Provenance, report: Callable[[str], None] | None = None
) -> Path:
    """Builds the whole release of a run in a staging folder and returns that folder.

    `manifest` is dbt's, which says what may be published. The run's database must be closed.
    """
    name = next_name(settings.releases, run.as_of)
    staging = settings.releases / f"{STAGING_PREFIX}{name}"
    settings.releases.mkdir(parents=True, exist_ok=True)
    settings.releases.chmod(PASSAGE)
    staging.mkdir(mode=0o700)
    say = report or (lambda _: None)
    with connect(staging / WAREHOUSE, settings) as connection:
        published, views, tables = _copy_tables(connection, run, manifest, staging, say)
        if run.products.exists():
            files.link_tree(run.products, staging / "products")
        if run.restricted.exists():
            files.link_tree(run.restricted, staging / "restricted")
            (staging / "restricted").chmod(0o700)
        say("contracts")
        found = list(datasets(settings, connection, published, staging, manifest))
        contracts.write(found, staging)
        say("dictionary")
        dictionary.write([*found, *datasets_of_views(settings, views, manifest)], code_tables(connection), staging)
    say("hashing files")
    Manifest(
        release=name,
        as_of=run.as_of,
        code_version=code_version(),
        rules_version=provenance.rules_version,
        index_editions=provenance.index_editions,
        duckdb_version=duckdb.__version__,
        feeds=provenance.feeds,
        stale=[
            StaleFeed(**entry, used_in=[d.name for d in found if entry["feed"] in d.feeds])
            for entry in provenance.stale
        ],
        files=[_entry(staging, path) for path in files.regular_files(staging)],
        tables=tables,
        made_of=provenance.made_of,
        keys=keys.ids(settings),
        anchors=anchors(settings, run.as_of),
    ).write(staging / MANIFEST)
    return staging


def code_version() -> str:
    """The package's version and a hash of everything that computes: Python, SQL, contracts' readers, macros."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(p for p in REPOSITORY.glob(pattern) if p.is_file()):
            digest.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version('xingfuyun')}+{digest.hexdigest()[:12]}"


def _copy_tables(
    connection: duckdb.DuckDBPyConnection, run: Run, manifest: Path, staging: Path, say: Callable[[str], None]
) -> tuple[list[Published], list[Published], list[TableEntry]]:
    connection.execute(f"attach {text_literal(run.database)} as run (read_only)")
    entries = []
    published = published_tables(connection, manifest, "run")
    for table in published:
        say(f"{table.schema}.{table.name}")
        entries.append(_copy_table(connection, table, staging))
    views = published_views(connection, manifest, "run")
    for view in views:
        connection.execute(view.sql)
        _comment(connection, "view", view)
    connection.execute("detach run")
    connection.execute("checkpoint")
    return published, views, entries


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, table: Published) -> None:
    if table.comment:
        connection.execute(f"comment on {kind} {table.qualified} is {text_literal(table.comment)}")
    for column, words in table.column_comments.items():
        if column in table.columns:
            connection.execute(f"comment on column {table.qualified}.{quoted(column)} is {text_literal(words)}")


def _copy_table(connection: duckdb.DuckDBPyConnection, table: Published, staging: Path) -> TableEntry:
    names = ", ".join(quoted(c) for c in table.columns)
    connection.execute(f"create schema if not exists {quoted(table.schema)}")
    connection.execute(f"create table {table.qualified} as select {names} from run.{table.qualified}")
    _comment(connection, "table", table)
    folder = staging / "parquet" / table.schema / table.name
    folder.mkdir(parents=True)
    connection.execute(
        f"copy {table.qualified} to {text_literal(folder / 'part-0.parquet')} (format parquet, compression zstd)"
    )
    rows, digest = content_hash(connection, table.qualified, table.columns)
    return TableEntry(schema_name=table.schema, name=table.name, rows=rows, content_hash=digest, columns=table.columns)


def _entry(staging: Path, path: Path) -> FileEntry:
    return FileEntry(
        path=path.relative_to(staging).as_posix(),
        sha256=sha256_of(path),
        bytes=path.stat().st_size,
        rows=pq.read_metadata(path).num_rows if path.suffix == ".parquet" else None,
    )


def discard(staging: Path) -> None:
    """Removes a staged release that did not pass its audit."""
    shutil.rmtree(staging)
