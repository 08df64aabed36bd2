"""Which tables, columns and views of a run's database go into a release for analysts, and under which words.

The rule is one: nothing restricted, nothing that names a person or a place of living, nothing made for a narrower
audience. What is what is said by the declarations (dbt's `meta`), not here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.releases.content import columns_of

SCHEMAS = ("subjects", "tags", "indices", "products")
INTERMEDIATE = "int_"
RESTRICTED = "restricted"
ANALYSTS = "analyst"


@dataclass(frozen=True)
class Published:
    """One table or view as analysts see it: its columns with types, and its words."""

    schema: str
    name: str
    columns: dict[str, str]
    comment: str = ""
    column_comments: dict[str, str] = field(default_factory=dict)

    sql: str = ""
    """What makes it again, of a view."""

    @property
    def qualified(self) -> str:
        """`schema.name`; both come from declarations and are plain identifiers."""
        return f'"{self.schema}"."{self.name}"'


def published_tables(connection: duckdb.DuckDBPyConnection, manifest: Path, catalog: str) -> list[Published]:
    """The tables of an attached run database that go into a release, sorted by schema and name."""
    nodes = nodes_of(manifest)
    found = connection.execute(
        "select schema_name, table_name, coalesce(comment, '') from duckdb_tables() where database_name = ? "
        "and schema_name in (select unnest(?)) order by 1, 2",
        [catalog, list(SCHEMAS)],
    ).fetchall()
    published = []
    for schema, name, comment in found:
        node = nodes.get((schema, name))
        if not may_be_published(schema, name, node):
            continue
        published.append(_published(connection, schema, name, comment, catalog, node))
    return published


def published_views(connection: duckdb.DuckDBPyConnection, manifest: Path, catalog: str) -> list[Published]:
    """The views of the published schemas, in the order they were made."""
    nodes = nodes_of(manifest)
    rows = connection.execute(
        "select schema_name, view_name, coalesce(comment, ''), sql from duckdb_views() where database_name = ? "
        "and not internal and schema_name in (select unnest(?)) order by view_oid",
        [catalog, list(SCHEMAS)],
    ).fetchall()
    return [
        replace(_published(connection, schema, name, comment, catalog, nodes.get((schema, name))), sql=sql)
        for schema, name, comment, sql in rows
    ]


def _published(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    name: str,
    comment: str,
    catalog: str,
    node: dict[str, Any] | None,
) -> Published:
    """One table or view without the columns that name somebody, in the words of the database and of its declaration."""
    columns = columns_of(connection, schema, name, catalog)
    words = _column_comments(connection, schema, name, catalog)
    if node:
        columns = {c: t for c, t in columns.items() if not meta_of(node["columns"].get(c, {})).get("direct")}
        comment = comment or node["description"]
        declared = {c: _words(node["columns"][c], words.get(c, "")) for c in columns if c in node["columns"]}
        words |= {c: said for c, said in declared.items() if said}
    return Published(schema, name, columns, " ".join(comment.split()), words)


def nodes_of(manifest: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """dbt's models, and the tables that others make and dbt only describes, by schema and name."""
    body = json.loads(manifest.read_text(encoding="utf-8"))
    models = [n for n in body["nodes"].values() if n["resource_type"] == "model"]
    return {(n["schema"], n["name"]): n for n in [*body.get("sources", {}).values(), *models]}


def meta_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """What a model or a column declares of itself, wherever dbt put it."""
    return {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}


def may_be_published(schema: str, name: str, node: Mapping[str, Any] | None) -> bool:
    """Whether a table of that name, declared so, is for analysts; `node` is None where nothing is declared."""
    if schema not in SCHEMAS or name.startswith((INTERMEDIATE, RESTRICTED)):
        return False
    return node is None or _for_analysts(node)


def _for_analysts(node: Mapping[str, Any]) -> bool:
    meta = meta_of(node)
    return meta.get("class") != RESTRICTED and meta.get("audience", ANALYSTS) == ANALYSTS


def _words(column: dict[str, Any], comment: str) -> str:
    """Chinese name and description; what the database says of a column is its description where none is declared."""
    label, description = meta_of(column).get("label", ""), " ".join(column.get("description", "").split()) or comment
    return " — ".join(w for w in (label, description) if w)


def _column_comments(connection: duckdb.DuckDBPyConnection, schema: str, name: str, catalog: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "select column_name, comment from duckdb_columns() where database_name = ? and schema_name = ? "
            "and table_name = ? and comment is not null",
            [catalog, schema, name],
        ).fetchall()
    )
