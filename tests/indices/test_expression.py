"""The formula language: what it computes, what it refuses, and how missing values pass through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.indices.expression import parse_expression
from pipelines.indices.problems import DataError


def value(text: str, **columns: float) -> float:
    known = {name: np.array([number], dtype=float) for name, number in columns.items()}
    return float(parse_expression(text).evaluate(known, 1, lambda row: f"row {row}", "test")[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a + b * 2", 8.0), ("-a ** 2", -4.0), ("where(a < b, 10, 20)", 10.0), ("max(a, b, 1)", 3.0), ("ln(exp(a))", 2.0),
     ("round(a / b, 2)", 0.67), ("a == 2 and not b == 2", 1.0), ("normal_cdf(0)", 0.5),
     ("coalesce(null, a)", 2.0), ("col('a') + 1", 3.0)],
)  # fmt: skip
def test_values(text, expected):
    assert value(text, a=2, b=3) == pytest.approx(expected)


def test_missing_makes_missing_but_a_deciding_value_decides():
    nan = float("nan")
    assert np.isnan(value("a + b", a=nan, b=1))
    assert np.isnan(value("where(a > 1, 1, 2)", a=nan))
    assert value("a > 1 or b == 1", a=nan, b=1) == 1
    assert np.isnan(value("a > 1 and b == 1", a=nan, b=1))
    assert value("is_missing(a)", a=nan) == 1
    assert value("min_of(a, b)", a=nan, b=4) == 4


@pytest.mark.parametrize("text", ["ln(a)", "1 / a", "sqrt(a - 1)"])
def test_a_finite_input_without_a_finite_result_is_an_error(text):
    with pytest.raises(DataError, match="row 0"):
        value(text, a=0)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.b",
        "a[0]",
        "lambda: 1",
        "[1]",
        "'text'",
        "f(a)",
        "lnn(a)",
        "ln(a, b)",
        "a < b < c",
        "a if b else c",
        "True",
        "x := 1",
        "",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(ValueError, match="."):
        parse_expression(text)


def test_an_unknown_name_is_told_with_the_nearest_one():
    with pytest.raises(DataError, match="did you mean 'income'"):
        value("incme * 2", income=1)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_arithmetic_agrees_with_python(a, b):
    assert value("a * b - (a + b) / 4", a=a, b=b) == pytest.approx(a * b - (a + b) / 4, rel=1e-12, abs=1e-9)
