"""Doubt published with the score: batches agree with the build, rank bands, effects, sampling error of small units."""

import numpy as np
import polars as pl
import pytest

from pipelines.indices.batch import Plan, evaluate_draws, rank_draws
from pipelines.indices.build import build
from pipelines.indices.doubt_parts import Factor
from pipelines.indices.numerics import rank_descending
from pipelines.indices.problems import DataError
from pipelines.indices.sampling import sampling_doubt
from pipelines.indices.sensitivity import sensitivities, sensitivity
from pipelines.indices.variants import vary
from tests.indices.conftest import spec, table

NODES = (
    "  - {code: ROOT, aggregate: geometric}\n  - {code: A, parent: ROOT}\n  - {code: B, parent: ROOT, aggregate: %s}\n"
)


def _rows(normalise: str = "{method: minmax, range: [1, 100]}") -> str:
    return "\n".join(
        f"code: i{n}, parent: {'A' if n < 4 else 'B'}, direction: {'less' if n == 2 else 'more'}, "
        f"normalise: {normalise}"
        for n in range(7)
    )


def _frame(units: int = 40, gaps: float = 0.05, seed: int = 8) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(50, 10, (units, 7)) + rng.normal(0, 5, (units, 1))
    holes = rng.random((units, 7)) < gaps
    return table(
        **{f"i{n}": [None if h else float(v) for v, h in zip(values[:, n], holes[:, n], strict=True)] for n in range(7)}
    )


@pytest.mark.parametrize(
    "inner",
    [
        "arithmetic",
        "geometric",
        "harmonic",
        "{method: power, p: 3}",
        "mpi",
        "{method: mpi, sd: population, penalty: add}",
        "median",
        '{method: formula, formula: "i4 + i5 / i6"}',
        '{method: formula, formula: "(A + i4 * i5) / i6"}',
    ],
)
def test_a_draw_without_variation_is_the_build(inner):
    result = build(spec(_rows("{method: minmax, range: [40, 100]}"), NODES % inner), _frame())
    at = result.units
    plan = Plan(result.spec, list(at.nodes.values()), np.arange(len(at.codes)), at.leaves.codes)
    for leaves in (at.leaves.scores, at.leaves.scores[None, :, :]):
        found = evaluate_draws(plan, leaves, {"": np.ones(1)} if leaves.ndim == 2 else None)
        for code, node in at.nodes.items():
            assert found[code][0] == pytest.approx(node.score, abs=1e-9, nan_ok=True)


def test_a_draw_with_other_weights_is_the_build_with_those_weights():
    factors = {"i0": np.array([1.0, 2.0]), "A": np.array([1.0, 0.5])}
    result = build(spec(_rows(), NODES % "arithmetic"), _frame())
    at = result.units
    plan = Plan(result.spec, list(at.nodes.values()), np.arange(len(at.codes)), at.leaves.codes)
    drawn = evaluate_draws(plan, at.leaves.scores, factors)["ROOT"][1]
    nodes = (NODES % "arithmetic").replace(
        "code: A, parent: ROOT",
        "code: A, parent: ROOT, weight: 0.5, weights: {method: given, values: {i0: 2, i1: 1, i2: 1, i3: 1}}",
    )
    nodes = nodes.replace("code: B, parent: ROOT", "code: B, parent: ROOT, weight: 1")
    rebuilt = build(spec(_rows(), nodes), _frame()).units.nodes["ROOT"].score
    assert drawn == pytest.approx(rebuilt, abs=1e-9, nan_ok=True)


def test_a_variant_is_the_specification_with_that_choice():
    made = spec(_rows(), NODES % "arithmetic")
    factors = (
        Factor(factor="normalise", choices=("declared", "zscore")),
        Factor(factor="aggregate", choices=("declared", "arithmetic")),
    )
    changed = vary(made, factors, (1, 1), frozenset(f"i{n}" for n in range(7)))
    by_hand = spec(_rows("zscore"), (NODES % "arithmetic").replace("geometric", "arithmetic"))
    assert build(changed, _frame()).scores()["score"].to_list() == build(by_hand, _frame()).scores()["score"].to_list()
    assert vary(made, factors, (0, 0), frozenset()) == made


def test_ranks_of_many_draws_are_ranks_of_each():
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 6, (30, 12)).astype(float)
    scores[3, 4] = np.nan
    for row, ranks in zip(scores, rank_draws(scores, 10), strict=True):
        assert ranks.tolist() == pytest.approx(rank_descending(row, "min", 10).tolist(), nan_ok=True)


HEAD = """uncertainty:
  draws: 128
  seed: 4
  bootstrap: 100
  factors:
    - {factor: normalise, choices: [declared, {method: zscore, centre: 50, spread: 15, clip: [1, 100]}]}
    - {factor: treat, choices: [none, {method: percentile_clip}]}
    - {factor: aggregate, choices: [declared, arithmetic]}
    - {factor: weights, nodes: [A], choices: [declared, critic]}
    - {factor: weight_noise, spread: 0.3}
    - {factor: drop}
"""


