"""Which tables, columns and views of a run's database go into a release for analysts, and under which words.

The rule is one: nothing restricted, nothing that names a person or a place of living, nothing made for a narrower
audience. What is what is said by the declarations (dbt's `meta`), not here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """One table as analysts see it: its columns with types, and its words."""

    schema: str
    name: str
    columns: dict[str, str]
    comment: str = ""
    column_comments: dict[str, str] = field(default_factory=dict)

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
        if name.startswith(INTERMEDIATE) or name.startswith(RESTRICTED) or (node and not _for_analysts(node)):
            continue
        columns = columns_of(connection, schema, name, catalog)
        words = _column_comments(connection, schema, name, catalog)
        if node:
            columns = {c: t for c, t in columns.items() if not meta_of(node["columns"].get(c, {})).get("direct")}
            comment = comment or node["description"]
            words |= {c: _words(node["columns"][c]) for c in columns if c in node["columns"]}
        published.append(Published(schema, name, columns, " ".join(comment.split()), words))
    return published


def published_views(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[str]:
    """The statements that make the views of the published schemas again, in the order they were made."""
    rows = connection.execute(
        "select sql from duckdb_views() where database_name = ? and not internal and schema_name in (select unnest(?)) "
        "order by view_oid",
        [catalog, list(SCHEMAS)],
    ).fetchall()
    return [r[0] for r in rows]


def nodes_of(manifest: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """dbt's models by schema and name."""
    body = json.loads(manifest.read_text(encoding="utf-8"))
    return {(n["schema"], n["name"]): n for n in body["nodes"].values() if n["resource_type"] == "model"}


def meta_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """What a model or a column declares of itself, wherever dbt put it."""
    return {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}


def _for_analysts(node: dict[str, Any]) -> bool:
    meta = meta_of(node)
    return meta.get("class") != RESTRICTED and meta.get("audience", ANALYSTS) == ANALYSTS


def _words(column: dict[str, Any]) -> str:
    label, description = meta_of(column).get("label", ""), " ".join(column.get("description", "").split())
    return " — ".join(w for w in (label, description) if w)


def _column_comments(connection: duckdb.DuckDBPyConnection, schema: str, name: str, catalog: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "select column_name, comment from duckdb_columns() where database_name = ? and schema_name = ? "
            "and table_name = ? and comment is not null",
            [catalog, schema, name],
        ).fetchall()
    )
