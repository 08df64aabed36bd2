"""Rule text to typed tree, by way of sqlglot's parser. Nothing of the text is ever executed.

sqlglot reads far more than rules may say, so this is a white list: a node it does not know is refused by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from pipelines.tags import build
from pipelines.tags.build import RuleError
from pipelines.tags.functions import ALL_NAMES, FUNCTIONS, ROWS_FUNCTIONS
from pipelines.tags.problems import nearest
from pipelines.tags.registry import Registry, Table
from pipelines.tags.tree import AsOf, Column, CompareOp, IsNull, Literal, Node, Parameter, Relation, TagRef
from pipelines.tags.values import BOOL, Type

MAX_LENGTH = 4000
MAX_DEPTH = 60


class RuleDialect(DuckDB):
    """DuckDB's expressions without its `$tag$…$tag$` strings: a rule's `$` always begins a parameter.

    sqlglot 30 tries every `$` as such a string first, and does not find its way back over a later `''`.
    """

    class Tokenizer(DuckDB.Tokenizer):
        """DuckDB's tokens, the dollar-quoted strings left out."""

        HEREDOC_STRINGS: ClassVar[list[str | tuple[str, str]]] = []


@dataclass(frozen=True)
class Names:
    """Every name a rule may use: the registry, the parameters' types and the tags' subjects and types."""

    registry: Registry
    parameters: Mapping[str, Type]
    tags: Mapping[str, tuple[str, Type]]


@dataclass(frozen=True)
class Finding:
    """A fault in a rule's text: 1-based line within the text, kind, message, nearest valid name."""

    line: int
    kind: str
    message: str
    near: str = ""


@dataclass
class Parsed:
    """A rule's tree, or None with the findings that prevented it."""

    tree: Node | None
    findings: list[Finding] = field(default_factory=list)


def parse_rule(text: str, subject: str, names: Names) -> Parsed:
    """Parses one rule of a subject. Collects every fault it can find; the tree is None if there is any."""
    syntax = _syntax(text)
    if isinstance(syntax, Finding):
        return Parsed(None, [syntax])
    reader = _Reader(names, names.registry.subjects[subject], text)
    tree = reader.read(syntax)
    return Parsed(None if reader.findings else tree, reader.findings)


def _syntax(text: str) -> exp.Expr | Finding:
    if len(text) > MAX_LENGTH:
        return Finding(1, "syntax", f"the rule is longer than {MAX_LENGTH} characters")
    for mark in ("{{", "{%", "{#"):
        if mark in text:
            line = text[: text.index(mark)].count("\n") + 1
            return Finding(line, "jinja", f"'{mark}' is template language; a rule is one plain expression")
    if _depth(text) > MAX_DEPTH:
        return Finding(1, "syntax", f"brackets are nested deeper than {MAX_DEPTH}")
    try:
        parsed = [p for p in sqlglot.parse(text, dialect=RuleDialect) if p is not None]
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        near, before = str(first.get("highlight") or ""), str(first.get("start_context") or "")
        said = str(first.get("description") or "cannot be read")
        reason = "a part is missing" if said.startswith("Required keyword") else said.split("<class")[0]
        message = f"not an expression: {reason}" + (f" near '{near}'" if near else "")
        return Finding(_line_at(text, text.find(before + near) + len(before)), "syntax", message)
    except RecursionError:
        return Finding(1, "syntax", "the rule is nested too deeply")
    if len(parsed) != 1:
        return Finding(1, "statement", f"a rule is one expression; here are {len(parsed)} statements")
    return parsed[0]


def _depth(text: str) -> int:
    deepest = depth = 0
    for mark in text:
        depth += (mark == "(") - (mark == ")")
        deepest = max(deepest, depth)
    return deepest


