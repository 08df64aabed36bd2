"""The whole build: stages, statuses, availability as exact fractions, screening, ranks, and loud failures."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.indices.build import build
from pipelines.indices.load import parse_spec
from pipelines.indices.problems import DataError
from tests.indices.conftest import column, flat, spec, table


def statuses(result, node: str = "ROOT") -> list[str]:
    return result.scores(result.spec.units.level).filter(pl.col("node") == node).sort("area_code")["status"].to_list()


def test_three_fifths_of_the_weight_suffice_exactly():
    head = "node_defaults: {availability: 3/5}"
    made = flat("a b c d e", head=head)
    frame = table(a=[1, 1], b=[1, 1], c=[1, None], d=[None, None], e=[None, None])
    result = build(made, frame)
    assert statuses(result) == ["computed", "insufficient"]
    assert result.scores()["availability_exact"].to_list() == ["3/5", "2/5"]
    # 0.6 in floats: 0.1 * 6 sums to less than 0.6; as fractions it reaches it.
    ten = flat(" ".join(f"i{n}" for n in range(10)), head="node_defaults: {availability: 0.6}", extra=", weight: 0.1")
    columns = {f"i{n}": [1.0 if n < 6 else None, 1.0] for n in range(10)}
    assert statuses(build(ten, table(**columns))) == ["computed", "computed"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=6).filter(sum),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.integers(1, 10),
)
def test_availability_equals_the_fraction_by_hand(weights, present, tenths):
    rows = "\n".join(
        f"code: i{n}, parent: ROOT, direction: more, weight: {w}, normalise: none" for n, w in enumerate(weights)
    )
    made = spec(rows, f"  - {{code: ROOT, availability: {tenths}/10}}\n", "units: {all_missing: keep}")
    shown = [1.0 if there else None for there in present[: len(weights)]]
    # A second unit is complete, so that columns are never empty.
    result = build(made, table(**{f"i{n}": [value, 1.0] for n, value in enumerate(shown)}))
    share = Fraction(sum(w for w, v in zip(weights, shown, strict=True) if v is not None), sum(weights))
    status = statuses(result)[0]
    if share == 0:
        assert status == "no_data"
    else:
        assert status == ("computed" if share >= Fraction(tenths, 10) else "insufficient")


def test_availability_by_count_by_leaves_and_strictly():
    nodes = (
        "  - {code: ROOT, availability: {threshold: 1/2, of: leaves}}\n"
        "  - {code: A, parent: ROOT}\n"
        "  - {code: B, parent: ROOT}\n"
    )
    rows = "code: x, parent: A, direction: more, normalise: none\n" + "\n".join(
        f"code: y{n}, parent: B, direction: more, normalise: none" for n in range(3)
    )
    frame = table(x=[1, 1], y0=[None, 1], y1=[None, 1], y2=[None, None])
    by_leaves = build(spec(rows, nodes), frame)
    assert statuses(by_leaves) == ["insufficient", "computed"]
    by_weight = build(spec(rows, nodes.replace(", of: leaves", "")), frame)
    assert statuses(by_weight) == ["computed", "computed"]
    strictly = build(spec(rows, nodes.replace(", of: leaves", ", strict: true")), frame)
    assert statuses(strictly) == ["insufficient", "computed"]


def test_a_cell_that_is_not_applicable_is_not_asked_for():
    rows = (
        "code: x, parent: ROOT, direction: more, normalise: none, "
        'missing: {not_applicable_when: "estates == 0"}\n'
        "code: y, parent: ROOT, direction: more, normalise: none"
    )
    frame = table(x=[None, 8.0], y=[4.0, 2.0], estates=[0, 3])
    result = build(spec(rows, "  - {code: ROOT, availability: 1}\n"), frame)
    assert column(result) == [4.0, 5.0] and statuses(result) == ["computed", "computed"]
    counted = build(spec(rows, "  - {code: ROOT, availability: 1}\n", "conventions: {not_applicable: missing}"), frame)
    assert statuses(counted) == ["insufficient", "computed"]


def test_every_cell_has_a_status():
    rows = (
        "code: x, parent: ROOT, direction: more, normalise: none\n"
        "code: z, parent: ROOT, direction: more, normalise: none, missing: {blank: zero}\n"
        "code: m, parent: ROOT, direction: more, normalise: none, impute: mean\n"
        "code: c, parent: ROOT, direction: more, normalise: none, caps: [0, 5]\n"
    )
    cells = build(spec(rows), table(x=[0.0, None], z=[None, 2.0], m=[None, 4.0], c=[9.0, 1.0])).lineage()
    found = {(r["area_code"], r["indicator"]): r["status"] for r in cells.iter_rows(named=True)}
    assert found["u0", "x"] == "zero" and found["u1", "x"] == "missing" and found["u0", "z"] == "zero"
    assert found["u0", "m"] == "imputed" and found["u0", "c"] == "treated" and found["u1", "c"] == "observed"


@pytest.mark.parametrize(
    ("rule", "words"),
    [("error", "denominator is zero at u1"), ("not_applicable", "numerator is not zero but the denominator is, at u2")],
)
def test_zero_denominators_are_decided_by_rule(rule, words):
    rows = (
        "code: x, parent: ROOT, direction: more, value: n, denominator: d, normalise: none, "
        f"missing: {{zero_denominator: {rule}}}"
    )
    with pytest.raises(DataError, match=words):
        build(spec(rows), table(n=[1, 0, 3], d=[2, 0, 0]))
    kept = spec(rows.replace(rule, "missing") + "\ncode: y, parent: ROOT, direction: more, normalise: none")
    assert build(kept, table(n=[1, 0, 3], d=[2, 0, 0], y=[1, 1, 1])).lineage().filter(pl.col("indicator") == "x")[
        "status"
    ].to_list() == ["observed", "missing", "missing"]
    with pytest.raises(DataError, match="negative denominator at u0"):
        build(kept, table(n=[1], d=[-2], y=[1]))


def test_small_denominators_may_be_refused():
    rows = (
        "code: x, parent: ROOT, direction: more, value: n, denominator: d, scale: 100, normalise: none, "
        "missing: {least_denominator: 5}"
    )
    cells = build(spec(rows, head="units: {all_missing: keep}"), table(n=[1, 2], d=[4, 5])).lineage().sort("area_code")
    assert cells["denominated"].to_list() == [None, 40.0]
    assert cells["reason"].to_list()[0] == "denominator below 5"


def test_adjustments_by_hand_carry_their_reason():
    head = (
        "adjustments:\n"
        "  - {unit: u0, indicator: x, value: 7, reason: misprint in the yearbook}\n"
        "  - {unit: u1, indicator: x, value: null, reason: merged}"
    )
    result = build(flat("x y", head=head), table(x=[1.0, 2.0], y=[1.0, 1.0]))
    cells = result.lineage().filter(pl.col("indicator") == "x").sort("area_code")
    assert cells["treated"].to_list() == [7.0, None]
    assert "was 1): misprint in the yearbook" in cells["reason"].to_list()[0]
    with pytest.raises(DataError, match="unknown unit 'u9'"):
        build(flat("x y", head=head.replace("u1", "u9")), table(x=[1.0, 2.0], y=[1.0, 1.0]))


def test_screening_takes_units_out_of_scores_and_statistics():
    head = "screen: {availability: 2/3}"
    frame = table(a=[0.0, 10.0, 90.0], b=[1.0, 2.0, None], c=[1.0, 2.0, None])
    result = build(flat("a b c", "minmax", head=head), frame)
    assert statuses(result) == ["computed", "computed", "screened_out"]
    assert result.parameters().filter((pl.col("code") == "a") & (pl.col("name") == "max"))["value"].to_list() == [10.0]
    forced = build(flat("a b c", head="screen: {availability: 2/3, include: u2, exclude: u0}"), frame)
    assert statuses(forced)[0] == "screened_out" and statuses(forced)[2] == "computed"
    zeros = build(
        flat("a b c", head="screen: {availability: 0, nonzero: 1/2}"), table(a=[0.0, 1.0], b=[0.0, 1.0], c=[1.0, 0.0])
    )
    assert statuses(zeros) == ["screened_out", "computed"]


def test_ranks_are_made_of_rounded_scores_and_hidden_for_small_units():
    frame = table(a=[0.1 + 0.2, 0.3, 0.1, 0.9], people=[100, 100, 100, 5])
    result = build(flat("a", head="rank: {hide_column: people, hide_below: 30}"), frame)
    scores = result.scores().sort("area_code")
    assert scores["rank"].to_list() == [2, 2, 4, None]
    assert scores["status"].to_list()[3] == "rank_hidden" and scores["score"].to_list()[3] == 0.9
    dense = build(flat("a", head="rank: {ties: dense}"), frame).scores().sort("area_code")
    assert dense["rank"].to_list() == [2, 2, 3, 1]


def test_nodes_may_be_imputed_normalised_and_changed_by_a_formula():
    nodes = (
        "  - {code: ROOT}\n  - {code: A, parent: ROOT, impute: {method: mean, by: region}}\n"
        '  - {code: B, parent: ROOT, normalise: minmax, after: "x * (1 - penalty)"}\n'
    )
    rows = "code: a, parent: A, direction: more, normalise: none\ncode: b, parent: B, direction: more, normalise: none"
    frame = table(a=[10.0, 30.0, None], b=[10.0, 20.0, 40.0], penalty=[0.0, 0.5, 0.0], region=["n", "n", "n"])
    result = build(spec(rows, nodes), frame)
    assert column(result, "A") == [10, 30, 20] and statuses(result, "A") == ["computed", "computed", "imputed"]
    assert column(result, "B") == [0, 0, 100]
    assert column(result) == [5, 15, 60]


def test_a_node_may_be_penalised_for_what_is_missing():
    nodes = '  - {code: ROOT, after: "x * availability"}\n'
    rows = "\n".join(f"code: {code}, parent: ROOT, direction: more, normalise: none" for code in "ab")
    assert column(build(spec(rows, nodes), table(a=[10.0, 10.0], b=[10.0, None]))) == [10, 5]


def test_a_candidate_node_is_shown_but_does_not_enter():
    nodes = "  - {code: ROOT}\n  - {code: A, parent: ROOT}\n  - {code: B, parent: ROOT, headline: false}\n"
    rows = "code: a, parent: A, direction: more, normalise: none\ncode: b, parent: B, direction: more, normalise: none"
    result = build(spec(rows, nodes), table(a=[1.0, 2.0], b=[9.0, 9.0]))
    assert column(result) == [1, 2] and column(result, "B") == [9, 9]


def test_indicator_penalties_are_formulas_over_columns():
    rows = 'code: a, parent: ROOT, direction: more, normalise: none, after: "x * (1 - inequality)"'
    result = build(spec(rows), table(a=[10.0, 10.0], inequality=[0.0, 0.25]))
    assert column(result) == [10, 7.5]
    with pytest.raises(DataError, match="unknown name 'inequalty'"):
        build(spec(rows.replace("inequality", "inequalty")), table(a=[10.0], inequality=[0.0]))


def test_trees_may_be_of_any_depth_and_unequal():
    nodes = "  - {code: ROOT}\n" + "".join(
        f"  - {{code: n{k}, parent: {'ROOT' if k == 0 else f'n{k - 1}'}}}\n" for k in range(6)
    )
    rows = (
        "code: deep, parent: n5, direction: more, normalise: none\n"
        "code: shallow, parent: ROOT, direction: more, normalise: none"
    )
    assert column(build(spec(rows, nodes), table(deep=[4.0], shallow=[8.0]))) == [6.0]


@settings(max_examples=30, deadline=None)
@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_rows_in_the_specification_does_not_matter(order):
    frame = table(a=[1.0, 4.0], b=[2.0, 3.0], c=[5.0, 1.0], d=[7.0, 7.5])
    rows = "\n".join(
        f"code: {code}, parent: ROOT, direction: more, normalise: none, weight: {ord(code)}" for code in order
    )
    assert column(build(spec(rows), frame)) == pytest.approx([1488 / 394, 1531 / 394], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1, 100), min_size=3, max_size=3), st.integers(0, 2), st.floats(0.01, 30))
def test_a_better_value_never_lowers_the_index(values, which, step):
    nodes = "  - {code: ROOT, aggregate: geometric}\n  - {code: A, parent: ROOT}\n  - {code: B, parent: ROOT}\n"
    rows = "\n".join(
        f"code: i{n}, parent: {'A' if n < 2 else 'B'}, direction: more, normalise: {{method: goalposts, low: 0, "
        f"high: 100, range: [1, 100]}}"
        for n in range(3)
    )
    better = [value + (step if n == which else 0) for n, value in enumerate(values)]
    result = build(spec(rows, nodes), table(**{f"i{n}": [values[n], better[n]] for n in range(3)}))
    before, after = column(result)
    assert after >= before - 1e-9


def test_conventions_and_fitted_numbers_are_part_of_the_output():
    result = build(flat("a", "zscore", head="conventions: {sd: population, quantile: 5}"), table(a=[1.0, 2.0, 4.0]))
    assert result.conventions()["sd"] == "population" and result.conventions()["quantile"] == "5"
    named = {(r["stage"], r["name"]): r["value"] for r in result.parameters().iter_rows(named=True)}
    assert named["normalise zscore", "mean"] == pytest.approx(7 / 3)


def test_scores_have_no_negative_zero_and_no_nan():
    frame = build(flat("a b", "minmax"), table(a=[1.0, 2.0, 3.0], b=[-1.0, 0.0, None])).scores()
    assert not frame["score"].is_nan().any()
    assert "-0.0" not in frame.write_csv()


def test_an_empty_column_is_an_error_where_statistics_are_needed_only():
    with pytest.raises(DataError, match="'b' has no value, so minmax"):
        build(flat("a b", "minmax"), table(a=[1.0, 2.0], b=[None, None]))
    posts = flat("a b", "{method: goalposts, low: 0, high: 4, range: [0, 1]}")
    assert column(build(posts, table(a=[1.0, 2.0], b=[None, None]))) == [0.25, 0.5]


def test_a_specification_may_be_text_or_a_file(tmp_path):
    text = (
        "index: t\n"
        "edition: '1'\n"
        "nodes: [{code: R}]\n"
        "indicators: [{code: x, parent: R, direction: more, normalise: none}]\n"
    )
    path = tmp_path / "s.yml"
    path.write_text(text)
    frame = table(x=[1.0, 2.0])
    assert build(path, frame).scores().equals(build(parse_spec(text), frame).scores())
