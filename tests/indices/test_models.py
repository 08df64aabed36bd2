"""The index models of dbt against the same figures by hand (numpy over all pairs of homes and facilities)."""

import shutil
from datetime import timedelta
from decimal import Decimal

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml

from pipelines.indices.load import load_spec
from pipelines.indices.tree import COMPUTED
from pipelines.indices.warehouse import DESCRIPTIONS, run, write
from pipelines.settings import REPOSITORY
from tests.indices.conftest import SPECS
from tests.indices.district import (
    AS_OF,
    EMPTY_VILLAGE,
    FEEDS,
    build_models,
    make_district,
    without_feeds,
    write_district,
)
from tests.indices.feeds import make_feeds

DECLARED = yaml.safe_load((REPOSITORY / "dbt_project/models/indices/_indices.yml").read_text())
META = {model["name"]: model["config"]["meta"] for model in DECLARED["models"] if "config" in model}
PARAMETERS = {p["name"]: p["value"] for p in META["int_index__parameter"]["parameters"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def tables():
    district = make_district()
    return district | make_feeds(district)


@pytest.fixture(scope="module")
def warehouse(folder, tables):
    path, kept = folder / "district.duckdb", folder / "kept.duckdb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_district(path, tables)
        build_models(path, folder, monkeypatch)
    # Tests that change feeds build again over the first file: another path would make dbt parse everything anew.
    shutil.copy(path, kept)
    return kept


@pytest.fixture(scope="module")
def values(warehouse) -> pl.DataFrame:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.sql("select * from indices.indicator_value").pl()


def by_village(values: pl.DataFrame, indicator: str, column: str = "numerator") -> dict[str, float | None]:
    rows = values.filter(pl.col("part_code") == indicator).select("village_code", column)
    return {code: None if value is None else float(value) for code, value in rows.iter_rows()}


def _plane(frame: pl.DataFrame, dwelling: pl.DataFrame) -> np.ndarray:
    lon, lat = (frame[c].cast(pl.Float64).to_numpy() for c in ("lon", "lat"))
    middle = dwelling["lat"].cast(pl.Float64).mean()
    return np.column_stack([lon * 111320 * np.cos(np.radians(middle)), lat * 111320])


def _homes(tables) -> tuple[pl.DataFrame, np.ndarray]:
    living = tables["person"].filter(pl.col("alive") != "dead")
    placed = living.join(tables["dwelling"], left_on="res_dwelling_id", right_on="dwelling_id", how="left")
    placed = placed.join(
        tables["village"].select("village_code", "kind"), left_on="res_village_code", right_on="village_code"
    )
    return placed, _plane(placed, tables["dwelling"])


BANDS = {"age_70": (70, 200), "all": (None, None), "age_3_5": (3, 5), "age_6_10": (6, 10), "age_11_14": (11, 14)}


def _members(placed: pl.DataFrame, band: str) -> np.ndarray:
    low, high = BANDS[band]
    if low is None:
        return np.ones(placed.height, dtype=bool)
    return placed["age"].is_between(low, high).fill_null(False).to_numpy()


def _places(tables, rule: dict) -> pl.DataFrame:
    """Open facilities or outlets of a rule's kinds; an outlet is one place, with a counter also under that name."""
    if rule.get("from") != "F19":
        return tables["facility"].filter((pl.col("status") == "在用") & pl.col("kind").is_in(rule["kinds"]))
    outlets = tables["stg_f19"].filter(pl.col("status") == "在营").with_columns(capacity=pl.lit(1))
    if rule["kinds"] == ["平价菜专柜"]:
        return outlets.filter("has_value_counter")
    return outlets.filter(pl.col("kind").is_in(rule["kinds"]))


def _pairs(tables, rule: dict) -> tuple[pl.DataFrame, np.ndarray, pl.DataFrame, np.ndarray]:
    """Return people, whether they are in the band, facilities, and who is within reach of which."""
    placed, homes = _homes(tables)
    open_ = _places(tables, rule)
    away = np.linalg.norm(homes[:, None, :] - _plane(open_, tables["dwelling"])[None, :, :], axis=2)
    radius = np.where(placed["kind"].to_numpy() == "居", PARAMETERS[rule["committee"]], PARAMETERS[rule["village"]])
    return placed, _members(placed, rule["band"]), open_, away <= radius[:, None]


@pytest.mark.parametrize("rule", META["int_index__reach"]["reach"], ids=lambda rule: rule["indicator"])
def test_people_in_reach_are_those_of_all_pairs(values, tables, rule):
    placed, members, _, near = _pairs(tables, rule)
    known = placed["lon"].is_not_null().to_numpy()
    codes = placed["res_village_code"].to_numpy()
    found, below = by_village(values, rule["indicator"]), by_village(values, rule["indicator"], "denominator")
    unknown = by_village(values, rule["indicator"], "n_unknown")
    assert sum(found.values()) > 0 or rule["indicator"] == "TRA02"
    for code in set(codes):
        here = members & (codes == code)
        assert found[code] == (here & near.any(axis=1)).sum()
        assert below[code] == (here & known).sum() and unknown[code] == (here & ~known).sum()


@pytest.mark.parametrize("rule", META["int_index__share"]["shares"], ids=lambda rule: rule["indicator"])
def test_places_are_shared_among_those_in_reach_and_none_is_counted_twice(values, tables, rule):
    placed, members, open_, near = _pairs(tables, rule)
    codes = placed["res_village_code"].to_numpy()
    capacity = np.array([np.nan if c is None else c for c in open_["capacity"].to_list()], dtype=float)
    served = (near & members[:, None]).sum(axis=0)
    expected: dict[str, float] = {code: 0.0 for code in set(codes)}
    for place, seats in enumerate(capacity):
        if served[place] and not np.isnan(seats):
            for code in expected:
                expected[code] += seats * (near[:, place] & members & (codes == code)).sum() / served[place]
    counted = served > 0
    if rule.get("own_village"):
        for place in np.flatnonzero(served == 0):
            home = open_["village_code"][int(place)]
            if home is not None:
                expected[home] += capacity[place]
                counted[place] = True
    found = by_village(values, rule["indicator"])
    for code, places in expected.items():
        assert found[code] == pytest.approx(places, abs=1e-6)
    reached = np.nansum(np.where(counted, capacity, 0))
    assert sum(found.values()) == pytest.approx(reached, abs=1e-6) and reached > 0


def test_years_of_schooling_with_their_squares(values, tables):
    years = {"1": 19, "2": 16, "3": 15, "4": 12, "6": 12, "7": 9, "8": 6, "9": 0}
    adults = tables["person"].filter((pl.col("alive") != "dead") & (pl.col("age") >= 15))
    known = adults.drop_nulls("edu_code").with_columns(
        pl.col("edu_code").str.slice(0, 1).replace_strict(years).alias("years")
    )
    for code, group in known.group_by("res_village_code"):
        assert by_village(values, "EDU07")[code[0]] == group["years"].sum()
        assert by_village(values, "EDU07", "sum_of_squares")[code[0]] == (group["years"] ** 2).sum()
        assert by_village(values, "EDU07", "n")[code[0]] == group.height


def test_dwellings_and_leases_by_hand(values, tables):
    d = tables["dwelling"]
    occupied = d.filter(pl.col("occupant_count") > 0)
    lift = pl.col("has_elevator").fill_null(False) | pl.col("is_elevator_added").fill_null(False)
    silent = pl.col("has_elevator").is_null() & pl.col("is_elevator_added").is_null() & (pl.col("floor_no") >= 4)
    high = d.filter(pl.col("floor_no").is_not_null() & ~silent)
    leases = tables["lease"].filter("is_open").join(d.select("dwelling_id", "village_code"), on="dwelling_id")
    renting = (
        tables["person"]
        .filter((pl.col("alive") != "dead") & (pl.col("tenure") == "rent"))
        .join(tables["household"], on="household_id")
    )
    both = occupied.drop_nulls(["has_kitchen", "has_toilet"])
    reports = tables["stg_i01"].filter(pl.col("field") == "crack_report").drop_nulls("person_id")
    open_ = reports.sort("filled_at", "row_id").group_by("person_id").last().filter(pl.col("value") != "否")
    homes = tables["person"].filter(pl.col("alive") != "dead").join(open_, on="person_id")["res_dwelling_id"]
    cracked = pl.col("dwelling_id").is_in(homes.drop_nulls().unique().implode()) & pl.col("safety_grade").is_null()
    assert d.filter(cracked).height > 0
    expected = {
        "HOU01": (occupied.drop_nulls("gross_area_m2"), pl.col("gross_area_m2").sum(), pl.col("occupant_count").sum()),
        "HOU02": (both, (pl.col("has_kitchen") & pl.col("has_toilet")).sum(), pl.len()),
        "HOU03": (occupied.drop_nulls("has_piped_gas"), pl.col("has_piped_gas").sum(), pl.len()),
        "HOU04": (high, ((pl.col("floor_no") >= 4) & ~lift).sum(), pl.len()),
        "HOU05": (d, (pl.col("safety_grade").is_in(["C", "D"]).fill_null(False) | cracked).sum(), pl.len()),
        "HOU07": (leases.drop_nulls("is_filed"), pl.col("is_filed").sum(), pl.len()),
        "ENV09": (d.drop_nulls("is_illegal_build"), pl.col("is_illegal_build").sum(), pl.len()),
    }
    for indicator, (frame, top, bottom) in expected.items():
        hand = frame.group_by("village_code").agg(top=top, bottom=bottom)
        for code, over, under in hand.iter_rows():
            assert by_village(values, indicator)[code] == pytest.approx(float(over)), indicator
            assert by_village(values, indicator, "denominator")[code] == under, indicator
    for code in set(d["village_code"]):
        here = d.filter(pl.col("village_code") == code)
        assert (
            by_village(values, "HOU06")[code]
            == leases.filter((pl.col("village_code") == code) & (pl.col("group_rent") == "确认"))[
                "dwelling_id"
            ].n_unique()
        )
        assert by_village(values, "HOU06", "denominator")[code] == here.height
        assert by_village(values, "HOU10")[code] == here["build_type"].is_in(["公租房", "保租房"]).sum()
        assert (
            by_village(values, "HOU10", "denominator")[code]
            == renting.filter(pl.col("village_code") == code)["household_id"].n_unique()
        )


def test_every_indicator_is_listed_for_every_village_with_a_status(values):
    assert values.height == 66 * 4 and values["part_code"].n_unique() == 66
    assert set(values["status"]) == {"observed", "not_applicable", "missing"}
    empty = values.filter(
        (pl.col("village_code") == EMPTY_VILLAGE) & pl.col("part_code").is_in(list(META["indicator_value"]["computed"]))
    )
    # Nobody and nothing there, but the air is that of the nearest station.
    assert set(empty.filter(pl.col("part_code") != "ENV06")["status"]) == {"not_applicable"}
    # All feeds are there: what is missing is missing because nothing is known of anybody.
    missing = values.filter(pl.col("status") == "missing")
    assert (missing["n_unknown"] > 0).all()
    assert (missing["denominator"] == 0).all() and (missing["numerator"] == 0).all()
    assert all(isinstance(value, Decimal) for value in values["numerator"].drop_nulls())


def test_specification_and_models_name_the_same_indicators_and_feeds():
    spec = load_spec(SPECS / "happiness-extended.yml")
    computed = META["indicator_value"]["computed"]
    assert {indicator.code for indicator in spec.indicators} == set(computed)
    for code, feeds in computed.items():
        # Who lives where (B01, B02, B03) is needed by all, whatever the formula lists.
        assert set(feeds) - {"B01", "B02", "B03"} <= set(spec.part(code).source), code
    for model in ("int_index__reach", "int_index__share"):
        for rule in next(iter(value for value in META[model].values() if isinstance(value, list))):
            assert rule["committee"] in PARAMETERS and rule["village"] in PARAMETERS and rule["indicator"] in computed


def test_a_day_on_which_nothing_came_moves_no_indicator(folder, warehouse, values):
    """Windows end and terms are judged where the source has spoken: the date alone moves nothing but people's ages."""
    path = folder / "district.duckdb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        for later, feeds_too in ((40, True), (40, False)):
            shutil.copy(warehouse, path)
            with duckdb.connect(str(path)) as connection:
                connection.execute("update run.context set as_of = ?", [AS_OF + timedelta(days=later)])
                if feeds_too:
                    connection.execute("update lake.feed_status set business_on = ?", [AS_OF + timedelta(days=later)])
            build_models(path, folder, monkeypatch)
            with duckdb.connect(str(path), read_only=True) as connection:
                found = connection.sql("select * from indices.indicator_value").pl()
            key = ["part_code", "village_code"]
            moved = found.join(values, on=[*key, "numerator", "denominator", "status"], how="anti", nulls_equal=True)
            if feeds_too:  # the same forty days, had the sources spoken: events leave their windows, terms end
                assert {"ENV02", "ENV04", "ENV06", "ENV07", "MKT08", "SER01"} <= set(moved["part_code"])
            else:
                assert moved.height == 0, set(moved["part_code"])
    shutil.copy(warehouse, path)


def test_a_feed_that_is_not_in_use_makes_its_indicators_missing_not_zero(folder, warehouse):
    path = folder / "district.duckdb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_feeds(path, ("F02", "B04"))
        build_models(path, folder, monkeypatch, "indicator_value")
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.sql("select * from indices.indicator_value").pl()
    for code in ("HOU06", "HOU07", "EDU01", "EDU04", "CUL02"):
        rows = found.filter(pl.col("part_code") == code)
        assert set(rows["status"]) == {"missing"} and rows["numerator"].is_null().all()
    assert "observed" in set(found.filter(pl.col("part_code") == "HOU01")["status"])


def test_the_run_computes_what_data_allow_and_says_what_they_do_not(warehouse):
    found = run(warehouse, SPECS, AS_OF)
    scores = found.tables["index_score"].filter(pl.col("index") == "happiness")
    status = {
        (r["area_code"], r["part_code"]): r["status"]
        for r in scores.filter(pl.col("level") == "village").iter_rows(named=True)
    }
    assert all(status["310118001001", node] == COMPUTED for node in ("EDU", "MKT", "ENV", "HOU", "HAPPY"))
    # Nothing applies to a village without people but its air: no score is made of that alone.
    assert (status[EMPTY_VILLAGE, "EDU"], status[EMPTY_VILLAGE, "ENV"]) == ("no_data", "insufficient")
    assert status[EMPTY_VILLAGE, "HAPPY"] == "no_data"
    district = scores.filter((pl.col("level") == "district") & (pl.col("part_code") == "HAPPY")).row(0, named=True)
    assert district["status"] == COMPUTED and district["availability_exact"] == "1"
    cells = found.tables["index_cell"].filter((pl.col("index") == "happiness") & (pl.col("level") != "unit"))
    sums = (
        cells.filter(pl.col("part_code").is_in(["EDU01", "HOU01", "HOU07"]))
        .group_by("part_code", "level")
        .agg(pl.col("numerator", "denominator").sum().round(6))
    )
    assert sums.group_by("part_code").agg(pl.col("numerator").n_unique(), pl.col("denominator").n_unique()).select(
        "numerator", "denominator"
    ).unique().row(0) == (1, 1)
    parts = found.tables["index_explanation"].filter((pl.col("index") == "happiness") & (pl.col("node_code") == "EDU"))
    total = (
        parts.group_by("level", "area_code")
        .agg(pl.col("contribution").sum())
        .join(scores.filter(pl.col("part_code") == "EDU"), on=["level", "area_code"])
    )
    assert (total["contribution"] - total["score"]).abs().max() < 1e-9


def test_the_run_is_repeatable_and_its_tables_carry_their_date_and_comments(warehouse, tmp_path):
    first, second = run(warehouse, SPECS, AS_OF), run(warehouse, SPECS, AS_OF)
    path = tmp_path / "out.duckdb"
    with duckdb.connect(str(path)) as connection:
        written = write(connection, first)
        comments = dict(
            connection.execute(
                "select table_name, comment from duckdb_tables() where schema_name = 'indices'"
            ).fetchall()
        )
        assert set(comments) == set(written) and all(comments.values())
        assert connection.execute("select distinct as_of from indices.index_score").fetchall() == [(AS_OF,)]
    for name, frame in first.tables.items():
        assert frame.equals(second.tables[name]), name
        assert frame.columns[:3] == ["index", "edition", "as_of"]


def test_tables_keep_their_columns_where_nothing_can_be_computed(folder, warehouse):
    path = folder / "district.duckdb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_feeds(path, tuple(feed for feed in FEEDS if feed != "B03"))
        build_models(path, folder, monkeypatch, "indicator_value")
    found = run(path, SPECS, AS_OF)
    assert set(found.tables["index_score"].filter(pl.col("index") == "happiness")["status"]) <= {
        "insufficient",
        "no_data",
    }
    for name in ("index_method_doubt", "index_method_effect", "index_sampling_doubt", "index_influence"):
        assert found.tables[name].height == 0 and {"index", "edition", "as_of", "part_code"} <= set(
            found.tables[name].columns
        )
    assert set(found.tables) == set(DESCRIPTIONS)
