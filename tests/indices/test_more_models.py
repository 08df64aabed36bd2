"""The index models over departments' feeds against the same figures by hand."""

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.identifiers.age import age_expr
from tests.indices.district import AS_OF, build_models, make_district, write_district
from tests.indices.feeds import make_feeds
from tests.indices.test_models import META, PARAMETERS, _members, _pairs

YEAR = AS_OF - timedelta(days=365)
DECLARED: dict[str, Any] = {
    name: META[f"int_index__{name}"] for name in ("market", "environment", "estate", "people", "service")
}


@pytest.fixture(scope="module")
def tables():
    district = make_district()
    return district | make_feeds(district)


@pytest.fixture(scope="module")
def values(tables, tmp_path_factory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("more")
    path = folder / "more.duckdb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_district(path, tables)
        build_models(path, folder, monkeypatch)
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.sql("select * from indices.indicator_value").pl()


def _check(values: pl.DataFrame, indicator: str, hand: pl.DataFrame, scale: float = 1.0) -> None:
    """`hand` has village_code, top, bottom; villages it lacks have a denominator of 0 or a numerator of 0."""
    found = {row["village_code"]: row for row in values.filter(pl.col("part_code") == indicator).iter_rows(named=True)}
    assert hand.height > 0, indicator
    for code, top, bottom in hand.select("village_code", "top", "bottom").iter_rows():
        assert float(found[code]["numerator"]) == pytest.approx(float(top) * scale, rel=1e-6, abs=1e-6), (
            indicator,
            code,
        )
        assert float(found[code]["denominator"]) == pytest.approx(float(bottom), rel=1e-6), (indicator, code)
    rest = [row for code, row in found.items() if code not in hand["village_code"].to_list()]
    assert all(not row["numerator"] for row in rest), indicator


def _unknown(values: pl.DataFrame, indicator: str, hand: pl.DataFrame) -> None:
    """`hand` has village_code and n: how many could not be counted; elsewhere none."""
    found = values.filter(pl.col("part_code") == indicator).join(
        hand.rename({"n": "silent"}), on="village_code", how="left"
    )
    assert hand.height > 0 and (found["n_unknown"] == found["silent"].fill_null(0)).all(), indicator


def _placed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop_nulls("village_code")


def _recent(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Date) <= AS_OF) & (pl.col(column).cast(pl.Date) > YEAR)


def test_prices_and_kinds_are_means_over_people(values, tables):
    for indicator, rules in (("MKT05", DECLARED["market"]["prices"]), ("MKT03", DECLARED["market"]["varieties"])):
        placed, members, open_, near = _pairs(tables, rules[0])
        codes = placed["res_village_code"].to_numpy()
        known = placed["lon"].is_not_null().to_numpy()
        if indicator == "MKT05":
            price = np.array([np.nan if p is None else p for p in open_["price_index"].to_list()], dtype=float)
            priced = near & ~np.isnan(price)
            counts = priced.sum(axis=1)
            worth = np.where(counts > 0, (priced * np.nan_to_num(price)).sum(axis=1) / np.maximum(counts, 1), 0)
            weigh = (counts > 0).astype(float)
        else:
            kinds = np.array(open_["kind"].to_list())
            worth = np.array([len(set(kinds[row])) / 8 for row in near], dtype=float)
            weigh = known.astype(float)
        rows = [
            (c, float((worth * members)[codes == c].sum()), float((weigh * members)[codes == c].sum()))
            for c in sorted(set(codes))
        ]
        hand = pl.DataFrame([row for row in rows if row[2] > 0], schema=["village_code", "top", "bottom"], orient="row")
        _check(values, indicator, hand)


def test_remote_elders_served(values, tables):
    rule = DECLARED["market"]["remote"][0]
    placed, _, _, near = _pairs(tables, rule)
    elders = placed.with_columns(far=pl.Series(~near.any(axis=1)), old=pl.Series(_members(placed, "age_70")))
    far = elders.filter(pl.col("far") & pl.col("old") & pl.col("lon").is_not_null()).unique(
        ["res_village_code", "household_id"]
    )
    recent = tables["stg_i07"].filter(pl.col("served_at").cast(pl.Date) > AS_OF - timedelta(days=30))
    served = recent.join(tables["person"], on="person_id")["household_id"].unique()
    hand = far.group_by("res_village_code").agg(
        top=pl.col("household_id").is_in(served.implode()).sum(), bottom=pl.len()
    )
    _check(values, "MKT09", hand.rename({"res_village_code": "village_code"}))


