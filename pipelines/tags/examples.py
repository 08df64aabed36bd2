"""Examples: made-up subjects that prove what a tag means. Read here into rows, and judged with the interpreter.

An example gives the subject's own columns by name, linked rows as mappings under the link's name, related rows as
lists under the relation's name; what is not given is unknown.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.tags import values
from pipelines.tags.declarations import Example, Tag
from pipelines.tags.fields import Fields
from pipelines.tags.interpret import Row, World, evaluate
from pipelines.tags.located import Located
from pipelines.tags.problems import Problem, nearest
from pipelines.tags.registry import Registry, Table
from pipelines.tags.tree import Node
from pipelines.tags.values import Value

RESERVED = ("as_of", "note", "unavailable", "value")
SORTS: Mapping[str, Value] = {"has": True, "lacks": False, "unknown": None}


def read_examples(
    body: Located, tag_fields: Fields, subject: Table, registry: Registry, default_as_of: date | None
) -> tuple[Example, ...]:
    """Every example of a tag: its fields are the three sorts `has`, `lacks` and `unknown`, each a list."""
    fields = Fields(body, tag_fields.file, tag_fields.code, tag_fields.problems)
    fields.only(SORTS)
    found = []
    for sort, expect in SORTS.items():
        for entry in fields.entries(sort):
            found.append(_example(entry, sort, expect, fields, subject, registry, default_as_of))
    return tuple(found)


def _example(
    entry: Located, sort: str, expect: Value, outer: Fields, subject: Table, registry: Registry, as_of: date | None
) -> Example:
    fields = Fields(entry, outer.file, outer.code, outer.problems)
    day = fields.date("as_of", need=True, default=as_of)
    missing = frozenset(str(f.value) for f in fields.entries("unavailable"))
    if sort == "has" and "value" in fields.values:
        given = fields.values["value"].value
        expect = Decimal(given) if isinstance(given, int | Decimal) and not isinstance(given, bool) else given
    row = _row(entry, fields, subject, registry)
    plain = {k: v.plain() for k, v in entry.items() if k not in RESERVED}
    note = fields.text("note", need=False)
    return Example(expect, day or date.min, row, missing, note, entry.line, plain)


def _row(entry: Located, fields: Fields, table: Table, registry: Registry) -> Row:
    own: dict[str, Value] = {}
    links: dict[str, Row | None] = {}
    rows: dict[str, list[Row]] = {}
    relations = registry.relations(table.subject) if table.subject else {}
    for name, value in entry.items():
        if name in RESERVED:
            continue
        if name in table.links and isinstance(value.value, dict):
            links[name] = _row(value, fields, registry.subjects[name], registry)
        elif name in relations and isinstance(value.value, list):
            rows[name] = [_row(v, fields, registry.tables[name], registry) for v in value.value]
        elif name in table.columns:
            own[name] = _cell(name, value, fields, table)
        else:
            near = nearest(name, [*RESERVED, *table.columns, *table.links, *relations])
            fields.problem(value.line, "example", f"a {table.name} has no '{name}' to give in an example", near)
    return Row(own, links, rows)


def _cell(name: str, value: Located, fields: Fields, table: Table) -> Value:
    kind = table.columns[name].type
    plain: Any = value.plain()
    if kind is None:
        fields.problem(value.line, "example", f"{table.name}.{name} cannot be used in rules nor in examples")
        return None
    if kind == values.TEXT and isinstance(plain, int | date) and not isinstance(plain, bool):
        fields.problem(value.line, "example", f"{table.name}.{name} is text: put {plain} in quotes")
        return None
    if not values.accepts(kind, plain):
        fields.problem(value.line, "example", f"{table.name}.{name} must be a {kind}, not {plain!r}")
        return None
    return Decimal(plain) if kind.kind == "decimal" and isinstance(plain, int) else plain


def judge(
    tags: Iterable[Tag],
    trees: Mapping[str, Node],
    parameters_on: Any,
    used: Mapping[str, Iterable[str]],
) -> list[Problem]:
    """Every example that is missing or does not come out as declared.

    `parameters_on(day)` gives the parameters in force, `used` the parameters each tag needs with all it refers to.
    """
    problems = []
    every = [t for t in tags if t.code in trees]
    groups: dict[str, list[Tag]] = {}
    for tag in every:
        if tag.excl_group:
            groups.setdefault(f"{tag.subject}:{tag.excl_group}", []).append(tag)
    for tag in every:
        problems += _absent(tag, trees, parameters_on)
        for example in tag.examples:
            in_force = parameters_on(example.as_of)
            lacking = sorted(set(used[tag.code]) - set(in_force))
            if lacking:
                message = f"${lacking[0]} has no value on {example.as_of.isoformat()}, the date of this example"
                problems.append(Problem(tag.file, example.line, tag.code, "parameter", message))
                continue
            world = World(example.as_of, in_force, example.unavailable, trees)
            problems += _outcome(tag, example, world)
            group = groups.get(f"{tag.subject}:{tag.excl_group}", []) if tag.excl_group else []
            problems += _overlap(tag, example, world, [t for t in group if not set(used[t.code]) - set(in_force)])
    return problems


def _absent(tag: Tag, trees: Mapping[str, Node], parameters_on: Any) -> list[Problem]:
    """The sorts of example a tag lacks. One that is unknown is needed if the tag is unknown where nothing is known."""
    wanted = {"has": any(e.expect not in (None, False) for e in tag.examples)}
    if tag.type.kind == "bool":
        wanted["lacks"] = any(e.expect is False for e in tag.examples)
    for example in tag.examples[:1]:
        world = World(example.as_of, _Nothing(parameters_on(example.as_of)), _Every(), trees)
        if evaluate(tag.tree, Row(), world) is None:
            wanted["unknown"] = any(e.expect is None for e in tag.examples)
    return [
        Problem(tag.file, tag.line, tag.code, "example", f"no example of the sort '{sort}'")
        for sort, found in wanted.items()
        if not found
    ]


class _Nothing(dict[str, Value]):
    """Parameters in force; one without a value is unknown instead of an error."""

    def __missing__(self, name: str) -> Value:
        return None


class _Every(frozenset[str]):
    """A set that holds every feed."""

    def __contains__(self, item: object) -> bool:
        return True


def _outcome(tag: Tag, example: Example, world: World) -> list[Problem]:
    found = evaluate(tag.tree, example.row, world)
    if found == example.expect and isinstance(found, bool) == isinstance(example.expect, bool):
        return []
    message = f"the example should be {_said(example.expect)} but the rule gives {_said(found)}"
    return [Problem(tag.file, example.line, tag.code, "example", message)]


def _overlap(tag: Tag, example: Example, world: World, group: Iterable[Tag]) -> list[Problem]:
    true = [t.code for t in group if evaluate(t.tree, example.row, world) is True]
    if len(true) < 2:
        return []
    message = f"{' and '.join(true)} of the group '{tag.excl_group}' are both true for this example"
    return [Problem(tag.file, example.line, tag.code, "group", message)]


def _said(value: Value) -> str:
    return "unknown" if value is None else str(value).lower()
