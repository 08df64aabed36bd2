"""Areas: numerators and denominators add up, the formula runs again, and small units are shrunk as declared."""

import numpy as np
import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.problems import DataError
from tests.indices.conftest import spec, table

HEAD = """units: {level: village, all_missing: keep}
levels:
  - {level: town, by: town}
  - {level: district, all: D}
defaults:
  normalise: {method: goalposts, low: 0, high: 100, range: [1, 100]}
  missing: {zero_denominator: not_applicable}"""
ROWS = "code: r, parent: ROOT, direction: more, value: n, denominator: d, scale: 100"
FRAME = table(n=[1, 9, 30, 0], d=[10, 10, 40, 0], town=["a", "a", "b", "b"], people=[1.0, 3.0, 4.0, 0.0])


def at(result, level: str, stage: str = "denominated", code: str = "r") -> dict[str, float | None]:
    cells = result.lineage(level).filter(pl.col("indicator") == code)
    return dict(cells.select("area_code", stage).iter_rows())


def test_villages_add_up_to_towns_and_the_district():
    result = build(spec(ROWS, head=HEAD), FRAME)
    assert at(result, "town") == {"a": 50.0, "b": 75.0}
    assert at(result, "district") == {"D": pytest.approx(40 / 60 * 100)}
    cells = result.lineage()
    for column in ("numerator", "denominator"):
        totals = cells.group_by("level").agg(pl.col(column).sum())[column].to_list()
        assert len(set(totals)) == 1


def test_an_area_is_scored_by_the_formula_not_by_a_mean_of_scores():
    result = build(spec(ROWS, head=HEAD), FRAME)
    district = result.scores("district")["score"].item()
    assert district == pytest.approx(1 + 99 * (40 / 60))
    villages = result.scores("village")["score"].drop_nulls()
    assert district != pytest.approx(villages.mean(), abs=1)


def test_areas_reuse_what_was_fitted_on_units():
    head = HEAD.replace("{method: goalposts, low: 0, high: 100, range: [1, 100]}", "{method: minmax, range: [0, 1]}")
    result = build(spec(ROWS, head=head), FRAME)
    # Units run from 10 to 90 per cent; the town's 50 stands half way between them.
    assert result.lineage("town").sort("area_code")["normalised"].to_list() == pytest.approx([0.5, 65 / 80])


def test_treatment_limits_of_units_hold_for_areas():
    rows = ROWS + ", treat: {method: clip, high: 60}"
    assert at(build(spec(rows, head=HEAD), FRAME), "town", "treated") == {"a": 50.0, "b": 60.0}


def test_other_rules():
    rows = (
        "code: mean, parent: ROOT, direction: more, value: n, rollup: {method: weighted_mean, weight: people}\n"
        "code: sum, parent: ROOT, direction: more, value: n, rollup: sum\n"
        "code: none, parent: ROOT, direction: more, value: n, rollup: none\n"
        "code: strict, parent: ROOT, direction: more, value: gap, rollup: {method: weighted_mean, "
        "weight: people, require: all}\n"
    )
    frame = FRAME.with_columns(gap=pl.Series([1, None, 3, 4]))
    result = build(spec(rows, head=HEAD), frame)
    assert at(result, "town", code="mean") == {"a": 7.0, "b": 30.0}
    assert at(result, "town", code="sum") == {"a": 10.0, "b": 30.0}
    assert at(result, "town", code="none") == {"a": None, "b": None}
    assert at(result, "town", code="strict") == {"a": None, "b": 3.0}
    reasons = result.lineage("town").filter(pl.col("indicator") == "none")["reason"].to_list()
    assert reasons == ["no rule for rolling up"] * 2


def test_own_rows_give_what_cannot_be_added():
    head = HEAD.replace("all_missing: keep}", "all_missing: keep, reference_only: {kind: area}}")
    rows = "code: r, parent: ROOT, direction: more, value: n, rollup: given"
    frame = pl.concat(
        [
            FRAME.with_columns(kind=pl.lit("village")),
            FRAME.head(1).with_columns(
                unit=pl.lit("D"), n=pl.lit(55, dtype=pl.Int64), town=pl.lit(None, dtype=pl.String), kind=pl.lit("area")
            ),
        ]
    )
    assert at(build(spec(rows, head=head), frame), "district") == {"D": 55.0}


def test_ranks_have_no_roll_up():
    head = HEAD.replace("{method: goalposts, low: 0, high: 100, range: [1, 100]}", "rank")
    result = build(spec(ROWS, head=head), FRAME)
    assert result.scores("town")["status"].to_list() == ["no_data", "no_data"]
    assert "has no roll-up" in result.lineage("town")["reason"].to_list()[0]


def test_a_formula_over_columns_has_no_roll_up():
    with pytest.raises(DataError, match="column 'people' in a formula has no roll-up"):
        build(spec(ROWS + ', after: "x * people / people"', head=HEAD), FRAME.filter(pl.col("people") > 0))


def test_shrinkage_is_the_declared_formula_and_leaves_areas_alone():
    rows = ROWS + ", shrink: {towards: district, k: 30}"
    result = build(spec(rows, head=HEAD), FRAME)
    rate = 40 / 60
    n, d = np.array([1, 9, 30]), np.array([10, 10, 40])
    expected = (n + 30 * rate) / (d + 30) * 100
    found = at(result, "village", "shrunk")
    assert [found[f"u{i}"] for i in range(3)] == pytest.approx(expected.tolist())
    assert found["u3"] is None
    assert at(result, "town") == {"a": 50.0, "b": 75.0}
    towards_town = build(spec(rows.replace("district", "town"), head=HEAD), FRAME)
    assert at(towards_town, "village", "shrunk")["u0"] == pytest.approx((1 + 30 * 0.5) / 40 * 100)
    recorded = result.parameters().filter(pl.col("stage") == "shrink")
    assert recorded["value"].to_list() == [pytest.approx(rate * 100)]


def test_a_panel_rolls_up_by_period():
    frame = pl.concat([FRAME.with_columns(year=pl.lit(1)), FRAME.with_columns(year=pl.lit(2), n=pl.col("n") * 0)])
    result = build(spec(ROWS, head="table: {period: year}\n" + HEAD), frame)
    cells = result.lineage("district").sort("period")
    assert cells["denominated"].to_list() == [pytest.approx(40 / 60 * 100), 0.0]
    assert cells["status"].to_list() == ["observed", "zero"]