def test_outlets_and_firms(values, tables):
    village = tables["village"].select("village_code", "n_household")
    points = _placed(tables["stg_f19"]).filter((pl.col("kind") == "末端配送") & (pl.col("status") == "在营"))
    counted = points.group_by("village_code").len("top")
    _check(values, "MKT06", counted.join(village, on="village_code").rename({"n_household": "bottom"}))
    alive = _placed(tables["stg_f32"]).filter(pl.col("status") == "存续")
    seen = alive.filter((pl.col("employees") > 0).fill_null(False) | pl.col("on_site").is_in(["true", "false"]))
    _check(values, "MKT07", seen.group_by("village_code").agg(top=(pl.col("on_site") == "true").sum(), bottom=pl.len()))
    licensed = alive.filter(pl.col("lic_kind").is_in(["食品经营", "食品生产"]))
    food = licensed.drop_nulls("lic_valid_to_on")
    _unknown(values, "MKT08", licensed.filter(pl.col("lic_valid_to_on").is_null()).group_by("village_code").len("n"))
    fined = _recent("penalty_on").fill_null(False)
    _check(
        values,
        "MKT08",
        food.group_by("village_code").agg(top=((pl.col("lic_valid_to_on") >= AS_OF) & ~fined).sum(), bottom=pl.len()),
    )


def test_environment(values, tables):
    waste = _placed(tables["stg_f28"]).filter(pl.col("month_on").is_between(date(2025, 10, 1), date(2026, 9, 1)))
    bins = waste.filter(pl.col("kind").is_in(["投放点", "箱房"])).drop_nulls("purity")
    bins = bins.with_columns(t=pl.col("wet_t").fill_null(0) + pl.col("dry_t") + pl.col("recycle_t"))
    _check(
        values,
        "ENV01",
        bins.group_by("village_code").agg(top=(pl.col("t") * pl.col("purity")).sum(), bottom=pl.col("t").sum()),
    )
    toilets = waste.filter(pl.col("kind") == "公厕").drop_nulls("score")
    _check(values, "ENV07", toilets.group_by("village_code").agg(top=(pl.col("score") >= 90).sum(), bottom=pl.len()))
    measured = tables["stg_f34"].filter(_recent("measured_at")).with_columns(on=pl.col("measured_at").cast(pl.Date))
    visits = (
        measured.filter(pl.col("kind") == "河道断面")
        .group_by("village_code", "point_id", "on")
        .agg(good=pl.col("grade").is_in(["I", "II", "III"]).all())
    )
    _check(values, "ENV02", visits.group_by("village_code").agg(top=pl.col("good").sum(), bottom=pl.len()))
    sewage = measured.filter(pl.col("metric") == "working")
    _check(values, "ENV08", sewage.group_by("village_code").agg(top=(pl.col("value") == 1).sum(), bottom=pl.len()))
    air = (
        measured.filter(pl.col("metric") == "AQI")
        .group_by("village_code", "point_id", "on")
        .agg(good=(pl.col("value") <= 100).all())
    )
    offices = {
        code: (lon, lat) for code, lon, lat in tables["village"].select("village_code", "lon", "lat").iter_rows()
    }
    # One that moved counts where it stood.
    placed = air.select("point_id", "village_code").unique().iter_rows()
    stations = {(point, code): offices[code] for point, code in placed}
    rows = []
    for code, (lon, lat) in offices.items():
        nearest = min(
            stations,
            key=lambda p, lon=lon, lat=lat: (
                ((stations[p][0] - lon) * np.cos(np.radians(lat))) ** 2 + (stations[p][1] - lat) ** 2,
                p,
            ),
        )
        own = air.filter(pl.col("point_id") == nearest[0], pl.col("village_code") == nearest[1])
        rows.append((code, own["good"].sum(), own.height))
    _check(values, "ENV06", pl.DataFrame(rows, schema=["village_code", "top", "bottom"], orient="row"))
    events = _placed(tables["stg_f26"]).filter(pl.col("l2").is_in(DECLARED["environment"]["environment_events"]))
    closed = events.filter(_recent("closed_at")).drop_nulls("is_overdue")
    _check(values, "ENV04", closed.group_by("village_code").agg(top=(~pl.col("is_overdue")).sum(), bottom=pl.len()))