def test_bands_and_effects():
    result = build(spec(_rows(), NODES % "arithmetic", HEAD), _frame(gaps=0.0))
    found = sensitivity(result)
    assert found.runs == 128 * (6 + 2) and found.ranks.shape == (256, 40)
    bands = found.intervals()
    assert (bands["rank_low"] <= bands["rank_median"]).all() and (bands["rank_median"] <= bands["rank_high"]).all()
    assert bands["rank_low"].to_list() == pytest.approx(np.percentile(found.ranks, 5, axis=0, method="linear").tolist())
    effect = found.table()
    assert effect["factor"].to_list() == ["normalise", "treat", "aggregate", "weights_A", "weight_noise", "drop"]
    assert (effect["total"] >= 0).all() and effect["total"].max() > 0.2
    again = sensitivity(result)
    assert again.intervals().equals(bands) and again.table().equals(effect)


def test_noise_without_width_and_single_choices_leave_ranks_alone():
    head = (
        "uncertainty: {draws: 16, factors: [{factor: normalise, choices: [declared, declared]}, "
        "{factor: weight_noise, spread: 0.000001}]}"
    )
    found = sensitivity(build(spec(_rows(), NODES % "arithmetic", head), _frame(gaps=0.0)))
    assert found.shift.max() == 0
    bands = found.intervals()
    assert bands["rank_low"].to_list() == bands["rank_high"].to_list() == bands["rank"].to_list()


def test_nodes_share_one_run_and_agree_with_their_own():
    result = build(spec(_rows(), NODES % "arithmetic", HEAD), _frame())
    both = sensitivities(result, ["A", "B"])
    assert both[1].intervals().equals(sensitivities(result, ["B"])[0].intervals())


def test_a_choice_that_cannot_be_computed_is_named():
    head = "uncertainty: {draws: 8, factors: [{factor: normalise, choices: [declared, zscore]}]}"
    with pytest.raises(DataError, match="with normalise zscore: node 'ROOT': geometric needs values above zero"):
        sensitivity(build(spec(_rows(), NODES % "arithmetic", head), _frame(gaps=0)))


def test_ranks_begin_at_the_lowest_where_that_is_the_best():
    nodes = (NODES % "arithmetic").replace("code: ROOT,", "code: ROOT, best: lowest,")
    result = build(spec(_rows(), nodes, "sampling: {draws: 100}"), _frame(gaps=0))
    found = sensitivity(result, draws=16)
    scores = result.units.nodes["ROOT"].score
    assert found.reference.tolist() == result.ranks("unit", "ROOT").tolist()
    assert found.reference[scores.argmin()] == 1 and found.reference[scores.argmax()] == len(scores)
    doubt = sampling_doubt(result, ["ROOT", "A"])
    assert doubt[0].ranks[0].tolist() == found.reference.tolist()
    inner = result.units.nodes["A"].score
    assert doubt[1].ranks[0][inner.argmax()] == 1


def test_a_node_beside_the_index_that_cannot_be_varied_is_no_hindrance():
    beside = "  - {code: ORDER, parent: ROOT, headline: false, aggregate: {method: formula, formula: A / B}}\n"
    plain = build(spec(_rows(), NODES % "arithmetic"), _frame())
    more = build(spec(_rows(), NODES % "arithmetic" + beside), _frame())
    first, second = sensitivity(plain, draws=16), sensitivity(more, draws=16)
    assert (first.ranks == second.ranks).all() and first.runs == second.runs
    assert more.weights().filter(pl.col("node") == "ORDER").height == 0
    refused = beside.replace("formula: A / B}", 'formula: A / B}, after: "x / 2"').replace("ORDER", "HALF")
    third = build(spec(_rows(), NODES % "arithmetic" + refused), _frame())
    assert (sensitivity(third, draws=16).ranks == first.ranks).all()
    with pytest.raises(DataError, match="'HALF' has an 'after' formula"):
        sensitivity(third, "HALF", draws=16)


def test_what_cannot_be_varied_is_refused():
    result = build(spec(_rows(), NODES % "arithmetic"), _frame())
    with pytest.raises(DataError, match="power of two"):
        sensitivity(result, draws=100)
    with pytest.raises(DataError, match="unknown node 'ROT' .did you mean"):
        sensitivity(result, "ROT")
    after = build(spec(_rows(), (NODES % "arithmetic").replace("code: A,", 'code: A, after: "x / 2",')), _frame())
    with pytest.raises(DataError, match="'after' formula"):
        sensitivity(after)


def test_constant_and_empty_indicators_keep_their_declared_method():
    rows = "\n".join(
        f"code: i{n}, parent: ROOT, direction: more, goalposts: [0, 100], normalise: {{method: goalposts, "
        f"range: [1, 100]}}"
        for n in range(3)
    )
    frame = _frame(gaps=0).select("unit", "i0", "i1").with_columns(i2=pl.lit(5.0))
    head = "uncertainty: {draws: 8, factors: [{factor: normalise, choices: [declared, minmax]}]}"
    assert sensitivity(build(spec(rows, head=head), frame)).runs == 24


