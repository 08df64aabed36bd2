"""The run's database to Polars, once: only the columns that rules read, in the types rules compute with.

Subjects are ordered by id, and every key that leads to a subject becomes that subject's position in this order, so
that what follows joins on small whole numbers instead of text. Decimals become whole numbers of their last digit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb
import polars as pl

from pipelines.sql import quoted
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.registry import Registry, Table
from pipelines.tags.tree import AnyOf, Column, CountCompare, CountOf, Extreme, TagRef, walk


class MissingTableError(RuntimeError):
    """The database lacks a table that rules read; the message names it."""


@dataclass
class Wanted:
    """What rules read: columns by table, and by table the keys that lead to a subject, with that subject."""

    columns: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, dict[str, str]] = field(default_factory=dict)


def position(key: str) -> str:
    """The exported column that holds the position of the subject a key leads to; null where it leads nowhere."""
    return f"{key}@"


def wanted(catalogue: Catalogue, codes: Iterable[str]) -> Wanted:
    """What the rules of some tags read. Every subject that is read or led to is there with its key."""
    found = Wanted()
    subjects = catalogue.registry.subjects
    for code in codes:
        own = subjects[catalogue.tags[code].subject]
        found.columns.setdefault(own.name, set())
        for node in walk(catalogue.trees[code]):
            if isinstance(node, Column):
                found.columns.setdefault(node.table, set()).add(node.name)
            if isinstance(node, Column | TagRef) and node.link:
                found.places.setdefault(own.name, {})[node.via] = node.link
            if isinstance(node, AnyOf | CountOf | CountCompare | Extreme):
                found.columns.setdefault(node.rows.table, set())
                found.places.setdefault(node.rows.table, {})[node.rows.key] = node.rows.subject
    for places in found.places.values():
        for subject in places.values():
            found.columns.setdefault(subjects[subject].name, set())
    for name, columns in found.columns.items():
        table = catalogue.registry.tables[name]
        if table.subject:
            columns.add(table.key)
    return found


def export(connection: duckdb.DuckDBPyConnection, registry: Registry, want: Wanted) -> dict[str, pl.DataFrame]:
    """Reads tables of the schema `subjects` into frames, by table.

    They pass through Arrow in memory, because writing and reading Parquet took longer than evaluating. Makes temporary
    tables in the connection and drops them. Raises MissingTableError if a table is not there.
    """
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'subjects'"
    ).fetchall()
    missing = sorted(set(want.columns) - {r[0] for r in rows})
    if missing:
        raise MissingTableError(f"rules read subjects.{missing[0]}, which this run's database does not have")
    targets = sorted({s for places in want.places.values() for s in places.values()})
    for subject in targets:
        connection.execute(_order(registry.subjects[subject]))
    frames = {}
    for name in sorted(want.columns):
        query = _query(registry, registry.tables[name], sorted(want.columns[name]), want.places.get(name, {}))
        frames[name] = connection.sql(query).pl()
    for subject in targets:
        connection.execute(f"drop table {_order_name(registry.subjects[subject])}")
    return frames


def unavailable_feeds(connection: duckdb.DuckDBPyConnection, feeds: Iterable[str]) -> frozenset[str]:
    """Those of some feeds that have no delivery in use; a feed the status does not name has none."""
    rows = connection.execute("select feed from subjects.feed_status where is_available").fetchall()
    return frozenset(feeds) - {r[0] for r in rows}


def _order_name(table: Table) -> str:
    return quoted(f"position of {table.name}")


def _order(table: Table) -> str:
    key = quoted(table.key)
    return (
        f"create or replace temp table {_order_name(table)} as "
        f"select {key} as key, row_number() over (order by {key}) - 1 as position from subjects.{quoted(table.name)}"
    )


def _query(registry: Registry, table: Table, columns: Iterable[str], places: dict[str, str]) -> str:
    select = [_canonical(table, c) for c in columns]
    joins = []
    for number, (key, subject) in enumerate(sorted(places.items())):
        select.append(f"p{number}.position as {quoted(position(key))}")
        joins.append(
            f"left join {_order_name(registry.subjects[subject])} p{number} on p{number}.key = t.{quoted(key)}"
        )
    order = f"order by t.{quoted(table.key)}" if table.subject else ""
    return f"select {', '.join(select)} from subjects.{quoted(table.name)} t {' '.join(joins)} {order}"


def _canonical(table: Table, name: str) -> str:
    kind = table.columns[name].type
    column = f"t.{quoted(name)}"
    if kind is not None and kind.kind == "decimal":
        return f"cast({column} * {10**kind.scale} as bigint) as {quoted(name)}"
    if kind is not None and kind.kind == "int":
        return f"cast({column} as bigint) as {quoted(name)}"
    return column
