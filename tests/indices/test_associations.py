"""Effective weights, correlations and flags, consistency, influence of single indicators; comparisons of editions."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from pipelines.indices import associations
from pipelines.indices.build import build
from pipelines.indices.compare import compare
from pipelines.indices.masking import agreement, masking_test
from pipelines.indices.problems import DataError
from tests.indices.conftest import spec, table

NODES = "  - {code: ROOT}\n  - {code: A, parent: ROOT, weight: 3}\n  - {code: B, parent: ROOT, weight: 1}\n"
RNG = np.random.default_rng(21)
BASE = RNG.normal(0, 1, 60)
FRAME = table(a=BASE, b=BASE + RNG.normal(0, 0.1, 60), c=RNG.normal(0, 1, 60), d=-BASE + RNG.normal(0, 0.5, 60))
ROWS = "\n".join(
    f"code: {code}, parent: {parent}, direction: more, normalise: zscore"
    for code, parent in zip("abcd", "AABB", strict=True)
)


def built(nodes: str = NODES, frame: pl.DataFrame = FRAME):
    return build(spec(ROWS, nodes), frame)


def test_effective_weights_are_products_of_fractions():
    found = dict(associations.effective_weights(built()).select("code", "effective_weight_exact").iter_rows())
    assert found == {"ROOT": "1", "A": "3/4", "B": "1/4", "a": "3/8", "b": "3/8", "c": "1/8", "d": "1/8"}


@pytest.mark.parametrize("kind", ["pearson", "spearman", "kendall"])
def test_correlations_and_flags(kind):
    found = associations.correlations(built(), kind)
    pair = found.filter((pl.col("first") == "a") & (pl.col("second") == "b")).row(0, named=True)
    assert pair["relation"] == "sibling" and pair["n"] == 60
    if kind != "kendall":
        assert pair["flag"] == "redundant" and pair["r"] > 0.9
    if kind == "spearman":
        assert pair["r"] == pytest.approx(spearmanr(FRAME["a"], FRAME["b"]).statistic)
    contrary = found.filter(pl.col("flag") == "contrary")["first"].to_list()
    assert "d" in contrary
    assert set(found["relation"]) == {"sibling", "parent", "root"}


def test_correlation_without_spread_or_rows_is_nothing():
    assert np.isnan(associations.correlation(np.ones(5), np.arange(5.0), "pearson")[0])
    assert np.isnan(associations.correlation(np.arange(2.0), np.arange(2.0), "pearson")[0])


def test_cronbach_alpha_by_its_definition():
    matrix = np.column_stack([BASE + RNG.normal(0, 0.3, 60) for _ in range(4)])
    covariance = np.cov(matrix.T)
    expected = 4 / 3 * (1 - np.trace(covariance) / covariance.sum())
    assert associations.cronbach_alpha(matrix) == pytest.approx(expected)
    flags = dict(associations.consistency(built()).select("node", "flag").iter_rows())
    assert flags["A"] is None and flags["B"] == "inconsistent"


def test_denominators_that_drive_their_indicator_are_flagged():
    size = RNG.uniform(10, 100, 60)
    rows = "code: x, parent: ROOT, direction: more, value: n, denominator: d, normalise: none"
    driven = build(spec(rows), table(n=size**2, d=size))
    assert associations.denominator_correlations(driven)["flag"].to_list() == ["denominator"]
    free = build(spec(rows), table(n=size * RNG.uniform(1, 2, 60), d=size))
    assert associations.denominator_correlations(free)["flag"].to_list() == [None]


def test_leaving_one_out_is_the_build_without_it():
    found = dict(associations.leave_one_out(built()).select("code", "mean_shift").iter_rows())
    without = build(spec("\n".join(line for line in ROWS.splitlines() if "code: c" not in line), NODES), FRAME)
    shift = (without.ranks("unit", "ROOT") - built().ranks("unit", "ROOT")).__abs__().mean()
    assert found["c"] == pytest.approx(shift)
    assert set(found) == {"a", "b", "c", "d"}


def test_main_effects_lie_between_nothing_and_everything():
    found = associations.main_effects(built())
    assert found["correlation_ratio"].is_between(0, 1).all()
    ratios = dict(found.select("code", "correlation_ratio").iter_rows())
    assert ratios["a"] > ratios["c"]


def test_two_editions_side_by_side():
    other = NODES.replace("weight: 3", "weight: 1")
    found = compare(built(), built(other))
    assert found.summary["units"] == 60 and found.summary["max_rank_shift"] > 0
    assert found.summary["spearman"] == pytest.approx(
        spearmanr(found.table["score"], found.table["score_second"]).statistic
    )
    same = compare(built(), built())
    assert same.summary["mean_rank_shift"] == 0 and same.summary["pearson"] == pytest.approx(1)
    with pytest.raises(DataError, match="no node 'X'"):
        compare(built(), built(), "X")


def test_sampling_adequacy_and_variance_inflation():
    matrix = np.column_stack([BASE + RNG.normal(0, 0.5, 60) for _ in range(4)])
    kmo, inflation = associations.sampling_adequacy(matrix)
    assert 0.7 < kmo < 1
    others = np.column_stack([np.ones(60), matrix[:, 1:]])
    fitted = others @ np.linalg.lstsq(others, matrix[:, 0], rcond=None)[0]
    r2 = 1 - ((matrix[:, 0] - fitted) ** 2).sum() / ((matrix[:, 0] - matrix[:, 0].mean()) ** 2).sum()
    assert inflation >= 1 / (1 - r2) - 1e-9
    two = associations.sampling_adequacy(matrix[:, :2])[1]
    assert two == pytest.approx(1 / (1 - np.corrcoef(matrix[:, :2].T)[0, 1] ** 2))
    assert np.isnan(associations.sampling_adequacy(np.column_stack([BASE, 2 * BASE]))[0])


def test_masking_known_cells_tells_good_imputation_from_bad():
    frame = FRAME.with_columns(pl.when(pl.arange(0, 60) % 9 == 0).then(None).otherwise(pl.col("a")).alias("a"))
    rows = ROWS.replace("code: a,", "code: a, impute: %s,")
    good = masking_test(build(spec(rows % "{method: regression, on: [b]}", NODES), frame), share=0.3).row(0, named=True)
    poor = masking_test(build(spec(rows % "mean", NODES), frame), share=0.3).row(0, named=True)
    assert good["code"] == "a" and good["hidden"] == good["filled"] > 5
    assert good["rmse"] < poor["rmse"] and good["r2"] > 0.9 and good["d"] > 0.95 and poor["r2"] <= 0.01
    assert masking_test(built()).height == 0


def test_agreement_by_its_definitions():
    true, filled = np.array([1.0, 2.0, 4.0, 5.0]), np.array([1.0, 3.0, 3.0, np.nan])
    count, rmse, mae, r2, d = agreement(true, filled)
    x = true[:3]
    assert (count, mae) == (3, pytest.approx(2 / 3)) and rmse == pytest.approx(np.sqrt(2 / 3))
    assert r2 == pytest.approx(1 - 2 / ((x - x.mean()) ** 2).sum()) and 0 < d < 1
    assert agreement(true, np.full(4, np.nan))[0] == 0


def test_an_indicator_at_one_end_of_its_scale_is_flagged():
    low = [0.0] * 19 + [50.0]
    rows = "\n".join(
        f"code: {code}, parent: ROOT, direction: {direction}, goalposts: [10, 90]"
        for code, direction in (("low", "more"), ("high", "less"), ("same", "more"), ("fine", "more"), ("rare", "more"))
    )
    frame = table(
        low=low,
        high=low,
        same=[40.0] * 20,
        fine=[float(value) for value in range(10, 90, 4)],
        rare=[None, *low[2:], 60.0],
    )
    found = {row["indicator"]: row for row in associations.spread(build(spec(rows), frame)).to_dicts()}
    assert [found[code]["flag"] for code in ("low", "high", "same", "fine", "rare")] == [
        "low", "high", "constant", None, None,
    ]  # fmt: skip
    assert found["low"] == {"indicator": "low", "units": 20, "at_low": 19, "at_high": 0, "distinct": 2, "flag": "low"}
    assert (found["rare"]["units"], found["rare"]["at_low"]) == (19, 17)
    empty = table(low=low, fine=[None] * 20)
    two = "code: low, parent: ROOT, direction: more, goalposts: [10, 90]\n"
    half = build(spec(two + "code: fine, parent: ROOT, direction: more, goalposts: [10, 90]"), empty)
    assert associations.spread(half)["flag"].to_list() == ["low", "empty"]
