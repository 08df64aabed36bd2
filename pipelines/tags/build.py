"""Typed constructors: each checks its operands and makes a node, or raises RuleError with the reason.

Every way of making a tree passes here, so no node with wrong types can exist.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pipelines.tags.functions import FUNCTIONS, WrongArguments
from pipelines.tags.problems import nearest
from pipelines.tags.tree import (
    AnyOf,
    Arith,
    Call,
    Compare,
    CompareOp,
    CountCompare,
    CountOf,
    Extreme,
    In,
    IsTruth,
    Literal,
    Logic,
    Node,
    Not,
    Parameter,
    Relation,
)
from pipelines.tags.values import BOOL, DATE, INT, MAX_SCALE, TEXT, TEXTS, Type, Value, decimal, scale_of

FLIPPED: dict[CompareOp, CompareOp] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""A comparison read from the other side."""


class RuleError(Exception):
    """A part of a rule that cannot be; says why, and the nearest valid name if a name was wrong."""

    def __init__(self, message: str, near: str = "", kind: str = "type") -> None:
        super().__init__(message)
        self.message = message
        self.near = near
        self.kind = kind


def literal(value: Value) -> Literal:
    """A constant with the type its Python value shows."""
    if isinstance(value, bool):
        return Literal(value, BOOL)
    if isinstance(value, int):
        return Literal(value, INT)
    if isinstance(value, Decimal):
        return Literal(value, decimal(scale_of(value)))
    if isinstance(value, date):
        return Literal(value, DATE)
    if isinstance(value, str):
        return Literal(value, TEXT)
    raise RuleError("null is no value to compute with: write 'is null'")


def compare(op: CompareOp, left: Node, right: Node) -> Node:
    """A comparison. A count compared with a value becomes a CountCompare, which knows its answer earlier."""
    _comparable(left.type, right.type, op)
    if isinstance(left, CountOf) and not isinstance(right, CountOf) and right.type == INT:
        return CountCompare(op, left.rows, left.condition, right)
    if isinstance(right, CountOf) and not isinstance(left, CountOf) and left.type == INT:
        return CountCompare(FLIPPED[op], right.rows, right.condition, left)
    return Compare(op, left, right)


def _comparable(left: Type, right: Type, op: str) -> None:
    if left == TEXTS or right == TEXTS:
        raise RuleError(f"a list cannot be compared with '{op}': use has(list, text) or 'in'")
    if left.kind != right.kind and not (left.is_number and right.is_number):
        hint = ": write a date as date '2026-01-31'" if {left, right} == {DATE, TEXT} else ""
        raise RuleError(f"'{op}' compares a {left} with a {right}{hint}")
    if left == BOOL and op not in ("=", "<>"):
        raise RuleError(f"'{op}' does not apply to true/false")


def logic(op: str, args: Sequence[Node]) -> Node:
    """`and` / `or`; nested parts of the same operator become one list."""
    flat: list[Node] = []
    for arg in args:
        if arg.type != BOOL:
            raise RuleError(f"'{op}' joins true/false parts; this part is a {arg.type}")
        flat += arg.args if isinstance(arg, Logic) and arg.op == op else [arg]
    return Logic("and" if op == "and" else "or", tuple(flat))


def negate(arg: Node) -> Node:
    """`not`."""
    if arg.type != BOOL:
        raise RuleError(f"'not' applies to true/false, not to a {arg.type}")
    return Not(arg)


def member(arg: Node, options: Sequence[Node]) -> Node:
    """`in` a list of constants and parameters, or in one list parameter."""
    if not options:
        raise RuleError("'in' needs at least one value")
    for option in options:
        if not isinstance(option, Literal | Parameter):
            raise RuleError("'in' takes constants and parameters only")
        if option.type == TEXTS:
            if arg.type != TEXT:
                raise RuleError(f"'in' looks for a {arg.type} in a list of text")
        else:
            _comparable(arg.type, option.type, "in")
    return In(arg, tuple(options))


def truth(arg: Node, wanted: bool) -> Node:
    """`is true` / `is false`."""
    if arg.type != BOOL:
        raise RuleError(f"'is {str(wanted).lower()}' applies to true/false, not to a {arg.type}")
    return IsTruth(arg, wanted)


def arith(op: str, left: Node, right: Node) -> Node:
    """`+ - *` with the result type each pair of types gives."""
    kind = _arith_type(op, left.type, right.type)
    if kind is None:
        hint = "; a share is asked for with ratio_at_least(part, whole, $share)" if op == "/" else ""
        raise RuleError(f"'{op}' does not work on a {left.type} and a {right.type}{hint}")
    if kind.scale > MAX_SCALE:
        raise RuleError(f"'{op}' would need more than {MAX_SCALE} digits after the point")
    if op == "+" and left.type == INT and right.type == DATE:
        left, right = right, left
    return Arith("+" if op == "+" else "-" if op == "-" else "*", left, right, kind)


def _arith_type(op: str, left: Type, right: Type) -> Type | None:
    if left.is_number and right.is_number and op in ("+", "-", "*"):
        if left == INT and right == INT:
            return INT
        return decimal(left.scale + right.scale if op == "*" else max(left.scale, right.scale))
    if op in ("+", "-") and left == DATE and right == INT:
        return DATE
    if op == "+" and left == INT and right == DATE:
        return DATE
    return INT if op == "-" and left == DATE and right == DATE else None


def call(name: str, args: Sequence[Node]) -> Node:
    """A function of the white list."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise RuleError(f"the function {name}() is not on the white list", nearest(name, FUNCTIONS), "function")
    try:
        return Call(name, tuple(args), function.result(args))
    except WrongArguments as error:
        raise RuleError(f"{name}() {error}") from error


def over_rows(name: str, rows: Relation, values: Sequence[Node], condition: Node) -> Node:
    """A function over related rows: `values` are what comes between the rows and the condition."""
    if condition.type != BOOL:
        raise RuleError(f"the condition of {name}() must be true/false, not a {condition.type}")
    if name == "any_of":
        return AnyOf(rows, condition)
    if name == "all_of":
        return Not(AnyOf(rows, Not(condition)))
    if name == "count_of":
        return CountOf(rows, condition)
    value = values[0]
    by = values[1] if name == "latest" else value
    if value.type == TEXTS or by.type == TEXTS:
        raise RuleError(f"{name}() does not work on lists")
    if name == "latest":
        return Extreme("latest", rows, value, by, condition, value.type)
    return Extreme("max" if name == "max_of" else "min", rows, value, by, condition, value.type)
