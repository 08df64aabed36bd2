"""The results of survivorship in a run's database: schema `identity`, views over the tables of one date.

`person` is today's row of everyone, `conflict` what feeds say otherwise, `person_version` every row as it was known
from one date to another, `period` every interval of a followed attribute. dbt reads these; nothing here is published.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from pipelines.sql import quoted, text_literal
from pipelines.subjects.survivorship import layers, periods, versions
from pipelines.subjects.survivorship.claims import PERSON
from pipelines.subjects.survivorship.merge import CONFLICT_SCHEMA, SOURCE
from pipelines.subjects.survivorship.people import KEY
from pipelines.subjects.survivorship.rules import Rules
from pipelines.subjects.survivorship.step import CONFLICTS, PEOPLE, PERIODS, VERSIONS, person_schema

SCHEMA = "identity"
# The attribute that names another person; it holds the key a row gave, which may have become part of somebody since.
_OTHER_PERSON = "spouse_key"
_SQL: dict[type[pl.DataType], str] = {
    pl.String: "VARCHAR", pl.Enum: "VARCHAR", pl.Date: "DATE", pl.Boolean: "BOOLEAN", pl.UInt8: "INTEGER",
}  # fmt: skip


def register(connection: duckdb.DuckDBPyConnection, rules: Rules, folder: Path | None) -> None:
    """Create the views over a date's folder; without one they are empty, so that every model can be built."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for name, query in queries(rules, folder).items():
        connection.execute(f"create or replace view {SCHEMA}.{name} as {query}")


def queries(rules: Rules, folder: Path | None) -> dict[str, str]:
    """Table of the schema → its query."""
    person = person_schema(rules)
    version = {name: person[name] for name in (PERSON, *rules.merged)}
    dates: dict[str, pl.DataType] = {versions.KNOWN_FROM: pl.Date(), versions.KNOWN_TO: pl.Date()}
    attributes = ", ".join(quoted(a) for a in rules.merged)
    told = {
        "person": _read(folder, PEOPLE, person),
        "conflict": _read(folder, CONFLICTS, CONFLICT_SCHEMA),
        "former": _read(folder, VERSIONS, version | dates),
        "past": _read(folder, PERIODS, periods.SCHEMA),
    }
    running = " union all ".join(
        f"select {PERSON}, {text_literal(a)}, {quoted(a)}::varchar, {quoted(a + SOURCE)}, {quoted(a + periods.FROM)}, "
        f"null::date, {quoted(a + periods.LEARNT)}, null::date from person where {quoted(a)} is not null"
        for a in rules.tracked
    )
    return {
        "person": _resolved(told["person"], folder),
        "conflict": told["conflict"],
        "person_version": (
            f"select {PERSON}, {attributes}, {versions.KNOWN_FROM}, {versions.KNOWN_TO} from ({told['former']}) "
            f"union all select {PERSON}, {attributes}, {versions.KNOWN_FROM}, null from ({told['person']})"
        ),
        "period": f"with person as ({told['person']}) {told['past']} union all {running}",
    }


def _resolved(person: str, folder: Path | None) -> str:
    if folder is None or not (folder / KEY).exists():
        return person
    return (
        f"select p.* replace (coalesce(k.{PERSON}, p.{_OTHER_PERSON}) as {_OTHER_PERSON}) from ({person}) p "
        f"left join (select person_key, {PERSON} from read_parquet({text_literal(folder / KEY)}) "
        f"where person_key <> {PERSON}) k on k.person_key = p.{_OTHER_PERSON}"
    )


def _read(folder: Path | None, name: str, schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> str:
    columns = {column: _SQL[kind.base_type()] for column, kind in schema.items()}
    if folder is None:
        typed = ", ".join(f"null::{kind} as {quoted(column)}" for column, kind in columns.items())
        return f"select {typed} where false"
    typed = ", ".join(f"{quoted(column)}::{kind} as {quoted(column)}" for column, kind in columns.items())
    return f"select {typed} from ({layers.query(folder, name)})"
