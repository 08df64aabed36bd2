"""Small numbers: drawn to the level above by what they count, never past their own end, and explained in words."""

import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.load import load_spec
from pipelines.indices.problems import DataError, SpecError
from pipelines.indices.sampling import sampling_doubt
from pipelines.indices.spec import Shrink
from pipelines.indices.why import why
from tests.indices.conftest import SPECS, spec
from tests.indices.test_happiness import UNITS

# What a number of is no sample of the village: all there is was counted, or it was read at a station for many villages.
COUNTED_WHOLE = {"MKT01", "MKT03", "MKT04", "MKT05", "ENV05", "ENV06", "HOU08", "HOU09"}
COUNTED_WHOLE_TOO = {"HEA01", "TRA01", "TRA02", "TRA03", "TRA05", "CUL01"}


def _values(declared, shares: dict[str, float], sizes: dict[str, float]) -> pl.DataFrame:
    """Every indicator at `shares[village]` of the way from its worst to its best goalpost, resting on `sizes`."""
    rows = []
    for indicator in declared.indicators:
        low, high = indicator.goalposts
        worst, best = (low, high) if indicator.direction > 0 else (high, low)
        for village, share in shares.items():
            value, n = worst + (best - worst) * share, sizes[village]
            rows.append((indicator.code, village, value * n / indicator.scale, n, n, 0.0, 0.0, "observed"))
    names = ["part_code", "village_code", "numerator", "denominator", "n", "n_unknown", "sum_of_squares", "status"]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.mark.parametrize("file", ["happiness.yml", "happiness-extended.yml"])
def test_every_indicator_says_what_its_n_counts_or_that_nothing_was_sampled(file):
    declared = load_spec(SPECS / file)
    for indicator in declared.indicators:
        found = declared.resolved(indicator).shrink
        if indicator.code in COUNTED_WHOLE | COUNTED_WHOLE_TOO:
            assert indicator.shrink == "none" and found is None
        else:
            assert isinstance(indicator.shrink, Shrink), f"{indicator.code} leaves it to the defaults"
            assert found.counts and found.k > 0 and (found.towards, found.within) == ("district", "goalposts")


@pytest.fixture(scope="module")
def declared():
    return load_spec(SPECS / "happiness-extended.yml")


@pytest.mark.parametrize("elsewhere", [-0.9, 0.0, 1.5])
@pytest.mark.parametrize("size", [1.0, 400.0])
def test_an_observed_best_never_scores_worst_whatever_the_district_is_like(declared, elsewhere, size):
    scores = {}
    for own in (-0.5, 0.0, 0.5, 1.0, 1.5):
        shares, sizes = {"v1": own, "v2": elsewhere, "v3": elsewhere}, {"v1": size, "v2": 9000.0, "v3": 9000.0}
        result = build(declared, _values(declared, shares, sizes), UNITS)
        scores[own] = dict(zip(result.units.leaves.codes, result.units.leaves.scores[0], strict=True))
    worst, best = declared.defaults.normalise.range
    too_few = {i.code for i in declared.indicators if (declared.resolved(i).missing.least_denominator or 0) > size}
    for code in scores[1.0].keys() - too_few:
        assert scores[1.0][code] > worst + (best - worst) * size / (size + 101) - 1e-9, code
        assert scores[0.0][code] < scores[0.5][code] < scores[1.0][code], code
        # Beyond an end a village's own value is worth what the end is; only the district's rate moves with it.
        assert scores[-0.5][code] == pytest.approx(scores[0.0][code], abs=2)
        assert scores[1.5][code] == pytest.approx(scores[1.0][code], abs=2)


def test_the_n_of_a_weighed_mean_is_what_was_read_not_what_it_is_weighed_by():
    head = "levels: [{level: district, all: D}]\ntable: {unit: unit}\n"
    row = "code: a, parent: ROOT, direction: more, value: top, denominator: tonnes, goalposts: [0, 10], "
    declared = spec(row + "shrink: {towards: district, k: 6, n: read}", head=head)
    frame = pl.DataFrame({"unit": ["x", "y"], "top": [400.0, 100.0], "tonnes": [50.0, 50.0], "read": [2.0, 12.0]})
    cells = build(declared, frame).lineage("unit").sort("area_code")
    assert cells["shrunk"].to_list() == pytest.approx([(2 * 8 + 6 * 5) / 8, (12 * 2 + 6 * 5) / 18])
    assert cells["shrink_n"].to_list() == [2, 12] and set(cells["shrink_rate"]) == {5.0}
    negative = frame.with_columns(read=pl.lit(-1.0))
    with pytest.raises(DataError, match="indicator 'a', shrink n: negative at"):
        build(declared, negative)
    with pytest.raises(DataError, match="has no column 'read'"):
        build(declared, frame.drop("read"))


