"""Weights: exact sums, people's methods, data's methods with their conventions, and refusals."""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.indices.build import build
from pipelines.indices.data_weights import critic, entropy, pca_factors, pca_loadings, varimax
from pipelines.indices.node_methods import AhpWeights, PcaFactors
from pipelines.indices.problems import DataError
from pipelines.indices.weights import RANDOM_INDEX, ahp, complete, exact, principal
from tests.indices.conftest import column, spec, table

RNG = np.random.default_rng(11)
FRAME = table(a=RNG.uniform(1, 9, 30), b=RNG.uniform(1, 9, 30), c=RNG.uniform(1, 9, 30))


def build_with(weights: str, frame: pl.DataFrame = FRAME, direction: str = "more", head: str = ""):
    rows = "\n".join(
        f"code: {code}, parent: ROOT, direction: {direction if code == 'c' else 'more'}, normalise: minmax"
        for code in "abc"
    )
    return build(spec(rows, f"  - {{code: ROOT, weights: {weights}}}\n", head), frame)


def weights(made) -> dict[str, float]:
    return dict(made.weights().select("child", "weight").iter_rows())


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12).filter(lambda values: sum(values) > 0))
def test_weights_sum_to_exactly_one(values):
    assert sum(exact(values)) == 1


@given(st.integers(1, 30))
def test_equal_weights_are_fractions(size):
    rows = "\n".join(f"code: i{n}, parent: ROOT, direction: more, normalise: none" for n in range(size))
    made = build(spec(rows), table(**{f"i{n}": [1.0, 2.0] for n in range(size)}))
    found = made.fits.weights["ROOT", ""].weights
    assert found == tuple(Fraction(1, size) for _ in range(size))
    assert made.weights()["weight_exact"].to_list()[0] == ("1" if size == 1 else f"1/{size}")


def test_given_weights_by_row_by_table_and_by_group():
    assert weights(build_with("{method: given, values: {a: 1, b: 2, c: 1}}")) == {"a": 0.25, "b": 0.5, "c": 0.25}
    rows = (
        "code: a, parent: ROOT, direction: more, weight: 0.1, normalise: none\n"
        "code: b, parent: ROOT, direction: more, weight: 0.3, normalise: none"
    )
    made = build(spec(rows), table(a=[1.0], b=[5.0]))
    assert made.fits.weights["ROOT", ""].weights == (Fraction(1, 4), Fraction(3, 4))
    assert column(made) == [4.0]
    sets = "{method: given, by: g, sets: {low: {a: 1, b: 0}, high: {a: 0, b: 1}}}"
    rows = (
        "code: a, parent: ROOT, direction: more, normalise: none\n"
        "code: b, parent: ROOT, direction: more, normalise: none"
    )
    by_group = spec(rows, f"  - {{code: ROOT, weights: {sets}}}\n")
    assert column(build(by_group, table(a=[1.0, 1.0], b=[5.0, 5.0], g=["low", "high"]))) == [1.0, 5.0]
    with pytest.raises(DataError, match="no set for g 'hig' .did you mean 'high'"):
        build(by_group, table(a=[1.0], b=[5.0], g=["hig"]))


def test_budget_allocation_is_the_mean_of_points():
    made = build_with("{method: budget, experts: {one: {a: 50, b: 30, c: 20}, two: {a: 10, b: 50, c: 40}}}")
    assert made.fits.weights["ROOT", ""].weights == (Fraction(3, 10), Fraction(2, 5), Fraction(3, 10))


# A 7x7 matrix of judgements; one matrix, three published tables of random indices, three consistency ratios.
JUDGED = {
    "a over b": 3, "a over c": 5, "a over d": 7, "a over e": 7, "a over f": 9, "a over g": 9,
    "b over c": 2, "b over d": 3,
    "b over e": 3, "b over f": 5, "b over g": 5, "c over d": 2, "c over e": 2, "c over f": 3, "c over g": 3,
    "d over e": 1,
    "d over f": 2, "d over g": 2, "e over f": 2, "e over g": 2, "f over g": 1,
}  # fmt: skip


def test_analytic_hierarchy_and_its_consistency_ratio_by_named_tables():
    method = AhpWeights(method="ahp", comparisons=JUDGED)
    found = {name: ahp(method, tuple("abcdefg"), name, "w").numbers["consistency_ratio"] for name in RANDOM_INDEX}
    index = ahp(method, tuple("abcdefg"), "saaty_1980", "w").numbers["consistency_index"]
    assert found == {name: pytest.approx(index / RANDOM_INDEX[name][7]) for name in RANDOM_INDEX}
    assert len({round(ratio, 4) for ratio in found.values()}) == 3
    assert [RANDOM_INDEX[name][4] for name in ("saaty_1980", "saaty_2005", "donegan_dodd")] == [0.90, 0.89, 0.8286]


def test_a_consistent_matrix_gives_back_its_weights_whatever_is_left_out():
    true = np.array([0.5, 0.25, 0.15, 0.1])
    matrix = true[:, None] / true[None, :]
    matrix[0, 3] = matrix[3, 0] = matrix[1, 2] = matrix[2, 1] = np.nan
    greatest, vector = principal(complete(matrix))
    assert vector == pytest.approx(true, abs=1e-5) and greatest == pytest.approx(4, abs=1e-8)


def test_contradictory_comparisons_are_refused():
    with pytest.raises(DataError, match="contradict each other: consistency ratio"):
        build_with('{method: ahp, comparisons: {"a over b": 9, "b over c": 9, "c over a": 9}}')
    made = build_with('{method: ahp, max_ratio: 100, comparisons: {"a over b": 9, "b over c": 9, "c over a": 9}}')
    assert weights(made) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    two = build_with('{method: ahp, comparisons: {"a over b": 2, "a over c": 4}}')
    assert weights(two) == pytest.approx({"a": 4 / 7, "b": 2 / 7, "c": 1 / 7}, abs=1e-6)


