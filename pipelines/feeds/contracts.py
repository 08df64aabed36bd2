"""Contracts: what a feed promises, read from `data/contracts/<feed>.yaml`.

The files follow the Open Data Contract Standard (v3). What the standard has no word for stands in its custom
properties: `delivery` (how files come, `transport`) and, a column, `intake` (how its text is read, `fields`). This
module reads and cross-checks them; it opens no delivery and knows no feed by name.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError, model_validator

from pipelines.declared import read_yaml
from pipelines.feeds import consistency, people, rules, transport
from pipelines.feeds.contract_faults import Fault, Gathering, Place, faults_of
from pipelines.feeds.contract_shape import check_shape, entries
from pipelines.feeds.fields import PART_SUFFIX, Classification, Column, Intake, Strict
from pipelines.feeds.limits import Limits, load_limits
from pipelines.feeds.people import Slot
from pipelines.feeds.rules import RowRule
from pipelines.feeds.transport import Delivery
from pipelines.refusal import Refusal

# What a row rule may use beside the row: the delivery's business date, its year, and the day after.
CONTEXT_NAMES = ("business_on", "business_year", "day_after")
PROFILE = "profile.yml"
_LISTS = ("columns", "own_rules")
_WHERE: dict[str, Place] = {
    "feed": ("id",), "version": ("version",), "title": ("name",), "table": ("schema", 0, "name"),
    "department": ("team", "name"), "purpose": ("description", "purpose"), "description": ("schema", 0, "description"),
}  # fmt: skip
_Made = TypeVar("_Made")


class ContractProblem(Refusal):
    """One or more contract files are wrong; carries every fault, its message tells the first few."""

    TOLD = 8

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        rest = len(self.faults) - self.TOLD
        more = [f"… and {rest} more: `xfy feeds check-contracts` tells all"] if rest > 0 else []
        super().__init__("\n".join([*map(str, self.faults[: self.TOLD]), *more]))


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
        problems = self.problems_together()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def problems_together(self) -> list[str]:
        """What is wrong with how the parts go together; each message begins with the part it is about."""
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
        return problems

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
        yield from transport.pull_problems(delivery)
        for part in delivery.parts:
            strange = {*part.columns, *part.rename.values()} - set(self.physicals)
            if strange:
                yield f"part {part.files} names columns that nothing reads: {', '.join(sorted(strange))}"


def load_contracts(directory: Path) -> dict[str, Contract]:
    """Every contract of a folder by feed id, in order of id. Raises ContractProblem with all that is wrong."""
    contracts, faults = read_all(directory)
    if faults:
        raise ContractProblem(faults)
    return contracts


def read_all(directory: Path, files: Iterable[Path] = ()) -> tuple[dict[str, Contract], list[Fault]]:
    """The contracts of a folder, or of some files under its profile and limits, and everything that is wrong."""
    try:
        profile = read_profile(directory)
    except (ValidationError, ValueError) as error:
        return {}, [Fault(PROFILE, 1, _explain(error))]
    contracts: dict[str, Contract] = {}
    faults: list[Fault] = []
    for path in sorted(files) or sorted(directory.glob("*.yaml")):
        try:
            contract = read_contract(path, profile, directory)
        except (ValueError, yaml.YAMLError) as error:
            faults += faults_of(path, error)
            continue
        if contract.feed != path.stem:
            faults.append(Fault(path.name, 1, f"id is {contract.feed}; the file must bear the feed's id"))
        contracts[contract.feed] = contract
    return contracts, faults


class Profile(Strict):
    """What holds for the whole house: whether area codes of synthetic people are accepted."""

    synthetic_areas: bool = False


def read_profile(directory: Path) -> Profile:
    """The profile of a folder of contracts. Raises ValueError (pydantic's included)."""
    path = directory / PROFILE
    return Profile.model_validate(read_yaml(path)) if path.exists() else Profile()


def read_contract(path: Path, profile: Profile | None = None, directory: Path | None = None) -> Contract:
    """Read one contract file under a profile and its folder's limits. Raises ContractFaults with all that is wrong."""
    profile = profile or Profile()
    document = read_yaml(path)
    gathering = Gathering(path)
    check_shape(gathering, document)
    parts = _parts(gathering, document)
    # A change of the profile changes what rows are accepted, so it is part of the contract's identity.
    parts["sha256"] = hashlib.sha256(path.read_bytes() + repr(profile).encode()).hexdigest()
    parts |= {"synthetic_areas": profile.synthetic_areas, "limits": load_limits(directory or path.parent), "path": path}
    _check_together(gathering, parts, document["schema"][0])
    gathering.end()
    return Contract(**parts)


def _parts(gathering: Gathering, document: dict[str, Any]) -> dict[str, Any]:
    """Every part of a contract, None where it is wrong."""
    schema, custom = document["schema"][0], _custom(document)
    at = {entry["property"]: n for n, entry in enumerate(document.get("customProperties") or ())}

    def given(place: Place, holder: Any) -> Any:
        return gathering.take(place, lambda: _given(holder, str(place[-1])), ".".join(map(str, place[:-1])))

    def own(name: str) -> Any:
        return gathering.take(("customProperties", at.get(name, "")), lambda: _given(custom, name))

    delivery = ("customProperties", at.get("delivery", ""), "value")
    slots = _custom(schema).get("people") or ()
    return {
        "feed": given(("id",), document),
        "version": given(("version",), document),
        "title": given(("name",), document),
        "table": gathering.take(("schema", 0, "name"), lambda: _given(schema, "name"), "schema"),
        "department": given(("team", "name"), document.get("team")),
        "purpose": given(("description", "purpose"), document.get("description")),
        "legal_basis": own("legalBasis"),
        "classification": own("classification"),
        "cadence_days": gathering.take(("slaProperties",), lambda: _cadence(document), "slaProperties"),
        "precedence": own("precedence"),
        "description": schema.get("description", ""),
        "delivery": gathering.take(delivery, lambda: Delivery.model_validate(custom["delivery"]), "delivery"),
        "columns": _each(gathering, "column", "properties", schema, _column),
        "own_rules": _each(gathering, "rule", "quality", schema, _row_rule),
        "people": gathering.take(
            ("schema", 0, "customProperties"), lambda: tuple(map(Slot.model_validate, slots)), "people"
        ),
        "key": gathering.take(("schema", 0, "properties"), lambda: _key(schema["properties"])),
    }


def _check_together(gathering: Gathering, parts: dict[str, Any], schema: dict[str, Any]) -> None:
    """Parts that are right each must go together too; those that are wrong are left out of that."""
    try:
        Contract(**{**parts, **{name: tuple(filter(None, parts[name])) for name in _LISTS}})
        return
    except ValidationError as error:
        fields = {str(fault["loc"][0]): fault for fault in error.errors() if fault["loc"]}
    for name, fault in fields.items():
        if parts[name] is not None and name not in ("delivery", *_LISTS):
            gathering.add(_WHERE.get(name, ("customProperties",)), f"{name}: {fault['msg']}, not {parts[name]!r}")
    if any(parts[name] is None for name in ("delivery", "people", "key")):
        return
    names: dict[str, Place] = {}
    wrong: set[str] = set()
    for where, made in (("properties", parts["columns"]), ("quality", parts["own_rules"])):
        for (at, entry), part in zip(entries(schema, where), made, strict=True):
            name = str(entry.get("name", ""))
            names.setdefault(name, ("schema", 0, where, at))
            if part is None:
                wrong.add(name)
    if "" in wrong:
        # Whatever speaks of a column without a name would be said to speak of none.
        return
    rest = Contract.model_construct(**{**parts, **{name: tuple(filter(None, parts[name])) for name in _LISTS}})
    gathering.add_together(rest.problems_together(), names, wrong)


def _each(
    gathering: Gathering, what: str, where: str, schema: dict[str, Any], make: Callable[[dict[str, Any]], _Made]
) -> tuple[_Made | None, ...]:
    """Every entry made into its object, None where it is wrong; messages begin with the entry's name."""
    return tuple(
        gathering.take(("schema", 0, where, at), partial(make, entry), f"{what} {entry.get('name', nth)}")
        for nth, (at, entry) in enumerate(entries(schema, where), start=1)
    )


def _given(holder: Any, name: str) -> Any:
    if holder is None or holder[name] is None:
        raise KeyError(name)
    return holder[name]


def _key(properties: list[dict[str, Any]]) -> tuple[str, ...]:
    keyed = [p for p in properties if p.get("primaryKey")]
    if not all(isinstance(p.get("primaryKeyPosition", 1), int) for p in keyed):
        raise ValueError("primaryKeyPosition is a whole number")
    return tuple(p["name"] for p in sorted(keyed, key=lambda p: p.get("primaryKeyPosition", 1)) if "name" in p)


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
    for entry in document.get("slaProperties") or ():
        if entry["property"] == "frequency" and entry["value"] == "on change":
            return None
        if entry["property"] == "frequency":
            if entry.get("unit") not in days or not isinstance(entry["value"], int):
                raise ValueError(f"a frequency is a whole number of {', '.join(days)}, or `on change`")
            return int(entry["value"]) * days[entry["unit"]]
    raise ValueError("has no frequency: say how often the feed comes, or `on change`")


def _custom(entry: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in entry.get("customProperties") or ()}


def _explain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        told = ((".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, ")) for e in error.errors())
        return "; ".join(f"{place}: {message}" if place else message for place, message in told)
    return f"missing {error}" if isinstance(error, KeyError) else str(error)
