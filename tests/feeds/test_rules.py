from datetime import date

import duckdb
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.feeds import rules
from tests.feeds.making import some

NAMES = {"a", "b", "day", "word", "flag"}

TERMS = st.sampled_from(["a", "b", "a + 1", "b - a", "3", "0"])
CONDITIONS = st.recursive(
    st.one_of(
        st.tuples(TERMS, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), TERMS).map(" ".join),
        st.sampled_from(
            ["a is null", "b is not null", "a in (1, 2, 3)", "a not in (1, 2)", "a between 1 and b", "flag"]
        ),
        st.sampled_from(["word = 'x'", "word in ('x', 'y')", "flag is true", "flag is not false", "a = null"]),
    ),
    lambda inner: st.one_of(
        inner.map(lambda c: f"not ({c})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=6,
)
SMALL = st.none() | st.integers(0, 4)
ROWS = st.lists(
    st.tuples(SMALL, SMALL, st.none() | st.sampled_from(["x", "y", "z"]), st.none() | st.booleans()),
    min_size=1,
    max_size=12,
)


@some
@given(CONDITIONS, ROWS)
def test_means_what_the_same_text_means_in_sql(text, rows):
    assume(rules.names(text))
    assert list(rules.problems(text, NAMES)) == []
    types = {"a": pl.Int32, "b": pl.Int32, "word": pl.String, "flag": pl.Boolean}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    ours = frame.select(pl.lit(None, pl.Boolean).alias("none"), rules.expression(text).alias("x"))["x"].to_list()
    assert ours == [row[0] for row in duckdb.sql(f"select ({text}) from frame").fetchall()]


def test_dates_compare_with_dates():
    frame = pl.DataFrame({"day": [date(2026, 1, 1), None]})
    assert frame.select(rules.expression("day <= day")).to_series().to_list() == [True, None]
    assert frame.select(rules.expression("year(day) - 2000 < 26")).to_series().to_list() == [False, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a >= c", "there is no column c"),
        ("dya > day", "did you mean day"),
        ("a >", "cannot be read"),
        ("1); drop table x; --", "cannot be read"),
        ("(select 1)", "not allowed"),
        ("1 = 1", "no column"),
        ("read_text('x') = 'y'", "not allowed"),
        ("a = (select max(b) from t)", "not allowed"),
        ("word like '%x'", "not allowed"),
        ("{{ a }}", "not allowed"),
    ],
)
def test_anything_beyond_a_plain_condition_is_refused(text, said):
    found = list(rules.problems(text, NAMES))
    assert found and any(said in problem for problem in found)
