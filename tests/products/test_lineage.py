"""Column lineage: single queries checked by hand, then the whole project against DuckDB's own binder."""

import random
from collections.abc import Iterator
from functools import cache

import duckdb
import polars as pl
import pytest
import sqlglot
from sqlglot import exp

from pipelines.dbt import ensure_compiled
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.lake import sql_types
from pipelines.products.catalogue.identity import named_columns
from pipelines.products.catalogue.lineage import Lineage, load_models
from pipelines.products.catalogue.relations import Relation
from pipelines.products.catalogue.sql import LineageError, read
from pipelines.products.catalogue.uses import REACHES_PEOPLE, Uses, find_uses, standing
from pipelines.products.catalogue.write import names, trace
from pipelines.settings import Settings
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.step import person_schema
from tests.products.conftest import AS_OF

SETTINGS = Settings()
BASE = {
    "t": Relation({name: frozenset({("t", name)}) for name in ("id", "x", "y", "items")}),
    "u": Relation({name: frozenset({("u", name)}) for name in ("id", "z", "flag")}, frozenset({("u", "valid")})),
}

FLAGGED = {"u.id", "u.flag", "u.valid"}


def follow(query: str) -> Relation:
    return read(query, lambda schema, name: BASE.get(name))


def of(relation: Relation, column: str) -> set[str]:
    return {".".join(origin) for origin in relation.columns[column]}


def rows(relation: Relation) -> set[str]:
    return {".".join(origin) for origin in relation.rows}


@pytest.mark.parametrize(
    ("query", "column", "values", "decides"),
    [
        ("select x + y as s from t", "s", {"t.x", "t.y"}, set()),
        ("select x from t where y > 1", "x", {"t.x"}, {"t.y"}),
        ("select t.x from t join u on u.id = t.id", "x", {"t.x"}, {"t.id", "u.id", "u.valid"}),
        ("select t.x from t left join u on u.id = t.id", "x", {"t.x"}, set()),
        ("select u.z from t left join u on u.id = t.id", "z", {"u.z", "u.id", "t.id", "u.valid"}, set()),
        ("select x from t semi join u using (id)", "x", {"t.x"}, {"t.id", "u.id", "u.valid"}),
        ("select id, count(*) as n from u where flag group by id", "n", FLAGGED, FLAGGED),
        ("select max(x) as m from t where y = 1", "m", {"t.x", "t.y"}, {"t.y"}),
        ("select x from t qualify row_number() over (partition by id order by y) = 1", "x", {"t.x"}, {"t.id", "t.y"}),
        ("select row_number() over (order by y) as n from t", "n", {"t.y"}, set()),
        ("select * exclude (y) replace (coalesce(x, y) as x) from t", "x", {"t.x", "t.y"}, set()),
        ("select (select max(z) from u where u.id = t.id) as m from t", "m", {"u.z", "u.id", "t.id", "u.valid"}, set()),
        ("select x from t where exists (select 1 from u where u.id = t.id)", "x", {"t.x"}, {"u.id", "t.id", "u.valid"}),
        ("select x from t where id in (select id from u where flag)", "x", {"t.x"}, {"t.id", *FLAGGED}),
        ("with c as (select id, x as w from t) select w as v from c", "v", {"t.x"}, set()),
        ("select x as a, a + y as b from t", "b", {"t.x", "t.y"}, set()),
        ("select x from t union all select z from u", "x", {"t.x", "u.z"}, {"u.valid"}),
        ("select v from (select unnest(items) as v from t)", "v", {"t.items"}, set()),
        ("select v from t, unnest(t.items) as n(v)", "v", {"t.items"}, {"t.items"}),
        ("select q.w from t cross join lateral (select t.x + 1 as w) as q", "w", {"t.x"}, set()),
        ("select list_transform(items, lambda i: i || y) as l from t", "l", {"t.items", "t.y"}, set()),
        ("select count(*) filter (where y = 1) as n from t", "n", {"t.y"}, set()),
        ("select x, id, sum(y) as s from t group by all", "s", {"t.x", "t.y", "t.id"}, {"t.x", "t.id"}),
        ("select id as k, sum(y) as s from t group by 1", "s", {"t.y", "t.id"}, {"t.id"}),
        ("select v.x from (select columns(lambda c: c not in ('id', 'y')) from t) as v", "x", {"t.x"}, set()),
        ("select distinct on (id) x from t", "x", {"t.x"}, {"t.id"}),
        ("select t.id from t full join u using (id)", "id", {"t.id"}, {"t.id", "u.id", "u.valid"}),
        (
            "with recursive w as (select id, x from t union select w.id, u.z from w join u using (id)) select x from w",
            "x", {"t.x", "u.z"}, {"t.id", "u.id", "u.valid"},
        ),
    ],
)  # fmt: skip
def test_one_query(query: str, column: str, values: set[str], decides: set[str]) -> None:
    relation = follow(query)
    assert of(relation, column) == values
    assert rows(relation) == decides