def test_densities_are_whole_cases_over_people_for_the_days_covered(values, tables):
    events = _placed(tables["stg_f26"]).filter(
        pl.col("l2").is_in(DECLARED["environment"]["environment_events"]) & _recent("found_at")
    )
    orders = _placed(tables["stg_f27"]).filter(_recent("accepted_at"))
    clean = orders.filter(pl.col("category14") == "清洁卫生")
    raised = pl.concat([events.select("village_code", at="found_at"), clean.select("village_code", at="accepted_at")])
    days = (AS_OF - raised["at"].min().date()).days + 1
    people = tables["village"].select("village_code", bottom="n_res")
    part = pl.col("bottom") * days / 365
    _check(
        values,
        "ENV03",
        raised.group_by("village_code").len("top").join(people, on="village_code").with_columns(bottom=part),
    )
    parking = orders.filter(pl.col("category14") == "停车管理").group_by("village_code").len("top")
    days = (AS_OF - orders["accepted_at"].min().date()).days + 1
    homes = tables["village"].select("village_code", bottom="n_household")
    part = pl.col("bottom") * days / 365
    _check(values, "TRA04", parking.join(homes, on="village_code").with_columns(bottom=part))


def test_estates(values, tables):
    estates = _placed(tables["stg_f29"])
    scored = estates.drop_nulls("score")
    _check(
        values,
        "HOU08",
        scored.group_by("village_code").agg(
            top=(pl.col("score") * pl.col("households")).sum(), bottom=pl.col("households").sum()
        ),
    )
    formed = pl.col("committee_status") == "已组建"
    silent = pl.col("committee_status").is_null() | (formed & pl.col("committee_term_end_on").is_null())
    valid = formed & (pl.col("committee_term_end_on") >= AS_OF)
    phases = estates.sort("households", "name", descending=[True, False], nulls_last=True)
    largest = phases.unique("estate_id", keep="first", maintain_order=True)
    assert largest.height < estates.height, "some estates have a row for each phase"
    able = largest.filter((pl.col("committee_status") != "不具备条件") & ~silent)
    _check(values, "HOU09", able.group_by("village_code").agg(top=valid.sum(), bottom=pl.len()))
    _unknown(values, "HOU09", largest.filter(silent).group_by("village_code").len("n"))
    for indicator, column in (("TRA03", "parking"), ("TRA05", "chargers")):
        _check(
            values,
            indicator,
            estates.group_by("village_code").agg(top=pl.col(column).sum(), bottom=pl.col("households").sum()),
        )


def _residents(tables) -> pl.DataFrame:
    return tables["person"].filter(pl.col("alive") != "dead").rename({"res_village_code": "village_code"})


def _share(tables, who: pl.Series, low: int | None, high: int = 200) -> pl.DataFrame:
    """People of an age among `who`, over people of that age."""
    aged = _residents(tables)
    if low is not None:
        aged = aged.filter(pl.col("age").is_between(low, high))
    return aged.group_by("village_code").agg(
        top=pl.col("person_id").is_in(who.drop_nulls().unique().implode()).sum(), bottom=pl.len()
    )


def _where_known(
    values: pl.DataFrame, tables, indicator: str, hand: pl.DataFrame, register: pl.DataFrame, low: int, high: int
) -> pl.DataFrame:
    """Keep the villages with somebody of the age in the register; elsewhere the indicator must be missing."""
    known = _share(tables, register["person_id"], low, high).filter(pl.col("top") > 0)["village_code"]
    unknown = hand.filter(~pl.col("village_code").is_in(known.implode()))["village_code"]
    found = values.filter((pl.col("part_code") == indicator) & pl.col("village_code").is_in(unknown.implode()))
    assert (found["status"] == "missing").all() and (found["numerator"] == 0).all()
    return hand.filter(pl.col("village_code").is_in(known.implode()))


def test_a_village_of_which_a_register_knows_nobody_has_no_value(values, tables):
    """Nobody in the register is a gap of the register, neither nobody at school nor every child vaccinated in time."""
    aged = _residents(tables).filter(pl.col("age") < 7)
    seen = tables["stg_f14"]["person_id"].drop_nulls().unique().implode()
    strangers = (
        aged.group_by("village_code").agg(known=pl.col("person_id").is_in(seen).sum()).filter(pl.col("known") == 0)
    )
    assert strangers.height > 0
    found = values.filter(pl.col("part_code") == "HEA05").join(strangers, on="village_code")
    assert found["status"].unique().to_list() == ["missing"] and (found["denominator"] == 0).all()


