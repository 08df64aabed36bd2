"""A rule means the same in all three engines: interpreter, Polars and DuckDB, on every value including unknown."""

import dataclasses
import itertools
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_rules import PARAMETERS, Rules
from worlds import Population, registry, words_of

from pipelines.tags import tables
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.declarations import Tag
from pipelines.tags.evaluate import evaluate_with
from pipelines.tags.explain import SubjectReader
from pipelines.tags.exports import unavailable_feeds
from pipelines.tags.interpret import World, evaluate
from pipelines.tags.parse import Names, parse_rule
from pipelines.tags.registry import id_column
from pipelines.tags.rule_text import to_text
from pipelines.tags.sqltext import tag_query
from pipelines.tags.values import BOOL, TEXT

SIZES = {
    "person": 45, "household": 20, "dwelling": 20, "village": 6, "facility": 6, "relief": 40, "disability": 35,
    "disability_restricted": 20, "insurance": 40, "residence_reg": 60, "lease": 40, "person_village": 60,
}  # fmt: skip
SUBJECTS = ("village", "dwelling", "household", "person")
DAYS = (date(2026, 10, 31), date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1))
WORDS = [*words_of()[:40], "", "é", "你😀好", "在享", "低保", "01", "02"]
REGISTRY = registry()


def population(seed: int, missing: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    Population(seed, SIZES, WORDS).create(connection, missing)
    return connection


@pytest.fixture(scope="module")
def connections():
    made = {}
    for seed, missing in ((1, ()), (2, ("F06", "F02")), (3, ("B01", "F01"))):
        made[seed] = population(seed, missing)
    yield made
    for connection in made.values():
        connection.close()


def tag(code: str, subject: str, tree) -> Tag:
    return Tag(
        code, code, code, code[:7], subject, "rule", to_text(tree), "a purpose", "owner", "daily", "restricted", 0,
        tree=tree, type=tree.type,
    )  # fmt: skip


class Drawn(Catalogue):
    """A catalogue that shows its rules when a test fails, and nothing else."""

    def __repr__(self) -> str:
        return "\n".join(f"{t.subject} {c}: {to_text(t.tree)}" for c, t in self.tags.items())

    def _repr_pretty_(self, printer, cycle) -> None:
        printer.text(repr(self))


@st.composite
def catalogues(draw) -> Catalogue:
    """Eight random tags: first two on every other subject, then two on persons that may refer to all of them."""
    known: dict[str, list[str]] = {}
    found: dict[str, Tag] = {}
    for number, subject in enumerate(itertools.chain.from_iterable((s, s) for s in SUBJECTS)):
        code = f"T9999990{number}"
        rules = Rules(draw, REGISTRY, subject, WORDS, known)
        tree = rules.node(BOOL, draw(st.integers(1, 4)))
        found[code] = tag(code, subject, tree)
        known.setdefault(subject, []).append(code)
    return Drawn(REGISTRY, {}, PARAMETERS, found)


def without_levels(catalogue: Catalogue) -> Names:
    kinds = {c: (t.subject, t.type) for c, t in catalogue.tags.items()}
    return Names(REGISTRY, {n: p.type for n, p in PARAMETERS.items()}, kinds)


@settings(max_examples=110, deadline=None, suppress_health_check=list(HealthCheck))
@given(catalogue=catalogues(), seed=st.sampled_from([1, 1, 2, 3]), as_of=st.sampled_from(DAYS))
def test_three_engines_agree_on_random_rules(connections, tmp_path_factory, catalogue, seed, as_of):
    connection = connections[seed]
    connection.execute("drop schema if exists tags cascade; create schema tags")
    tables.create_context(connection, catalogue, as_of)
    folder = tmp_path_factory.mktemp("tags")
    files = evaluate_with(connection, catalogue, as_of, folder)
    for code, declared in catalogue.tags.items():
        fast = values_of(files[f"restricted_{declared.subject}"], declared.subject, code)
        query = tag_query(catalogue, code)
        second = dict(connection.execute(query).fetchall())
        assert fast == second, f"{to_text(declared.tree)}\n{query}"
        plain = interpreted(connection, catalogue, declared, as_of, sorted(fast)[:12])
        assert plain == {i: fast[i] for i in plain}, to_text(declared.tree)


def values_of(path: Path, subject: str, code: str) -> dict[str, object]:
    return dict(pl.read_parquet(path).select(id_column(subject), code).rows())


def interpreted(connection, catalogue: Catalogue, declared: Tag, as_of: date, ids: list[str]) -> dict[str, object]:
    feeds = {f for c in catalogue.tags for f in catalogue.inputs[c].row_feeds}
    world = World(as_of, catalogue.parameters_on(as_of), unavailable_feeds(connection, feeds), catalogue.trees)
    reader = SubjectReader(connection, catalogue)
    return {i: evaluate(declared.tree, reader.subject(declared.subject, i, [declared.code]), world) for i in ids}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(catalogue=catalogues())
def test_printed_rules_parse_to_the_same_tree(catalogue):
    names = without_levels(catalogue)
    for declared in catalogue.tags.values():
        parsed = parse_rule(to_text(declared.tree), declared.subject, names)
        assert not parsed.findings, (to_text(declared.tree), parsed.findings)
        assert to_text(parsed.tree) == to_text(declared.tree)


@pytest.mark.parametrize("rule", ["$word = ''", "($word <> 'it''s') and $word in ('', '$word')", "'' = $word"])
def test_a_parameter_may_stand_before_an_empty_text(rule):
    parsed = parse_rule(rule, "village", Names(REGISTRY, {"word": TEXT}, {}))
    assert not parsed.findings
    assert parse_rule(to_text(parsed.tree), "village", Names(REGISTRY, {"word": TEXT}, {})).tree == parsed.tree


@pytest.mark.parametrize("rule", ["$a$b$a$ = 'b'", "$$b$$ = 'b'", "$word$ = 'b'"])
def test_a_dollar_quotes_no_text(rule):
    assert parse_rule(rule, "village", Names(REGISTRY, {"word": TEXT}, {})).findings


@pytest.mark.parametrize(
    ("part", "whole", "digits", "expected"),
    [(1, 3, 4, "0.3333"), (2, 3, 4, "0.6667"), (1, 8, 2, "0.13"), (5, 2, 0, "3"), (0, 7, 2, "0.00"), (3, 0, 2, None)],
)
def test_fraction_rounds_halves_up_in_every_engine(part, whole, digits, expected, tmp_path):
    rule = f"fraction(n_male, n_female, {digits})"
    parsed = parse_rule(rule, "village", Names(REGISTRY, {}, {}))
    declared = dataclasses.replace(tag("T99999901", "village", parsed.tree), sensitivity="public")
    catalogue = Catalogue(REGISTRY, {}, {}, {declared.code: declared})
    connection = duckdb.connect()
    world = Population(1, {"village": 1}, WORDS)
    world.rows["village"][0] |= {"n_male": part, "n_female": whole}
    world.create(connection)
    connection.execute("create schema tags")
    tables.create_context(connection, catalogue, DAYS[0])
    files = evaluate_with(connection, catalogue, DAYS[0], tmp_path)
    wanted = None if expected is None else Decimal(expected)
    assert list(values_of(files["village"], "village", declared.code).values()) == [wanted]
    assert [v for _, v in connection.execute(tag_query(catalogue, declared.code)).fetchall()] == [wanted]
