"""Contracts: what a feed promises, read from `data/contracts/<feed>.yaml`.

The files follow the Open Data Contract Standard (v3). What the standard has no word for stands in its custom
properties: `delivery` (how files come, `transport`) and, a column, `intake` (how its text is read, `fields`). This
module reads and cross-checks them; it opens no delivery and knows no feed by name.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError, model_validator

from pipelines.declared import read_yaml
from pipelines.feeds import consistency, people, rules
from pipelines.feeds.fields import PART_SUFFIX, Classification, Column, Intake, Strict
from pipelines.feeds.limits import Limits, load_limits
from pipelines.feeds.people import Slot
from pipelines.feeds.rules import RowRule
from pipelines.feeds.transport import Delivery, FilePart
from pipelines.refusal import Refusal

# What a row rule may use beside the row: the delivery's business date, its year, and the day after.
CONTEXT_NAMES = ("business_on", "business_year", "day_after")
_Made = TypeVar("_Made")


class ContractProblem(Refusal):
    """One or more contract files are wrong; the message lists every one with its place."""


class Contract(Strict):
    """One feed's contract, cross-checked."""

    feed: str
    version: str
    title: str
    table: str
    department: str
    purpose: str
    legal_basis: str
    classification: Classification
    cadence_days: int | None
    precedence: int
    description: str
    delivery: Delivery
    columns: tuple[Column, ...]
    own_rules: tuple[RowRule, ...]
    people: tuple[Slot, ...]
    key: tuple[str, ...]
    synthetic_areas: bool
    limits: Limits
    path: Path
    sha256: str

    @property
    def code(self) -> str:
        """Lower-case feed id, as it stands in table names."""
        return self.feed.lower()

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by property name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def read_columns(self) -> tuple[Column, ...]:
        """Columns that are read from the delivery, derived ones left out."""
        return tuple(column for column in self.columns if column.logic is None)

    @cached_property
    def physicals(self) -> tuple[str, ...]:
        """Raw names a delivery must have, each once, in the contract's order."""
        return tuple(dict.fromkeys(column.physical for column in self.read_columns))

    @cached_property
    def outputs(self) -> dict[str, tuple[str, Column]]:
        """Lake columns in order: name → (logical type, the column it comes from)."""
        return {name: (kind, column) for column in self.columns for name, kind in column.outputs.items()}

    @cached_property
    def row_rules(self) -> tuple[RowRule, ...]:
        """The contract's own rules, and those that follow from what its columns are."""
        return (*self.own_rules, *consistency.derived(self.columns, self.people, self.own_rules))

    @cached_property
    def rule_names(self) -> set[str]:
        """Names that rules and the order of duplicates speak of."""
        names = {name for rule in self.row_rules for name in rules.names(rule.expression)}
        return names | {name for rule in self.row_rules for name in rule.within} | {self.delivery.latest_by or ""}

    def output_class(self, output: str) -> Classification:
        """Class of a lake column. A pseudonym says nothing of its holder, so it is internal.

        Unless its column is restricted: then to stand in the feed at all says something.
        """
        column = self.outputs[output][1]
        hidden = {column.name + PART_SUFFIX[part] for part in ("id", "candidates", "mask_key", "digest")}
        is_pseudonym = column.intake.role == "key" or output in hidden
        says_nothing = is_pseudonym and column.classification in ("internal", "sensitive")
        return "internal" if says_nothing else column.classification

    @model_validator(mode="after")
    def _cross_check(self) -> "Contract":
        problems = list(self._column_problems()) + list(self._delivery_problems())
        problems += people.problems(self.people, self.by_name)
        problems += consistency.problems(self.columns)
        problems += [
            f"rule {rule.name}: {problem}"
            for rule in self.row_rules
            for problem in rules.problems(rule.expression, {*CONTEXT_NAMES, *self.value_names})
        ]
        problems += [
            f"{column.name}: {problem}"
            for column in self.columns
            if column.logic is not None
            for problem in rules.problems(column.logic, self.value_names - {column.name})
        ]
        problems += [f"rule {rule.name}: no column {rule.column}" for rule in self.row_rules if not self._has(rule)]
        problems += [
            f"rule {rule.name}: severity link needs an identity column with on_invalid: link"
            for rule in self.row_rules
            if rule.severity == "link" and self._has(rule) and not self.by_name[rule.column].is_linked
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def value_names(self) -> set[str]:
        """Names a row rule may use: lake columns, the parts of identities and columns read only at the door."""
        names = set(self.outputs)
        for column in self.columns:
            if column.intake.role == "identity":
                names |= {column.name + suffix for suffix in PART_SUFFIX.values()}
            elif column.intake.role == "door":
                names.add(column.name)
        return names

    def _is_linked(self, name: str) -> bool:
        return name in self.by_name and self.by_name[name].is_linked

    def _is_identity(self, name: str) -> bool:
        return name in self.by_name and self.by_name[name].role == "identity"

    def _has(self, rule: RowRule) -> bool:
        return rule.column in self.by_name

    def _identity_problems(self, column: Column) -> Iterator[str]:
        for name in (name for names in column.intake.qualified_by.values() for name in names):
            if name not in self.outputs:
                yield f"{column.name}: qualified_by names no lake column: {name}"
        if column.intake.qualified_by and "kind" not in column.parts:
            yield f"{column.name}: qualified_by needs the part kind to be kept"
        if column.intake.held_in:
            names = [one.name for one in self.columns if one.role == "identity"]
            before = names[: names.index(column.name)] if column.name in names else []
            if column.intake.held_in not in before or not self.by_name[column.intake.held_in].intake.qualified_by:
                yield f"{column.name}: held_in names no identity column before it that has qualified_by"
        if column.is_linked and column.intake.role != "identity":
            yield f"{column.name}: on_invalid: link is for identity columns"
        if column.intake.instead_of and not self._is_linked(column.intake.instead_of):
            yield f"{column.name}: instead_of names no identity column with on_invalid: link"
        if column.intake.with_digests and column.intake.role != "identity":
            yield f"{column.name}: with_digests is for identity columns"
        if ("digest" in column.parts) != (column.intake.digest is not None):
            yield f"{column.name}: digest names the algorithm where digests are kept or may stand, and only there"

    def _column_problems(self) -> Iterator[str]:
        seen: set[str] = set()
        for column in self.columns:
            for name in column.outputs or (column.name,):
                if name in seen:
                    yield f"column {name} is declared twice"
                seen.add(name)
            if column.intake.role == "key" and not column.intake.domain:
                yield f"{column.name}: a key needs the domain of its pseudonym"
            if column.intake.declared_by and column.intake.declared_by not in self.by_name:
                yield f"{column.name}: declared_by names no column"
            yield from self._identity_problems(column)
            if column.intake.century_of and not self._is_identity(column.intake.century_of):
                yield f"{column.name}: century_of names no identity column"
            if bool(column.physical) == (column.logic is not None):
                yield f"{column.name}: a column has either a physicalName or transformLogic"
            if (
                self.delivery.format == "fixed_width"
                and column.physical
                and not (column.intake.first_byte and column.intake.bytes)
            ):
                yield f"{column.name}: a fixed-width column needs first_byte and bytes"

    def _delivery_problems(self) -> Iterator[str]:
        delivery = self.delivery
        for name in self.key:
            if name not in self.by_name:
                yield f"key column {name} does not exist"
        if delivery.latest_by and delivery.latest_by not in self.value_names:
            yield f"latest_by names no column: {delivery.latest_by}"
        if delivery.load == "increment" and not self.key:
            yield "an increment needs a key"
        if delivery.is_password_protected and delivery.format != "workbook":
            yield "only a workbook may come in an archive with a password"
        if delivery.increment and delivery.increment.operation not in (None, *self.outputs):
            yield f"operation names no lake column: {delivery.increment.operation}"
        if delivery.format == "sqlite" and not delivery.table:
            yield "a database delivery needs the table's name"
        if delivery.format == "workbook" and not delivery.sheets and not delivery.parts:
            yield "a workbook delivery needs its sheets"
        yield from (f"drift names no column: {name}" for name in delivery.drift.columns if name not in self.by_name)
        yield from _pull_problems(delivery)
        for part in delivery.parts:
            strange = {*part.columns, *part.rename.values()} - set(self.physicals)
            if strange:
                yield f"part {part.files} names columns that nothing reads: {', '.join(sorted(strange))}"


def _pull_problems(delivery: Delivery) -> Iterator[str]:
    """A pull writes one SQLite file, and nothing else may have to come beside it."""
    every: tuple[Delivery | FilePart, ...] = (delivery, *delivery.parts)
    pulled = [one for one in every if one.pull is not None]
    for one in pulled:
        if one.format != "sqlite" or re.search(r"[*?\[/]", one.files):
            yield f"{one.files}: only a SQLite file of a fixed name can be pulled"
    if pulled and delivery.parts:
        others = [part.files for part in delivery.parts if part.pull is None and not part.optional]
        if delivery.pull or others:
            yield f"a pulled delivery would lack {', '.join(others) or 'its parts'}: let each be pulled or optional"


def load_contracts(directory: Path) -> dict[str, Contract]:
    """Every contract of a folder by feed id, in order of id. Raises ContractProblem listing all that is wrong."""
    profile_path = directory / "profile.yml"
    profile = Profile.model_validate(read_yaml(profile_path)) if profile_path.exists() else Profile()
    contracts: dict[str, Contract] = {}
    problems: list[str] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            contract = read_contract(path, profile)
        except (ValidationError, ValueError, KeyError, yaml.YAMLError) as error:
            problems.append(f"{path.name}: {_explain(error)}")
            continue
        if contract.feed != path.stem:
            problems.append(f"{path.name}: id is {contract.feed}; the file must bear the feed's id")
        contracts[contract.feed] = contract
    if problems:
        raise ContractProblem("\n".join(problems))
    return contracts


class Profile(Strict):
    """What holds for the whole house: whether area codes of synthetic people are accepted."""

    synthetic_areas: bool = False


def read_contract(path: Path, profile: Profile | None = None) -> Contract:
    """Read one contract file. Raises ValueError (pydantic's included) with what is wrong."""
    profile = profile or Profile()
    document = read_yaml(path)
    custom = _custom(document)
    schema = document["schema"][0]
    # A change of the profile changes what rows are accepted, so it is part of the contract's identity.
    digest = hashlib.sha256(path.read_bytes() + repr(profile).encode()).hexdigest()
    keyed = [p for p in schema["properties"] if p.get("primaryKey")]
    return Contract(
        feed=document["id"],
        version=document["version"],
        title=document["name"],
        table=schema["name"],
        department=document["team"]["name"],
        purpose=document["description"]["purpose"],
        legal_basis=custom["legalBasis"],
        classification=custom["classification"],
        cadence_days=_cadence(document),
        precedence=custom["precedence"],
        description=schema.get("description", ""),
        delivery=Delivery.model_validate(custom["delivery"]),
        columns=_each("column", schema["properties"], _column),
        own_rules=_each("rule", (q for q in schema.get("quality", []) if q.get("engine") == "polars-sql"), _row_rule),
        people=tuple(Slot.model_validate(slot) for slot in _custom(schema).get("people", ())),
        key=tuple(p["name"] for p in sorted(keyed, key=lambda p: p.get("primaryKeyPosition", 1))),
        synthetic_areas=profile.synthetic_areas,
        limits=load_limits(path.parent),
        path=path,
        sha256=digest,
    )


def _each(what: str, entries: Iterable[dict[str, Any]], make: Callable[[dict[str, Any]], _Made]) -> tuple[_Made, ...]:
    """Every entry made into its object. Raises ValueError with all that is wrong, each with its entry's name."""
    made, problems = [], []
    for place, entry in enumerate(entries, start=1):
        try:
            made.append(make(entry))
        except (ValidationError, KeyError) as error:
            problems.append(f"{what} {entry.get('name', place)}: {_explain(error)}")
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(made)


def _column(entry: dict[str, Any]) -> Column:
    return Column(
        name=entry["name"],
        physical=entry.get("physicalName", ""),
        logic=entry.get("transformLogic"),
        label=entry["businessName"],
        logical_type=entry["logicalType"],
        required=entry.get("required", False),
        classification=entry["classification"],
        description=entry.get("description", ""),
        intake=Intake.model_validate(_custom(entry).get("intake", {})),
    )


def _row_rule(entry: dict[str, Any]) -> RowRule:
    custom = _custom(entry)
    return RowRule(
        name=entry["name"],
        column=custom["column"],
        expression=entry["implementation"],
        severity=entry["severity"],
        message_zh=custom["messageZh"],
        message_en=entry["description"],
        within=custom.get("within", ()),
    )


def _cadence(document: dict[str, Any]) -> int | None:
    """Days between deliveries; None for feeds that come when something changes."""
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
    for entry in document.get("slaProperties", []):
        if entry["property"] == "frequency":
            return None if entry["value"] == "on change" else int(entry["value"]) * days[entry["unit"]]
    raise ValueError("slaProperties has no frequency")


def _custom(entry: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in entry.get("customProperties", [])}


def _explain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        told = ((".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, ")) for e in error.errors())
        return "; ".join(f"{place}: {message}" if place else message for place, message in told)
    return f"missing {error}" if isinstance(error, KeyError) else str(error)
