"""Typed tree back to rule text: one canonical spelling, which parses to the same tree again.

Used to show parts of a rule and to tell whether a rule has changed.
"""

from datetime import date
from decimal import Decimal

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
    TagRef,
)
from pipelines.tags.values import TEXTS, Value


def to_text(node: Node) -> str:
    """The rule text of a node."""
    match node:
        case Literal():
            return value_text(node.value)
        case Parameter():
            return f"${node.name}"
        case AsOf():
            return "as_of"
        case Column():
            return f"{node.link}.{node.name}" if node.link else node.name
        case TagRef():
            return f"{node.link}.tag('{node.code}')" if node.link else f"tag('{node.code}')"
        case AnyOf() | CountOf() | CountCompare() | Extreme():
            return _rows_text(node)
        case _:
            return _operator_text(node)


def _operator_text(node: Node) -> str:
    match node:
        case Compare():
            return f"{_part(node.left)} {node.op} {_part(node.right)}"
        case Logic():
            return f" {node.op} ".join(_part(a) for a in node.args)
        case Not():
            return f"not {_part(node.arg)}"
        case In():
            listed = len(node.options) == 1 and node.options[0].type == TEXTS
            options = ", ".join(to_text(o) for o in node.options)
            return f"{_part(node.arg)} in {options if listed else f'({options})'}"
        case IsNull():
            return f"{_part(node.arg)} is null"
        case IsTruth():
            return f"{_part(node.arg)} is {str(node.truth).lower()}"
        case Arith():
            return f"{_part(node.left)} {node.op} {_part(node.right)}"
        case Call():
            return f"{node.name}({', '.join(to_text(a) for a in node.args)})"
    raise TypeError(f"no text for {type(node).__name__}")


def _rows_text(node: AnyOf | CountOf | CountCompare | Extreme) -> str:
    table, condition = node.rows.table, to_text(node.condition)
    match node:
        case AnyOf():
            return f"any_of({table}, {condition})"
        case CountOf():
            return f"count_of({table}, {condition})"
        case CountCompare():
            return f"count_of({table}, {condition}) {node.op} {_part(node.bound)}"
        case Extreme():
            values = [node.value, node.by] if node.which == "latest" else [node.value]
            name = "latest" if node.which == "latest" else f"{node.which}_of"
            return f"{name}({table}, {', '.join(to_text(v) for v in values)}, {condition})"


def _part(node: Node) -> str:
    text = to_text(node)
    if isinstance(node, Compare | Logic | Not | In | IsNull | IsTruth | Arith | CountCompare):
        return f"({text})"
    return f"({text})" if text.startswith("-") else text


def value_text(value: Value) -> str:
    """A value as a rule would write it; unknown is `unknown`."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return "[" + ", ".join(value_text(v) for v in value) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
