"""Typed tree to Polars expressions: the engine that evaluates whole districts.

Decimals are carried as whole numbers of their last digit, because every comparison must be exact. What has no column
in it is computed once, by the interpreter. Which columns a frame must have is said by `column_name` and by `Frame`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce

import polars as pl

from pipelines.identifiers import age_expr
from pipelines.tags.interpret import Row, World, evaluate
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
    own_children,
)
from pipelines.tags.values import Type, Value

POLARS: Mapping[str, type[pl.DataType]] = {
    "bool": pl.Boolean,
    "int": pl.Int64,
    "decimal": pl.Int64,
    "text": pl.String,
    "date": pl.Date,
}


@dataclass
class Frame:
    """What is fixed while expressions for one frame are made.

    `shared` maps nodes to columns that already hold them; `counts` maps (relation, condition) to the pair of columns
    that hold how many rows meet the condition and for how many it is unknown; `extremes` maps nodes to their column.
    """

    world: World
    shared: dict[Node, str] = field(default_factory=dict)
    counts: dict[tuple[Relation, Node], tuple[str, str]] = field(default_factory=dict)
    extremes: dict[Extreme, str] = field(default_factory=dict)

    def misses(self, rows: Relation) -> bool:
        """Whether a feed of the relation is missing, so that an absent row means nothing."""
        return any(f in self.world.unavailable for f in rows.feeds)


def column_name(node: Column | TagRef) -> str:
    """The name a column or tag bears in a frame: plain if own, `link.name` if reached through a link."""
    name = node.name if isinstance(node, Column) else node.code
    return f"{node.link}.{name}" if node.link else name


def to_polars(node: Node, frame: Frame) -> pl.Expr:
    """The expression of a node over a frame."""
    if node in frame.shared:
        return pl.col(frame.shared[node])
    if is_constant(node):
        return _constant(evaluate(node, Row(), frame.world), node.type)
    match node:
        case Column() | TagRef():
            return pl.col(column_name(node))
        case AnyOf() | CountOf() | CountCompare() | Extreme():
            return _over_rows(node, frame)
        case Compare():
            left, right = _same_scale(node.left, node.right, frame)
            return _compare(node.op, left, right)
        case Arith():
            return _arith(node, frame)
        case Call():
            return _call(node, frame)
        case In():
            return _in(node, frame)
    return _boolean(node, frame)


def is_constant(node: Node) -> bool:
    """Whether nothing below depends on a row."""
    if isinstance(node, Literal | Parameter | AsOf):
        return True
    if isinstance(node, Column | TagRef | AnyOf | CountOf | CountCompare | Extreme):
        return False
    return all(is_constant(c) for c in own_children(node))


def _boolean(node: Node, frame: Frame) -> pl.Expr:
    match node:
        case Logic():
            parts = [to_polars(a, frame) for a in node.args]
            return reduce((lambda a, b: a & b) if node.op == "and" else (lambda a, b: a | b), parts)
        case Not():
            return ~to_polars(node.arg, frame)
        case IsNull():
            return to_polars(node.arg, frame).is_null()
        case IsTruth():
            filled = to_polars(node.arg, frame).fill_null(not node.truth)
            return filled if node.truth else ~filled
    raise TypeError(f"no Polars expression for {type(node).__name__}")


def _constant(value: Value, kind: Type) -> pl.Expr:
    if isinstance(value, tuple):
        return pl.lit(list(value), dtype=pl.List(pl.String))
    if value is None:
        return pl.lit(None, dtype=POLARS[kind.kind])
    return pl.lit(_plain(value, kind), dtype=POLARS[kind.kind])


def _plain(value: Value, kind: Type) -> object:
    if kind.kind == "decimal" and isinstance(value, int | Decimal):
        return int(Decimal(value).scaleb(kind.scale))
    return value


def scaled(expression: pl.Expr, kind: Type, scale: int) -> pl.Expr:
    """A number as whole units of 10^-scale."""
    return expression if scale == kind.scale else expression * 10 ** (scale - kind.scale)


def _same_scale(left: Node, right: Node, frame: Frame) -> tuple[pl.Expr, pl.Expr]:
    scale = max(left.type.scale, right.type.scale)
    return scaled(to_polars(left, frame), left.type, scale), scaled(to_polars(right, frame), right.type, scale)


def _compare(op: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    match op:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right


def _in(node: In, frame: Frame) -> pl.Expr:
    if node.arg.type.is_number:
        pairs = [_same_scale(node.arg, option, frame) for option in node.options]
        return reduce(lambda a, b: a | b, [left == right for left, right in pairs])
    options: list[Value] = []
    for option in node.options:
        value = evaluate(option, Row(), frame.world)
        options += value if isinstance(value, tuple) else [value]
    arg = to_polars(node.arg, frame)
    if len(options) == 1:
        return arg == pl.lit(options[0], dtype=POLARS[node.arg.type.kind])
    return arg.is_in(pl.Series(options, dtype=POLARS[node.arg.type.kind]).implode())


def _arith(node: Arith, frame: Frame) -> pl.Expr:
    if node.left.type.kind == "date":
        left, right = to_polars(node.left, frame), to_polars(node.right, frame)
        if node.right.type.kind == "date":
            return (left - right).dt.total_days()
        days = pl.duration(days=right)
        return left + days if node.op == "+" else left - days
    if node.op == "*":
        return to_polars(node.left, frame) * to_polars(node.right, frame)
    left, right = _same_scale(node.left, node.right, frame)
    return left + right if node.op == "+" else left - right


def _call(node: Call, frame: Frame) -> pl.Expr:
    if node.name == "ratio_at_least":
        return _ratio(node, frame)
    if node.name == "fraction":
        return _fraction(node, frame)
    args = [to_polars(a, frame) for a in node.args]
    match node.name:
        case "coalesce":
            return pl.coalesce(args)
        case "nullif":
            return pl.when((args[0] == args[1]).fill_null(False)).then(None).otherwise(args[0])
        case "only_if":
            return pl.when(args[0]).then(args[1])
        case "has":
            return pl.when(args[1].is_not_null()).then(args[0].list.contains(args[1]))
        case "starts_with":
            return args[0].str.starts_with(args[1])
        case "left":
            return args[0].str.slice(0, args[1])
        case "length":
            return args[0].str.len_chars().cast(pl.Int64)
    return _dated(node.name, args[0], frame.world.as_of)


def _dated(name: str, day: pl.Expr, as_of: date) -> pl.Expr:
    now = pl.lit(as_of)
    match name:
        case "years_since":
            return age_expr(day, now).cast(pl.Int64)
        case "months_since":
            months = as_of.year * 12 + as_of.month - day.dt.year().cast(pl.Int64) * 12 - day.dt.month()
            return pl.when(day <= now).then(months - (day.dt.day() > as_of.day).cast(pl.Int64))
        case "days_since":
            return (now - day).dt.total_days()
        case "year":
            return day.dt.year().cast(pl.Int64)
        case "month":
            return day.dt.month().cast(pl.Int64)
        case "day":
            return day.dt.day().cast(pl.Int64)
    raise TypeError(f"no Polars expression for {name}()")


def _ratio(node: Call, frame: Frame) -> pl.Expr:
    part, whole, share = (to_polars(a, frame) for a in node.args)
    scale = max(node.args[0].type.scale, node.args[1].type.scale + node.args[2].type.scale)
    right = (whole * share) * 10 ** (scale - node.args[1].type.scale - node.args[2].type.scale)
    return pl.when(whole > 0).then(scaled(part, node.args[0].type, scale) >= right)


def _fraction(node: Call, frame: Frame) -> pl.Expr:
    part, whole = _same_scale(node.args[0], node.args[1], frame)
    wide = part.cast(pl.Int128)
    rounded = (2 * wide * 10**node.type.scale + whole) // (2 * whole.cast(pl.Int128))
    return pl.when((part >= 0) & (whole > 0)).then(rounded.cast(pl.Int64))


def _over_rows(node: RowsNode, frame: Frame) -> pl.Expr:
    missing = frame.misses(node.rows)
    if isinstance(node, Extreme):
        return pl.lit(None, dtype=POLARS[node.type.kind]) if missing else pl.col(frame.extremes[node])
    met_name, unknown_name = frame.counts[node.rows, node.condition]
    met, unknown = pl.col(met_name).fill_null(0), pl.col(unknown_name).fill_null(0)
    if isinstance(node, AnyOf):
        undecided = pl.lit(True) if missing else unknown > 0
        return pl.when(met > 0).then(True).when(undecided).then(None).otherwise(False)
    met = met.cast(pl.Int64)
    if isinstance(node, CountOf):
        return pl.when(pl.lit(not missing) & (unknown == 0)).then(met)
    high = None if missing else met + unknown
    return _compare_count(node.op, met, high, to_polars(node.bound, frame))


def _compare_count(op: str, low: pl.Expr, high: pl.Expr | None, bound: pl.Expr) -> pl.Expr:
    if op in ("<", "<="):
        return ~_compare_count(">=" if op == "<" else ">", low, high, bound)
    above = low > bound
    if op in ("=", "<>"):
        outside = above if high is None else above | (high < bound)
        same = pl.lit(False) if high is None else (low == bound) & (high == bound)
        return pl.when(outside).then(op == "<>").when(same).then(op == "=")
    reached = _compare(op, low, bound)
    if high is None:
        return pl.when(reached).then(True)
    return pl.when(reached).then(True).when(~_compare(op, high, bound)).then(False)
