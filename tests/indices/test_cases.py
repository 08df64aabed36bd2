"""Published indices come out as published: HDI with its areas, and the Handbook's Technology Achievement Index."""

import numpy as np
import polars as pl
import pytest

from pipelines.indices.build import build
from tests.indices.conftest import CASES, spec

HDI, TAI = CASES / "hdi", CASES / "tai"


def _data() -> pl.DataFrame:
    return pl.read_parquet(HDI / "hdr2024.parquet").with_columns(pl.col("year").cast(pl.String))


def test_every_published_hdi_is_reproduced_to_its_three_decimals():
    result = build(HDI / "hdi.yml", HDI / "hdr2024.parquet")
    scores = result.scores().filter(pl.col("node") == "HDI")
    joined = _data().join(scores, left_on=["iso3", "year"], right_on=["area_code", "period"])
    published = joined.filter(pl.col("published_hdi").is_not_null())
    assert published.height == 6171
    wrong = published.filter((pl.col("score").round(3) - pl.col("published_hdi")).abs().fill_null(1) > 1e-9)
    assert wrong.height == 0
    # Four country-years have all components and no published index; nothing else is added.
    assert joined.filter(pl.col("published_hdi").is_null() & pl.col("score").is_not_null()).height == 4


def test_areas_are_rolled_up_from_components_and_the_formula_is_run_again():
    result = build(HDI / "hdi_rollup.yml", HDI / "hdr2024.parquet")
    own = {level.all or "": level.all for level in result.spec.levels if level.all}
    for level in result.spec.levels:
        own.update(level.own_row)
    data, compared = _data(), 0
    for level in ("region", "group", "world"):
        cells = result.lineage(level).with_columns(pl.col("area_code").replace_strict(own))
        wide = cells.pivot("indicator", index=["area_code", "period"], values="denominated")
        joined = wide.join(data, left_on=["area_code", "period"], right_on=["iso3", "year"])
        for component in ("le", "gnipc"):
            ratio = joined[component] / joined[f"{component}_right"] - 1
            assert ratio.abs().max() < 5e-10
            compared += joined.height
        scores = result.scores(level).filter(pl.col("node") == "HDI")
        scores = scores.with_columns(pl.col("area_code").replace_strict(own))
        scores = scores.join(data, left_on=["area_code", "period"], right_on=["iso3", "year"])
        assert (scores["score"].round(3) - scores["published_hdi"]).abs().max() < 1e-9
    assert compared == 726
    world = result.scores("world").filter((pl.col("node") == "HDI") & (pl.col("period") == "2022"))["score"].item()
    assert round(world, 3) == 0.739


@pytest.mark.parametrize(("name", "published"), [("gdi", 362), ("ihdi", 176), ("gii", 332)])
def test_published_gender_and_inequality_indices_are_reproduced_to_three_decimals(name, published):
    result = build(HDI / f"{name}.yml", HDI / "hdr2024_gender.parquet")
    root = result.spec.root.code
    scores = result.scores().filter(pl.col("node") == root)
    data = pl.read_parquet(HDI / "hdr2024_gender.parquet")
    joined = data.join(scores, left_on=["iso3", "year"], right_on=["area_code", "period"])
    given = joined.drop_nulls(f"published_{name}")
    assert given.height == published
    assert ((given["score"].round(3) - given[f"published_{name}"]).abs().fill_null(1) < 1e-9).all()
    assert joined.filter(pl.col(f"published_{name}").is_null() & pl.col("score").is_not_null()).height == 0
    if name == "gii":
        best = given.filter((pl.col("year") == "2022") & (pl.col("kind") == "country")).sort("rank")
        assert (best["name"][0], best["rank"][0]) == ("Denmark", 1.0)


def test_published_pressure_adjusted_indices_are_reproduced_to_three_decimals():
    result = build(HDI / "phdi.yml", HDI / "hdr2024_pressure.parquet")
    scores = result.scores().filter(pl.col("node") == "PHDI")
    data = pl.read_parquet(HDI / "hdr2024_pressure.parquet")
    joined = data.join(scores, left_on=["iso3", "year"], right_on=["area_code", "period"])
    assert joined.height == 935
    wrong = joined.filter(((pl.col("score").round(3) - pl.col("published_phdi")).abs().fill_null(1)) > 1e-9)
    # The one is the row the specification leaves out: below the goalpost, published as 0.000.
    assert wrong.select("iso3", "year").rows() == [("RWA", "1994")]
    assert wrong["score"].is_null().all()