def test_own_keys_are_laid_over_the_defaults_and_a_level_must_be_named():
    head = "levels: [{level: district, all: D}]\ndefaults: {shrink: {towards: district, within: goalposts}}\n"
    row = "code: a, parent: ROOT, direction: more, value: top, denominator: n, goalposts: [0, 10], shrink: {k: 7}"
    declared = spec(row, head=head)
    found = declared.resolved(declared.indicators[0]).shrink
    assert (found.towards, found.k, found.within) == ("district", 7, "goalposts")
    with pytest.raises(SpecError, match="'towards' does not say towards which level"):
        spec(row, head="levels: [{level: district, all: D}]")
    with pytest.raises(SpecError, match="must then be two numbers"):
        spec(row.replace("goalposts: [0, 10], ", ""), head=head)
    with pytest.raises(SpecError, match="must then be two numbers"):
        spec(row.replace("[0, 10]", "[0, {percentile: 90}]"), head=head)


def test_chance_is_drawn_from_what_the_value_rests_on():
    """Two readings that weigh much leave more to chance than the tonnes they are weighed by would."""
    head = "levels: [{level: district, all: D}]\nsampling: {draws: 200}\n"
    row = "code: a, parent: ROOT, direction: more, value: top, denominator: tonnes, scale: 100, noise: binomial, "
    row += "goalposts: [0, 100], shrink: {towards: district, k: 6, within: goalposts, n: read}"
    frame = pl.DataFrame({"unit": ["x", "y"], "top": [400.0, 250.0], "tonnes": [500.0, 500.0], "read": [2.0, 300.0]})
    found = sampling_doubt(build(spec(row, head=head), frame), ["ROOT"])[0].intervals().sort("area_code")
    wide, narrow = (found["score_high"] - found["score_low"]).to_list()
    assert wide > 3 * narrow


PART = {
    "unit": "%", "direction": "more", "goalpost_low": 70.0, "goalpost_high": 100.0, "shrink_k": 10.0,
    "shrink_counts": "次采样", "shrink_within": "goalposts",
}  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            {"observed": 100.0, "used": 75.0, "score": 17.5, "shrink_n": 2.0, "shrink_rate": 45.0},
            "本地 2 次采样与全区水平 45%按 2∶10 合计，全区在目标区间外，按 70 计",
        ),
        (
            {"observed": 50.0, "used": 70.0, "score": 1.0, "shrink_n": None, "shrink_rate": None},
            "不好于最低目标值 70，计最低分",
        ),
        (
            {"observed": 100.0, "used": 100.0, "score": 100.0, "shrink_n": None, "shrink_rate": None},
            "达到目标值 100，计满分",
        ),
        ({"observed": 80.0, "used": 80.0, "score": 34.0, "shrink_n": None, "shrink_rate": None}, None),
        ({"observed": None, "used": None, "score": None, "shrink_n": None, "shrink_rate": None}, None),
    ],
)
def test_words_say_why_a_score_is_not_that_of_the_observed_value(cell, words):
    assert why(cell, PART) == words


def test_on_a_page_of_people_the_count_is_told_in_tenths():
    cell = {"observed": 100.0, "used": 75.0, "score": 17.5, "shrink_n": 23.0, "shrink_rate": 80.0}
    told = why(cell, PART | {"shrink_counts": "人"}, exact=False)
    assert told == "本地数量不多，与全区水平 80%合计：本地占约 70%" and "23" not in told


def test_less_is_better_turns_the_ends_round():
    cell = {"observed": 70.0, "used": 60.0, "score": 1.0, "shrink_n": None, "shrink_rate": None}
    part = PART | {"direction": "less", "goalpost_low": 0.0, "goalpost_high": 60.0}
    assert why(cell, part) == "不好于最低目标值 60，计最低分"
    assert why(cell | {"used": 0.0}, part) == "达到目标值 0，计满分"
