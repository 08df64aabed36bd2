"""What the dbt project declares of ledgers, audiences and the columns they draw on, as plain objects.

Reads properties files only; needs no manifest and no database. Whether a declaration is allowed is judged in `gate.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.declared import read_yaml
from pipelines.refusal import Refusal

CLASSES = ("public", "internal", "sensitive", "restricted")
"""Sensitivity classes, least first."""

AUTO, MANUAL, PENDING, VILLAGE, KEY = "auto", "manual", "pending", "village", "key"
ROLES = (AUTO, MANUAL, PENDING, VILLAGE, KEY)


class DeclarationError(Refusal):
    """A properties file that does not say what it must; the message names the file, the model and what is missing."""


@dataclass(frozen=True)
class Attribute:
    """One registered column of a subject: its class, whether it identifies directly, its feeds and Chinese label."""

    name: str
    sensitivity: str
    is_direct: bool
    feeds: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Column:
    """One column of a ledger. `sources` are `model.column` of subjects; `feeds` only for columns not connected yet."""

    name: str
    label: str
    role: str
    data_type: str
    sources: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Ledger:
    """One ledger as its properties file declares it."""

    model: str
    code: str
    title: str
    order: int
    subject: str
    audience: str
    purpose: str
    legal_basis: str
    owner: str
    cadence: str
    town_review: str
    selection: tuple[str, ...]
    selection_note: str
    sort: tuple[str, ...]
    columns: tuple[Column, ...]
    file: Path

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns of the sheet, in order; keys stay in the house."""
        return tuple(c for c in self.columns if c.role not in (KEY, VILLAGE))

    @property
    def village(self) -> Column:
        """The column that says which village's ledger a row is in."""
        return next(c for c in self.columns if c.role == VILLAGE)


@dataclass(frozen=True)
class Audience:
    """Who a product is for and the most it may carry."""

    name: str
    label: str
    max_class: str
    may_identify: bool


@dataclass(frozen=True)
class Declarations:
    """Ledgers in sheet order, audiences by name, and registered columns by `model.column`."""

    ledgers: tuple[Ledger, ...]
    audiences: dict[str, Audience]
    attributes: dict[str, Attribute]
    labels: dict[str, str] = field(default_factory=dict)

    def feeds_of(self, column: Column) -> tuple[str, ...]:
        """The feeds a ledger's column comes from, or will come from, sorted."""
        drawn = {feed for source in column.sources for feed in self.attributes[source].feeds}
        return tuple(sorted(drawn | set(column.feeds)))


def load(dbt_project: Path) -> Declarations:
    """Reads the declarations of a dbt project folder. Raises DeclarationError for the first unreadable one."""
    attributes, labels = _attributes(dbt_project / "models" / "subjects")
    ledgers = [
        _ledger(file, model) for file, model in _models(dbt_project / "models" / "products") if _is_ledger(model)
    ]
    return Declarations(
        ledgers=tuple(sorted(ledgers, key=lambda item: item.order)),
        audiences=_audiences(dbt_project / "audiences.yml"),
        attributes=attributes,
        labels=labels,
    )


def _models(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in sorted(folder.glob("*.yml")):
        body = read_yaml(file) or {}
        for model in body.get("models", []):
            yield file, model


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return node.get("config", {}).get("meta", {})


def _is_ledger(model: dict[str, Any]) -> bool:
    return "ledger" in _meta(model)


def _attributes(folder: Path) -> tuple[dict[str, Attribute], dict[str, str]]:
    found, labels = {}, {}
    for file, model in _models(folder):
        labels[model["name"]] = _meta(model).get("label", model["name"])
        for column in model["columns"]:
            meta = _meta(column)
            key = f"{model['name']}.{column['name']}"
            if meta.get("class") not in CLASSES:
                raise DeclarationError(f"{file.name}: {key} needs a class, one of {', '.join(CLASSES)}")
            found[key] = Attribute(
                name=key,
                sensitivity=meta["class"],
                is_direct=bool(meta.get("direct", False)),
                feeds=tuple(meta.get("feeds", ())),
                label=meta.get("label", column["name"]),
            )
    return found, labels


def _ledger(file: Path, model: dict[str, Any]) -> Ledger:
    meta = _meta(model)
    body = meta["ledger"]
    columns = tuple(_column(file, model["name"], column) for column in model["columns"])
    try:
        ledger = Ledger(
            model=model["name"],
            code=body["code"],
            title=body["title"],
            order=body["order"],
            subject=body["subject"],
            audience=meta["audience"],
            purpose=body.get("purpose") or "",
            legal_basis=body.get("legal_basis") or "",
            owner=body["owner"],
            cadence=body["cadence"],
            town_review=body["town_review"],
            selection=tuple(body["selection"]),
            selection_note=body.get("selection_note", ""),
            sort=tuple(body["sort"]),
            columns=columns,
            file=file,
        )
    except KeyError as missing:
        raise DeclarationError(f"{file.name}: {model['name']} does not declare {missing}") from None
    unknown = set(ledger.sort) - {c.name for c in columns}
    if unknown:
        raise DeclarationError(f"{file.name}: {ledger.model} is sorted by {', '.join(sorted(unknown))}, no such column")
    if sum(c.role == VILLAGE for c in columns) != 1:
        raise DeclarationError(f"{file.name}: {ledger.model} needs exactly one column of role {VILLAGE}")
    return ledger


def _column(file: Path, model: str, column: dict[str, Any]) -> Column:
    meta = _meta(column)
    if meta.get("role") not in ROLES:
        raise DeclarationError(f"{file.name}: {model}.{column['name']} needs a role, one of {', '.join(ROLES)}")
    return Column(
        name=column["name"],
        label=meta["label"],
        role=meta["role"],
        data_type=column["data_type"],
        sources=tuple(meta.get("from", ())),
        feeds=tuple(meta.get("feeds", ())),
        description=column.get("description", ""),
    )


def _audiences(file: Path) -> dict[str, Audience]:
    body = read_yaml(file)
    return {name: Audience(name, **words) for name, words in body["audiences"].items()}