def test_averaging_indices_would_give_another_world():
    result = build(HDI / "hdi_rollup.yml", HDI / "hdr2024.parquet")
    countries = result.scores("country").filter((pl.col("node") == "HDI") & (pl.col("period") == "2022"))
    joined = countries.join(
        _data().filter(pl.col("unit_type") == "country"), left_on=["area_code", "period"], right_on=["iso3", "year"]
    )
    joined = joined.drop_nulls("score")
    mean = (joined["score"] * joined["pop_millions"]).sum() / joined["pop_millions"].sum()
    assert round(mean, 3) == 0.717


def test_aggregates_are_scored_but_not_ranked():
    result = build(HDI / "hdi_rollup.yml", HDI / "hdr2024.parquet")
    world = result.scores("country").filter((pl.col("area_code") == "ZZK.WORLD") & (pl.col("node") == "HDI"))
    assert world["score"].is_not_null().all() and world["rank"].is_null().all()


@pytest.mark.parametrize(
    ("file", "published"), [("tai.yml", "rank_ew_table23"), ("tai_geometric.yml", "rank_gme_table38")]
)
def test_ranks_of_the_technology_achievement_index(file, published):
    result = build(TAI / file, TAI / "input_raw.csv")
    scores = result.scores().filter(pl.col("node") == "TAI")
    joined = pl.read_csv(TAI / "expected_scores.csv").join(scores, left_on="country", right_on="area_code")
    assert joined.height == 23
    assert joined.filter(pl.col("rank") != pl.col(published)).height == 0


def test_benefit_of_the_doubt_scores():
    result = build(TAI / "tai_bod.yml", TAI / "input_raw.csv")
    scores = result.scores().filter(pl.col("node") == "TAI")
    joined = pl.read_csv(TAI / "expected_scores.csv").join(scores, left_on="country", right_on="area_code")
    away = (joined["score"].round(2) - joined["bod_score_table19"]).abs()
    # The Handbook prints inputs with two decimals; four scores differ by one in the last place.
    assert away.max() < 0.0101
    assert (away < 1e-9).sum() >= 19
    assert (joined["score"] <= 1 + 1e-9).all()


NORMALISATIONS = {
    "rank_high_is_top": ("{method: rank}", 0),
    "zscore": ("{method: zscore, sd: sample}", 2),
    "minmax": ("{method: minmax, range: [0, 1]}", 2),
    "ratio_mean": ("{method: ratio, reference: {statistic: mean}}", 2),
    "ratio_best": ("{method: ratio, reference: {statistic: best}}", 2),
    "ratio_worst": ("{method: ratio, reference: {statistic: worst}}", 2),
    "diff_mean": ("{method: difference, reference: {statistic: mean}}", 2),
    "diff_worst": ("{method: difference, reference: {statistic: worst}}", 2),
    "above_below_mean_p20": ("{method: above_below, share: 0.2}", 0),
    "percentile": ("{method: percentile_rank, definition: over_n}", 1),
    "categorical": ("{method: categorical, definition: over_n}", 0),
}


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_normalisations_of_table_15(name):
    method, decimals = NORMALISATIONS[name]
    built = build(
        spec(
            "code: schooling, parent: ROOT, direction: more",
            head=f"table: {{unit: country}}\ndefaults: {{normalise: {method}}}",
        ),
        TAI / "input_raw.csv",
    )
    scores = built.lineage().select("area_code", "normalised")
    joined = pl.read_csv(TAI / "expected_table15_normalisation.csv").join(
        scores, left_on="country", right_on="area_code"
    )
    gap = np.abs(joined["normalised"].to_numpy() - joined[name].to_numpy())
    assert gap.max() <= 0.5 * 10.0**-decimals + 1e-9
