"""What rules may speak about: subjects, the links between them and the rows that belong to them.

Read from the dbt properties files of the subjects models, so that a column has one declaration. Sensitivity classes
are ordered here because both columns and tags bear them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.declared import read_yaml
from pipelines.tags.tree import Relation
from pipelines.tags.values import Type, from_duckdb

CLASSES = ("public", "internal", "sensitive", "restricted")
"""Sensitivity classes, least first."""


def rank(sensitivity: str) -> int:
    """Position of a class in the order; an unknown class counts as the highest."""
    return CLASSES.index(sensitivity) if sensitivity in CLASSES else len(CLASSES)


def highest(classes: Iterable[str]) -> str:
    """The highest of some classes, public if there are none."""
    return max(classes, key=rank, default="public")


@dataclass(frozen=True)
class ColumnInfo:
    """A column of the subjects schema. `type` is None where rules cannot compute with it."""

    name: str
    type: Type | None
    sensitivity: str
    direct: bool
    feeds: tuple[str, ...]
    label: str
    description: str


@dataclass(frozen=True)
class Table:
    """A subjects model: a subject with a key and links, rows that belong to subjects, or both."""

    name: str
    label: str
    columns: dict[str, ColumnInfo]
    subject: str = ""
    key: str = ""
    links: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    feeds: tuple[str, ...] = ()
    sensitivity: str = "public"


@dataclass(frozen=True)
class Registry:
    """All tables by name; subjects bear the name of their table."""

    tables: dict[str, Table]

    @property
    def subjects(self) -> dict[str, Table]:
        """The tables that are subjects."""
        return {t.subject: t for t in self.tables.values() if t.subject}

    def relations(self, subject: str) -> dict[str, Relation]:
        """The relations whose rows belong to a subject: declared details, and subjects that link to it."""
        found = {}
        for table in self.tables.values():
            key = table.details.get(subject) or table.links.get(subject)
            if key:
                feeds = table.feeds or table.columns[key].feeds
                found[table.name] = Relation(table.name, key, subject, feeds, bool(table.subject))
        return found

    def column(self, table: str, name: str) -> ColumnInfo:
        """A column's declaration; raises KeyError if there is none."""
        return self.tables[table].columns[name]


def id_column(subject: str) -> str:
    """The name a subject's id bears in everything tags publish."""
    return f"{subject}_id"


def load_registry(schema_dir: Path) -> Registry:
    """Reads every properties file of a folder of dbt models.

    Raises ValueError if a link or a detail names a column the model does not have, or a class is unknown.
    """
    tables = {}
    for path in sorted(schema_dir.glob("*.yml")):
        content = read_yaml(path)
        for model in (content or {}).get("models", []):
            table = _table(model, path.name)
            tables[table.name] = table
    return Registry(tables)


def _table(model: dict, file: str) -> Table:
    meta = (model.get("config") or {}).get("meta") or {}
    floor = meta.get("class", "public")
    columns = {c["name"]: _column(c, floor) for c in model.get("columns", [])}
    table = Table(
        name=model["name"],
        label=meta.get("label", model["name"]),
        columns=columns,
        subject=meta.get("subject", ""),
        key=meta.get("key", ""),
        links=meta.get("links", {}),
        details=meta.get("details", {}),
        feeds=tuple(meta.get("feeds", ())),
        sensitivity=floor,
    )
    keys = [*table.links.values(), *table.details.values(), *([table.key] if table.subject else [])]
    for key in keys:
        if key not in columns:
            raise ValueError(f"{file}: model {table.name} names '{key}' in its meta but has no such column")
    for column in columns.values():
        if column.sensitivity not in CLASSES:
            raise ValueError(f"{file}: {table.name}.{column.name} has the unknown class '{column.sensitivity}'")
    return table


def _column(column: dict, floor: str) -> ColumnInfo:
    meta = (column.get("config") or {}).get("meta") or {}
    return ColumnInfo(
        name=column["name"],
        type=from_duckdb(str(column.get("data_type", ""))),
        sensitivity=highest([meta.get("class", "restricted"), floor]),
        direct=bool(meta.get("direct", False)),
        feeds=tuple(meta.get("feeds", ())),
        label=meta.get("label", column["name"]),
        description=str(column.get("description", "")).strip(),
    )