def test_residents_with_something_on_record(values, tables):
    t = tables
    pupils = t["stg_f17"].filter(pl.col("stage").is_in(["小学", "初中"]))["person_id"]
    # Of school age is who was on the first of September: a birthday in October makes nobody a truant.
    september = age_expr(pl.col("birth_on"), pl.lit(date(2026, 9, 1))).fill_null(-1)  # born since
    begun = t["person"].with_columns(age=pl.when(pl.col("age").is_not_null()).then(september))
    assert (begun["age"] != t["person"]["age"]).sum() > 10
    at = {**t, "person": begun}
    _check(values, "EDU05", _where_known(values, at, "EDU05", _share(at, pupils, 6, 14), t["stg_f17"], 6, 14))
    school = t["stg_i01"].filter(pl.col("field") == "elder_school").drop_nulls("person_id").sort("filled_at", "row_id")
    learners = school.group_by("person_id").last().filter(pl.col("value") == "是")["person_id"]
    _check(values, "EDU08", _where_known(values, t, "EDU08", _share(t, learners, 60), school, 60, 200))
    valid = t["stg_f13"].filter(pl.col("archive_status") == "有效")
    contracts = valid.filter(
        (pl.col("contract_status") == "有效") & (pl.col("contract_end_on") >= AS_OF).fill_null(True)
    )
    _check(values, "HEA02", _share(t, contracts["person_id"], None))
    checked = valid.filter(pl.col("checkup_on") >= date(AS_OF.year, 1, 1))
    _check(values, "HEA03", _share(t, checked["person_id"], 65))
    late = t["stg_f14"].filter((pl.col("status") == "应种未种") & (pl.col("due_on") < AS_OF))["person_id"]
    behind = _share(t, late, 0, 6)
    behind = behind.with_columns(top=pl.col("bottom") - pl.col("top"))
    _check(values, "HEA05", _where_known(values, t, "HEA05", behind, t["stg_f14"], 0, 6))
    for indicator, feed, low, high in (("EDU05", "stg_f17", 6, 14), ("EDU08", "", 60, 200), ("HEA05", "stg_f14", 0, 6)):
        seen = school["person_id"] if not feed else t[feed]["person_id"]
        people = _residents(at if indicator == "EDU05" else t)
        aged = people.filter(pl.col("age").is_between(low, high) | pl.col("age").is_null())
        silent = aged.filter(pl.col("age").is_null() | ~pl.col("person_id").is_in(seen.drop_nulls().unique().implode()))
        _unknown(values, indicator, silent.group_by("village_code").len("n"))
    _check(values, "PAR01", _share(t, t["stg_i06"]["person_id"], 18))
    _check(values, "PAR03", _share(t, t["stg_i09"].filter(pl.col("kind") == "居民")["person_id"], 16))
    spoke = t["stg_i03"].filter((pl.col("kind") == "议题") & (pl.col("action") != "read") & _recent("happened_at"))
    _check(values, "PAR04", _share(t, spoke["person_id"], 18))
    hours = t["stg_i06"].drop_nulls("person_id").group_by("person_id").agg(pl.col("year_hours").max())
    adults = _residents(t).filter(pl.col("age") >= 18).join(hours, on="person_id", how="left")
    _check(values, "PAR02", adults.group_by("village_code").agg(top=pl.col("year_hours").sum(), bottom=pl.len()))
    sent = t["stg_i02"].filter(_recent("sent_at")).join(_residents(t), on="person_id")
    _check(
        values,
        "PAR05",
        sent.group_by("village_code").agg(top=pl.col("replied_at").is_not_null().sum(), bottom=pl.len()),
    )


def test_chronic_disease_is_controlled_if_every_reading_is(values, tables):
    valid = tables["stg_f13"].filter(pl.col("archive_status") == "有效").drop_nulls("person_id")
    people: dict[str, list[bool]] = {}
    for row in valid.iter_rows(named=True):
        state = people.setdefault(row["person_id"], [False, True, False])
        state[0] |= bool({"hypertension", "diabetes"} & set(row["chronic"] or []))
        state[1] &= "未达标" not in (row["bp_control"], row["bg_control"])
        state[2] |= row["bp_control"] is not None or row["bg_control"] is not None
    managed = [person for person, state in people.items() if state[0]]
    controlled = [person for person in managed if people[person][1] and people[person][2]]
    own = _residents(tables).filter(pl.col("person_id").is_in(managed))
    _check(
        values,
        "HEA04",
        own.group_by("village_code").agg(top=pl.col("person_id").is_in(controlled).sum(), bottom=pl.len()),
    )


