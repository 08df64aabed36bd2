"""What looks like a number and is none: settings and data that would turn an order round, or leave it to chance."""

import numpy as np
import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.problems import DataError, SpecError
from tests.indices.conftest import spec, table

FOUR = table(a=[1.0, 2.0, 3.0, 4.0], b=[4.0, 1.0, 3.0, 2.0])


def one(extra: str, head: str = "", direction: str = "more"):
    return spec(f"code: a, parent: ROOT, direction: {direction}, {extra}", head=head)


@pytest.mark.parametrize(
    "extra",
    [
        "normalise: {method: minmax, range: [5, 5]}",
        "normalise: {method: minmax, clip: [80, 20]}",
        "normalise: {method: percentile_rank, scale: -1}",
        "normalise: {method: distance_to_max, scale: 0}",
        "normalise: {method: ratio, scale: -1}",
        "treat: {method: percentile_clip, low: 90, high: 10}",
        "treat: {method: clip, low: 3, high: 2}",
        "treat: {method: winsorise, skew: -1}",
        "caps: [3, 2]",
        "scale: -1",
        "scale: 0",
        "missing: {least_denominator: -1}",
    ],
)
def test_limits_and_scales_that_would_turn_or_flatten_scores_are_refused(extra):
    with pytest.raises(SpecError, match="in indicator 'a'"):
        one(extra)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("uncertainty: {interval: [95, 5]}", "does not lie below"),
        ("uncertainty: {interval: [-5, 95]}", "greater than or equal to 0"),
        ('valid_from: "2026-02-01"\nvalid_to: "2025-01-01"', "lies before valid_from"),
        ("rank: {hide_below: 3}", "belong together"),
        ("rank: {hide_column: b}", "belong together"),
        ("screen: {availability: 2}", "between 0 and 1"),
        ("screen: {nonzero: -1/2}", "between 0 and 1"),
    ],
)
def test_settings_without_meaning_are_refused(head, message):
    with pytest.raises(SpecError, match=message):
        one("normalise: minmax", head)


def test_a_range_from_above_to_below_gives_the_best_value_its_second_end():
    made = build(one("normalise: {method: minmax, range: [100, 0]}"), FOUR)
    assert made.lineage().sort("area_code")["normalised"].round(9).to_list() == [100.0, 66.666666667, 33.333333333, 0.0]


@pytest.mark.parametrize(
    ("method", "direction", "values", "message"),
    [
        ("{method: ratio, reference: {statistic: mean}}", "more", [-10.0, -2.0, -6.0], "turn the order round"),
        ("ratio", "more", [-10.0, -2.0, -6.0], "turn the order round"),
        ("ratio", "less", [-10.0, 2.0, 6.0], "turn the order round"),
        ("{method: ratio, reference: {value: 3}}", "less", [-1.0, 2.0, 6.0], "zero or less"),
        ("{method: ratio, reference: {value: 3}}", "less", [0.0, 2.0, 6.0], "zero or less"),
        ("{method: ratio, reference: {value: 0}}", "less", [1.0, 2.0, 6.0], "ratio to zero"),
        ("minmax", "more", [-1.6e308, 0.0, 1.6e308], "too wide"),
        ("{method: goalposts, low: {best: 4}, high: 9}", "more", [1.0, 2.0, 3.0], "no 4 to average"),
        ("{method: goalposts, low: {worst: 4}, high: 9}", "more", [1.0, 2.0, 3.0], "no 4 to average"),
    ],
)
def test_normalisations_that_would_turn_round_or_overflow_are_refused(method, direction, values, message):
    with pytest.raises(DataError, match=message):
        build(one(f"normalise: {method}", direction=direction), table(a=values))


def test_a_unit_to_exclude_and_a_column_to_group_by_must_exist():
    with pytest.raises(DataError, match=r"units.exclude: unknown unit 'u9'"):
        build(one("normalise: minmax", "units: {exclude: [u9]}"), FOUR)
    with pytest.raises(DataError, match="no column 'regio'"):
        build(one("normalise: minmax, impute: {method: mean, by: regio}"), FOUR)


def test_a_misspelt_reference_unit_is_told_with_the_indicator_its_line_and_the_nearest_unit():
    head = "units: {all_missing: keep}"
    wrong = one("normalise: {method: ratio, reference: {unit: South}}", head)
    frame = table(unit=["North", "Southh", "West"], a=[1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r":\d+: indicator 'a'.*'South' is not in the table.*did you mean 'Southh'"):
        build(wrong, frame)
    gap = table(unit=["North", "South", "West"], a=[1.0, None, 3.0])
    with pytest.raises(DataError, match=r"indicator 'a'.*: the reference unit 'South' has no value"):
        build(wrong, gap)


def _weighed(weights: str, **columns):
    rows = "\n".join(f"code: {code}, parent: ROOT, direction: more, normalise: minmax" for code in columns)
    return build(spec(rows, f"  - {{code: ROOT, weights: {weights}}}\n"), table(**columns))


def test_components_of_equal_variance_are_not_cut_between():
    """Columns without correlation have no first component; whichever comes out of a solver is chance."""
    a, b = [1.0, 2.0, 1.0, 2.0], [1.0, 1.0, 2.0, 2.0]
    with pytest.raises(DataError, match="components 1 and 2 explain the same variance"):
        _weighed("pca_loadings", a=a, b=b)
    with pytest.raises(DataError, match="components 1 and 2 explain the same variance"):
        _weighed("{method: pca_factors, components: 1}", a=a, b=b)
    both = _weighed("pca_factors", a=a, b=b).weights().select("child", "weight")
    assert dict(both.iter_rows()) == pytest.approx({"a": 0.5, "b": 0.5})


def test_loadings_that_cancel_out_cannot_be_scaled():
    with pytest.raises(DataError, match="cancel out"):
        _weighed("{method: pca_loadings, allow_negative: true}", a=[1.0, 2.0, 3.0], b=[3.0, 2.0, 1.0])


def test_factor_weights_agree_with_another_way_to_varimax():
    """Rotation by singular values instead of by pairs of factors; every step written out with numpy."""
    rng = np.random.default_rng(77)
    columns = rng.normal(size=(40, 5))
    columns[:, 1] += columns[:, 0]
    columns[:, 3] -= 0.8 * columns[:, 2]
    made = _weighed("pca_factors", **{name: columns[:, place] for place, name in enumerate("abcde")})
    found = dict(made.weights().select("child", "weight").iter_rows())
    scaled = (columns - columns.min(axis=0)) / np.ptp(columns, axis=0)
    standard = (scaled - scaled.mean(axis=0)) / scaled.std(axis=0, ddof=1)
    _, singular, directions = np.linalg.svd(standard, full_matrices=False)
    variances = singular**2 / (len(columns) - 1)
    kept = int((variances >= 1).sum())
    assert kept == 2
    loadings = directions[:kept].T * np.sqrt(variances[:kept])
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    turned, rotation = loadings / length, np.eye(kept)
    for _ in range(3000):
        rotated = turned @ rotation
        left, _, right = np.linalg.svd(turned.T @ (rotated**3 - rotated * (rotated**2).sum(axis=0) / len(turned)))
        rotation = left @ right
    squared = (turned @ rotation * length) ** 2
    best = squared.argmax(axis=1)
    weights = squared[np.arange(5), best] / squared.sum()
    assert list(found.values()) == pytest.approx(weights / weights.sum(), abs=1e-9)
    assert isinstance(made.weights(), pl.DataFrame)
