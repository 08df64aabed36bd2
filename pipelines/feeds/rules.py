"""Row rules of contracts: a small, closed part of SQL over the values of one row.

The text is parsed by sqlglot, refused unless every node is on the white list, and printed as a Polars expression. What
does not belong here: reading columns (`parse`) and what happens to a broken row (`check`).
"""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import reduce
from typing import Literal

import polars as pl
import sqlglot
from sqlglot import exp

from pipelines.feeds.fields import Severity, Strict

_COMPARE: dict[type[exp.Expr], Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
    exp.And: lambda a, b: a & b,
    exp.Or: lambda a, b: a | b,
}
_PARTS: dict[type[exp.Expr], Callable[[pl.Expr], pl.Expr]] = {
    exp.Year: lambda a: a.dt.year(),
    exp.Month: lambda a: a.dt.month(),
    exp.Day: lambda a: a.dt.day(),
}
_OTHER = (
    *_PARTS,
    exp.Not,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Null,
    exp.Paren,
    exp.Boolean,
)


class RowRule(Strict):
    """A condition over the values of one row. Broken where it is false; unknown passes.

    `within` names columns: then the condition must hold for at least one row of each group of equal values. A rule of
    severity `link` says that an identity column's number is not that of the row's person; the row is accepted without.
    """

    name: str
    column: str
    expression: str
    severity: Severity | Literal["link"]
    message_zh: str
    message_en: str
    within: tuple[str, ...] = ()


def problems(text: str, names: set[str]) -> Iterator[str]:
    """What is wrong with a rule's text: syntax, forbidden constructs, names that do not exist (with the nearest)."""
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        yield f"cannot be read: {str(error).splitlines()[0]}"
        return
    if tree.find(exp.Column) is None:
        yield "speaks of no column"
    for node in tree.walk():
        if not isinstance(node, (*_COMPARE, *_OTHER)):
            yield f"{type(node).__name__.lower()} is not allowed in a row rule"
        elif isinstance(node, exp.Column) and node.name not in names:
            near = get_close_matches(node.name, names, 1)
            yield f"there is no column {node.name}" + (f"; did you mean {near[0]}?" if near else "")


def names(text: str) -> set[str]:
    """The names a rule speaks of."""
    return {column.name for column in sqlglot.parse_one(text, read="duckdb").find_all(exp.Column)}


def expression(text: str) -> pl.Expr:
    """The rule as a Polars expression with SQL's three-valued logic (null where unknown)."""
    return _print(sqlglot.parse_one(text, read="duckdb"))


def _print(node: exp.Expr) -> pl.Expr:
    if isinstance(node, exp.Column):
        return pl.col(node.name)
    if isinstance(node, exp.Paren):
        return _print(node.this)
    if isinstance(node, tuple(_PARTS)):
        return _PARTS[type(node)](_print(node.this))
    if isinstance(node, exp.Not):
        return ~_print(node.this)
    if isinstance(node, (exp.Literal, exp.Boolean, exp.Null)):
        return pl.lit(node.to_py())
    if isinstance(node, exp.Is):
        if isinstance(node.expression, exp.Null):
            return _print(node.this).is_null()
        return _print(node.this).eq_missing(_print(node.expression))
    if isinstance(node, exp.In):
        return reduce(lambda a, b: a | b, (_print(node.this) == _print(item) for item in node.expressions))
    if isinstance(node, exp.Between):
        value = _print(node.this)
        return (value >= _print(node.args["low"])) & (value <= _print(node.args["high"]))
    return _COMPARE[type(node)](_print(node.this), _print(node.expression))