def test_safety_and_services(values, tables):
    t = tables
    hazards = _placed(t["stg_f33"]).drop_nulls("hazard_id")
    due = hazards.filter(_recent("due_on"))
    on_time = (pl.col("fixed_at").cast(pl.Date) <= pl.col("due_on")).fill_null(False)
    _check(values, "SAF01", due.group_by("village_code").agg(top=on_time.sum(), bottom=pl.len()))
    places = _placed(t["stg_f33"]).group_by("village_code").agg(bottom=pl.col("place_id").n_unique())
    open_ = (
        hazards.filter((pl.col("level") == "重大") & pl.col("fixed_at").is_null()).group_by("village_code").len("top")
    )
    _check(values, "SAF03", places.join(open_, on="village_code", how="left").with_columns(pl.col("top").fill_null(0)))
    closed = _placed(t["stg_f24"]).filter(_recent("closed_at"))
    _check(
        values, "SAF02", closed.group_by("village_code").agg(top=(pl.col("result") == "成功").sum(), bottom=pl.len())
    )
    devices = _placed(t["stg_f25"]).drop_nulls(["device_kind", "is_online"])
    _check(values, "SAF04", devices.group_by("village_code").agg(top=pl.col("is_online").sum(), bottom=pl.len()))
    alone = (
        t["household"]
        .filter(pl.col("size") == 1)
        .join(_residents(t).filter(pl.col("age") >= 60).select("household_id"), on="household_id")
    )
    homes = alone.join(t["dwelling"].select("dwelling_id", "has_smoke_alarm"), on="dwelling_id").drop_nulls(
        "has_smoke_alarm"
    )
    _check(values, "SAF05", homes.group_by("village_code").agg(top=pl.col("has_smoke_alarm").sum(), bottom=pl.len()))
    orders = _placed(t["stg_f27"]).filter(_recent("accepted_at"))
    judged = orders.drop_nulls("closed_at").filter(pl.col("solved").is_in(["解决", "部分解决", "未解决"]))
    _check(
        values, "SER01", judged.group_by("village_code").agg(top=(pl.col("solved") == "解决").sum(), bottom=pl.len())
    )
    rated = orders.filter(pl.col("satisfaction").is_in(["满意", "非常满意", "理解", "不满意"]))
    _check(
        values,
        "SER02",
        rated.group_by("village_code").agg(
            top=pl.col("satisfaction").is_in(["满意", "非常满意"]).sum(), bottom=pl.len()
        ),
    )
    cells = _placed(t["stg_i01"]).filter(_recent("filled_at"))
    known = cells.drop_nulls("filled_by")
    _check(
        values, "SER04", known.group_by("village_code").agg(top=(pl.col("filled_by") == "auto").sum(), bottom=pl.len())
    )
    _unknown(values, "SER04", cells.filter(pl.col("filled_by").is_null()).group_by("village_code").len("n"))
    members = _placed(t["stg_f22"]).filter(
        (pl.col("kind") == "文体团队")
        & (pl.col("end_on") >= AS_OF).fill_null(True)
        & (pl.col("start_on") <= AS_OF).fill_null(True)
    )
    teams = members.drop_nulls("team").group_by("village_code").agg(top=pl.col("team").n_unique())
    people = t["village"].select("village_code", bottom="n_res")
    _check(values, "CUL03", teams.join(people, on="village_code"))
    needs = _placed(t["stg_i11"]).filter(_recent("created_at"))
    quick = (pl.col("closed_at") - pl.col("created_at") <= timedelta(hours=24)).fill_null(False)
    _check(values, "SER06", needs.group_by("village_code").agg(top=quick.sum(), bottom=pl.len()))


def test_households_visited_and_honoured_and_allowances(values, tables):
    t = tables
    known = t["person"].select("person_id", "household_id")
    for indicator, feed in (
        ("SER03", t["stg_f04"].filter(_recent("visit_at"))),
        ("CUL04", t["stg_f21"].drop_nulls("household_award")),
    ):
        named = feed.join(known, on="person_id")["household_id"].unique()
        hand = (
            t["household"]
            .group_by("village_code")
            .agg(top=pl.col("household_id").is_in(named.implode()).sum(), bottom=pl.len())
        )
        _check(values, indicator, hand)
    allowed = (
        t["stg_f05"]
        .filter((pl.col("item") == "老年综合津贴") & (pl.col("status") == "在享"))["person_id"]
        .drop_nulls()
        .unique()
    )
    registered = (
        t["person"].filter((pl.col("alive") != "dead") & (pl.col("age") >= 65)).drop_nulls("hukou_village_code")
    )
    hand = registered.group_by("hukou_village_code").agg(
        top=pl.col("person_id").is_in(allowed.implode()).sum(), bottom=pl.len()
    )
    _check(values, "SER05", hand.rename({"hukou_village_code": "village_code"}))


