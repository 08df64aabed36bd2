"""Leases, firms, places and people placed by address; households as other feeds know them: hand-made rows."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.subjects.conftest import Warehouse
from tests.subjects.district import person
from tests.subjects.test_organisations import ONE, OTHER, WRONG

EAST, WEST = "310118001001", "310118103274"
HEAD = "上海市青浦区夏阳街道青松路9001弄"


def village(code: str, name: str, town: str) -> dict[str, Any]:
    return {"village_code": code, "name": name, "town_code": code[:9], "town_name": town, "is_rural": False}


def dwelling(key: str, address: str, village_code: str = EAST, **values: Any) -> dict[str, Any]:
    return {"dwelling_id": key, "std_address": address, "village_code": village_code, "build_type": "商品房"} | values


def lives(key: str, home: str | None, main: str | None = "01", **values: Any) -> dict[str, Any]:
    return person(
        key, hukou_village_code=EAST, res_village_code=EAST, res_dwelling_id=home, rel_main_code=main, **values
    )


def lease(key: str, home: str | None, address: str) -> dict[str, Any]:
    return {"lease_id": key, "dwelling_id": home, "address": address, "start_on": date(2026, 1, 1)}


def firm(code: str, name: str, address: str | None, village_code: str | None = None, **values: Any) -> dict[str, Any]:
    return {"uscc": code, "name": name, "biz_address": address, "village_code": village_code, "status": "存续"} | values


def branch(member: str | None, kind: str | None, **values: Any) -> dict[str, Any]:
    return {"branch_id": "DZB1", "branch_name": "东盛第一党支部", "person_id": member, "member_kind": kind} | values


def inspection(key: str, place: str, name: str, day: int, **values: Any) -> dict[str, Any]:
    return {"inspection_id": key, "place_id": place, "place_name": name, "place_kind": "企业",
            "address": f"{HEAD}2号101室", "inspected_at": datetime(2026, 10, day), "village_code": EAST,
            **values}  # fmt: skip


def job(key: str, status: str, day: int) -> dict[str, Any]:
    return {"person_id": key, "status": status, "status_on": date(2026, 9, day)}


def visit(key: str, to: str | None, day: int, result: str, address: str | None = None) -> dict[str, Any]:
    return {"visit_id": key, "person_id": to, "visit_at": datetime(2026, 10, day), "meet_result": result,
            "address": address, "village_code": EAST}  # fmt: skip


def outlet(key: str, village_code: str, **values: Any) -> dict[str, Any]:
    return {"outlet_id": key, "name": key, "kind": "便利店", "status": "在营", "village_code": village_code} | values


ELDER, CHILD, ADULT = date(1955, 1, 1), date(2015, 3, 1), date(1985, 1, 1)
ROWS = {
    "B03": [village(EAST, "东盛社区居委会", "夏阳街道"), village(WEST, "东庄村村委会", "练塘镇")],
    "B02": [
        dwelling("d1", f"{HEAD}1号101室", estate_id="XQ1"),
        dwelling("d2", f"{HEAD}2号101室", estate_id="XQ1"),
        dwelling("d2b", f"{HEAD}2号102室", estate_id="XQ1"),
        dwelling("d3", "上海市青浦区练塘镇东庄村3组12号", WEST, build_type="宅基地", lon=Decimal("121.101"),
                 lat=Decimal("31.15")),
        dwelling("d_old", f"{HEAD}4号101室"),
        dwelling("d_nest", f"{HEAD}5号101室"),
        dwelling("lost", f"{HEAD}7号101室", "310118001999"),
        dwelling("lost_alone", "上海市青浦区练塘镇某路7号", "310118103999"),
        dwelling("d_kin", f"{HEAD}6号101室"),
    ],
    "B01": [
        lives("worker", "d1", birth_on=ADULT), lives("seeker", "d1", "12", birth_on=ADULT),
        lives("pupil", "d1", "32", birth_on=CHILD),
        lives("nobody", "d3", birth_on=ADULT),
        lives("widow", "d_old", birth_on=ELDER),
        lives("old_man", "d_nest", birth_on=ELDER), lives("young_wife", "d_nest", "12", birth_on=date(1970, 1, 1)),
        lives("gran", "d_kin", birth_on=ELDER), lives("boy", "d_kin", "41", birth_on=CHILD),
        lives("by_address", None, None, res_address="夏阳青松路9001弄2-102"),
        lives("by_nothing", None, None, res_address="夏阳青松路9001弄2号"),
    ],
    "F02": [
        lease("code", "d1", "随便"), lease("address", None, "青松路９００１弄２号１０２室"),
        lease("unknown", "d_gone", f"{HEAD}2号101室"), lease("several", None, f"{HEAD}2号"),
        lease("no_address", None, ""),
    ],
    "F32": [
        firm(ONE, "上海青试贸易有限公司", f"{HEAD}1号101室", is_abnormal=True, on_site="true",
             reg_address="东庄村3组12号"),
        firm(WRONG, "上海青试贸易有限责任公司", f"{HEAD}1号101室", status="注销"),
        firm(OTHER, "上海另试贸易有限公司", f"{HEAD}2号", WEST, on_site="unknown"),
    ],
    "F31": [{"coop_uscc": "N2319901MF0000164D", "person_id": "nobody"}],
    "F20": [
        branch("worker", "正式"), branch("seeker", "积极分子"), branch("widow", "正式", membership="转出"),
        branch(None, None, branch_village_code=EAST, founded_on=date(1991, 5, 1)),
    ],
    "F33": [
        inspection("i1", "CS1", "小工厂", 1, uscc=ONE, hazard_id="YH1", status="待整改", level="一般"),
        inspection("i2", "CS1", "小工厂", 9, hazard_id="YH1", status="已整改", fixed_at=datetime(2026, 10, 9)),
        inspection("i3", "CS2", "小 工厂", 5, village_code=EAST),
        inspection("i4", "CS3", "大工厂", 5, village_code="310118001999"),
        inspection("i5", "CS4", "上海青试贸易有限公司", 5, address=f"{HEAD}1号101室"),
    ],
    "F26": [
        {"task_id": "BJ1", "component_kind": "路灯", "component_state": "完好", "village_code": EAST},
        {"task_id": "T1", "kind": "事件", "village_code": EAST},
    ],
    "F28": [
        {"point_id": "HW1", "kind": "公厕", "status": "停用", "month_on": date(2026, 8, 1), "village_code": EAST},
        {"point_id": "HW1", "kind": "公厕", "status": "完好", "month_on": date(2026, 9, 1), "village_code": WEST},
    ],
    "F29": [
        {"estate_id": "XQ1", "name": "东盛家园", "village_code": "310118001999"},
        {"estate_id": "XQ2", "name": "无房家园", "village_code": WEST},
        {"estate_id": "XQ3", "name": "两期家园(一期)", "village_code": EAST, "households": 200, "chargers": 3,
         "parking": 90, "built_year": 2005, "score": Decimal("81.0"), "committee_status": "已组建"},
        {"estate_id": "XQ3", "name": "两期家园(二期)", "village_code": EAST, "households": 150, "chargers": 4,
         "built_year": 2009, "score": Decimal("77.5"), "committee_status": "筹备"},
    ],
    "F19": [
        # No village there is; the road's lane is all in one village.
        outlet("by_address", "310118999999", address=f"{HEAD}99号"),
        outlet("stated", WEST, address="青浦区夏阳街道无此路1号"),
        # 95 m from a home, and 380 m.
        outlet("by_home", "310118999999", lon=Decimal("121.1"), lat=Decimal("31.15"), coordinate_system="WGS84"),
        outlet("nowhere", "310118999999", lon=Decimal("121.105"), lat=Decimal("31.15"), coordinate_system="WGS84"),
    ],
    "F18": [job("worker", "失业", 1), job("worker", "就业", 5), job("seeker", "就业", 1), job("seeker", "失业", 5)],
    "F09": [{"person_id": "widow", "kind": "现役军人家属"}, {"person_id": "worker", "kind": "转业"}],
    "F21": [
        {"person_id": "seeker", "household_award": "最美家庭"}, {"person_id": "worker", "household_award": "文明家庭"},
        {"person_id": "worker", "household_award": "文明家庭"}, {"person_id": "widow", "household_award": None},
    ],
    "F04": [
        visit("v1", "worker", 1, "已见"), visit("v2", "worker", 5, "未遇"), visit("v3", "seeker", 9, "未遇"),
        visit("v4", None, 8, "已见", f"{HEAD}4号101室"), visit("v5", None, 9, "已见", f"{HEAD}2号"),
        visit("v6", "gran", 2, "未遇"), visit("v7", "gran", 3, "空户"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory, project, contracts) -> Iterator[Warehouse]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        warehouse = Warehouse(tmp_path_factory.mktemp("p") / "placed.duckdb", project, contracts, monkeypatch)
        warehouse.fill(ROWS)
        assert warehouse.build("path:models/feeds", "path:models/subjects")
        yield warehouse


def test_a_lease_finds_its_dwelling_by_code_else_by_address_else_not(placed: Warehouse) -> None:
    rows = placed.rows("select lease_id, dwelling_id, dwelling_method, dwelling_confidence from subjects.lease")
    assert {row[0]: row[1:] for row in rows} == {
        "code": ("d1", "code", Decimal(1)),
        "address": ("d2b", "town_unsaid", Decimal("0.99")),
        "unknown": ("d2", "exact", Decimal(1)),
        "several": (None, None, None),
        "no_address": (None, None, None),
    }
    told = placed.rows(
        "select method, reason, rows_in_use, rows_with_dwelling, rows_with_village from subjects.address_status "
        "where feed = 'F02' order by all"
    )
    assert ("house", "ambiguous", 1, 0, 1) in told and (None, "empty", 1, 0, 0) in told
    outlets = (
        "select sum(rows_with_village), sum(rows_with_stated_village) from subjects.address_status where feed = 'F19'"
    )
    assert placed.rows(outlets) == [(1, 1)]


def test_an_outlet_lies_where_it_says_else_where_its_address_leads_else_by_the_nearest_home(placed: Warehouse) -> None:
    rows = placed.rows("select outlet_id, village_code, village_method, lon, lat from subjects.outlet order by 1")
    here, far = Decimal("121.100000"), Decimal("31.150000")
    assert rows == [
        ("by_address", EAST, "lane", None, None),
        ("by_home", WEST, "near", here, far),
        ("nowhere", None, None, Decimal("121.105000"), far),
        ("stated", WEST, "stated", None, None),
    ]


def test_people_find_their_dwelling_by_address_where_no_number_is_stated(placed: Warehouse) -> None:
    rows = placed.rows("select person_id, dwelling_id, role, method from subjects.person_dwelling")
    found = {row[0]: row[1:] for row in rows}
    assert found["worker"] == ("d1", "res", "code")
    assert found["by_address"] == ("d2b", "res", "exact")
    assert "by_nothing" not in found and len(rows) == len(found)


def test_organisations_are_one_for_each_code_with_the_first_word_and_its_source(placed: Warehouse) -> None:
    rows = placed.rows(
        "select organisation_id, id_method, name, name_source, status, village_code, village_method, dwelling_id, "
        "premises_type, registered_village_code, is_on_site from subjects.organisation"
    )
    found = {row[0]: row[1:] for row in rows}
    assert found[ONE] == ("code", "上海青试贸易有限公司", "F32", "存续", EAST, "exact", "d1", "商品房", WEST, True)
    assert WRONG not in found
    assert found[OTHER] == ("code", "上海另试贸易有限公司", "F32", "存续", WEST, "stated", None, None, None, None)
    assert found["N2319901MF0000164D"][:4] == ("code", None, None, None)
    branch = placed.rows(
        "select name, party_kind, village_code, established_on, is_registered from subjects.organisation "
        "where id_method = 'own'"
    )
    assert branch == [("东盛第一党支部", "党支部", EAST, date(1991, 5, 1), True)]


def test_places_of_one_name_and_house_are_one_and_hazards_speak_last(placed: Warehouse) -> None:
    rows = placed.rows(
        "select place_id, n_numbers, village_code, village_method, dwelling_id, organisation_id, n_inspections "
        "from subjects.place"
    )
    assert {row[0]: row[1:] for row in rows} == {
        "CS1": (2, EAST, "stated", "d2", ONE, 3),
        "CS3": (1, EAST, "exact", "d2", None, 1),
        "CS4": (1, EAST, "stated", "d1", ONE, 1),
    }
    assert placed.rows("select hazard_id, place_id, inspection_id, status from subjects.hazard") == [
        ("YH1", "CS1", "i2", "已整改")
    ]


def test_a_dwelling_whose_village_is_none_lies_where_all_its_neighbours_do(placed: Warehouse) -> None:
    rows = placed.rows(
        "select dwelling_id, village_code, village_method from subjects.dwelling where dwelling_id like 'lost%'"
    )
    assert set(rows) == {("lost", EAST, "neighbours"), ("lost_alone", None, None)}


def test_broken_codes_and_second_numbers_say_what_they_mean_now(placed: Warehouse) -> None:
    rows = placed.rows("select subject, former_id, subject_id from subjects.former_id order by 1")
    assert rows == [("organisation", WRONG, ONE), ("place", "CS2", "CS1")]


def test_a_dwelling_knows_the_kinds_of_its_places_and_how_many_firms_not_which(placed: Warehouse) -> None:
    rows = placed.rows("select dwelling_id, place_kinds, firm_count from subjects.dwelling where dwelling_id like 'd_'")
    assert {row[0]: row[1:] for row in rows} == {"d1": (["企业"], 1), "d2": (["企业"], 0), "d3": ([], 0)}


def test_components_and_points_are_each_one_as_last_known(placed: Warehouse) -> None:
    assert placed.rows("select component_id, kind, state, village_code from subjects.component order by 1") == [
        ("cBJ1", "路灯", "完好", EAST),
        ("pHW1", "公厕", "完好", WEST),
    ]


def test_an_estate_lies_where_most_of_its_dwellings_do_if_its_village_is_none(placed: Warehouse) -> None:
    rows = placed.rows("select estate_id, village_code, n_dwelling, n_res from subjects.estate order by 1")
    # The fourth resident is known there by the address alone.
    assert rows == [("XQ1", EAST, 3, 4), ("XQ2", WEST, None, None), ("XQ3", EAST, None, None)]


def test_an_estate_registered_by_phases_is_one_estate(placed: Warehouse) -> None:
    rows = placed.rows(
        "select name, households, chargers, parking, built_year, score, committee_status from subjects.estate "
        "where estate_id = 'XQ3'"
    )
    # How many parking places there are is not known as long as one phase does not say.
    assert rows == [("两期家园", 350, 7, None, 2005, Decimal("81.0"), "已组建")]


HOUSEHOLD = (
    "select head_id, n_employed, n_unemployed, n_job_unknown, n_party, n_military_family, honors, last_visit_on, "
    "n_missed_visits, dependency_pct, is_empty_nest, n_child_without_parent from subjects.household"
)


def test_households_as_other_feeds_know_them(placed: Warehouse) -> None:
    found = {row[0]: row[1:] for row in placed.rows(HOUSEHOLD)}
    # The last word on a job counts; an applicant is no member of a branch; two visits since somebody was met.
    assert found["worker"][:8] == (1, 1, 0, 1, 0, ["文明家庭", "最美家庭"], date(2026, 10, 9), 2)
    # Visited at the address of the only household there; gone from the branch.
    assert found["widow"][:8] == (0, 0, 0, 0, 1, [], date(2026, 10, 8), 0)
    assert found["nobody"][:8] == (0, 0, 1, 0, 0, [], None, 0)
    # An empty house is no meeting missed.
    assert found["gran"][6:8] == (date(2026, 10, 3), 0)


def test_dependants_empty_nests_and_children_without_parents(placed: Warehouse) -> None:
    found = {row[0]: row[9:] for row in placed.rows(HOUSEHOLD)}
    assert found["worker"] == (Decimal("50.00"), False, 0)
    assert found["widow"] == (None, True, 0)
    assert found["old_man"] == (Decimal("100.00"), True, 0)
    assert found["gran"] == (None, False, 1)


def test_without_a_feed_what_it_counts_is_unknown(empty_warehouse: Warehouse) -> None:
    gone = ("F18", "F20", "F09", "F21", "F04")
    empty_warehouse.fill({feed: rows for feed, rows in ROWS.items() if feed not in gone}, missing=gone)
    assert empty_warehouse.build("path:models/feeds", "path:models/subjects")
    for row in empty_warehouse.rows(HOUSEHOLD):
        assert row[1:9] == (None,) * 8
