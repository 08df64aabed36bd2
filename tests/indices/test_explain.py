"""A score can be taken apart to the last cell, and the parts add up."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.indices.build import build
from pipelines.indices.explain import explain, explanations
from pipelines.indices.gains import gains
from pipelines.indices.problems import DataError
from tests.indices.conftest import CASES, spec, table

METHODS = [
    "arithmetic",
    "geometric",
    "harmonic",
    "{method: power, p: 2}",
    "mpi",
    "{method: mpi, penalty: add, sd: population}",
    "min",
    "max",
    "median",
    "copeland",
]


def _made(root: str, inner: str, extra: str = ""):
    nodes = (
        f"  - {{code: ROOT, aggregate: {root}{extra}}}\n"
        f"  - {{code: A, parent: ROOT, aggregate: {inner}}}\n"
        f"  - {{code: B, parent: ROOT}}\n"
    )
    rows = "\n".join(
        f"code: i{n}, parent: {'A' if n < 3 else 'B'}, direction: more, weight: {n + 1}, "
        f"normalise: {{method: minmax, range: [40, 100]}}"
        for n in range(5)
    )
    return spec(rows, nodes)


def _frame(seed: int = 3, gaps: float = 0.1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 10, (25, 5))
    holes = rng.random((25, 5)) < gaps
    holes[:, 4] = False
    return table(
        **{
            f"i{n}": [None if hole else float(v) for v, hole in zip(values[:, n], holes[:, n], strict=True)]
            for n in range(5)
        }
    )


@pytest.mark.parametrize("root", METHODS[:-1])
@pytest.mark.parametrize("inner", METHODS)
def test_contributions_and_rests_sum_to_every_score(root, inner):
    if inner == "copeland" and root in (
        "geometric",
        "harmonic",
        "mpi",
        "{method: power, p: 2}",
        "{method: mpi, penalty: add, sd: population}",
    ):
        inner = "{method: copeland, share: true}"
        root = "arithmetic"
    result = build(_made(root, inner), _frame())
    sums = explanations(result).group_by("node", "area_code").agg(pl.col("contribution").sum())
    joined = sums.join(result.scores().drop_nulls("score"), on=["node", "area_code"], how="right")
    assert (joined["contribution"].fill_null(0) - joined["score"]).abs().max() < 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_arithmetic_contributions_are_weight_times_score(seed):
    result = build(_made("arithmetic", "arithmetic"), _frame(seed, gaps=0.0))
    table_ = explanations(result, nodes=["ROOT"])
    assert (table_["weight"] * table_["score"] - table_["contribution"]).abs().max() < 1e-8
    assert table_.group_by("area_code").agg(pl.col("weight").sum())["weight"].to_list() == pytest.approx([1.0] * 25)


def test_after_formulas_and_later_normalisations_are_rows_of_their_own():
    result = build(_made("arithmetic", "arithmetic", ', after: "x / 2", normalise: zscore'), _frame(gaps=0.0))
    found = explanations(result, nodes=["ROOT"])
    assert set(found.filter(pl.col("kind") == "rest")["part"]) == {"ROOT: x / 2", "ROOT: zscore"}
    sums = (
        found.group_by("area_code")
        .agg(pl.col("contribution").sum())
        .join(result.scores().filter(pl.col("node") == "ROOT"), on="area_code")
    )
    assert (sums["contribution"] - sums["score"]).abs().max() < 1e-9


def test_explain_tells_inputs_stages_and_gaps():
    frame = _frame(gaps=0.0).with_columns(i0=pl.when(pl.col("unit") == "u003").then(None).otherwise(pl.col("i0")))
    found = explain(build(_made("geometric", "arithmetic"), frame), "u003")
    assert sum(part["contribution"] for part in found["parts"]) == pytest.approx(found["score"], abs=1e-9)
    assert [gap["indicator"] for gap in found["gaps"]] == ["i0"]
    assert {"raw", "treated", "normalised", "weight"} <= found["parts"][0].keys()
    assert found["availability"] == "1"


def test_explain_of_areas_periods_and_unknowns():
    result = build(CASES / "hdi" / "hdi_rollup.yml", CASES / "hdi" / "hdr2024.parquet")
    world = explain(result, "ZZK.WORLD", "world", "2022")
    assert world["score"] == pytest.approx(0.7394542902) and len(world["parts"]) == 4
    assert sum(part["contribution"] for part in world["parts"]) == pytest.approx(world["score"], abs=1e-9)
    none = explain(result, "RWA", period="1994")
    assert none["score"] is None and none["parts"] == [] and "set by hand" in none["gaps"][0]["reasons"][0]
    for call, words in ((lambda: explain(result, "XXX"), "no area 'XXX'"),
                        (lambda: explain(result, "CHN", "wrld"), "did you mean 'world'"),
                        (lambda: explain(result, "CHN", node="HDY"), "did you mean 'HDI'")):  # fmt: skip
        with pytest.raises(DataError, match=words):
            call()


def test_gains_are_what_the_build_gives_when_one_indicator_is_at_its_best():
    made = spec(
        "code: a, parent: ROOT, direction: more, goalposts: [0, 10]\n"
        "code: b, parent: ROOT, direction: less, normalise: {method: minmax, range: [1, 100]}",
        "  - {code: ROOT, aggregate: geometric}\n",
        "defaults: {normalise: {method: goalposts, range: [1, 100]}}",
    )
    frame = table(a=[2.0, None, 8.0], b=[1.0, 2.0, 3.0])
    result = build(made, frame)
    found = {(r["area_code"], r["indicator"]): r["gain"] for r in gains(result, "unit", ["ROOT"]).iter_rows(named=True)}
    raised = build(made, frame.with_columns(a=pl.when(pl.col("unit") == "u0").then(10.0).otherwise(pl.col("a"))))
    before, after = (r.scores().filter(pl.col("area_code") == "u0")["score"].item() for r in (result, raised))
    assert found["u0", "a"] == pytest.approx(after - before)
    assert found["u0", "b"] == 0 and ("u1", "a") not in found and found["u2", "b"] > 0
