"""Reads one query of DuckDB's SQL and says where each of its columns and its rows come from.

A column comes from what its expression names. Conditions, groupings, inner joins and windows that choose rows decide
which rows there are; a left join's condition belongs to the values taken from its right side. What is aggregated also
comes from what decides its rows. Knows no model and no feed: relations are asked of `resolve`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import duckdb
import sqlglot
from sqlglot import exp

from pipelines.products.catalogue.relations import NOWHERE, OPEN, Branch, Origins, Relation, Source, together, union
from pipelines.refusal import Refusal
from pipelines.sql import quoted

Resolve = Callable[[str, str], Relation | None]
"""(schema, table) → its relation; None where nobody knows the table."""


class LineageError(Refusal):
    """A query whose columns cannot all be followed; the message names each."""


@dataclass
class _Scope:
    """What names mean in one select."""

    sources: list[Source]
    outer: "_Scope | None"
    aliases: dict[str, exp.Expr] = field(default_factory=dict)
    ctes: Mapping[str, Relation] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)


def read(query: str, resolve: Resolve) -> Relation:
    """The relation a query makes. Raises LineageError for names that nothing explains."""
    reader = _Reader(resolve)
    found = reader.query(sqlglot.parse_one(query, dialect="duckdb"), {}, None)
    if reader.problems:
        raise LineageError("; ".join(dict.fromkeys(reader.problems)))
    return found


class _Reader:
    """Walks one query; collects what it cannot explain."""

    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve
        self.problems: list[str] = []

    def query(self, node: exp.Expr, ctes: Mapping[str, Relation], outer: _Scope | None) -> Relation:
        """The relation of a select, a union or a subquery."""
        known = dict(ctes)
        with_ = node.args.get("with_")
        if with_ is not None:
            for cte in with_.expressions:
                known[cte.alias.lower()] = self._cte(cte, known, outer, bool(with_.args.get("recursive")))
        if isinstance(node, exp.Subquery):
            return self.query(node.this, known, outer)
        if isinstance(node, exp.SetOperation):
            first, second = self.query(node.left, known, outer), self.query(node.right, known, outer)
            return union(first, second, bool(node.args.get("by_name")))
        if isinstance(node, exp.Select):
            return self._select(node, known, outer)
        if isinstance(node, exp.Table):
            return self._table(node, known, outer).relation
        self.problems.append(f"a query of the kind {type(node).__name__} is not followed")
        return OPEN

    def _cte(self, cte: exp.CTE, known: Mapping[str, Relation], outer: _Scope | None, recursive: bool) -> Relation:
        """A named query. One that may speak of itself is read again until nothing new comes of it."""
        if not recursive or not isinstance(cte.this, exp.SetOperation):
            return _aliased(cte, self.query(cte.this, known, outer))
        found = _aliased(cte, self.query(cte.this.left, known, outer))
        while True:
            again = _aliased(cte, self.query(cte.this, {**known, cte.alias.lower(): found}, outer))
            if again.columns == found.columns and again.rows == found.rows:
                return found
            found = again

    # --- sources ---------------------------------------------------------------------------------------------------

    def _select(self, node: exp.Select, ctes: Mapping[str, Relation], outer: _Scope | None) -> Relation:
        scope = _Scope([], outer, ctes=ctes)
        rows = [NOWHERE]
        scope.aliases = {e.alias.lower(): e.this for e in node.expressions if isinstance(e, exp.Alias)}
        first = node.args.get("from_")
        if first:
            scope.sources.append(self._table(first.this, ctes, scope))
            rows.append(scope.sources[0].relation.rows)
        for join in node.args.get("joins") or []:
            rows.append(self._join(join, scope))
        for lateral in node.args.get("laterals") or []:
            scope.sources.append(self._table(lateral, ctes, scope))
        for clause in ("where", "having", "qualify", "distinct", "limit", "sample"):
            if node.args.get(clause):
                rows.append(self.origins(node.args[clause], scope))
        group = node.args.get("group")
        if group:
            rows.append(self._group(group, node, scope))
        decided = together(rows)
        counted = decided if group or _aggregates(node) else NOWHERE
        return self._projections(node, scope, decided, counted)

    def _table(self, node: exp.Expr, ctes: Mapping[str, Relation], scope: _Scope | None) -> Source:
        """What stands behind `from` or `join`, under its alias."""
        alias = node.alias_or_name.lower()
        if node.args.get("pivots"):
            self.problems.append(f"the pivot of {alias} is not followed")
        if isinstance(node, exp.Subquery):
            return Source(alias, _aliased(node, self.query(node, ctes, scope.outer if scope else None)))
        if isinstance(node, exp.Lateral):
            return Source(alias, _aliased(node, self.query(node.this, ctes, scope)))
        if isinstance(node, exp.Unnest):
            inside = together(self.origins(e, scope) for e in node.expressions) if scope else NOWHERE
            names = [c.name.lower() for c in (node.args["alias"].columns if node.args.get("alias") else [])]
            return Source(alias, Relation(dict.fromkeys([*names, alias], inside), inside))
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            if not node.db and node.name.lower() in ctes:
                return Source(alias, ctes[node.name.lower()])
            found = self.resolve(node.db.lower(), node.name.lower())
            if found is None:
                self.problems.append(f"no relation {node.db}.{node.name}")
            return Source(alias, found or OPEN)
        inside = self.origins(node.this, scope) if scope and isinstance(node.this, exp.Expr) else NOWHERE
        return Source(alias, Relation({}, inside, is_open=True))

    def _join(self, join: exp.Join, scope: _Scope) -> Origins:
        """Adds a joined source; returns what the join adds to what decides the rows."""
        source = self._table(join.this, scope.ctes, scope)
        condition = NOWHERE
        for name in (i.name.lower() for i in join.args.get("using") or []):
            condition |= self._named(name, "", scope) | (source.column(name) or NOWHERE)
            source.hidden.add(name)
        scope.sources.append(source)
        if join.args.get("on"):
            condition |= self.origins(join.args["on"], scope)
        added = condition | source.relation.rows
        if join.side == "LEFT":
            source.added = added
            return NOWHERE
        return added

    # --- columns ---------------------------------------------------------------------------------------------------

    def _projections(self, node: exp.Select, scope: _Scope, rows: Origins, counted: Origins) -> Relation:
        columns: dict[str, Origins] = {}
        constants: dict[str, str] = {}
        branches: list[Branch] = []
        for place, item in enumerate(node.expressions):
            inner = item.this if isinstance(item, exp.Alias) else item
            if isinstance(inner, exp.Star) or (isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)):
                columns |= {name: found | counted for name, found in self._star(inner, scope).items()}
                continue
            if isinstance(inner, exp.Columns):
                chosen = self._chosen(inner, scope)
                columns |= {name: self._named(name, "", scope) | counted for name in chosen}
                continue
            structs = _structs(inner)
            if structs and not isinstance(item, exp.Alias):
                for struct in structs:
                    branches.append(self._struct(struct, columns, scope, counted))
                continue
            name = (item.alias_or_name or f"column{place}").lower()
            is_plain_key = isinstance(inner, exp.Column) and node.args.get("group") is not None
            columns[name] = self.origins(inner, scope) | (NOWHERE if is_plain_key else counted)
            if isinstance(inner, exp.Literal) and inner.is_string:
                constants[name] = inner.name
        if not branches:
            branches = [Branch(constants, together([rows, *columns.values()]))]
        else:
            keys = together(columns[name] for name in columns if not any(name in s for s in _keys(node)))
            branches = [Branch({**constants, **b.constants}, b.origins | rows | keys) for b in branches]
        is_open = any(s.relation.is_open for s in scope.sources) and node.is_star
        return Relation(columns, rows, tuple(branches), is_open)

    def _struct(self, struct: exp.Struct, columns: dict[str, Origins], scope: _Scope, counted: Origins) -> Branch:
        """One struct of an unnested list: its fields become columns, its texts constants."""
        constants, parts = {}, [counted]
        for pair in struct.expressions:
            name, value = pair.this.name.lower(), pair.expression
            found = self.origins(value, scope) | counted
            columns[name] = columns.get(name, NOWHERE) | found
            parts.append(found)
            if isinstance(value, exp.Literal) and value.is_string:
                constants[name] = value.name
        return Branch(constants, together(parts))

    def _star(self, node: exp.Expr, scope: _Scope) -> dict[str, Origins]:
        """The columns a star stands for, those left out left out and those replaced replaced."""
        star = node.this if isinstance(node, exp.Column) else node
        table = node.table.lower() if isinstance(node, exp.Column) else ""
        left_out = {e.name.lower() for e in star.args.get("except_") or []}
        columns: dict[str, Origins] = {}
        for source in scope.sources:
            if table in ("", source.alias):
                for name in source.relation.columns:
                    if name not in left_out and not (name in source.hidden and not table):
                        columns[name] = columns.get(name, NOWHERE) | (source.column(name) or NOWHERE)
        for item in star.args.get("replace") or []:
            columns[item.alias.lower()] = self.origins(item.this, scope)
        return columns

    def _chosen(self, node: exp.Columns, scope: _Scope) -> list[str]:
        """The columns that `columns(…)` stands for. Which names a condition fits is asked of DuckDB itself."""
        tables = []
        for source in scope.sources:
            if source.relation.columns:
                names = ", ".join(f"null as {quoted(name)}" for name in source.relation.columns)
                tables.append(f"(select {names}) as {quoted(source.alias)}")
        try:
            with duckdb.connect() as connection:
                query = f"describe select {node.sql(dialect='duckdb')} from {', '.join(tables)}"
                return [row[0].lower() for row in connection.execute(query).fetchall()]
        except duckdb.Error as error:
            self.problems.append(f"{node.sql(dialect='duckdb')} is not followed: {error}")
            return []

    def _group(self, group: exp.Group, node: exp.Select, scope: _Scope) -> Origins:
        """What rows are grouped by; a number means the select's column at that place."""
        parts = []
        for item in group.find_all(exp.Column, exp.Literal):
            if isinstance(item, exp.Literal) and not item.is_string and isinstance(item.parent, exp.Group):
                item = node.expressions[int(item.name) - 1]
            parts.append(self.origins(item, scope))
        if group.args.get("all"):
            parts += [self.origins(e, scope) for e in node.expressions if not e.find(exp.AggFunc)]
        return together(parts)

    # --- expressions -----------------------------------------------------------------------------------------------

    def origins(self, node: exp.Expr, scope: _Scope) -> Origins:
        """Everything an expression's value comes from."""
        parts = []
        for item in _walk(node):
            if isinstance(item, exp.Query):
                parts.append(self.query(item, scope.ctes, scope).origins)
            elif isinstance(item, exp.Column) and not isinstance(item.this, exp.Star):
                # Of a.b.c the first word may be a table or a column that holds a struct.
                words = [part.name.lower() for part in item.parts]
                parts.append(self._named(words[-1], words[-2] if len(words) > 1 else "", scope, tuple(words)))
            elif isinstance(item, exp.Columns):
                self.problems.append(f"{item.sql(dialect='duckdb')} inside an expression is not followed")
            elif isinstance(item, exp.Window):
                parts.append(together(s.relation.rows for s in scope.sources))
        return together(parts)

    def _named(self, name: str, table: str, scope: _Scope, words: tuple[str, ...] = ()) -> Origins:
        """What a column's name means: a source's column, an alias of the select, or a word of a query around it."""
        level: _Scope | None = scope
        while level is not None:
            named = next((s for s in level.sources if table and s.alias == table), None)
            if named is not None:
                found = named.column(name)
                if found is None:
                    self.problems.append(f"no column {table}.{name}")
                return found or NOWHERE
            if not table:
                matches = [s.column(name) for s in level.sources if name in s.relation.columns]
                if matches:
                    return together(m for m in matches if m is not None)
                if name in level.aliases and name not in level.busy:
                    level.busy.add(name)
                    found = self.origins(level.aliases[name], level)
                    level.busy.discard(name)
                    return found
                if any(s.alias == name for s in level.sources):
                    return together(s.relation.origins for s in level.sources if s.alias == name)
            level = level.outer
        if table and len(words) > 1:
            return self._named(words[0], "", scope)
        if self._is_open(scope):
            return together(s.relation.rows for s in scope.sources if s.relation.is_open)
        self.problems.append(f"no column {'.'.join(words) or name}")
        return NOWHERE

    @staticmethod
    def _is_open(scope: _Scope) -> bool:
        level: _Scope | None = scope
        while level is not None:
            if any(s.relation.is_open for s in level.sources):
                return True
            level = level.outer
        return False