_COMPARES: dict[type[exp.Expr], CompareOp] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITH: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_KNOWN: dict[type[exp.Expr], str] = {
    exp.Year: "year",
    exp.Month: "month",
    exp.Day: "day",
    exp.Left: "left",
    exp.StartsWith: "starts_with",
    exp.Length: "length",
    exp.Coalesce: "coalesce",
    exp.Nullif: "nullif",
}
_STATEMENTS = (
    exp.Query,
    exp.DDL,
    exp.DML,
    exp.Command,
    exp.Drop,
    exp.Pragma,
    exp.Attach,
    exp.Detach,
    exp.Copy,
    exp.Set,
)


class _Reader:
    """One pass over one rule. `rows` is set while the condition of a relation is read."""

    def __init__(self, names: Names, subject: Table, text: str) -> None:
        self.names = names
        self.subject = subject
        self.text = text
        self.rows: Relation | None = None
        self.findings: list[Finding] = []

    def read(self, node: exp.Expr) -> Node | None:
        """The tree of a node, or None after noting a finding."""
        try:
            return self._dispatch(node)
        except RuleError as error:
            finding = Finding(self._line(node), error.kind, error.message, error.near)
            if finding not in self.findings:
                self.findings.append(finding)
            return None

    def _line(self, node: exp.Expr) -> int:
        """The line of the first word of a node. sqlglot's own line numbers count some line ends twice."""
        starts = [int(part.meta["start"]) for part in node.walk() if "start" in part.meta]
        return _line_at(self.text, min(starts, default=0))

    def _all(self, *nodes: exp.Expr) -> list[Node] | None:
        found = [self.read(n) for n in nodes]
        known = [f for f in found if f is not None]
        return known if len(known) == len(nodes) else None

    def _apply(self, make: Callable[..., Node], *nodes: exp.Expr) -> Node | None:
        parts = self._all(*nodes)
        return None if parts is None else make(*parts)

    def _dispatch(self, node: exp.Expr) -> Node | None:
        kind = type(node)
        if kind in _COMPARES:
            op = _COMPARES[kind]
            return self._apply(lambda a, b: build.compare(op, a, b), node.this, node.expression)
        if kind in _ARITH:
            return self._apply(lambda a, b: build.arith(_ARITH[kind], a, b), node.this, node.expression)
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(self, node)
        if kind in _KNOWN:
            return self._call(_KNOWN[kind], _arguments(node))
        if isinstance(node, _STATEMENTS) or node.find(exp.Query):
            what = "a subquery" if isinstance(node, exp.Subquery | exp.Exists) or node.find(exp.Subquery) else None
            raise RuleError(f"{what or 'a statement'} is not allowed in a rule: write one expression", kind="statement")
        if isinstance(node, exp.Func):
            name = node.sql_name().lower()
            raise RuleError(f"the function {name}() is not on the white list", nearest(name, ALL_NAMES), "function")
        raise RuleError(f"'{node.sql(dialect='duckdb')}' ({kind.__name__}) is not part of the language", kind="syntax")

    def _logic(self, node: exp.Expr) -> Node | None:
        op = "and" if isinstance(node, exp.And) else "or"
        return self._apply(lambda *a: build.logic(op, a), *node.flatten())

    def _between(self, node: exp.Expr) -> Node | None:
        def make(value: Node, low: Node, high: Node) -> Node:
            return build.logic("and", [build.compare(">=", value, low), build.compare("<=", value, high)])

        return self._apply(make, node.this, node.args["low"], node.args["high"])

    def _in(self, node: exp.Expr) -> Node | None:
        if node.args.get("query") or node.args.get("unnest"):
            raise RuleError("a subquery is not allowed in a rule: write one expression", kind="statement")
        options = node.expressions or [node.args["field"]]
        return self._apply(lambda value, *rest: build.member(value, rest), node.this, *options)

    def _is(self, node: exp.Expr) -> Node | None:
        other = node.expression
        if isinstance(other, exp.Null):
            return self._apply(IsNull, node.this)
        if isinstance(other, exp.Boolean):
            return self._apply(lambda a: build.truth(a, bool(other.this)), node.this)
        raise RuleError("'is' is followed by null, true, false or unknown", kind="syntax")

    def _literal(self, node: exp.Expr) -> Node:
        if node.is_string:
            return build.literal(node.this)
        text = str(node.this)
        if "e" in text.lower():
            raise RuleError(f"the number {text} is written with an exponent", kind="syntax")
        return build.literal(Decimal(text) if "." in text else int(text))

    def _cast(self, node: exp.Expr) -> Node:
        is_date = node.args["to"].this == exp.DataType.Type.DATE and isinstance(node.this, exp.Literal)
        try:
            if is_date:
                return build.literal(date.fromisoformat(node.this.this))
        except ValueError as error:
            raise RuleError(f"'{node.this.this}' is not a date of the form 2026-01-31") from error
        raise RuleError("casts are not part of the language", kind="syntax")

    def _negative(self, node: exp.Expr) -> Node | None:
        def make(arg: Node) -> Node:
            if isinstance(arg, Literal) and isinstance(arg.value, int | Decimal) and arg.type != BOOL:
                return build.literal(-arg.value)
            return build.arith("-", build.literal(0), arg)

        return self._apply(make, node.this)

    def _parameter(self, node: exp.Expr) -> Node:
        name = node.name
        if name not in self.names.parameters:
            raise RuleError(
                f"there is no parameter ${name}", _dollar(nearest(name, self.names.parameters)), "parameter"
            )
        return Parameter(name, self.names.parameters[name])

    def _column(self, node: exp.Expr) -> Node:
        parts = [p.name for p in _parts(node)]
        if len(parts) == 1 and parts[0] == "as_of":
            return AsOf()
        own = self._own_table()
        if len(parts) == 1 or (len(parts) == 2 and parts[0] == own.name):
            return self._column_of(own, parts[-1], "", "")
        if len(parts) > 2:
            raise RuleError(
                f"'{'.'.join(parts)}' takes more than one step; make a tag there and refer to it", kind="name"
            )
        target, via = self._link(parts[0])
        return self._column_of(target, parts[1], parts[0], via)

    def _own_table(self) -> Table:
        return self.names.registry.tables[self.rows.table] if self.rows else self.subject

    def _column_of(self, table: Table, name: str, link: str, via: str) -> Column:
        column = table.columns.get(name)
        if column is None:
            near = nearest(name, [*table.columns, *(() if link or self.rows else ("as_of",))])
            raise RuleError(f"{table.name} has no column '{name}'", near, "column")
        if column.direct:
            raise RuleError(
                f"{table.name}.{name} identifies people or homes directly; rules may not use it", kind="column"
            )
        if column.type is None:
            raise RuleError(f"{table.name}.{name} is not exact, rules cannot compare it", kind="column")
        return Column(table.name, name, column.type, link, via)

    def _link(self, name: str) -> tuple[Table, str]:
        registry = self.names.registry
        if self.rows:
            raise RuleError(
                f"the condition over {self.rows.table} may use columns of {self.rows.table} only, not '{name}.…'",
                kind="name",
            )
        if name not in self.subject.links:
            near = nearest(name, [*self.subject.links, self.subject.name])
            raise RuleError(f"a {self.subject.name} has no link '{name}'", near, "name")
        return registry.subjects[name], self.subject.links[name]

    def _dot(self, node: exp.Expr) -> Node:
        left, right = node.this, node.expression
        if not (isinstance(left, exp.Identifier) and isinstance(right, exp.Anonymous) and right.name == "tag"):
            raise RuleError(f"'{node.sql(dialect='duckdb')}' is not part of the language", kind="syntax")
        if left.name == self._own_table().name:
            return self._tag(right, "")
        return self._tag(right, left.name)

    def _function(self, node: exp.Expr) -> Node | None:
        name = node.name
        if name == "tag":
            return self._tag(node, "")
        if name in ROWS_FUNCTIONS:
            return self._over_rows(name, list(node.expressions))
        return self._call(name, list(node.expressions))

    def _call(self, name: str, arguments: list[exp.Expr]) -> Node | None:
        if name not in FUNCTIONS:
            raise RuleError(f"the function {name}() is not on the white list", nearest(name, ALL_NAMES), "function")
        return self._apply(lambda *a: build.call(name, a), *arguments)

    def _tag(self, node: exp.Expr, link: str) -> Node:
        arguments = node.expressions
        if len(arguments) != 1 or not (isinstance(arguments[0], exp.Literal) and arguments[0].is_string):
            raise RuleError("a tag is referred to as tag('T01010101')", kind="syntax")
        code = arguments[0].this
        table, via = self._link(link) if link else (self._own_table(), "")
        if not table.subject:
            raise RuleError(f"rows of {table.name} have no tags", kind="name")
        found = self.names.tags.get(code)
        same = [c for c, (subject, _) in self.names.tags.items() if subject == table.subject]
        if found is None:
            raise RuleError(f"there is no tag {code}", nearest(code, same), "tag")
        if found[0] != table.subject:
            raise RuleError(f"{code} is a tag of a {found[0]}, not of a {table.subject}", nearest(code, same), "tag")
        return TagRef(code, table.subject, found[1], link, via)

    def _over_rows(self, name: str, arguments: list[exp.Expr]) -> Node | None:
        if self.rows:
            raise RuleError(
                f"{name}() cannot stand inside a condition over rows; make a tag and refer to it", kind="syntax"
            )
        needed = {"any_of": (2, 2), "all_of": (2, 2), "count_of": (1, 2), "latest": (3, 4)}.get(name, (2, 3))
        if not needed[0] <= len(arguments) <= needed[1]:
            raise RuleError(f"{name}() is written {ROWS_FUNCTIONS[name]}", kind="syntax")
        relation = self._relation(arguments[0])
        values = arguments[1 : 3 if name == "latest" else 2] if name not in ("any_of", "all_of", "count_of") else []
        rest = arguments[1 + len(values) :]
        self.rows = relation
        try:
            parts = self._all(*values, *rest)
        finally:
            self.rows = None
        if parts is None:
            return None
        condition = parts[-1] if rest else Literal(True, BOOL)
        return build.over_rows(name, relation, parts[: len(values)], condition)

    def _relation(self, node: exp.Expr) -> Relation:
        relations = self.names.registry.relations(self.subject.subject)
        name = node.name if isinstance(node, exp.Column) and len(_parts(node)) == 1 else node.sql(dialect="duckdb")
        if name not in relations:
            raise RuleError(f"no rows of '{name}' belong to a {self.subject.subject}", nearest(name, relations), "name")
        return relations[name]


