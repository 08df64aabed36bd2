"""Contracts of published data sets, in the Open Data Contract Standard (v3), as those of the feeds are.

Belongs here: the shape of a contract, writing and reading it. Not here: which data sets there are and their words
(`datasets`). A contract is a function of declarations and of the columns; it names no date and no release.
"""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from pipelines.releases.datasets import FOLDER, Dataset, Field

API_VERSION = "v3.1.0"
DATABASE = "warehouse.duckdb"
_LOGICAL = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "DOUBLE": "number",
    "FLOAT": "number",
    "DECIMAL": "number",
    "TINYINT": "integer",
    "SMALLINT": "integer",
    "INTEGER": "integer",
    "BIGINT": "integer",
}
"""DuckDB's types that the standard's own tool reads back. Others (unsigned, nested) are cast before publication."""

_LIST = "LIST"


def write(found: Iterable[Dataset], staging: Path) -> list[Path]:
    """Writes the contract of each data set below a staged release; who may read it is said by `access`."""
    written = []
    for dataset in found:
        path = staging / dataset.contract
        if path.exists():
            raise ValueError(f"two data sets would have the contract {dataset.contract}")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.dump(document(dataset), Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=120)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def document(dataset: Dataset) -> dict[str, Any]:
    """The contract as the standard shapes it."""
    levels: list[dict[str, Any]] = [
        {
            "property": "freshness",
            "value": dataset.freshness_hours,
            "unit": "hour",
            "description": "a release is never older than this when every feed comes as it should",
        },
        {"property": "frequency", "value": 1, "unit": "day", "driver": "operational"},
    ]
    if dataset.cadence:
        levels[1]["description"] = dataset.cadence
    custom = {
        "legalBasis": dataset.legal_basis,
        "classification": dataset.sensitivity,
        "audience": dataset.audience,
    }
    if dataset.workbooks:
        # Not a server: a sheet is for people, and nothing a tool could test by columns.
        custom["workbooks"] = f"{dataset.workbooks}, sheet {dataset.title}"
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": dataset.name,
        "name": dataset.title,
        "version": version("xingfuyun"),
        "status": "active",
        "description": {"purpose": dataset.purpose, "usage": dataset.audience},
        "team": {"name": dataset.owner},
        "servers": list(_servers(dataset)),
        "slaProperties": levels,
        "customProperties": [{"property": name, "value": value} for name, value in custom.items()],
        "schema": [
            {
                "name": dataset.name.rpartition(".")[2],
                "physicalName": dataset.name.rpartition(".")[2],
                "physicalType": "table" if dataset.schema else "file",
                "logicalType": "object",
                **({"description": dataset.description} if dataset.description else {}),
                "properties": list(_properties(dataset)),
            }
        ],
    }


def _servers(dataset: Dataset) -> Iterator[dict[str, str]]:
    """Where the data set stands, by paths below the release."""
    if dataset.schema:
        yield {"server": "warehouse", "type": "duckdb", "database": DATABASE, "schema": dataset.schema}
    if dataset.parquet:
        yield {"server": "parquet", "type": "local", "path": dataset.parquet, "format": "parquet"}


def _properties(dataset: Dataset) -> Iterator[dict[str, Any]]:
    position = 0
    for field in dataset.fields:
        position += field.is_key
        key = {"required": True, "primaryKey": True, "primaryKeyPosition": position} if field.is_key else {}
        yield _property(field, dataset.name) | key


def _property(field: Field, dataset: str) -> dict[str, Any]:
    item = field.kind.removesuffix("[]")
    logical = logical_type(item)
    if logical is None:
        raise ValueError(f"{dataset}: column '{field.name}' is {field.kind}, which readers do not know: cast it")
    is_list = item != field.kind
    body: dict[str, Any] = {
        "name": field.name,
        "businessName": field.label or field.name,
        "logicalType": "array" if is_list else logical,
        "physicalType": _LIST if is_list else field.kind,
        "classification": field.sensitivity,
    }
    if is_list:
        body["items"] = {"logicalType": logical, "physicalType": item}
    if field.description:
        body["description"] = field.description
    custom = {
        "feeds": list(field.feeds),
        "codeTable": field.code_table,
        "references": field.references,
        "standard": field.standard,
        "english": field.english if field.english != field.description else "",
    }
    if any(custom.values()):
        body["customProperties"] = [{"property": name, "value": value} for name, value in custom.items() if value]
    return body


def logical_type(kind: str) -> str | None:
    """The standard's word for a type of DuckDB that is no list; none where readers would not know it."""
    return _LOGICAL.get(kind.partition("(")[0])


def read_all(release: Path) -> dict[str, dict[str, Any]]:
    """Every contract of a release by its path."""
    return {
        path.relative_to(release).as_posix(): yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        for path in sorted(release.rglob(f"{FOLDER}/**/*.yaml"))
    }


def columns(contract: dict[str, Any]) -> dict[str, str]:
    """Column names and physical types a contract promises."""
    return {p["name"]: _physical(p) for p in contract["schema"][0]["properties"]}


def _physical(body: dict[str, Any]) -> str:
    """The type DuckDB says a column has."""
    return f"{body['items']['physicalType']}[]" if body["physicalType"] == _LIST else str(body["physicalType"])


def parquet_path(contract: dict[str, Any]) -> str:
    """The Parquet file a contract speaks of; empty where it names none."""
    return next((s["path"] for s in contract["servers"] if s.get("format") == "parquet"), "")
