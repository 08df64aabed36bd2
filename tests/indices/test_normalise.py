"""Normalisations: formulas, directions, references, scopes, and refusals. Table 15 of the Handbook is in test_cases."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.indices.build import build
from pipelines.indices.problems import DataError
from tests.indices.conftest import flat, spec, table

X = [2.0, 4.0, 6.0, 10.0]


def scores(method: str, values=X, direction: str = "more", head: str = "", **columns) -> list[float | None]:
    made = spec(f"code: x, parent: ROOT, direction: {direction}, normalise: {method}", head=head)
    return build(made, table(x=values, **columns)).lineage()["normalised"].to_list()


@pytest.mark.parametrize(
    ("method", "more", "less"),
    [
        ("minmax", [0, 25, 50, 100], [100, 75, 50, 0]),
        ("{method: minmax, range: [1, 100]}", [1, 25.75, 50.5, 100], [100, 75.25, 50.5, 1]),
        ("{method: goalposts, low: 0, high: 8}", [25, 50, 75, 100], [75, 50, 25, 0]),
        ("{method: goalposts, low: 0, high: 8, inside: false}", [25, 50, 75, 125], [75, 50, 25, -25]),
        ("{method: goalposts, low: 4, high: 8, range: [0, 1]}", [0, 0, 0.5, 1], [1, 1, 0.5, 0]),
        ("rank", [1, 2, 3, 4], [4, 3, 2, 1]),
        ("borda", [0, 1, 2, 3], [3, 2, 1, 0]),
        ("percentile_rank", [0, 100 / 3, 200 / 3, 100], [100, 200 / 3, 100 / 3, 0]),
        ("{method: percentile_rank, definition: over_n, scale: 1}", [0.25, 0.5, 0.75, 1], [1, 0.75, 0.5, 0.25]),
        ("distance_to_max", [0, 0.25, 0.5, 1], [1, 0.75, 0.5, 0]),
        ("{method: distance_to_reference, reference: {unit: u2}}", [0, 0.5, 1, 2], [2, 1.5, 1, 0]),
        ("{method: distance_to_reference, reference: {unit: u2}, cap: true}", [0, 0.5, 1, 1], [1, 1, 1, 0]),
        ("{method: distance_to_target, target: 6}", [0, 0.5, 1, 2], [2, 1.5, 1, 0]),
        ("fraction_of_max", [0.2, 0.4, 0.6, 1], [1, 0.5, 1 / 3, 0.2]),
        ("{method: ratio, reference: {value: 4}, scale: 100}", [50, 100, 150, 250], [200, 100, 200 / 3, 40]),
        ("{method: difference, reference: {statistic: median}, relative: false}", [-3, -1, 1, 5], [3, 1, -1, -5]),
        ("{method: above_below, share: 0.2, reference: {value: 5}}", [-1, 0, 0, 1], [1, 0, 0, -1]),
        ("{method: categorical, of: value, cuts: [4, 8], scores: [0, 50, 100]}", [0, 50, 50, 100], [100, 50, 50, 0]),
        ("{method: ampi, reference: {value: 6}}", [70, 85, 100, 130], [130, 115, 100, 70]),
        ("none", [2, 4, 6, 10], [-2, -4, -6, -10]),
        ("{method: none, clip: [3, 5]}", [3, 4, 5, 5], [3, 3, 3, 3]),
    ],
)
def test_formulas_in_both_directions(method, more, less):
    assert scores(method) == pytest.approx(more)
    if method not in ("{method: categorical, of: value, cuts: [4, 8], scores: [0, 50, 100]}",):
        assert scores(method, direction="less") == pytest.approx(less)
    else:
        # Boundary upper: turned round, the value on a cut belongs to the better class.
        assert scores(method, direction="less") == pytest.approx([100, 100, 50, 0])


@pytest.mark.parametrize(("kind", "ddof"), [("sample", 1), ("population", 0)])
def test_z_scores_by_both_kinds_of_standard_deviation(kind, ddof):
    x = np.array(X)
    expected = (x - x.mean()) / x.std(ddof=ddof)
    assert scores(f"{{method: zscore, sd: {kind}}}") == pytest.approx(expected)
    assert scores("zscore", head=f"conventions: {{sd: {kind}}}") == pytest.approx(expected)
    assert scores(f"{{method: zscore, sd: {kind}, centre: 100, spread: 10}}") == pytest.approx(100 + 10 * expected)


@pytest.mark.parametrize(
    ("ties", "expected"),
    [("min", [1, 2, 2, 4]), ("max", [1, 3, 3, 4]), ("average", [1, 2.5, 2.5, 4]), ("dense", [1, 2, 2, 3])],
)
def test_ties(ties, expected):
    assert scores(f"{{method: rank, ties: {ties}}}", [1.0, 5.0, 5.0, 9.0]) == expected


def test_posts_from_data():
    values = [float(n) for n in range(11)]
    low_high = scores("{method: goalposts, low: {percentile: 10}, high: {best: 2}, range: [0, 1]}", values)
    assert low_high[1] == 0 and low_high[10] == 1 and low_high[5] == pytest.approx(4 / 8.5)
    # Direction less: the best are the lowest.
    turned = scores("{method: goalposts, low: {best: 3}, high: 10, range: [0, 1]}", values, "less")
    assert turned[1] == 1 and turned[10] == 0


@pytest.mark.parametrize("kind", [4, 5, 6, 7, 8, 9])
def test_quantile_types_are_declared(kind):
    found = build(
        flat("x", "{method: goalposts, low: {percentile: 20}, high: 100}", head=f"conventions: {{quantile: {kind}}}"),
        table(x=[1.0, 2.0, 4.0, 8.0]),
    ).parameters()
    low = found.filter(pl.col("name") == "min")["value"].item()
    names = {
        4: "interpolated_inverted_cdf",
        5: "hazen",
        6: "weibull",
        7: "linear",
        8: "median_unbiased",
        9: "normal_unbiased",
    }
    assert low == pytest.approx(np.quantile([1.0, 2.0, 4.0, 8.0], 0.2, method=names[kind]))


@pytest.mark.parametrize("method", ["minmax", "zscore", "distance_to_max", "{method: ampi, reference: {value: 3}}"])
def test_a_constant_column_is_an_error(method):
    with pytest.raises(DataError, match="'x' is constant"):
        scores(method, [3.0, 3.0, 3.0, 3.0])


def test_a_constant_column_has_a_value_between_fixed_posts():
    assert scores("{method: goalposts, low: 0, high: 6}", [3.0, 3.0]) == [50, 50]


@pytest.mark.parametrize(
    ("method", "values", "words"),
    [
        ("{method: distance_to_reference, reference: {unit: zz}}", X, "'zz' is not in the table"),
        ("{method: distance_to_reference, reference: {unit: u0}}", X, "divide by zero"),
        ("{method: distance_to_target, target: 1}", X, "scores would turn"),
        ("{method: ratio, reference: {value: 0}}", X, "ratio to zero"),
        ("percentile_rank", [1.0], "has one value"),
    ],
)
def test_refusals(method, values, words):
    with pytest.raises(DataError, match=words):
        scores(method, values)


def test_a_reference_unit_may_stand_outside_the_statistics():
    head = "units: {reference_only: {kind: country}}"
    found = scores(
        "{method: distance_to_reference, reference: {unit: u3}}",
        [2.0, 4.0, 8.0, 5.0],
        head=head,
        kind=["county"] * 3 + ["country"],
    )
    assert found == pytest.approx([0, 2 / 3, 2, 1])
    # The minimum is the least county's, so that a reference below it has no scale to give.
    with pytest.raises(DataError, match="scores would turn"):
        scores(
            "{method: distance_to_reference, reference: {unit: u3}}",
            [2.0, 4.0, 8.0, 1.0],
            head=head,
            kind=["county"] * 3 + ["country"],
        )


PANEL = pl.DataFrame(
    {"unit": ["a", "b"] * 3, "year": [2001, 2001, 2002, 2002, 2003, 2003], "x": [0.0, 10.0, 5.0, 20.0, 0.0, 40.0]}
)


def panel(method: str, statistics: str = "period") -> list[float]:
    made = spec(
        f"code: x, parent: ROOT, direction: more, normalise: {method}",
        head=f"table: {{period: year}}\nstatistics: {statistics}",
    )
    return build(made, PANEL).lineage().sort("period", "area_code")["normalised"].to_list()


def test_statistics_by_period_pooled_and_from_a_base_period():
    assert panel("minmax") == [0, 100, 0, 100, 0, 100]
    assert panel("minmax", "all") == pytest.approx([0, 25, 12.5, 50, 0, 100])
    assert panel("minmax", "{period: 2001}") == pytest.approx([0, 100, 50, 200, 0, 400])
    assert panel("{method: minmax, scope: all}") == pytest.approx([0, 25, 12.5, 50, 0, 100])
    with pytest.raises(DataError, match="no such period"):
        panel("minmax", "{period: 1999}")


def test_a_period_in_which_nobody_counted_an_indicator_has_no_scores_of_it():
    frame = PANEL.with_columns(x=pl.when(pl.col("year") == 2002).then(None).otherwise(pl.col("x")), y=pl.lit(1.0))
    rows = "code: x, parent: ROOT, direction: more, normalise: minmax, treat: percentile_clip"
    other = "code: y, parent: ROOT, direction: more, normalise: none"
    head = "table: {period: year}\nlevels: [{level: all, all: A}]\ndefaults: {rollup: sum}"
    result = build(spec(f"{rows}\n{other}", head=head), frame)
    found = (
        result.lineage("unit").filter(pl.col("indicator") == "x").sort("period", "area_code")["normalised"].to_list()
    )
    assert found[:2] == [0, 100] and found[2:4] == [None, None]
    area = result.lineage("all").filter((pl.col("indicator") == "x") & (pl.col("period") == "2002"))
    assert area["status"].to_list() == ["missing"]


def test_ampi_takes_its_range_over_all_periods_and_its_reference_from_one():
    found = panel("{method: ampi, reference: {unit: b, period: 2001}}")
    assert found[1] == 100 and found[5] == pytest.approx(100 + 30 / 40 * 60)
    with pytest.raises(DataError, match="name the reference's period"):
        panel("{method: ampi, reference: {unit: b}}")


@given(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=12, unique=True), st.sampled_from(["more", "less"]))
def test_scores_follow_the_direction(values, direction):
    if np.ptp(values) < 1e-6:
        return
    for method in ("minmax", "zscore", "rank", "distance_to_max"):
        found = np.array(scores(method, values, direction))
        order = np.argsort(values) if direction == "more" else np.argsort(values)[::-1]
        assert (np.diff(found[order]) >= -1e-9).all()


@given(st.floats(0.1, 50), st.floats(-100, 100))
def test_min_max_does_not_see_units_of_measurement(factor, shift):
    values = [1.0, 3.0, 4.0, 9.0]
    moved = [value * factor + shift for value in values]
    assert scores("minmax", moved) == pytest.approx(scores("minmax", values), abs=1e-7)