def test_an_indicator_stated_beside_its_numbers_comes_from_them_alone() -> None:
    listed = "select id, unnest([{'indicator': 'A', 'n': x}, {'indicator': 'B', 'n': y}], recursive := true) from t"
    union = "select 'A' as indicator, x as n from t union all select 'B', z from u where flag"
    found = {b.constants["indicator"]: {".".join(o) for o in b.origins} for b in follow(listed).branches}
    assert found == {"A": {"t.id", "t.x"}, "B": {"t.id", "t.y"}}
    found = {b.constants["indicator"]: {".".join(o) for o in b.origins} for b in follow(union).branches}
    assert found == {"A": {"t.x"}, "B": {"u.z", "u.flag", "u.valid"}}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select nothing from t", "no column nothing"),
        ("select q.x from t", "no column q"),
        ("select t.nothing from t", "no column t.nothing"),
        ("select x from elsewhere", "no relation .elsewhere"),
        ("select v.y from (select columns('^[xi]') from t) as v", "no column v.y"),
        ("select max(columns(*)) from t", "inside an expression"),
        ("select * from t pivot (sum(x) for y in (1, 2))", "pivot"),
    ],
)
def test_what_cannot_be_followed_is_said_and_not_guessed(query: str, said: str) -> None:
    with pytest.raises(LineageError, match=said):
        follow(query)


# --- the project ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lineage() -> Lineage:
    return trace(SETTINGS, load_contracts(SETTINGS.contracts))


@pytest.fixture(scope="module")
def uses(lineage: Lineage) -> Uses:
    named = named_columns(SETTINGS.declarations, lineage.contracts)
    return find_uses(lineage, names(SETTINGS, AS_OF), named)


def test_every_model_can_be_followed(lineage: Lineage) -> None:
    for schema, name in lineage.models:
        assert lineage.relation(schema, name).columns, (schema, name)


def test_columns_of_the_lineage_are_the_columns_duckdb_sees(lineage: Lineage, bound: "Bound") -> None:
    for schema, name in lineage.models:
        if schema != "feeds":
            seen = bound.columns(schema, name)
            assert [c.lower() for c in lineage.relation(schema, name).columns] == seen, (schema, name)


