"""The 幸福 index's own specification: what it declares, small villages, and a new dimension by rows alone."""

from datetime import date
from fractions import Fraction

import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.column_methods import Goalposts
from pipelines.indices.editions import find_editions, read_lock
from pipelines.indices.load import load_spec
from tests.indices.conftest import SPECS

UNITS = pl.DataFrame(
    {
        "village_code": ["v1", "v2", "v3"],
        "name": ["甲", "乙", "丙"],
        "town_code": ["t1", "t1", "t2"],
        "town_name": ["东镇", "东镇", "西镇"],
        "n_res": [500.0, 10.0, 900.0],
    }
)


def values(spec, shares: dict[str, float], sizes: tuple[float, ...] = (400, 20, 800)) -> pl.DataFrame:
    """Every indicator observed at `shares[village]` of the way between its goalposts."""
    rows = []
    for indicator in spec.indicators:
        low, high = indicator.goalposts
        for village, size in zip(shares, sizes, strict=True):
            value = low + (high - low) * shares[village]
            rows.append(
                (
                    indicator.code,
                    village,
                    value * size / indicator.scale,
                    float(size),
                    float(size),
                    0.0,
                    0.0,
                    "observed",
                )
            )
    names = ["part_code", "village_code", "numerator", "denominator", "n", "n_unknown", "sum_of_squares", "status"]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.mark.parametrize(
    ("file", "dimensions", "indicators"), [("happiness.yml", 4, 36), ("happiness-extended.yml", 10, 66)]
)
def test_the_specification_declares_what_the_method_says(file, dimensions, indicators):
    spec = load_spec(SPECS / file)
    assert len(spec.children(spec.root.code)) == dimensions and len(spec.indicators) == indicators
    assert spec.root.aggregate.method == "geometric"
    assert (
        spec.node_defaults.availability.threshold == Fraction(3, 5) and spec.node_defaults.availability.of == "weight"
    )
    for indicator in spec.indicators:
        settings = spec.resolved(indicator)
        assert (
            isinstance(settings.normalise, Goalposts)
            and settings.normalise.range == (1, 100)
            and settings.normalise.inside
        )
        assert settings.rollup.method == "ratio"
        assert indicator.name and indicator.name_en and indicator.source and indicator.unit


def test_equal_weights_are_ninths_not_decimals():
    spec = load_spec(SPECS / "happiness.yml")
    result = build(spec, values(spec, {"v1": 0.5, "v2": 0.5, "v3": 0.5}), UNITS)
    weights = dict(result.weights().select("child", "weight_exact").iter_rows())
    assert (weights["MKT01"], weights["EDU01"], weights["HOU01"], weights["EDU"]) == ("1/9", "1/8", "1/10", "1/4")


def test_a_village_halfway_everywhere_scores_halfway_and_so_do_its_town_and_district():
    spec = load_spec(SPECS / "happiness-extended.yml")
    result = build(spec, values(spec, {"v1": 0.5, "v2": 0.5, "v3": 0.5}), UNITS)
    halfway = {True: 1 + 99 * 0.5}
    for score in result.scores().filter(pl.col("node") == "HAPPY")["score"]:
        assert score == pytest.approx(halfway[True])


def test_small_villages_are_shrunk_and_their_rank_is_hidden():
    spec = load_spec(SPECS / "happiness.yml")
    result = build(spec, values(spec, {"v1": 0.2, "v2": 1.0, "v3": 0.4}), UNITS)
    cell = (
        result.lineage("village")
        .filter((pl.col("indicator") == "HOU02") & (pl.col("area_code") == "v2"))
        .row(0, named=True)
    )
    district = result.lineage("district").filter(pl.col("indicator") == "HOU02")["denominated"].item()
    assert cell["denominated"] == pytest.approx(100)
    assert cell["shrunk"] == pytest.approx((20 * 100 + 30 * district) / 50)
    scores = result.scores("village").filter(pl.col("node") == "HAPPY").sort("area_code")
    assert scores["status"].to_list() == ["computed", "rank_hidden", "computed"]
    assert scores["rank"].to_list()[1] is None


def test_an_eleventh_dimension_comes_in_by_rows_alone(tmp_path):
    (tmp_path / "eleven.yml").write_text(
        f"extends: {'../' * 30}{(SPECS / 'happiness-extended.yml').as_posix().lstrip('/')}\n".replace(
            "../" * 30, "../" * (len(tmp_path.parts) - 1)
        )
        + "index: happiness-eleven\nedition: test\nnodes:\n  - {code: GRN, parent: HAPPY, name: 绿色}\nindicators:\n"
        "  - {code: GRN01, parent: GRN, name: 绿地率, direction: more, scale: 100, unit: '%', goalposts: [10, 60], "
        "source: [X01]}\n"
        "  - {code: GRN02, parent: GRN, name: 裸土率, direction: less, scale: 100, unit: '%', goalposts: [0, 20], "
        "source: [X01]}\n"
    )
    spec = load_spec(tmp_path / "eleven.yml")
    assert len(spec.children("HAPPY")) == 11
    result = build(spec, values(spec, {"v1": 0.3, "v2": 0.5, "v3": 0.7}), UNITS)
    weights = dict(result.weights().select("child", "weight_exact").iter_rows())
    assert weights["GRN"] == "1/11"
    assert result.scores("village").filter((pl.col("node") == "GRN") & (pl.col("status") == "computed")).height == 2
    without = build(
        SPECS / "happiness-extended.yml",
        values(load_spec(SPECS / "happiness-extended.yml"), {"v1": 0.3, "v2": 0.5, "v3": 0.7}),
        UNITS,
    )
    same = [r.scores("village").filter(pl.col("node") == "EDU")["score"].to_list() for r in (result, without)]
    assert same[0] == same[1]


def test_a_dimension_below_three_fifths_is_not_guessed():
    spec = load_spec(SPECS / "happiness.yml")
    frame = values(spec, {"v1": 0.5, "v2": 0.5, "v3": 0.5})
    gone = ["EDU01", "EDU02", "EDU03", "EDU04"]
    frame = frame.with_columns(
        status=pl.when(pl.col("part_code").is_in(gone)).then(pl.lit("missing")).otherwise("status")
    )
    result = build(spec, frame, UNITS)
    edu = result.scores("village").filter(pl.col("node") == "EDU")
    assert (
        set(edu["status"]) == {"insufficient"}
        and edu["score"].is_null().all()
        and set(edu["availability_exact"]) == {"1/2"}
    )
    happy = result.scores("village").filter(pl.col("node") == "HAPPY")
    assert happy["score"].is_not_null().all() and set(happy["availability_exact"]) == {"3/4"}


def test_both_editions_are_frozen_and_in_force_since_the_first_date():
    locked = read_lock(SPECS)
    editions = find_editions(SPECS, date(2020, 1, 1))
    assert [edition.spec.index for edition in editions] == ["happiness-extended", "happiness"]
    for edition in editions:
        assert locked[f"{edition.spec.index} {edition.spec.edition}"] == edition.fingerprint
        assert edition.spec.valid_from == "2020-01-01"
    assert find_editions(SPECS, date(2019, 12, 31)) == []
