"""Typed tree to DuckDB SQL: the engine analysts use, and the second opinion on the first.

Only expressions are made here; which tables they stand over is the business of `sqltext`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from pipelines.identifiers import age_sql
from pipelines.sql import quoted, text_literal
from pipelines.tags.tree import (
    AnyOf,
    Arith,
    AsOf,
    Call,
    Column,
    Compare,
    CountCompare,
    CountOf,
    Extreme,
    In,
    IsNull,
    IsTruth,
    Literal,
    Logic,
    Node,
    Not,
    Parameter,
    Relation,
    RowsNode,
    TagRef,
)
from pipelines.tags.values import INT, TEXTS, Value

OWN = "s"
AS_OF = "run.as_of"


@dataclass
class SqlFrame:
    """Where a query keeps folded rows: alias and column of each count and each extreme."""

    counts: dict[tuple[Relation, Node], tuple[str, str]] = field(default_factory=dict)
    extremes: dict[Extreme, str] = field(default_factory=dict)


def to_sql(node: Node, frame: SqlFrame) -> str:
    """The SQL of a node. The subject's row has the alias `s`, linked rows and tags an alias of their own."""
    match node:
        case Literal():
            return literal(node.value)
        case Parameter():
            return f"parameters.{quoted(node.name)}"
        case AsOf():
            return AS_OF
        case Column():
            return f"{quoted(node.link) if node.link else OWN}.{quoted(node.name)}"
        case TagRef():
            return f"{tag_alias(node)}.value"
        case AnyOf() | CountOf() | CountCompare() | Extreme():
            return _over_rows(node, frame)
        case Call():
            return _call(node, frame)
        case Arith():
            return _arith(node, frame)
    return _boolean(node, frame)


def tag_alias(node: TagRef) -> str:
    """The alias of the values of a tag that a rule refers to."""
    return quoted(f"{node.link}.{node.code}" if node.link else node.code)


def literal(value: Value) -> str:
    """A constant as SQL."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"({value:f})" if value < 0 else f"{value:f}"
    if isinstance(value, tuple):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, str):
        return text_literal(value)
    return f"({value})" if value < 0 else str(value)


def _boolean(node: Node, frame: SqlFrame) -> str:
    match node:
        case Compare():
            return f"{_part(node.left, frame)} {node.op} {_part(node.right, frame)}"
        case Logic():
            return f" {node.op} ".join(_part(a, frame) for a in node.args)
        case Not():
            return f"not {_part(node.arg, frame)}"
        case In():
            return _in(node, frame)
        case IsNull():
            return f"{_part(node.arg, frame)} is null"
        case IsTruth():
            return f"{_part(node.arg, frame)} is {str(node.truth).lower()}"
    raise TypeError(f"no SQL for {type(node).__name__}")


def _part(node: Node, frame: SqlFrame) -> str:
    text = to_sql(node, frame)
    simple = isinstance(node, Literal | Parameter | AsOf | Column | TagRef | Call | AnyOf | CountOf | Arith)
    return text if simple else f"({text})"


def _in(node: In, frame: SqlFrame) -> str:
    arg = _part(node.arg, frame)
    tests = [f"list_contains({to_sql(o, frame)}, {arg})" for o in node.options if o.type == TEXTS]
    plain = ", ".join(to_sql(o, frame) for o in node.options if o.type != TEXTS)
    if plain:
        tests.append(f"{arg} in ({plain})")
    return tests[0] if len(tests) == 1 else " or ".join(f"({t})" for t in tests)


def _arith(node: Arith, frame: SqlFrame) -> str:
    left, right = _part(node.left, frame), _part(node.right, frame)
    if node.left.type.kind == "date":
        return f"({left} {node.op} {right if node.right.type.kind == 'date' else f'cast({right} as integer)'})"
    if node.left.type == INT:
        left = f"cast({left} as bigint)"
    return f"({left} {node.op} {right})"


def _call(node: Call, frame: SqlFrame) -> str:
    args = [_part(a, frame) for a in node.args]
    match node.name:
        case "ratio_at_least":
            part, whole, share = args
            return f"(case when {whole} > 0 then {part} >= {share} * {whole} end)"
        case "fraction":
            return _fraction(node, args)
        case "only_if":
            return f"(case when {args[0]} then {args[1]} end)"
        case "has":
            return f"list_contains({args[0]}, {args[1]})"
    if node.name in _DATED:
        return _DATED[node.name].format(day=args[0], as_of=AS_OF, age=age_sql(args[0], AS_OF))
    return f"{node.name}({', '.join(args)})"


_DATED: Mapping[str, str] = {
    "years_since": "cast({age} as bigint)",
    "months_since": (
        "(case when {day} <= {as_of} then (year({as_of}) - year({day})) * 12 + month({as_of}) - month({day})"
        " - case when day({as_of}) < day({day}) then 1 else 0 end end)"
    ),
    "days_since": "({as_of} - {day})",
    "year": "year({day})",
    "month": "month({day})",
    "day": "day({day})",
}


def _fraction(node: Call, args: list[str]) -> str:
    left, right = node.args[0].type.scale, node.args[1].type.scale
    scale, digits = max(left, right), node.type.scale
    part, whole = (f"cast({a} * {10**scale} as hugeint)" for a in args[:2])
    rounded = f"((2 * {part} * {10**digits} + {whole}) // (2 * {whole}))"
    unit = f" * {Decimal(1).scaleb(-digits):f}" if digits else ""
    return f"(case when {args[0]} >= 0 and {args[1]} > 0 then cast({rounded} as decimal(28,0)){unit} end)"


def _over_rows(node: RowsNode, frame: SqlFrame) -> str:
    available = f"feeds.{quoted(node.rows.table)}"
    if isinstance(node, Extreme):
        return f"(case when {available} then {frame.extremes[node]} end)"
    met, unknown = (f"coalesce({c}, 0)" for c in frame.counts[node.rows, node.condition])
    if isinstance(node, AnyOf):
        return f"(case when {met} > 0 then true when {unknown} > 0 or not {available} then null else false end)"
    if isinstance(node, CountOf):
        return f"(case when {available} and {unknown} = 0 then {met} end)"
    return _compare_count(node.op, met, f"({met} + {unknown})", available, _part(node.bound, frame))


def _compare_count(op: str, low: str, high: str, available: str, bound: str) -> str:
    if op in ("<", "<="):
        return f"not {_compare_count('>=' if op == '<' else '>', low, high, available, bound)}"
    if op in ("=", "<>"):
        outside = f"{low} > {bound} or ({available} and {high} < {bound})"
        same = f"{available} and {low} = {bound} and {high} = {bound}"
        no, yes = ("false", "true") if op == "=" else ("true", "false")
        return f"(case when {outside} then {no} when {same} then {yes} end)"
    return f"(case when {low} {op} {bound} then true when {available} and not ({high} {op} {bound}) then false end)"
