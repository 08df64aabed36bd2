"""The meaning of the language, one subject at a time: the plainest of the three engines.

Examples are judged and values explained with it. It is written to be read, not to be fast; the other engines are
tested against it.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipelines.identifiers import age_on
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
    TagRef,
)
from pipelines.tags.values import Value


@dataclass
class Row:
    """One row of a table with the rows it leads to. A link that leads nowhere is absent or None."""

    values: Mapping[str, Value] = field(default_factory=dict)
    links: Mapping[str, "Row | None"] = field(default_factory=dict)
    rows: Mapping[str, Sequence["Row"]] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """What holds beside the rows: the date, the parameters on it, which feeds are missing, what tags mean."""

    as_of: date
    parameters: Mapping[str, Value]
    unavailable: frozenset[str] = frozenset()
    tags: Mapping[str, Node] = field(default_factory=dict)


def evaluate(node: Node, row: Row, world: World) -> Value:
    """The value of a node for one row; None is unknown."""
    return _EVALUATE[type(node)](node, row, world)


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _column(node: Column, row: Row, world: World) -> Value:
    target = row.links.get(node.link) if node.link else row
    return None if target is None else target.values.get(node.name)


def _tag(node: TagRef, row: Row, world: World) -> Value:
    target = row.links.get(node.link) if node.link else row
    return None if target is None else evaluate(world.tags[node.code], target, world)


def _compare(node: Compare, row: Row, world: World) -> Value:
    left, right = evaluate(node.left, row, world), evaluate(node.right, row, world)
    return None if left is None or right is None else COMPARE[node.op](left, right)


def _logic(node: Logic, row: Row, world: World) -> Value:
    parts = [evaluate(a, row, world) for a in node.args]
    decisive = node.op == "or"
    if any(p is decisive for p in parts):
        return decisive
    return None if None in parts else not decisive


def _not(node: Not, row: Row, world: World) -> Value:
    value = evaluate(node.arg, row, world)
    return None if value is None else not value


def _in(node: In, row: Row, world: World) -> Value:
    value = evaluate(node.arg, row, world)
    if value is None:
        return None
    options: list[Value] = []
    for option in node.options:
        found = evaluate(option, row, world)
        options += found if isinstance(found, tuple) else [found]
    return value in options


def _arith(node: Arith, row: Row, world: World) -> Value:
    left: Any = evaluate(node.left, row, world)
    right: Any = evaluate(node.right, row, world)
    if left is None or right is None:
        return None
    if isinstance(left, date):
        if isinstance(right, date):
            return (left - right).days
        return left + timedelta(days=right if node.op == "+" else -right)
    result: Value = {"+": operator.add, "-": operator.sub, "*": operator.mul}[node.op](left, right)
    return result


def _call(node: Call, row: Row, world: World) -> Value:
    values = [evaluate(a, row, world) for a in node.args]
    if node.name == "coalesce":
        return next((v for v in values if v is not None), None)
    if node.name == "nullif":
        return None if values[0] == values[1] else values[0]
    if node.name == "only_if":
        return values[1] if values[0] is True else None
    return None if None in values else _FUNCTIONS[node.name](world.as_of, *values)


def _months_since(as_of: date, day: date) -> int | None:
    if day > as_of:
        return None
    return (as_of.year - day.year) * 12 + as_of.month - day.month - (as_of.day < day.day)


def _ratio(as_of: date, part: Any, whole: Any, share: Any) -> bool | None:
    return bool(part >= share * whole) if whole > 0 else None


def _fraction(as_of: date, part: Any, whole: Any, digits: int) -> Decimal | None:
    if part < 0 or whole <= 0:
        return None
    scaled = Fraction(part) / Fraction(whole) * 10**digits + Fraction(1, 2)
    return Decimal(scaled.numerator // scaled.denominator).scaleb(-digits)


_FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "years_since": lambda as_of, day: age_on(day, as_of),
    "months_since": _months_since,
    "days_since": lambda as_of, day: (as_of - day).days,
    "year": lambda as_of, day: day.year,
    "month": lambda as_of, day: day.month,
    "day": lambda as_of, day: day.day,
    "starts_with": lambda as_of, text, start: text.startswith(start),
    "left": lambda as_of, text, n: text[:n],
    "length": lambda as_of, text: len(text),
    "has": lambda as_of, items, item: item in items,
    "ratio_at_least": _ratio,
    "fraction": _fraction,
}


def _judge(rows: Relation, condition: Node, row: Row, world: World) -> tuple[list[Row], int, bool]:
    """The rows that meet the condition, how many may or may not, and whether a feed is missing."""
    judged = [(r, evaluate(condition, r, world)) for r in row.rows.get(rows.table, ())]
    met = [r for r, value in judged if value is True]
    unknown = sum(value is None for _, value in judged)
    return met, unknown, any(f in world.unavailable for f in rows.feeds)


def _any_of(node: AnyOf, row: Row, world: World) -> Value:
    met, unknown, missing = _judge(node.rows, node.condition, row, world)
    return True if met else None if unknown or missing else False


def _count_of(node: CountOf, row: Row, world: World) -> Value:
    met, unknown, missing = _judge(node.rows, node.condition, row, world)
    return None if unknown or missing else len(met)


def _count_compare(node: CountCompare, row: Row, world: World) -> Value:
    met, unknown, missing = _judge(node.rows, node.condition, row, world)
    bound: Any = evaluate(node.bound, row, world)
    return None if bound is None else compare_count(node.op, len(met), unknown, missing, bound)


def compare_count(op: str, met: int, unknown: int, missing: bool, bound: int) -> bool | None:
    """Compares a count that lies between `met` and `met + unknown` (no upper end if a feed is missing)."""
    low, high = met, None if missing else met + unknown
    if op in ("<", "<="):
        opposite = compare_count(">=" if op == "<" else ">", met, unknown, missing, bound)
        return None if opposite is None else not opposite
    if op in ("=", "<>"):
        if low > bound or (high is not None and high < bound):
            return op == "<>"
        return op == "=" if low == high == bound else None
    compare = COMPARE[op]
    if compare(low, bound):
        return True
    return False if high is not None and not compare(high, bound) else None


def _extreme(node: Extreme, row: Row, world: World) -> Value:
    met, unknown, missing = _judge(node.rows, node.condition, row, world)
    if unknown or missing or not met:
        return None
    pairs: list[tuple[Any, Any]] = [(evaluate(node.by, r, world), evaluate(node.value, r, world)) for r in met]
    if any(by is None for by, _ in pairs):
        return None
    if node.which == "min":
        return min(by for by, _ in pairs)
    last = max(by for by, _ in pairs)
    values = [value for by, value in pairs if by == last]
    return None if None in values else max(values)


_EVALUATE: Mapping[type, Callable[[Any, Row, World], Value]] = {
    Literal: lambda node, row, world: node.value,
    Parameter: lambda node, row, world: world.parameters[node.name],
    AsOf: lambda node, row, world: world.as_of,
    Column: _column,
    TagRef: _tag,
    Compare: _compare,
    Logic: _logic,
    Not: _not,
    In: _in,
    IsNull: lambda node, row, world: evaluate(node.arg, row, world) is None,
    IsTruth: lambda node, row, world: evaluate(node.arg, row, world) is node.truth,
    Arith: _arith,
    Call: _call,
    AnyOf: _any_of,
    CountOf: _count_of,
    CountCompare: _count_compare,
    Extreme: _extreme,
}