_READERS: dict[type[exp.Expr], Callable[[_Reader, exp.Expr], Node | None]] = {
    exp.And: _Reader._logic,
    exp.Or: _Reader._logic,
    exp.Not: lambda r, n: r._apply(build.negate, n.this),
    exp.Paren: lambda r, n: r.read(n.this),
    exp.Between: _Reader._between,
    exp.In: _Reader._in,
    exp.Is: _Reader._is,
    exp.Literal: _Reader._literal,
    exp.Boolean: lambda r, n: build.literal(bool(n.this)),
    exp.Cast: _Reader._cast,
    exp.Neg: _Reader._negative,
    exp.Placeholder: _Reader._parameter,
    exp.Parameter: _Reader._parameter,
    exp.Column: _Reader._column,
    exp.Dot: _Reader._dot,
    exp.Anonymous: _Reader._function,
}


def _arguments(node: exp.Expr) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for value in node.args.values():
        if isinstance(value, exp.Expr):
            found.append(value)
        elif isinstance(value, list):
            found += [v for v in value if isinstance(v, exp.Expr)]
    return found


def _parts(node: exp.Expr) -> list[exp.Expr]:
    return list(node.parts) if isinstance(node, exp.Column) else []


def _dollar(name: str) -> str:
    return f"${name}" if name else ""


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, max(0, offset)) + 1
