"""The registered columns of subjects, as showing one needs them: classes, labels, keys and links.

Read from the properties files of the subject models, which the rooms above read for their own ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.declared import read_yaml


@dataclass(frozen=True)
class ShownColumn:
    """A registered column. One that is not registered counts as sensitive and as naming somebody."""

    name: str
    label: str
    sensitivity: str = "sensitive"
    direct: bool = True
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownTable:
    """A subject model: whose key it has, and by which columns it points to other subjects."""

    name: str
    label: str
    subject: str
    key: str
    sensitivity: str
    points_to: dict[str, str] = field(default_factory=dict)
    columns: dict[str, ShownColumn] = field(default_factory=dict)


def untold_feeds(dbt_project: Path) -> frozenset[str]:
    """Feeds of which nobody is told that they name somebody."""
    content = read_yaml(dbt_project / "dbt_project.yml")
    return frozenset(content["vars"]["untold_feeds"])


def registered(folder: Path) -> dict[str, ShownTable]:
    """Tables by name, from every properties file of the folder."""
    return {table.name: table for path in sorted(folder.glob("*.yml")) for table in _tables(path)}


def _tables(path: Path) -> Iterator[ShownTable]:
    content = read_yaml(path) or {}
    for model in content.get("models", []):
        meta = _meta(model)
        yield ShownTable(
            name=model["name"],
            label=meta.get("label", model["name"]),
            subject=meta.get("subject", ""),
            key=meta.get("key", ""),
            sensitivity=meta.get("class", "public"),
            points_to={**meta.get("details", {}), **meta.get("links", {})},
            columns={c["name"]: _column(c, _meta(c)) for c in model.get("columns", [])},
        )


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = (node.get("config") or {}).get("meta") or {}
    return meta


def _column(column: dict[str, Any], meta: dict[str, Any]) -> ShownColumn:
    return ShownColumn(
        name=column["name"],
        label=meta.get("label", column["name"]),
        sensitivity=meta.get("class", "sensitive"),
        direct=bool(meta.get("direct", False)),
        feeds=tuple(meta.get("feeds", ())),
    )