def test_offsets_of_map_systems_are_undone(tables, tmp_path):
    """Points shifted into GCJ-02 and BD-09 come back to within two metres."""
    from jinja2 import Environment

    from pipelines.settings import REPOSITORY

    source = (REPOSITORY / "dbt_project/macros/index_coordinates.sql").read_text(encoding="utf-8")
    module = Environment().from_string(source).make_module()
    with duckdb.connect() as connection:
        shift_lon, shift_lat = (
            module.gcj_shift_lon("(lon - 105.0)", "(lat - 35.0)"),
            module.gcj_shift_lat("(lon - 105.0)", "(lat - 35.0)"),
        )
        connection.execute(
            "create table p as select 121.0 + i * 0.03 as lon, 31.0 + j * 0.03 as lat "
            "from range(10) a(i), range(10) b(j)"
        ).fetchall()
        connection.execute(
            f"""create table g as select lon as true_lon, lat as true_lat,
            1 - 0.00669342162296594323 * sin(radians(lat)) ** 2 as root,
            lon + {shift_lon} * 180 / (6378245.0 / sqrt(root) * cos(radians(lat)) * pi()) as x,
            lat + {shift_lat} * 180 / (6378245.0 * (1 - 0.00669342162296594323) / (root * sqrt(root)) * pi()) as y,
            sqrt(x * x + y * y) + 0.00002 * sin(y * pi() * 3000 / 180) as z,
            atan2(y, x) + 0.000003 * cos(x * pi() * 3000 / 180) as angle from p"""
        ).fetchall()
        connection.execute(
            """create table m as select 'GCJ-02' as coordinate_system, x as lon, y as lat, true_lon, true_lat from g
            union all select 'BD-09', z * cos(angle) + 0.0065, z * sin(angle) + 0.006, true_lon, true_lat from g
            union all select 'WGS84', true_lon, true_lat, true_lon, true_lat from g"""
        ).fetchall()
        found = connection.sql(f"select * from ({module.to_wgs84('m')})").pl()
    metres = (
        ((found["lon_wgs84"] - found["true_lon"]) * 95_400) ** 2
        + ((found["lat_wgs84"] - found["true_lat"]) * 111_320) ** 2
    ).sqrt()
    assert metres.max() < 2.5
    shifted = found.filter(pl.col("coordinate_system") != "WGS84")
    moved = (
        ((shifted["lon"] - shifted["true_lon"]) * 95_400) ** 2 + ((shifted["lat"] - shifted["true_lat"]) * 111_320) ** 2
    ).sqrt()
    assert moved.min() > 100


def test_parameters_used_by_models_are_declared():
    import re

    from pipelines.settings import REPOSITORY

    used: set[str] = set()
    for path in (REPOSITORY / "dbt_project/models/indices").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"index_parameter\('(\w+)'\)", text)) | set(
            re.findall(r"index_within\('[\w.]+', '(\w+)', '[FI]\d\d'\)", text)
        )
    assert used <= set(PARAMETERS) and len(used) > 8
    assert isinstance(datetime(2026, 1, 1), date)


def test_rows_count_for_the_person_they_mean_whatever_number_they_bear(tables, values, tmp_path):
    """A person's second number and rows without a number: the indicators are those of the persons meant."""
    others = {name: frame for name, frame in tables.items() if "person_id" in frame.columns and name.startswith("stg_")}
    assert len(others) > 10
    moved = dict(tables)
    for name, frame in others.items():
        moved[name] = frame.with_columns(person_id="second-" + pl.col("person_id"))
    keys = [key for frame in others.values() for key in frame["person_id"].drop_nulls().unique()]
    path = tmp_path / "moved.duckdb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_district(path, moved)
        with duckdb.connect(str(path)) as connection:
            pairs = pl.DataFrame({"key": sorted(set(keys))})
            connection.register("pairs", pairs.to_arrow())
            connection.execute("insert into identity.redirect select 'second-' || key, key from pairs").fetchall()
            connection.unregister("pairs")
        build_models(path, tmp_path, monkeypatch)
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.sql("select * from indices.indicator_value order by part_code, village_code").pl()
    assert found.equals(values.sort("part_code", "village_code"))