def test_an_indicator_that_a_choice_makes_constant_keeps_its_declared_method():
    """Of sixty units one differs: a clip at the percentiles cuts it off, and a min-max of the rest has no width."""
    rows = "\n".join(f"code: i{n}, parent: ROOT, direction: more, goalposts: [0, 100]" for n in range(2))
    frame = pl.DataFrame(
        {"unit": [f"u{n}" for n in range(60)], "i0": [float(n) for n in range(60)], "i1": [100.0] * 59 + [40.0]}
    )
    head = (
        "uncertainty: {draws: 8, factors: [{factor: treat, choices: [declared, {method: percentile_clip}]}, "
        "{factor: normalise, choices: [declared, minmax]}]}"
    )
    found = sensitivity(build(spec(rows, head=head), frame))
    assert found.runs == 32 and found.shift.max() >= 0


# --- sampling error -------------------------------------------------------------------------------------------------
SAMPLING = """units: {level: village}
levels: [{level: district, all: D}]
defaults:
  normalise: {method: goalposts, range: [1, 100]}
  shrink: {towards: district, k: 30}
  missing: {zero_denominator: not_applicable}
sampling: {draws: 2000, seed: 7, interval: 0.8}"""


def _sampled(noise: str, n, d, extra: str = "", **columns):
    rows = f"code: r, parent: ROOT, direction: more, value: n, denominator: d, goalposts: [0, 1], noise: {noise}{extra}"
    result = build(spec(rows, head=SAMPLING), table(n=n, d=d, **columns))
    return result, sampling_doubt(result, ["ROOT"])[0]


def test_small_villages_have_wider_intervals_than_large_ones():
    _, doubt = _sampled("binomial", [5, 50, 500, 1], [10, 100, 1000, 2])
    bands = doubt.intervals().with_columns(width=pl.col("score_high") - pl.col("score_low"))
    widths = bands["width"].to_list()
    assert widths[0] > widths[1] > widths[2] > 0
    assert (bands["score_low"] <= bands["score"]).all() and (bands["score"] <= bands["score_high"]).all()


def test_binomial_draws_have_the_moments_of_the_shrunken_beta():
    result, doubt = _sampled("binomial", [8, 30], [10, 60])
    rate = 38 / 70
    for row, (n, d) in enumerate(((8, 10), (30, 60))):
        mean = (n + 30 * rate) / (d + 30)
        variance = mean * (1 - mean) / (d + 30 + 1)
        drawn = (doubt.scores[:, row] - 1) / 99
        assert drawn.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / 2000))
        assert drawn.var() == pytest.approx(variance, rel=0.15)
        assert (result.units.nodes["ROOT"].score[row] - 1) / 99 == pytest.approx(mean)


def test_poisson_and_means():
    _, doubt = _sampled("poisson", [3, 40], [100, 400])
    rate = 43 / 500
    mean = (3 + 30 * rate) / 130
    assert ((doubt.scores[:, 0] - 1) / 99).mean() == pytest.approx(mean, rel=0.03)
    _, doubt = _sampled("{method: mean, sd: 0.2}", [5, 40], [10, 100])
    assert ((doubt.scores[:, 0] - 1) / 99).std() == pytest.approx(0.2 / np.sqrt(40), rel=0.06)
    _, doubt = _sampled("{method: mean, squares: q}", [5, 40], [10, 100], q=[2.5 + 0.36, 16 + 3.96])
    assert ((doubt.scores[:, 0] - 1) / 99).std() == pytest.approx(0.2 / np.sqrt(40), rel=0.1)


def test_sampling_refuses_what_has_no_meaning():
    with pytest.raises(DataError, match="0 <= numerator <= denominator"):
        _sampled("binomial", [12, 1], [10, 10])
    rows = "code: r, parent: ROOT, direction: more, value: n, denominator: d, normalise: rank, noise: binomial"
    with pytest.raises(DataError, match="no place in a normalisation by ranks"):
        sampling_doubt(build(spec(rows), table(n=[1, 2], d=[5, 5])), ["ROOT"])


def test_draws_of_one_indicator_do_not_depend_on_another():
    rows = "code: r, parent: ROOT, direction: more, value: n, denominator: d, goalposts: [0, 1], noise: binomial"
    more = rows + "\n" + rows.replace("code: r", "code: s")
    frame = table(n=[5, 50], d=[10, 100])
    one = sampling_doubt(build(spec(rows, head=SAMPLING), frame), ["ROOT"])[0].scores
    two = build(spec(more, head=SAMPLING), frame)
    both = sampling_doubt(two, ["ROOT"])[0].scores
    # The mean of two draws, the first of which is the same stream.
    assert np.corrcoef(one[:, 0], both[:, 0])[0, 1] > 0.5
