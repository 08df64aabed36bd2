"""What "the same content" means: one hash a table, independent of row order and of the file that holds it."""

import hashlib

import duckdb

from pipelines.sql import quoted


def columns_of(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, catalog: str | None = None
) -> dict[str, str]:
    """Column names and DuckDB types of a table, in order."""
    rows = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where schema_name = ? and table_name = ? and database_name = coalesce(?, current_database()) "
        "order by column_index",
        [schema, table, catalog],
    ).fetchall()
    return dict(rows)


def content_hash(connection: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str]) -> tuple[int, str]:
    """Row count and content hash of a relation.

    The hash is over the row count, the columns' names and types, and the sum of DuckDB's 64-bit row hashes (stable for
    one version of DuckDB, which the manifest names). A double is rounded to nine places first, because `sum(double)`
    differs from run to run. Returns (rows, 32 hexadecimal digits).
    """
    parts = [_canonical(name, kind) for name, kind in columns.items()]
    row = connection.execute(
        f"select count(*), coalesce(sum(hash({', '.join(parts) or '0'})::hugeint), 0) from {relation}"
    ).fetchall()[0]
    shape = ";".join(f"{name} {kind}" for name, kind in columns.items())
    return int(row[0]), hashlib.sha256(f"{row[0]}|{row[1]}|{shape}".encode()).hexdigest()[:32]


def _canonical(name: str, kind: str) -> str:
    column = quoted(name)
    if kind in {"DOUBLE", "FLOAT"}:
        return f"round({column}, 9)::varchar"
    return column
