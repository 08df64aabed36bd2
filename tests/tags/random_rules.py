"""Random well-typed rules as hypothesis strategies, made with the same constructors the parser uses."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from pipelines.tags import build, values
from pipelines.tags.declarations import DatedValue, ParameterInfo
from pipelines.tags.registry import Registry, Table
from pipelines.tags.tree import AsOf, Column, IsNull, Literal, Node, Parameter, Relation, TagRef
from pipelines.tags.values import BOOL, DATE, INT, TEXT, TEXTS, Type

FROM = date(1900, 1, 1)
PARAMETERS = {
    name: ParameterInfo(name, kind, "", "made up", (DatedValue(value, FROM, None, "none"),), "p.yml", 1)
    for name, kind, value in (
        ("number", INT, 3),
        ("share", values.decimal(2), Decimal("0.35")),
        ("amount", values.decimal(1), Decimal("12.5")),
        ("word", TEXT, "01"),
        ("day", DATE, date(2026, 2, 28)),
        ("words", TEXTS, ("01", "02", "在享", "低保")),
    )
}
DATED = ("years_since", "months_since", "days_since", "year", "month", "day")
COMPARES = ("=", "<>", "<", "<=", ">", ">=")


class Rules:
    """Draws rules about one subject. `tags` are the boolean tags that rules may refer to, by subject."""

    def __init__(self, draw: st.DrawFn, registry: Registry, subject: str, words: list[str], tags: dict[str, list[str]]):
        self.draw = draw
        self.registry = registry
        self.subject = registry.subjects[subject]
        self.words = words
        self.tags = tags
        self.rows: Relation | None = None

    def pick(self, options):
        return self.draw(st.sampled_from(list(options)))

    def node(self, kind: Type, depth: int) -> Node:
        if depth <= 0 or self.draw(st.integers(0, 5)) == 0:
            return self._leaf(kind)
        return getattr(self, f"_{kind.kind}")(depth - 1)

    def _table(self) -> Table:
        return self.registry.tables[self.rows.table] if self.rows else self.subject

    def _leaf(self, kind: Type) -> Node:
        choices = self._columns(self._table(), "", "", kind)
        if not self.rows:
            for link, via in self.subject.links.items():
                choices += self._columns(self.registry.subjects[link], link, via, kind)
        if choices and self.draw(st.integers(0, 3)):
            return self.pick(choices)
        return self._constant(kind)

    def _columns(self, table: Table, link: str, via: str, kind: Type) -> list[Node]:
        return [
            Column(table.name, c.name, c.type, link, via)
            for c in table.columns.values()
            if c.type is not None and c.type.kind == kind.kind and not c.direct
        ]

    def _constant(self, kind: Type) -> Node:
        match kind.kind:
            case "bool":
                return Literal(self.draw(st.booleans()), BOOL)
            case "int":
                return self.pick([Literal(self.draw(st.integers(-3, 70)), INT), Parameter("number", INT)])
            case "decimal":
                cents = self.draw(st.integers(-200, 5000))
                return self.pick([build.literal(Decimal(cents).scaleb(-2)), Parameter("amount", values.decimal(1))])
            case "text":
                return self.pick([Literal(self.pick(self.words), TEXT), Parameter("word", TEXT)])
            case "date":
                day = self.pick([date(2026, 10, 31), date(2024, 2, 29), date(1956, 2, 29), date(1966, 11, 1)])
                return self.pick([Literal(day, DATE), AsOf(), Parameter("day", DATE)])
        return Parameter("words", TEXTS)

    def _bool(self, depth: int) -> Node:
        makers = [self._compare, self._compare, self._junction, self._junction, self._negation, self._truth, self._null]
        makers += [self._member, self._function, self._ratio, self._reference]
        if not self.rows:
            makers += [self._quantifier, self._quantifier]
        return self.pick(makers)(depth)

    def _compare(self, depth: int) -> Node:
        kind = self.pick([INT, INT, values.decimal(0), DATE, TEXT, BOOL])
        other = self.pick([INT, values.decimal(0)]) if kind.is_number else kind
        op = self.pick(COMPARES[:2] if kind == BOOL else COMPARES)
        return build.compare(op, self.node(kind, depth), self.node(other, depth))

    def _junction(self, depth: int) -> Node:
        parts = [self.node(BOOL, depth) for _ in range(self.draw(st.integers(2, 3)))]
        return build.logic(self.pick(["and", "or"]), parts)

    def _negation(self, depth: int) -> Node:
        return build.negate(self.node(BOOL, depth))

    def _truth(self, depth: int) -> Node:
        return build.truth(self.node(BOOL, depth), self.draw(st.booleans()))

    def _null(self, depth: int) -> Node:
        return IsNull(self.node(self.pick([BOOL, INT, DATE, TEXT, TEXTS]), depth))

    def _member(self, depth: int) -> Node:
        kind = self.pick([INT, TEXT, TEXT, DATE, values.decimal(0)])
        options = [self._constant(kind) for _ in range(self.draw(st.integers(1, 3)))]
        options = [build.literal(date(2024, 2, 29)) if isinstance(o, AsOf) else o for o in options]
        if kind == TEXT and self.draw(st.booleans()):
            options.append(Parameter("words", TEXTS))
        return build.member(self.node(kind, depth), options)

    def _function(self, depth: int) -> Node:
        name = self.pick(["has", "starts_with", "only_if", "coalesce", "nullif"])
        if name == "has":
            return build.call(name, [self.node(TEXTS, depth), self.node(TEXT, depth)])
        if name == "starts_with":
            return build.call(name, [self.node(TEXT, depth), self.node(TEXT, depth)])
        return build.call(name, [self.node(BOOL, depth), self.node(BOOL, depth)])

    def _ratio(self, depth: int) -> Node:
        numbers = [self.node(self.pick([INT, values.decimal(0)]), depth) for _ in range(2)]
        return build.call("ratio_at_least", [*numbers, Parameter("share", values.decimal(2))])

    def _reference(self, depth: int) -> Node:
        table = self._table()
        refs = [TagRef(c, table.subject, BOOL) for c in self.tags.get(table.subject, ())] if table.subject else []
        if not self.rows:
            for link, via in self.subject.links.items():
                refs += [TagRef(c, link, BOOL, link, via) for c in self.tags.get(link, ())]
        return self.pick(refs) if refs else self._compare(depth)

    def _inside(self, depth: int, kind: Type) -> tuple[Relation, Node, Node, Node]:
        self.rows = self.pick(self.registry.relations(self.subject.subject).values())
        try:
            return self.rows, self.node(kind, depth), self.node(self.pick([INT, DATE]), depth), self.node(BOOL, depth)
        finally:
            self.rows = None

    def _quantifier(self, depth: int) -> Node:
        rows, _, _, condition = self._inside(depth, BOOL)
        name = self.pick(["any_of", "all_of", "count_of"])
        made = build.over_rows(name, rows, [], condition)
        return build.compare(self.pick(COMPARES), made, self.node(INT, 0)) if name == "count_of" else made

    def _extreme(self, depth: int, kind: Type) -> Node:
        rows, value, by, condition = self._inside(min(depth, 1), kind)
        name = self.pick(["max_of", "min_of", "latest"])
        return build.over_rows(name, rows, [value, by] if name == "latest" else [value], condition)

    def _generic(self, depth: int, kind: Type) -> Node:
        name = self.pick(["coalesce", "nullif", "only_if", "extreme"])
        if name == "extreme":
            return self._leaf(kind) if self.rows else self._extreme(depth, kind)
        if name == "only_if":
            return build.call(name, [self.node(BOOL, depth), self.node(kind, depth)])
        first = self.node(kind, depth)
        second = self.node(kind, depth)
        return build.call(name, [first, second]) if first.type == second.type else first

    def _int(self, depth: int) -> Node:
        name = self.pick(["sum", "times", "dated", "dated", "length", "between", "count", "generic"])
        match name:
            case "sum":
                return build.arith(self.pick("+-"), self.node(INT, depth), self.node(INT, depth))
            case "times":
                return build.arith("*", self.node(INT, depth), Literal(self.draw(st.integers(-9, 9)), INT))
            case "dated":
                return build.call(self.pick(DATED), [self.node(DATE, depth)])
            case "length":
                return build.call("length", [self.node(TEXT, depth)])
            case "between":
                return build.arith("-", self.node(DATE, depth), self.node(DATE, depth))
            case "count" if not self.rows:
                rows, _, _, condition = self._inside(depth, BOOL)
                return build.over_rows("count_of", rows, [], condition)
        return self._generic(depth, INT)

    def _decimal(self, depth: int) -> Node:
        name = self.pick(["sum", "times", "fraction", "generic"])
        if name == "generic":
            return self._generic(depth, values.decimal(2))
        if name == "fraction":
            parts = [self.node(self.pick([INT, values.decimal(0)]), 0) for _ in range(2)]
            return build.call("fraction", [*parts, Literal(self.draw(st.integers(1, 4)), INT)])
        if name == "times":
            return build.arith("*", self.node(values.decimal(0), 0), Literal(self.draw(st.integers(-9, 9)), INT))
        left, right = self.node(values.decimal(0), depth), self.node(self.pick([INT, values.decimal(0)]), 0)
        return build.arith(self.pick("+-"), left, right)

    def _text(self, depth: int) -> Node:
        if self.draw(st.booleans()):
            return build.call("left", [self.node(TEXT, depth), Literal(self.draw(st.integers(0, 4)), INT)])
        return self._generic(depth, TEXT)

    def _date(self, depth: int) -> Node:
        if self.draw(st.booleans()):
            return build.arith(self.pick("+-"), self.node(DATE, depth), self.node(INT, 0))
        return self._generic(depth, DATE)

    def _texts(self, depth: int) -> Node:
        return self._leaf(TEXTS)
