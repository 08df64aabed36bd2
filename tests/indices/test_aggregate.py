"""Aggregation: the means, Mazziotta-Pareto, comparisons of units, benefit of the doubt, and what each refuses."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.indices.aggregate import arithmetic, geometric, harmonic, mpi, power, shares, stepper
from pipelines.indices.build import build
from pipelines.indices.frontier import benefit_of_doubt
from pipelines.indices.node_methods import BenefitOfDoubt, Mean, Mpi, PowerMean
from pipelines.indices.outrank import kemeny, support
from pipelines.indices.problems import DataError
from tests.indices.conftest import column, flat, spec, table

POSITIVE = arrays(float, (3, 4), elements=st.floats(0.5, 100))
WEIGHTS = arrays(float, 4, elements=st.floats(0.05, 1))


@settings(max_examples=60)
@given(POSITIVE, WEIGHTS)
def test_means_are_ordered_and_bounded(values, weights):
    w = np.broadcast_to(weights, values.shape)
    h, g, a = harmonic(values, w), geometric(values, w), arithmetic(values, w)
    tolerance = 1e-9 * values.max()
    assert (h <= g + tolerance).all() and (g <= a + tolerance).all()
    assert (a <= values.max(1) + tolerance).all() and (h >= values.min(1) - tolerance).all()
    assert power(values, w, 1.0) == pytest.approx(a) and power(values, w, -1.0) == pytest.approx(h)
    assert power(values, w, 1e-6) == pytest.approx(g, rel=1e-3)


@settings(max_examples=60)
@given(POSITIVE, WEIGHTS, st.integers(0, 3), st.floats(0.1, 20))
def test_a_better_child_never_lowers_a_mean(values, weights, child, step):
    w = np.broadcast_to(weights, values.shape)
    better = values.copy()
    better[:, child] += step
    for mean in (arithmetic, geometric, harmonic):
        assert (mean(better, w) >= mean(values, w) - 1e-9).all()


@settings(max_examples=60)
@given(POSITIVE, WEIGHTS)
def test_decompositions_add_up(values, weights):
    w = np.broadcast_to(weights, values.shape)
    methods = [Mean(method=name) for name in ("arithmetic", "geometric", "harmonic", "min", "max")]
    methods += [PowerMean(method="power", p=2.5), Mpi(method="mpi"), Mpi(method="mpi", penalty="add", sd="population")]
    for method in methods:
        score = stepper(method, "sample")(values, w)
        parts = shares(method, values, w, score, "sample")
        assert (parts * values).sum(axis=1) == pytest.approx(score, rel=1e-9), method


def test_missing_children_drop_out_and_weights_are_rescaled():
    values, w = np.array([[1.0, np.nan, 4.0]]), np.array([[1.0, 5.0, 3.0]])
    assert arithmetic(values, w)[0] == pytest.approx(13 / 4)
    assert geometric(values, w)[0] == pytest.approx(4 ** (3 / 4))
    assert np.isnan(arithmetic(np.array([[np.nan]]), np.array([[1.0]])))[0]


def test_mazziotta_pareto_in_both_directions_and_by_both_kinds_of_sd():
    x = np.array([[90.0, 100.0, 120.0]])
    w = np.ones((1, 3))
    for sample, ddof in ((True, 1), (False, 0)):
        cv2 = x.var(ddof=ddof) / x.mean() ** 2
        assert mpi(x, w, -1, sample)[0] == pytest.approx(x.mean() * (1 - cv2))
        assert mpi(x, w, 1, sample)[0] == pytest.approx(x.mean() * (1 + cv2))
    assert mpi(np.array([[80.0, np.nan]]), np.ones((1, 2)), -1, True)[0] == 80.0


def test_other_row_wise_forms():
    frame = table(a=[1.0, 5.0], b=[3.0, 2.0], c=[8.0, None])
    for method, expected in (
        ("min", [1, 2]),
        ("max", [8, 5]),
        ("median", [3, 3.5]),
        ("{method: power, p: 2}", [np.sqrt(74 / 3), np.sqrt(14.5)]),
    ):
        assert column(build(flat("a b c", aggregate=method), frame)) == pytest.approx(expected)


@pytest.mark.parametrize("method", ["geometric", "harmonic", "{method: power, p: -2}"])
def test_a_value_that_is_not_positive_is_refused_with_its_place(method):
    with pytest.raises(DataError, match=r"needs values above zero, but 'b' of u1 is 0 .1 such values.*\[1, 100\]"):
        build(flat("a b", aggregate=method), table(a=[1.0, 2.0], b=[3.0, 0.0]))


def test_formula_nodes_relate_sub_indices():
    nodes = (
        "  - {code: ROOT, aggregate: {method: formula, formula: F / M}}\n"
        "  - {code: F, parent: ROOT}\n"
        "  - {code: M, parent: ROOT}\n"
    )
    made = spec(
        "code: f, parent: F, direction: more, normalise: none\ncode: m, parent: M, direction: more, normalise: none",
        nodes,
    )
    assert column(build(made, table(f=[3.0, None], m=[4.0, 2.0]))) == [0.75, None]
    with pytest.raises(DataError, match="division by zero"):
        build(made, table(f=[3.0], m=[0.0]))


# --- comparisons of units -------------------------------------------------------------------------------------------
def test_support_counts_ties_half_and_leaves_missing_children_out_on_both_sides():
    values = np.array([[3.0, 1.0], [1.0, np.nan], [3.0, 2.0]])
    found = support(values, np.array([2.0, 1.0]))
    assert found[0, 1] == 2 and found[1, 0] == 0
    assert found[0, 2] == 1 and found[2, 0] == 2


def test_copeland_is_exact_at_one_half():
    values = np.array([[1.0, 2.0, 3.0, 0.0, 0.0, 1.0], [2.0, 1.0, 0.0, 3.0, 1.0, 0.0]])
    made = flat("a b c d e f", aggregate="copeland")
    columns = {code: values[:, number].tolist() for number, code in enumerate("abcdef")}
    assert column(build(made, table(**columns))) == [0.0, 0.0]
    assert column(build(flat("a b c d e f", aggregate="{method: copeland, share: true}"), table(**columns))) == [
        0.5,
        0.5,
    ]
    better = table(a=[3.0, 2.0, 1.0], b=[3.0, 2.0, 1.0])
    assert column(build(flat("a b", aggregate="copeland"), better)) == [2.0, 0.0, -2.0]


def _by_trying_all(values, weights) -> float:
    matrix = support(values, weights)
    return max(
        sum(matrix[a, b] for i, a in enumerate(order) for b in order[i + 1 :])
        for order in permutations(range(len(values)))
    )


@settings(max_examples=25, deadline=None)
@given(arrays(float, (5, 3), elements=st.integers(0, 4).map(float)))
def test_kemeny_is_the_best_of_all_orders(values):
    weights = np.array([3.0, 2.0, 2.0])
    below, unique = kemeny(values, weights, 30, "n")
    order = np.argsort(-below)
    matrix = support(values, weights)
    reached = sum(matrix[a, b] for i, a in enumerate(order) for b in order[i + 1 :])
    assert reached == pytest.approx(_by_trying_all(values, weights))
    assert sorted(below) == list(range(5))


def test_kemeny_says_whether_its_order_is_the_only_one_and_keeps_its_limit():
    assert kemeny(np.array([[3.0], [2.0], [1.0]]), np.array([1.0]), 30, "n")[1]
    assert not kemeny(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([1.0, 1.0]), 30, "n")[1]
    with pytest.raises(DataError, match="exceeds the limit of 3"):
        build(flat("a", aggregate="{method: kemeny, limit: 3}"), table(a=[1.0, 2.0, 3.0, 4.0]))
    made = build(flat("a b", aggregate="kemeny"), table(a=[1.0, 2.0, 3.0], b=[1.0, 2.0, 3.0]))
    assert column(made) == [0, 1, 2] and made.conventions()["ROOT"] == "only optimal order"


# --- benefit of the doubt -------------------------------------------------------------------------------------------
VALUES = np.array([[0.9, 0.2, 0.4], [0.3, 0.8, 0.5], [0.5, 0.5, 0.5], [0.1, 0.1, 0.3]])


def test_unbounded_scores_are_those_of_the_frontier():
    scores, weights = benefit_of_doubt(VALUES, BenefitOfDoubt(method="bod"), "n")
    assert scores[:2] == pytest.approx([1, 1])
    assert ((VALUES @ weights[3]) <= 1 + 1e-9).all()
    assert scores[3] == pytest.approx(0.6) and VALUES[3] @ weights[3] == pytest.approx(scores[3])


def test_the_two_kinds_of_bounds_hold_and_differ():
    by_weight = BenefitOfDoubt(method="bod", bound="share_of_weight", low=0.2, high=0.5)
    by_score = BenefitOfDoubt(method="bod", bound="share_of_score", low=0.2, high=0.5)
    first, w = benefit_of_doubt(VALUES, by_weight, "n")
    second, v = benefit_of_doubt(VALUES, by_score, "n")
    share = w / w.sum(axis=1, keepdims=True)
    assert (share >= 0.2 - 1e-9).all() and (share <= 0.5 + 1e-9).all()
    share = v * VALUES / second[:, None]
    assert (share >= 0.2 - 1e-9).all() and (share <= 0.5 + 1e-9).all()
    assert first != pytest.approx(second, abs=1e-3)
    free = benefit_of_doubt(VALUES, BenefitOfDoubt(method="bod"), "n")[0]
    assert (first <= free + 1e-9).all() and (second <= free + 1e-9).all()


def test_a_unit_with_a_gap_gets_no_score_and_is_nobodys_peer():
    values = np.vstack([VALUES, [[5.0, 5.0, np.nan]]])
    scores, _ = benefit_of_doubt(values, BenefitOfDoubt(method="bod"), "n")
    assert np.isnan(scores[4]) and scores[0] == pytest.approx(1)
    with pytest.raises(DataError, match="zero or more"):
        benefit_of_doubt(-VALUES, BenefitOfDoubt(method="bod"), "n")
