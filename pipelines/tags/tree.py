"""The typed tree a rule becomes: small, immutable, hashable, independent of any engine.

Every node knows its type. Three-valued logic: every node may be unknown, except where its docstring says otherwise.
How nodes are read from text, printed or computed is the business of the modules beside this one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal as OneOf

from pipelines.tags.values import BOOL, DATE, INT, Type, Value

CompareOp = OneOf["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Relation:
    """Rows that belong to a subject: `table.key` holds the subject's id.

    `feeds` are the feeds that must be available before a missing row means anything. `is_subject` says that the rows
    are subjects themselves, so that their tags may be used.
    """

    table: str
    key: str
    subject: str
    feeds: tuple[str, ...] = ()
    is_subject: bool = False


@dataclass(frozen=True)
class Literal:
    """A constant written in the rule; never unknown."""

    value: Value
    type: Type


@dataclass(frozen=True)
class Parameter:
    """A dated parameter; its value is fixed by as_of."""

    name: str
    type: Type


@dataclass(frozen=True)
class AsOf:
    """The date the run speaks about; never unknown."""

    type: Type = DATE


@dataclass(frozen=True)
class Column:
    """A column of the subject's own row (`link` empty), or of the one row a link leads to.

    Inside a condition over rows of a relation, the own row is the related row.
    """

    table: str
    name: str
    type: Type
    link: str = ""
    via: str = ""


@dataclass(frozen=True)
class TagRef:
    """Another tag's value: of the same subject, or of the subject a link leads to."""

    code: str
    subject: str
    type: Type
    link: str = ""
    via: str = ""


@dataclass(frozen=True)
class Compare:
    """A comparison; unknown if either side is."""

    op: CompareOp
    left: "Node"
    right: "Node"
    type: Type = BOOL


@dataclass(frozen=True)
class Logic:
    """Kleene `and` / `or` over two or more parts."""

    op: OneOf["and", "or"]
    args: tuple["Node", ...]
    type: Type = BOOL


@dataclass(frozen=True)
class Not:
    """Kleene negation."""

    arg: "Node"
    type: Type = BOOL


@dataclass(frozen=True)
class In:
    """Membership in constants or in a list parameter; unknown if the left side is."""

    arg: "Node"
    options: tuple["Node", ...]
    type: Type = BOOL


@dataclass(frozen=True)
class IsNull:
    """Whether a value is unknown; never unknown itself."""

    arg: "Node"
    type: Type = BOOL


@dataclass(frozen=True)
class IsTruth:
    """`is true` / `is false`; never unknown."""

    arg: "Node"
    truth: bool
    type: Type = BOOL


@dataclass(frozen=True)
class Arith:
    """`+ - *` of numbers, date ± days, date - date in days."""

    op: OneOf["+", "-", "*"]
    left: "Node"
    right: "Node"
    type: Type


@dataclass(frozen=True)
class Call:
    """A function of the white list."""

    name: str
    args: tuple["Node", ...]
    type: Type


@dataclass(frozen=True)
class AnyOf:
    """True if the condition holds for a row; else unknown if it is for one, or if a feed is missing; else false."""

    rows: Relation
    condition: "Node"
    type: Type = BOOL


@dataclass(frozen=True)
class CountOf:
    """How many rows meet the condition; unknown if the condition is for some row, or if a feed is missing."""

    rows: Relation
    condition: "Node"
    type: Type = INT


@dataclass(frozen=True)
class CountCompare:
    """A count compared with a bound: known as soon as the rows whose condition is unknown cannot change the answer."""

    op: CompareOp
    rows: Relation
    condition: "Node"
    bound: "Node"
    type: Type = BOOL


@dataclass(frozen=True)
class Extreme:
    """Greatest, least or latest value among the rows that meet the condition.

    Unknown without such a row, if the condition or a needed value is unknown for some row, or if a feed is missing.
    For `latest`, `by` orders the rows; of rows that tie the greatest value counts.
    """

    which: OneOf["max", "min", "latest"]
    rows: Relation
    value: "Node"
    by: "Node"
    condition: "Node"
    type: Type


Node = (
    Literal
    | Parameter
    | AsOf
    | Column
    | TagRef
    | Compare
    | Logic
    | Not
    | In
    | IsNull
    | IsTruth
    | Arith
    | Call
    | AnyOf
    | CountOf
    | CountCompare
    | Extreme
)
RowsNode = AnyOf | CountOf | CountCompare | Extreme
Leaf = Literal | Parameter | AsOf | Column | TagRef


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, conditions over related rows included, in the order they are written."""
    found: list[Node] = []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            found += [v for v in value if isinstance(v, Node)]
        elif isinstance(value, Node):
            found.append(value)
    return tuple(found)


def own_children(node: Node) -> tuple[Node, ...]:
    """The nodes below that speak about the same row as `node`: conditions over related rows are left out."""
    if isinstance(node, CountCompare):
        return (node.bound,)
    if isinstance(node, AnyOf | CountOf | Extreme):
        return ()
    return children(node)


def inside(node: RowsNode) -> Iterator[Node]:
    """Everything in a function over rows that speaks about the related rows, not about the subject."""
    for part in (node.value, node.by, node.condition) if isinstance(node, Extreme) else (node.condition,):
        yield from walk(part)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, top down, conditions over related rows included."""
    yield node
    for child in children(node):
        yield from walk(child)