def test_entropy_on_raw_data_and_after_min_max_differ():
    x = FRAME.drop("unit").to_numpy()
    share = x / x.sum(axis=0)
    divergence = 1 + (share * np.log(share)).sum(axis=0) / np.log(len(x))
    raw = weights(build_with("{method: entropy, on: raw}"))
    assert list(raw.values()) == pytest.approx(divergence / divergence.sum())
    assert list(weights(build_with("{method: entropy, on: minmax}")).values()) != pytest.approx(
        list(raw.values()), abs=1e-3
    )


def test_entropy_edges():
    assert entropy(np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 4.0]]), 0.0, ("a", "b"), "w").tolist() == [0.0, 1.0]
    assert entropy(np.ones((4, 2)), 0.0, ("a", "b"), "w").tolist() == [0.5, 0.5]
    zero = np.array([[0.0, 3.0], [2.0, 1.0], [4.0, 2.0]])
    assert entropy(zero, 1e-4, ("a", "b"), "w") != pytest.approx(entropy(zero, 0.0, ("a", "b"), "w"), abs=1e-6)
    with pytest.raises(DataError, match="'b' has negative"):
        entropy(np.array([[1.0, -1.0], [2.0, 1.0]]), 0.0, ("a", "b"), "w")
    with pytest.raises(DataError, match="raw entropy has no meaning for 'c'"):
        build_with("{method: entropy, on: raw}", direction="less")


def test_critic_by_hand_and_its_dependence_on_direction():
    x = FRAME.drop("unit").to_numpy()
    scaled = (x - x.min(0)) / np.ptp(x, axis=0)
    information = scaled.std(0, ddof=1) * (1 - np.corrcoef(scaled.T)).sum(0)
    assert list(weights(build_with("critic")).values()) == pytest.approx(information / information.sum())
    turned = weights(build_with("critic", direction="less"))
    assert list(turned.values()) != pytest.approx(information / information.sum(), abs=1e-4)
    ignored = weights(build_with("{method: critic, use_direction: false}", direction="less"))
    assert list(ignored.values()) == pytest.approx(information / information.sum())
    with pytest.raises(DataError, match="'b' is constant"):
        critic(np.column_stack([scaled[:, 0], np.zeros(30)]), "sample", ("a", "b"), "w")


def test_first_component_loadings():
    base = RNG.normal(size=100)
    matrix = np.column_stack([base + RNG.normal(size=100) * s for s in (0.3, 0.6, 0.9)])
    found, numbers = pca_loadings(matrix, False, ("a", "b", "c"), "w")
    values, vectors = np.linalg.eigh(np.corrcoef(matrix.T))
    expected = np.abs(vectors[:, -1])
    assert found == pytest.approx(expected / expected.sum())
    assert [numbers[f"eigenvalue {k}"] for k in (1, 2, 3)] == pytest.approx(values[::-1])
    assert [numbers[f"loading 1 {c}"] for c in "abc"] == pytest.approx(expected * np.sqrt(values[-1]))
    with pytest.raises(DataError, match="negative loading"):
        pca_loadings(np.column_stack([matrix, -base]), False, ("a", "b", "c", "d"), "w")


def test_factor_weights_rotate_and_weigh_by_variance():
    first, second = RNG.normal(size=(2, 400))
    noise = RNG.normal(size=(400, 5)) * 0.2
    matrix = np.column_stack([first, first, first, second, second]) + noise
    found, numbers = pca_factors(matrix, PcaFactors(method="pca_factors"), tuple("abcde"), "w")
    assert numbers["components"] == 2
    assert found.sum() == pytest.approx(1)
    # Three indicators of one factor share three fifths, two of the other two fifths.
    assert found[:3].sum() == pytest.approx(0.6, abs=0.02)
    with pytest.raises(DataError, match="no component reaches"):
        pca_factors(matrix, PcaFactors(method="pca_factors", eigenvalue=5), tuple("abcde"), "w")


def test_varimax_finds_the_simple_structure_again():
    simple = np.array([[0.9, 0.0], [0.8, 0.0], [0.0, 0.7], [0.0, 0.85]])
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rotated = np.abs(varimax(simple @ turn))
    assert np.minimum(np.abs(rotated - simple).max(), np.abs(rotated[:, ::-1] - simple).max()) < 1e-4


def test_inverse_standard_deviation():
    x = FRAME.drop("unit").to_numpy()
    scaled = (x - x.min(0)) / np.ptp(x, axis=0)
    inverse = 1 / scaled.std(0, ddof=1)
    assert list(weights(build_with("inverse_sd")).values()) == pytest.approx(inverse / inverse.sum())


def test_weights_from_data_follow_the_scope_of_statistics():
    frame = pl.concat(
        [FRAME.with_columns(year=pl.lit(1)), FRAME.with_columns(year=pl.lit(2), a=pl.col("a") * pl.col("b"))]
    )
    made = build_with("critic", frame, head="table: {period: year}")
    assert made.weights().height == 6
    pooled = build_with("{method: critic, scope: all}", frame, head="table: {period: year}")
    assert pooled.weights()["label"].unique().to_list() == ["all"]


def test_too_few_complete_rows_are_refused():
    with pytest.raises(DataError, match="three complete rows, there are 2"):
        build_with("critic", table(a=[1.0, 2.0, None], b=[1.0, 3.0, 2.0], c=[2.0, 1.0, 4.0]))
