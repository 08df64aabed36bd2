"""Dated parameters: thresholds, windows and code lists, each value with its days and its legal reference."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.tags import values
from pipelines.tags.declarations import DatedValue, ParameterInfo
from pipelines.tags.fields import Fields
from pipelines.tags.located import Located, YamlProblem, load
from pipelines.tags.problems import Problem
from pipelines.tags.values import DATE, INT, TEXT, TEXTS, Type

TYPES = {"int": INT, "decimal": values.decimal(0), "text": TEXT, "date": DATE, "texts": TEXTS}
FIELDS = ("type", "unit", "description", "values")
VALUE_FIELDS = ("value", "valid_from", "valid_to", "legal", "note")


def read_parameters(folder: Path, root: Path, problems: list[Problem]) -> dict[str, ParameterInfo]:
    """Every parameter of every file of a folder, by name; what is wrong goes to `problems`."""
    found: dict[str, ParameterInfo] = {}
    for path in sorted(folder.glob("*.yml")):
        file = path.relative_to(root).as_posix()
        try:
            document = load(path)
        except YamlProblem as error:
            problems.append(Problem(file, error.line, "", "yaml", error.reason))
            continue
        for name, body in document.items():
            if name in found:
                first = found[name]
                message = f"${name} is also declared in {first.file}:{first.line}"
                problems.append(Problem(file, body.line, name, "duplicate", message))
                continue
            found[name] = _parameter(name, body, file, problems)
    return found


def _parameter(name: str, body: Located, file: str, problems: list[Problem]) -> ParameterInfo:
    fields = Fields(body, file, f"${name}", problems)
    fields.only(FIELDS)
    kind = TYPES[fields.choice("type", tuple(TYPES))]
    dated = [_value(v, kind, file, name, problems) for v in fields.entries("values")]
    known = sorted((d for d in dated if d is not None), key=lambda d: d.valid_from)
    if not known:
        fields.problem(fields.line_of("values"), "missing", "values is missing: one entry with value and valid_from")
    for earlier, later in zip(known, known[1:], strict=False):
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            message = f"two values hold on {later.valid_from.isoformat()}: end the earlier one the day before"
            fields.problem(fields.line_of("values"), "value", message)
    if kind.kind == "decimal":
        kind = values.decimal(max((values.scale_of(Decimal(str(d.value))) for d in known), default=0))
    return ParameterInfo(
        name,
        kind,
        fields.text("unit", need=False),
        fields.text("description", lines=True),
        tuple(known),
        file,
        body.line,
    )


def _value(body: Located, kind: Type, file: str, name: str, problems: list[Problem]) -> DatedValue | None:
    fields = Fields(body, file, f"${name}", problems)
    fields.only(VALUE_FIELDS)
    start = fields.date("valid_from", need=True)
    end = fields.date("valid_to")
    legal = fields.text("legal", lines=True)
    raw = fields.values.get("value")
    value = raw.plain() if raw is not None else None
    wide = values.decimal(values.MAX_SCALE) if kind.kind == "decimal" else kind
    if value is None or not values.accepts(wide, value):
        fields.problem(fields.line_of("value"), "value", f"value must be a {kind}")
        return None
    if start is None:
        return None
    if end is not None and end < start:
        fields.problem(fields.line_of("valid_to"), "value", "valid_to lies before valid_from")
    return DatedValue(_exact(value, kind), start, end, legal, fields.text("note", need=False, lines=True))


def _exact(value: Any, kind: Type) -> Any:
    return Decimal(value) if kind.kind == "decimal" else value


def names(parameters: Iterable[ParameterInfo]) -> dict[str, Type]:
    """The types of parameters by name, as the parser wants them."""
    return {p.name: p.type for p in parameters}
