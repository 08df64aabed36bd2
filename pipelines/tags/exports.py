"""The run's database to Parquet, once: only the columns that rules read, in the types rules compute with.

Decimals become whole numbers of their last digit, text lists stay lists, subjects are ordered by id.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from pipelines.tags.catalogue import Catalogue
from pipelines.tags.registry import Registry, Table
from pipelines.tags.to_sql import quoted


class MissingTableError(RuntimeError):
    """The database lacks a table that rules read; the message names table and schema."""


def read_columns(catalogue: Catalogue, codes: Iterable[str]) -> dict[str, list[str]]:
    """The columns that some tags read, by table, keys of subjects included."""
    found: dict[str, set[str]] = {}
    for code in codes:
        subject = catalogue.registry.subjects[catalogue.tags[code].subject]
        found.setdefault(subject.name, set()).add(subject.key)
        for table, column in catalogue.inputs[code].columns:
            found.setdefault(table, set()).add(column)
    for name, columns in found.items():
        if catalogue.registry.tables[name].subject:
            columns.add(catalogue.registry.tables[name].key)
    return {name: sorted(columns) for name, columns in sorted(found.items())}


def export(
    connection: duckdb.DuckDBPyConnection, registry: Registry, columns: dict[str, list[str]], folder: Path
) -> dict[str, Path]:
    """Copies tables of the schema `subjects` to Parquet files of `folder`; returns the file of each table.

    Raises MissingTableError if a table is not there.
    """
    known = {
        row[0]
        for row in connection.execute(
            "select table_name from information_schema.tables where table_schema = 'subjects'"
        ).fetchall()
    }
    files = {}
    for name, wanted in columns.items():
        if name not in known:
            raise MissingTableError(f"rules read subjects.{name}, which this run's database does not have")
        table = registry.tables[name]
        files[name] = folder / f"{name}.parquet"
        order = f" order by {quoted(table.key)}" if table.subject else ""
        select = ", ".join(_canonical(table, c) for c in wanted)
        target = str(files[name]).replace("'", "''")
        connection.execute(
            f"copy (select {select} from subjects.{quoted(name)}{order}) to '{target}' "
            "(format parquet, compression lz4)"
        )
    return files


def unavailable_feeds(connection: duckdb.DuckDBPyConnection, feeds: Iterable[str]) -> frozenset[str]:
    """Those of some feeds that have no delivery in use; a feed the status does not name has none."""
    rows = connection.execute("select feed from subjects.feed_status where is_available").fetchall()
    return frozenset(feeds) - {r[0] for r in rows}


def _canonical(table: Table, name: str) -> str:
    kind = table.columns[name].type
    if kind is not None and kind.kind == "decimal":
        return f"cast({quoted(name)} * {10**kind.scale} as bigint) as {quoted(name)}"
    if kind is not None and kind.kind == "int":
        return f"cast({quoted(name)} as bigint) as {quoted(name)}"
    return quoted(name)
