"""The catalogue as plain data: what `xfy tags list` answers and what the table tags.catalogue holds."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.tags.catalogue import Catalogue, rule_version
from pipelines.tags.declarations import Example, Tag
from pipelines.tags.registry import id_column
from pipelines.tags.rule_text import to_text
from pipelines.tags.taxonomy import ancestors


def list_tags(catalogue: Catalogue) -> list[dict[str, Any]]:
    """One entry a tag, in order of code, with plain values that JSON can hold.

    `level1` to `level3` are the Chinese names of the levels above, whose codes are the first 3, 5 and 7 characters of
    the tag's; `feeds` and `parameters` include those of the tags it refers to, `depends_on` names only its own.
    """
    return [_entry(catalogue, tag) for tag in catalogue.tags.values()]


def _entry(catalogue: Catalogue, tag: Tag) -> dict[str, Any]:
    first, second, third = (catalogue.levels[c].name for c in ancestors(tag.code))
    return {
        "code": tag.code,
        "name": tag.name,
        "name_en": tag.name_en,
        "level1": first,
        "level2": second,
        "level3": third,
        "subject": tag.subject,
        "kind": tag.kind,
        "value_type": "bool" if tag.type.kind == "bool" else "number",
        "unit": tag.unit,
        "state": tag.state,
        "valid_from": plain(tag.valid_from),
        "valid_to": plain(tag.valid_to),
        "sensitivity": tag.sensitivity,
        "min_cell": tag.min_cell,
        "excl_group": tag.excl_group,
        "purpose": tag.purpose,
        "legal": tag.legal,
        "owner": tag.owner,
        "cadence": tag.cadence,
        "rule": to_text(tag.tree),
        "rule_version": rule_version(catalogue, tag.code),
        "feeds": catalogue.feeds_of(tag.code),
        "columns": [f"{table}.{column}" for table, column in catalogue.columns_of(tag.code)],
        "parameters": catalogue.parameters_of(tag.code),
        "depends_on": sorted(catalogue.edges[tag.code]),
        "examples": [_example(e) for e in tag.examples],
        "note": tag.note,
        "declared_in": f"{tag.file}:{tag.line}",
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "value": plain(example.expect),
        "as_of": plain(example.as_of),
        "given": plain(example.given),
        "unavailable": sorted(example.unavailable),
        "note": example.note,
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: dates as text, decimals as numbers, tuples as lists."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def list_levels(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Every node of the tree above the tags, top down, with how many tags are declared below it."""
    return [
        {
            "code": level.code,
            "name": level.name,
            "name_en": level.name_en,
            "level": level.depth,
            "parent": level.parent,
            "tags": sum(code.startswith(level.code) for code in catalogue.tags),
        }
        for level in catalogue.levels.values()
    ]


def id_name(catalogue: Catalogue, code: str) -> str:
    """The name of the id column in everything published about a tag."""
    return id_column(catalogue.tags[code].subject)
