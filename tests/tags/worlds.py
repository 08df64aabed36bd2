"""Made-up subjects for tests: a DuckDB database with the real schema of `subjects`, filled at random from a seed.

Values are drawn from what rules test for, so that conditions are often true; every column is sometimes unknown.
"""

import random
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.tags import values
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.registry import ColumnInfo, Registry, Table, load_registry
from pipelines.tags.tree import Column, Literal, Node, Parameter, children, walk
from pipelines.tags.values import Type

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = REPOSITORY / "dbt_project" / "models" / "subjects"
TAG_RULES = REPOSITORY / "tag_rules"
AS_OF = date(2026, 10, 31)

ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "text": pa.string(),
    "date": pa.date32(),
    "texts": pa.list_(pa.string()),
}


def registry() -> Registry:
    """The real schema registry."""
    return load_registry(SCHEMA)


def words_of(rules: Path = TAG_RULES) -> list[str]:
    """Every text constant that stands in a rule or in a list of codes."""
    found: set[str] = set()
    for path in rules.glob("**/*.yml"):
        found.update(re.findall(r"'([^'\n]{1,20})'", path.read_text(encoding="utf-8")))
    return sorted(found)


def words_by_column(catalogue: Catalogue) -> dict[tuple[str, str], list[str]]:
    """The text that rules compare each column with, code lists included; two columns compared share theirs."""
    found: dict[tuple[str, str], set[str]] = {}
    for tree in catalogue.trees.values():
        for node in walk(tree):
            parts = children(node)
            columns = [p for p in parts if isinstance(p, Column) and p.type == values.TEXT]
            for part in parts:
                for column in columns:
                    found.setdefault((column.table, column.name), set()).update(_words(part, catalogue))
    return {c: sorted(w) for c, w in found.items() if w}


def _words(node: Node, catalogue: Catalogue) -> set[str]:
    if isinstance(node, Literal) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, Parameter) and node.type in (values.TEXT, values.TEXTS):
        value = catalogue.parameters[node.name].values[-1].value
        return {value} if isinstance(value, str) else set(value)
    return set()


class Population:
    """Random rows for some subjects, kept as plain lists so that a test can look at them."""

    def __init__(
        self,
        seed: int,
        sizes: Mapping[str, int],
        words: Sequence[str],
        as_of: date = AS_OF,
        hints: Mapping[tuple[str, str], Sequence[str]] | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self.hints = hints or {}
        self.registry = registry()
        self.words = list(words)
        self.as_of = as_of
        self.sizes = dict(sizes)
        self.rows: dict[str, list[dict]] = {}
        self.ids = {s: [f"{s[0]}{i:04d}" for i in range(sizes.get(s, 0))] for s in self.registry.subjects}
        for table in self.registry.tables.values():
            self.rows[table.name] = self._rows(table)

    def _rows(self, table: Table) -> list[dict]:
        if table.subject:
            ids = self.ids[table.subject]
            return [self._row(table) | {table.key: i} for i in self.random.sample(ids, len(ids))]
        return [self._row(table) for _ in range(self.sizes.get(table.name, 0))]

    def _row(self, table: Table) -> dict:
        return {c.name: self._cell(table, c) for c in table.columns.values() if c.type is not None}

    def _cell(self, table: Table, column: ColumnInfo) -> object:
        for subject, key in [*table.details.items(), *table.links.items()]:
            if key == column.name:
                ids = self.ids.get(subject) or [None]
                return None if self.random.random() < 0.1 else self.random.choice([*ids, "gone"])
        if self.random.random() < 0.12:
            return None
        if column.type.kind == "text" and (table.name, column.name) in self.hints and self.random.random() < 0.9:
            return self.random.choice(self.hints[table.name, column.name])
        return self.draw(column.type)

    def draw(self, kind: Type) -> object:
        """A value of a type, near to what rules ask about."""
        pick = self.random
        if kind.kind == "bool":
            return pick.random() < 0.5
        if kind.kind == "int":
            return pick.choice([0, 1, 2, 3, 4, 5, 6, 7, 14, 60, 1999, 2000, 2010, 2020, 3000, pick.randint(0, 8000)])
        if kind.kind == "decimal":
            return Decimal(pick.randint(0, 5000)).scaleb(-kind.scale)
        if kind.kind == "date":
            return self._date()
        if kind.kind == "texts":
            return [pick.choice(self.words) for _ in range(pick.randint(0, 3))]
        return pick.choice(self.words)

    def _date(self) -> date:
        pick = self.random
        if pick.random() < 0.3:
            return self.as_of + timedelta(
                days=pick.choice([-366, -365, -181, -180, -91, -90, -31, -30, -29, -1, 0, 1, 29, 30, 89, 90])
            )
        if pick.random() < 0.2:
            return date(pick.choice([1936, 1956, 1960, 2008, 2012, 2024]), 2, 29)
        year = self.as_of.year - pick.randint(0, 105)
        return min(
            date(year, self.as_of.month, min(self.as_of.day, 28)) + timedelta(days=pick.randint(-3, 400)),
            date(2030, 1, 1),
        )

    def create(self, connection: duckdb.DuckDBPyConnection, missing: Sequence[str] = ()) -> None:
        """Makes the schema `subjects`; every feed is available but the missing ones, which have no row at all."""
        connection.execute("create schema subjects")
        for name, rows in self.rows.items():
            table = self.registry.tables[name]
            columns = {c.name: c for c in table.columns.values() if c.type is not None}
            if not columns or name == "feed_status":
                continue
            absent = set(missing) & set(table.feeds)
            frame = pa.table(
                {n: pa.array([] if absent else [r[n] for r in rows], arrow(c.type)) for n, c in columns.items()}
            )
            connection.register("incoming", frame)
            connection.execute(f'create table subjects."{name}" as select * from incoming')
            connection.unregister("incoming")
        feeds = {f for t in self.registry.tables.values() for c in t.columns.values() for f in c.feeds} - set(missing)
        status = pl.DataFrame({"feed": sorted(feeds)}).with_columns(
            is_available=True, is_stale=False, business_on=pl.lit(self.as_of), accepted_rows=pl.lit(1)
        )
        connection.register("incoming", status.to_arrow())
        connection.execute("create table subjects.feed_status as select * from incoming")
        connection.unregister("incoming")


def arrow(kind: Type) -> pa.DataType:
    """The Arrow type of a column."""
    return pa.decimal128(28, kind.scale) if kind.kind == "decimal" else ARROW[kind.kind]


__all__ = ["AS_OF", "SCHEMA", "TAG_RULES", "Population", "arrow", "registry", "values", "words_of"]
