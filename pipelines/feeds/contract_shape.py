"""The shape of a contract's document: its lists, its entries, and which of its keys and custom properties are read.

Looks at the document before anything is made of it, so that what makes parts may rely on lists being lists.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.feeds.contract_faults import Gathering, Place

# What is read of the standard's keys; the standard has more, which say nothing to us.
READ = {
    "contract": ("id", "name", "version", "description", "team", "slaProperties", "customProperties", "schema"),
    "schema": ("name", "description", "properties", "quality", "customProperties"),
    "properties": (
        *("name", "physicalName", "transformLogic", "businessName", "logicalType", "required", "classification"),
        *("description", "primaryKey", "primaryKeyPosition", "customProperties"),
    ),
    "quality": ("name", "engine", "implementation", "severity", "description", "customProperties"),
}
# Custom properties are ours alone, so every other one is a mistake.
CUSTOM = {
    "contract": ("legalBasis", "classification", "precedence", "delivery"),
    "schema": ("people",),
    "properties": ("intake",),
    "quality": ("column", "messageZh", "within"),
}
RULES = "polars-sql"
"""The engine of rules that hold rows back; others are notes to people."""


def check_shape(gathering: Gathering, document: Any) -> None:
    """Keep every fault of shape and spelling. Raises ContractFaults at once where what follows could not be read."""
    if not isinstance(document, dict):
        gathering.add((), "is no contract: it must be keys and values as in the files beside it")
        gathering.end()
    _listed(gathering, document, (), "slaProperties")
    _keys(gathering, document, (), "contract")
    schemas = _listed(gathering, document, (), "schema")
    if len(schemas) != 1:
        gathering.add_shape(("schema",), f"a contract speaks of one table, here are {len(schemas)}")
    for at, schema in enumerate(schemas):
        place: Place = ("schema", at)
        _keys(gathering, schema, place, "schema")
        if not schema.get("properties"):
            gathering.add(place, "properties: missing; a table has a column at least")
        for part in ("properties", "quality"):
            for nth, entry in enumerate(_listed(gathering, schema, place, part)):
                if part == "properties" or entry.get("engine") == RULES:
                    _keys(gathering, entry, (*place, part, nth), part)
    if not gathering.is_sound_in_shape:
        gathering.end()


def entries(holder: Mapping[str, Any], name: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """The entries of a list that are read, with their positions."""
    listed = enumerate(holder.get(name) or ())
    return [(at, entry) for at, entry in listed if name != "quality" or entry.get("engine") == RULES]


def _keys(gathering: Gathering, entry: dict[str, Any], place: Place, what: str) -> None:
    gathering.misspelt(place, entry, READ[what])
    gathering.known(place, _listed(gathering, entry, place, "customProperties"), CUSTOM[what])


def _listed(gathering: Gathering, holder: dict[str, Any], place: Place, name: str) -> list[dict[str, Any]]:
    value = holder.get(name) or []
    if not isinstance(value, list):
        gathering.add_shape((*place, name), f"{name}: must be a list, each entry after a dash")
        return []
    for at, entry in enumerate(value):
        if not isinstance(entry, dict):
            gathering.add_shape(
                (*place, name, at), f"{name}: entry {at + 1} must be keys and values, not {entry!r:.40}"
            )
        elif name in ("customProperties", "slaProperties") and not {"property", "value"} <= set(entry):
            gathering.add_shape((*place, name, at), f"{name}: entry {at + 1} needs a property and a value")
    return [entry for entry in value if isinstance(entry, dict)]