def _walk(node: exp.Expr) -> Iterator[exp.Expr]:
    """An expression's parts from the top; a query inside is one part."""
    yield node
    if isinstance(node, exp.Query):
        return
    for child in node.iter_expressions():
        yield from _walk(child)


def _aggregates(node: exp.Select) -> bool:
    """Whether a select without `group by` makes one row of all."""
    for item in node.expressions:
        for part in _walk(item):
            if isinstance(part, exp.AggFunc) and part.find_ancestor(exp.Window, exp.Select) is node:
                return True
    return False


def _structs(node: exp.Expr) -> list[exp.Struct]:
    """The structs of `unnest([{…}, {…}])`; none if it is anything else."""
    if not isinstance(node, exp.Explode) or not isinstance(node.this, exp.Array):
        return []
    items = node.this.expressions
    return items if all(isinstance(i, exp.Struct) for i in items) else []


def _keys(node: exp.Select) -> list[set[str]]:
    """The fields of the structs a select unnests."""
    return [{p.this.name.lower() for p in s.expressions} for e in node.expressions for s in _structs(e)]


def _aliased(node: exp.Expr, relation: Relation) -> Relation:
    """A relation under the column names its alias gives."""
    alias = node.args.get("alias")
    names = [c.name.lower() for c in (alias.columns if isinstance(alias, exp.TableAlias) else [])]
    if not names:
        return relation
    return Relation(dict(zip(names, relation.columns.values(), strict=False)), relation.rows, (), relation.is_open)
