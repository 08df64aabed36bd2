"""Outlier treatment: type 2 estimators, winsorisation with ties, logarithmic forms, and refusals."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kurtosis as scipy_kurtosis
from scipy.stats import skew as scipy_skew

from pipelines.indices.build import build
from pipelines.indices.column_methods import Winsorise
from pipelines.indices.numerics import kurtosis, skewness
from pipelines.indices.problems import DataError
from pipelines.indices.treat import fit_treatment
from tests.indices.conftest import flat, table


@settings(max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=40))
def test_estimators_are_those_of_type_2(values):
    x = np.array(values)
    if np.ptp(x) < 1e-3:
        return
    assert skewness(x) == pytest.approx(scipy_skew(x, bias=False), rel=1e-6, abs=1e-6)
    assert kurtosis(x) == pytest.approx(scipy_kurtosis(x, bias=False), rel=1e-6, abs=1e-6)


def _treated(values: list[float], method: str) -> pl.DataFrame:
    return build(flat("x", extra=f", treat: {method}"), table(x=values)).lineage().sort("area_code")


def test_one_outlier_is_pulled_to_the_next_value_and_recorded():
    values = [float(n) for n in range(1, 20)] + [500.0]
    cells = _treated(values, "winsorise").sort("raw")
    assert cells["treated"].to_list()[-1] == 19.0
    last = cells.row(-1, named=True)
    assert last["status"] == "treated" and "500 became 19" in last["reason"]
    assert cells["status"].to_list()[:-1] == ["observed"] * 19


def test_passing_needs_skewness_or_kurtosis_and_with_and_both():
    # Skewed but flat enough: passes by kurtosis alone.
    values = [0.0] * 12 + [1.0] * 3 + [2.0] * 2 + [5.0]
    x = np.array(values)
    assert abs(skewness(x)) > 2 or kurtosis(x) > 3.5
    either = fit_treatment(Winsorise(method="winsorise", skew=100), x, "x", 7)
    both = fit_treatment(Winsorise(method="winsorise", skew=100, rule="and"), x, "x", 7)
    assert either.numbers["points"] == 0
    assert both.numbers["points"] > 0


def test_ties_at_the_limit_move_together_and_may_exceed_it():
    values = np.array([float(n) for n in range(20)] + [900.0] * 3)
    method = Winsorise(method="winsorise", points=2, force=True)
    fitted = fit_treatment(method, values, "x", 7)
    assert fitted.numbers["points"] == 3
    assert fitted.apply(values).max() == 19.0


def test_direction_is_decided_anew_at_each_step():
    values = np.array([-800.0, 900.0, *np.linspace(0, 10, 30)])
    fitted = fit_treatment(Winsorise(method="winsorise", rule="and"), values, "x", 7)
    pulled = fitted.apply(values)
    assert pulled.min() >= 0 and pulled.max() <= 10
    assert fitted.numbers["points"] == 2


def test_a_log_takes_over_when_points_do_not_suffice():
    values = [float(2**n) for n in range(25)]
    cells = _treated(values, "{method: winsorise, points: 1, otherwise: log_ct}").sort("raw")
    low, high = values[0], values[-1]
    expected = np.log(np.array(values) - low + 0.01 * (high - low))
    assert cells["treated"].to_numpy() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("method", "function"),
    [
        ("log_ct", lambda x: np.log(x - x.min() + 0.01 * np.ptp(x))),
        ("log_ct_original", lambda x: np.log(x - x.min() + 1)),
        ("log_gii", lambda x: np.log((x.max() - 1) * (x - x.min()) / np.ptp(x) + 1)),
        ("{method: boxcox, power: 0.5}", lambda x: ((x - x.min() + 1) ** 0.5 - 1) / 0.5),
        ("{method: boxcox, power: 0}", lambda x: np.log(x - x.min() + 1)),
        ("{method: clip, high: 6}", lambda x: np.minimum(x, 6)),
        ("{method: percentile_clip, low: 10, high: 90}", lambda x: np.clip(x, *np.percentile(x, [10, 90]))),
    ],
)
def test_forms(method, function):
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 3.0])
    cells = _treated(values.tolist(), method)
    assert cells["treated"].to_numpy() == pytest.approx(function(values))


def test_the_mirrored_log_is_used_for_negative_skewness_only():
    left = np.array([-50.0, 1.0, 2.0, 3.0, 4.0])
    cells = _treated(left.tolist(), "log_ct_plus")
    assert cells["treated"].to_numpy() == pytest.approx(-np.log(left.max() + 0.01 * np.ptp(left) - left))
    right = -left
    cells = _treated(right.tolist(), "log_ct_plus")
    assert cells["treated"].to_numpy() == pytest.approx(np.log(right - right.min() + 0.01 * np.ptp(right)))


def test_refusals():
    with pytest.raises(DataError, match="'x' in the table is constant"):
        _treated([3.0, 3.0, 3.0], "winsorise")
    with pytest.raises(DataError, match="skewness needs three"):
        _treated([3.0, 4.0], "winsorise")
    with pytest.raises(DataError, match="would make it constant"):
        _treated([0.0] * 30 + [1.0], "winsorise")
    with pytest.raises(DataError, match="goalposts are in the value's unit"):
        build(flat("x", extra=", goalposts: [0, 10], treat: log_ct"), table(x=[1.0, 2.0, 3.0]))


def test_caps_and_transforms():
    cells = build(flat("x", extra=", caps: [1, 100], transform: log10"), table(x=[0.1, 10.0, 1000.0])).lineage()
    assert cells["transformed"].to_list() == [0.0, 1.0, 2.0]
    assert cells["status"].to_list() == ["treated", "observed", "treated"]
    with pytest.raises(DataError, match="ln needs values above zero, not so at u1"):
        build(flat("x", extra=", transform: ln"), table(x=[1.0, 0.0]))


def test_treatment_of_a_panel_is_by_period_unless_it_says_otherwise():
    frame = pl.DataFrame(
        {"unit": [f"u{n}" for n in range(20)] * 2, "year": [1] * 20 + [2] * 20, "x": [*range(19), 500, *range(19), 400]}
    )
    head = "table: {period: year}"
    by_period = build(flat("x", head=head, extra=", treat: winsorise"), frame).lineage()
    assert by_period.filter(pl.col("status") == "treated").height == 2
    pooled = build(flat("x", head=head, extra=", treat: {method: winsorise, scope: all, points: 1}"), frame).lineage()
    assert pooled.filter(pl.col("status") == "treated")["raw"].to_list() == [500.0]