def kinds(uses: Uses, feed: str, column: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for use in uses.get((feed, column), ()):
        found.setdefault(use.kind, set()).add(use.code)
    return found


def test_a_column_used_only_through_a_macro(uses: Uses) -> None:
    """The time of a visit stands in no model but as an argument of `index_within`."""
    assert "SER03" in kinds(uses, "F04", "visit_at")["indicator"]


def test_a_column_used_only_in_a_condition(uses: Uses) -> None:
    """The stage of school chooses pupils; no value comes of it. (Schooling is what a feed claims of a person.)"""
    assert kinds(uses, "F17", "stage")["indicator"] == {"EDU05", "EDU07"}


def test_what_counts_of_a_person_is_followed_to_every_claim(lineage: Lineage) -> None:
    person = lineage.relation("identity", "person").columns
    assert {("B01", "edu_code"), ("F17", "stage")} <= person["edu_code"]
    assert person["edu_code_source"] == person["edu_code"]
    assert ("F17", "stage") not in person["marital_code"]
    # Of several rows of one person the order of the claim decides.
    assert ("F21", "joined_on") in person["name"]


def test_a_column_used_only_in_a_join(uses: Uses, lineage: Lineage) -> None:
    """The person of an honoured family joins it to a household; the award says it is honoured."""
    assert "CUL04" in kinds(uses, "F21", "person")["indicator"]
    assert ("F21", "person_id") in lineage.indicators["CUL04"]


def test_a_rule_s_columns_are_followed_to_their_feeds(uses: Uses, lineage: Lineage) -> None:
    assert "T07030101" in kinds(uses, "F06", "status")["tag"]
    assert "L19" in kinds(uses, "F06", "status")["ledger"]
    for code in lineage.catalogue.tags:
        # Feeds are declared beside columns by hand; a declared one may be there for its availability alone.
        feeds = {feed for feed, _ in lineage.tag(code)}
        assert feeds or not lineage.catalogue.columns_of(code), code


USELESS = "struct(nothing boolean)"
"""A type that can be carried along, but not compared, counted on or computed with."""
KINDS = {"_business_on": "date", "on": "date", "_line": "integer", "confidence": "decimal(5, 4)"}


class Bound:
    """Every model as an empty table, over staging tables that lack some columns or hold some of no use."""

    def __init__(self, lineage: Lineage, without: set[tuple[str, str]], useless: set[tuple[str, str]]) -> None:
        self.connection = duckdb.connect()
        self.failed: list[str] = []
        run = self.connection.execute
        for schema in {s for s, _ in lineage.models} | {"tags", *(s for s, _ in lineage.given)}:
            run(f"create schema if not exists {schema}")
        run("create table run.context (as_of date)")
        run(
            "create table lake.feed_status (feed varchar, is_available boolean, is_stale boolean, "
            "business_on date, accepted_rows bigint)"
        )
        for feed, contract in lineage.contracts.items():
            types = {n: USELESS if (feed, n) in useless else t for n, t in sql_types(contract).items()}
            load = contract.delivery.increment
            if load is not None and load.on_delete == "close":
                types[load.open_flag] = "BOOLEAN"
            body = ", ".join(f'"{n}" {t}' for n, t in types.items() if (feed, n) not in without)
            run(f"create table feeds.stg_{contract.code} ({body})")
        for subject in lineage.catalogue.subjects():
            tags = [t for t in lineage.catalogue.tags.values() if t.subject == subject]
            body = ", ".join(f"{t.code} {'boolean' if t.type.kind == 'bool' else 'decimal(28,6)'}" for t in tags)
            run(f"create table tags.{subject}_tags ({subject}_id varchar, {body})")
        for name, types in identity_columns(lineage).items():
            body = ", ".join(f'"{n}" {t}' for n, t in types.items())
            run(f"create table identity.{name} ({body})")
        self._tables(lineage)

    def _tables(self, lineage: Lineage) -> None:
        waiting = {key: model for key, model in lineage.models.items() if key[0] != "feeds"}
        while waiting:
            errors, before = {}, len(waiting)
            for (schema, name), model in list(waiting.items()):
                try:
                    self.connection.execute(f"create table {schema}.{name} as {model.sql}")
                    del waiting[schema, name]
                except duckdb.Error as error:
                    errors[schema, name] = error
            if len(waiting) == before:
                self.failed = [f"{'.'.join(key)}: {error}" for key, error in errors.items()]
                return

    def columns(self, schema: str, name: str) -> list[str]:
        return [row[0].lower() for row in self.connection.execute(f"describe {schema}.{name}").fetchall()]


def identity_aliases(select: exp.Select) -> dict[str, str]:
    """The names by which a query speaks of the tables of `identity`, or of subqueries over one of them."""
    aliases = {t.alias_or_name: t.name for t in select.find_all(exp.Table) if t.db == "identity"}
    for inner in select.find_all(exp.Subquery):
        tables = [t.name for t in inner.find_all(exp.Table) if t.db == "identity"]
        if inner.alias and len(tables) == 1:
            aliases[inner.alias] = tables[0]
    if len(set(aliases.values())) == 1 and len(list(select.find_all(exp.Table))) == 1:
        aliases[""] = next(iter(aliases.values()))
    return aliases


@cache
def identity_columns(lineage: Lineage) -> dict[str, dict[str, str]]:
    """The tables of the schema `identity` with the columns that models ask for; the merged person as declared."""
    found: dict[str, dict[str, str]] = {
        name: {"person_id": "varchar"} for schema, name in lineage.given if schema == "identity"
    }
    for model in lineage.models.values():
        for select in sqlglot.parse_one(model.sql, dialect="duckdb").find_all(exp.Select):
            aliases = identity_aliases(select)
            for column in select.find_all(exp.Column) if aliases else ():
                table = aliases.get(column.table)
                if table is not None and not isinstance(column.this, exp.Star):
                    found[table][column.name] = KINDS.get(column.name, "varchar")
    rules = load_rules(SETTINGS, lineage.contracts)
    kinds = {pl.Date: "date", pl.Boolean: "boolean", pl.String: "varchar"}
    found["person"] = {
        n: kinds.get(type(t) if isinstance(t, pl.DataType) else t, "bigint") for n, t in person_schema(rules).items()
    }
    return found


@pytest.fixture(scope="module")
def bound(lineage: Lineage) -> Iterator[Bound]:
    whole = Bound(lineage, set(), set())
    assert whole.failed == []
    yield whole


def outputs(lineage: Lineage, uses: Uses, wanted: set[str]) -> set[tuple[str, str]]:
    return {
        (feed, output)
        for feed, contract in lineage.contracts.items()
        for output, (_, column) in contract.outputs.items()
        if standing(column, uses.get((feed, column.name), ())) in wanted
    }


def test_without_what_nobody_uses_every_model_can_still_be_built(lineage: Lineage, uses: Uses, bound: Bound) -> None:
    unused = outputs(lineage, uses, {"unused"})
    assert len(unused) > 10
    assert Bound(lineage, set(), unused).failed == []


def test_without_a_column_in_use_something_no_longer_binds(lineage: Lineage, uses: Uses, bound: Bound) -> None:
    by_models = {
        (feed, output)
        for feed, contract in lineage.contracts.items()
        for output, (_, column) in contract.outputs.items()
        if output == column.name and {u.kind for u in uses.get((feed, column.name), ())} & REACHES_PEOPLE
    }
    # Claims of a person are read by no model; the last word on a key is found in staging, which is not built here.
    by_models -= lineage.relation("identity", "person").origins
    for contract in lineage.contracts.values():
        by_models -= lineage.relation("feeds", f"stg_{contract.code}").rows
    assert len(by_models) > 100
    for gone in random.Random(1).sample(sorted(by_models), 4):
        assert Bound(lineage, {gone}, set()).failed, gone


def test_compiled_sql_is_kept_until_the_project_changes() -> None:
    first = ensure_compiled(SETTINGS)
    stamp = first.stat().st_mtime_ns
    assert ensure_compiled(SETTINGS) == first and first.stat().st_mtime_ns == stamp
    assert all(model.sql for model in load_models(first).values())
