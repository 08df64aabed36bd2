"""Imputation: each method's numbers, what is never filled, and that every filled cell says how."""

import numpy as np
import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.problems import DataError
from tests.indices.conftest import flat, spec, table


def imputed(
    method: str, frame: pl.DataFrame, codes: str = "x y", head: str = "", code: str = "x"
) -> list[float | None]:
    cells = build(flat(codes, extra=f", impute: {method}", head=head), frame).lineage()
    return cells.filter(pl.col("indicator") == code).sort("period", "area_code")["imputed"].to_list()


FRAME = table(x=[1.0, None, 4.0, 7.0], y=[1.0, 2.0, 3.0, 4.0], g=["a", "a", "b", None])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("none", None),
        ("{method: constant, value: 9}", 9),
        ("mean", 4),
        ("median", 4),
        ("{method: mean, by: g}", 1),
        ("worst", 1),
        ("{method: best}", 7),
        ("[{method: mean, by: h}, {method: constant, value: -1}]", -1),
    ],
)
def test_columns(method, expected):
    frame = FRAME.with_columns(h=pl.lit(None, dtype=pl.String))
    assert imputed(method, frame)[1] == expected


def test_regression_on_complete_rows():
    made = spec(
        "code: x, parent: ROOT, direction: more, impute: {method: regression, on: [y]}, normalise: none\n"
        "code: y, parent: ROOT, direction: more, normalise: none"
    )
    frame = table(x=[1.0, None, 5.0, 7.0, 9.0], y=[1.0, 2.0, 3.0, 4.0, 5.0])
    found = build(made, frame).lineage().filter(pl.col("indicator") == "x").sort("area_code")["imputed"].to_list()
    assert found[1] == pytest.approx(3.0)
    with pytest.raises(DataError, match="too few complete rows"):
        build(made, table(x=[1.0, None], y=[1.0, 2.0]))


def test_a_filled_cell_is_imputed_and_says_how():
    cells = build(flat("x y", extra=", impute: {method: mean, by: g}"), FRAME).lineage()
    row = cells.filter((pl.col("indicator") == "x") & (pl.col("area_code") == "u1")).row(0, named=True)
    assert (row["status"], row["raw"], row["imputed"]) == ("imputed", None, 1.0)
    assert "mean within g" in row["reason"]


def test_row_mean_works_on_a_scale_with_direction():
    made = spec(
        "code: x, parent: ROOT, direction: less, impute: row_mean, normalise: none\n"
        "code: y, parent: ROOT, direction: more, normalise: none\n"
        "code: z, parent: ROOT, direction: more, normalise: none"
    )
    frame = table(x=[0.0, None, 10.0], y=[0.0, 5.0, 10.0], z=[0.0, 10.0, 10.0])
    found = build(made, frame).lineage().filter(pl.col("indicator") == "x").sort("area_code")["imputed"].to_list()
    # Mean of 0.5 and 1 on the common scale is 0.75, which is 2.5 where less is better.
    assert found[1] == pytest.approx(2.5)


PANEL = pl.DataFrame(
    {
        "unit": ["a"] * 5 + ["b"] * 5,
        "year": [1, 2, 3, 4, 6] * 2,
        "x": [1.0, None, None, 7.0, None, None, 5.0, None, None, None],
        "y": [1.0] * 10,
    }
)


@pytest.mark.parametrize(
    ("method", "a", "b"),
    [
        ("carry_forward", [1, 1, 1, 7, 7], [None, 5, 5, 5, 5]),
        ("{method: carry_forward, max_gap: 1}", [1, 1, None, 7, 7], [None, 5, 5, None, None]),
        ("linear", [1, 3, 5, 7, 7], [5, 5, 5, 5, 5]),
        ("{method: linear, ends: missing}", [1, 3, 5, 7, None], [None, 5, None, None, None]),
    ],
)
def test_panels(method, a, b):
    made = flat("x y", extra=f", impute: {method}", head="table: {period: year}")
    cells = (
        build(made, PANEL).lineage().filter(pl.col("indicator") == "x").sort("area_code", "period")["imputed"].to_list()
    )
    assert cells == [None if v is None else float(v) for v in a + b]


def test_panel_methods_need_a_panel():
    for method in ("carry_forward", "linear"):
        with pytest.raises(DataError, match="more than one period"):
            imputed(method, FRAME)


def test_em_fills_by_the_conditional_mean_of_correlated_columns():
    rng = np.random.default_rng(5)
    base = rng.normal(0, 1, 200)
    x, y = base + rng.normal(0, 0.05, 200), 2 * base + rng.normal(0, 0.05, 200)
    gaps = rng.random(200) < 0.2
    frame = table(x=[None if gap else float(v) for gap, v in zip(gaps, x, strict=True)], y=y.tolist())
    found = np.array(imputed("em", frame), dtype=float)
    assert np.abs(found[gaps] - x[gaps]).max() < 0.4
    assert np.sqrt(np.mean((found[gaps] - x[gaps]) ** 2)) < 0.1
    with pytest.raises(DataError, match="determine each other"):
        imputed("em", frame.with_columns(z=pl.col("y") * 3), "x y z")
    with pytest.raises(DataError, match="too few rows"):
        imputed("em", table(x=[1.0, None], y=[2.0, 4.0]))


def test_what_is_not_applicable_is_never_filled():
    made = spec(
        "code: x, parent: ROOT, direction: more, impute: mean, normalise: none, "
        'missing: {not_applicable_when: "g == 1"}\n'
        "code: y, parent: ROOT, direction: more, normalise: none"
    )
    frame = table(x=[1.0, 5.0, None], y=[1.0, 1.0, 1.0], g=[0, 1, 0])
    cells = build(made, frame).lineage().filter(pl.col("indicator") == "x").sort("area_code")
    assert cells["status"].to_list() == ["observed", "not_applicable", "imputed"]
    assert cells["imputed"].to_list() == [1.0, None, 1.0]


def test_a_row_without_any_value_is_never_invented():
    frame = table(x=[1.0, None, 3.0], y=[1.0, None, 2.0])
    with pytest.raises(DataError, match="no indicator has a value for u1"):
        imputed("mean", frame)
    result = build(flat("x y", extra=", impute: mean", head="units: {all_missing: keep}"), frame)
    scores = result.scores().sort("area_code")
    assert scores["status"].to_list() == ["computed", "no_data", "computed"]
    assert scores["score"].to_list()[1] is None


def test_the_order_of_stages_is_declared():
    rows = (
        "code: x, parent: ROOT, direction: more, impute: mean, value: x, denominator: pop, normalise: none\n"
        "code: y, parent: ROOT, direction: more, normalise: none"
    )
    frame = table(x=[10.0, None, 30.0], pop=[1.0, 2.0, 2.0], y=[1.0, 1.0, 1.0])
    early = build(spec(rows, head="stages: [impute, denominate, screen, transform, treat]"), frame).lineage()
    late = build(spec(rows), frame).lineage()
    assert early.filter(pl.col("indicator") == "x").sort("area_code")["denominated"].to_list() == [10.0, 10.0, 15.0]
    assert late.filter(pl.col("indicator") == "x").sort("area_code")["imputed"].to_list() == [10.0, 12.5, 15.0]
