"""A hand-made district of two villages in two towns, and the people in it whom rules tend to get wrong."""

from datetime import date
from typing import Any

EAST, WEST = "310118001001", "310118102201"

VILLAGES = [
    {
        "village_code": EAST,
        "name": "东社区居委会",
        "kind": "居",
        "town_code": EAST[:9],
        "town_name": "甲街道",
        "is_rural": False,
    },
    {
        "village_code": WEST,
        "name": "西村村委会",
        "kind": "村",
        "town_code": WEST[:9],
        "town_name": "乙镇",
        "is_rural": True,
    },
]


def person(key: str, **values: Any) -> dict[str, Any]:
    """A row of B01: a registered woman of 46 who lives at home, unless told otherwise."""
    row = {
        "person_id": key, "person_cert_masked": "****************11", "person_cert_kind": "idcard",
        "person_cert_was_15": False, "person_cert_birth_on": values.get("birth_on", date(1980, 5, 1)),
        "person_cert_sex_code": "2", "name": key, "sex_code": "2", "birth_on": date(1980, 5, 1),
        "nationality_code": "CHN", "pop_type_code": "01", "hukou_div_code": "310118", "hukou_village_code": EAST,
        "res_village_code": EAST, "is_empty_hukou": False, "is_separated": False, "alive": "alive", "tenure": "own",
        "verified_on": date(2026, 6, 1), "updated_at": "2026-10-30 08:00:00",
    }  # fmt: skip
    return row | values


def at(dwelling: str, main: str, **values: Any) -> dict[str, Any]:
    """Where someone lives and what they are to the dwelling's main resident."""
    return {"res_dwelling_id": dwelling, "rel_main_code": main} | values


def dwelling(key: str, village: str = EAST, **values: Any) -> dict[str, Any]:
    return {"dwelling_id": key, "village_code": village, "std_address": f"{key}号", "gross_area_m2": 90} | values


BORN = {
    "baby": date(2026, 1, 15), "child": date(2015, 3, 1), "teen": date(2010, 10, 31), "adult": date(1988, 7, 7),
    "elder": date(1955, 1, 1), "oldest": date(1930, 12, 31),
}  # fmt: skip

B01 = [
    # A family of three generations; the father's father is dead.
    person("f_man", sex_code="1", birth_on=BORN["adult"], marital_code="20", spouse_id="f_wife",
           **at("d_family", "01")),
    person("f_wife", birth_on=BORN["adult"], marital_code="20", spouse_id="f_man", **at("d_family", "12")),
    person("f_twin1", birth_on=BORN["child"], marital_code="10", **at("d_family", "32")),
    person("f_twin2", birth_on=BORN["child"], marital_code="10", **at("d_family", "33")),
    person("f_gran", birth_on=BORN["elder"], marital_code="30", **at("d_family", "52")),
    person("f_dead", birth_on=BORN["elder"], alive="dead", death_on=date(2025, 1, 1), **at("d_family", "51")),
    # Six tenants who are strangers to each other, two of them married to each other, each their own main resident.
    *[
        person(f"t_{i}", pop_type_code="02", hukou_village_code=None, hukou_div_code="340123", tenure="rent",
               birth_on=date(1990 + i, 1, 1), **at("d_shared", "01"))
        for i in range(4)
    ],
    person("t_wife", pop_type_code="02", tenure="rent", hukou_village_code=None, marital_code="20", spouse_id="t_man",
           **at("d_shared", "01")),
    person("t_man", pop_type_code="02", tenure="rent", hukou_village_code=None, marital_code="20", sex_code="1",
           **at("d_shared", "01")),
    # Two brothers of one register, and the wife of one who is not in it: marriage joins what the register began.
    person("b_one", sex_code="1", hukou_no="H1", rel_head_code="02", **at("d_brothers", "99")),
    person("b_two", sex_code="1", hukou_no="H1", rel_head_code="73", spouse_id="b_wife", **at("d_brothers", "99")),
    person("b_wife", hukou_no="H2", hukou_village_code=WEST, **at("d_brothers", "99")),
    # A grandmother bringing up a boy, a lone mother, a widow alone.
    person("g_gran", birth_on=BORN["elder"], marital_code="30", **at("d_skipped", "01")),
    person("g_boy", sex_code="1", birth_on=BORN["teen"], **at("d_skipped", "41")),
    person("l_mother", marital_code="40", **at("d_lone", "01")),
    person("l_child", birth_on=BORN["child"], **at("d_lone", "30")),
    person("w_widow", birth_on=BORN["oldest"], marital_code="30", **at("d_widow", "01")),
    # An old mother with a severely disabled son.
    person("s_mother", birth_on=BORN["elder"], **at("d_severe", "01")),
    person("s_son", sex_code="1", birth_on=BORN["adult"], **at("d_severe", "20")),
    # Nobody says what these two are to each other.
    person("u_one", birth_on=BORN["elder"], hukou_no="H9", **at("d_unknown", None)),
    person("u_two", birth_on=BORN["child"], hukou_no="H9", **at("d_unknown", None)),
    # A couple married to each other, in a dormitory; a worker alone in one; an elder in a care home.
    person("c_man", sex_code="1", tenure="dorm", spouse_id="c_wife", marital_code="20", **at("d_dorm", "99")),
    person("c_wife", tenure="dorm", spouse_id="c_man", marital_code="20", **at("d_dorm", "99")),
    person("c_worker", tenure="dorm", pop_type_code="02", hukou_village_code=None, **at("d_dorm", "99")),
    person("c_site", tenure="shed", pop_type_code="02", hukou_village_code=None, **at("d_dorm", "99")),
    person("c_elder", tenure="institution", birth_on=BORN["oldest"], **at("d_care", "99")),
    # Residence left empty: at home; elsewhere; registered where nobody lives.
    person("r_home", res_village_code=None, hukou_dwelling_id="d_home", hukou_address="甲路1号"),
    person("r_away", res_village_code=None, is_separated=True, hukou_dwelling_id="d_home"),
    person("r_empty", res_village_code=None, is_empty_hukou=True, hukou_dwelling_id="d_home"),
    person("r_nowhere", res_village_code="310118999999", hukou_village_code="310118999999"),
    # Registered in one village, living in the other.
    person("r_two", res_village_code=WEST, is_separated=True, **at("d_west", "01")),
    # Several rows of one person: the newest speaks; of two equally new ones the first of the delivery.
    person("n_twice", name="旧名", updated_at="2026-10-01 00:00:00", res_village_code=WEST),
    person("n_twice", name="新名", updated_at="2026-10-29 00:00:00"),
    person("n_equal", name="先", updated_at="2026-10-29 00:00:00"),
    person("n_equal", name="后", updated_at="2026-10-29 00:00:00"),
    # 29 February, unknown birth, a number that says otherwise.
    person("a_leap", birth_on=date(2008, 2, 29)),
    person("a_none", birth_on=None),
    person("a_wrong", birth_on=date(1970, 1, 1), person_cert_birth_on=date(1971, 1, 1), sex_code="1"),
    person("a_unborn", birth_on=date(2026, 11, 5)),
    # Moved: the registration of people from elsewhere knows the newer address.
    person("m_moved", pop_type_code="02", hukou_village_code=None, verified_on=date(2026, 3, 1), stay_reason="work",
           tenure="rent", **at("d_family", "99")),
    person("m_stays", pop_type_code="02", hukou_village_code=None, verified_on=date(2026, 9, 9), **at("d_west", "99")),
    # Three people of three households use one mobile number.
    person("p_one", mobile="10012345678"), person("p_two", mobile="10012345678"),
    person("p_three", mobile="10012345678"), person("p_bad", mobile="69210000"),
]  # fmt: skip


def registration(number: str, key: str, **values: Any) -> dict[str, Any]:
    row = {
        "registration_id": number, "person_id": key, "person_cert_kind": "idcard", "person_cert_was_15": True,
        "person_cert_masked": "****************22", "name": f"{key}(登记)", "sex_code": "1",
        "birth_on": date(1995, 1, 1),
        "hukou_div_code": "341221", "hukou_address": "安徽某地", "res_address": "乙路9号", "village_code": WEST,
        "dwelling_id": "d_west", "reg_on": date(2026, 7, 1), "valid_to_on": date(2027, 7, 1), "permit_type": "登记",
        "permit_type_code": "0000", "reason": "business", "change_code": "A",
    }  # fmt: skip
    return row | values


F01 = [
    registration("r1", "m_moved"),
    registration("r2", "m_stays", village_code=EAST, dwelling_id="d_family"),
    registration("r3", "o_only"),
    registration("r3x", "o_only", reg_on=date(2020, 1, 1), name="旧登记", valid_to_on=date(2021, 1, 1)),
    registration("r4", "o_closed", valid_to_on=date(2026, 10, 30)),
    registration("r5", "o_gone"),
    registration("r5", "o_gone", change_code="D", reg_on=date(2026, 8, 1)),
    registration("r6", "o_open_end", valid_to_on=None, permit_type_code="0211"),
]

F08 = [
    {"person_id": "s_son", "person_cert_masked": "****************33", "name": "证上名", "sex_code": "1",
     "kind_code": "5", "grade_code": "1", "valid_to_on": date(2030, 1, 1),
     "issued_on": date(2020, 1, 1), "services": ["辅具"]},
    {"person_id": "l_mother", "kind_code": "6", "grade_code": "2", "valid_to_on": date(2030, 1, 1),
     "issued_on": date(2020, 1, 1), "services": ["阳光心园", "居家养护"], "subsidies": ["护理补贴"]},
    {"person_id": "w_widow", "kind_code": "1", "grade_code": "3", "valid_to_on": date(2026, 10, 30),
     "issued_on": date(2016, 10, 30)},
    {"person_id": "w_widow", "kind_code": "1", "grade_code": "4", "valid_to_on": date(2016, 1, 1),
     "issued_on": date(2006, 1, 1)},
    {"person_id": "stranger", "kind_code": "4", "grade_code": "2", "issued_on": date(2020, 1, 1)},
]  # fmt: skip

F06 = [
    {"case_id": "k1", "person_id": "l_mother", "name": "l_mother", "item": "低保", "status": "在享", "amount_cny": 1420,
     "village_code": EAST, "is_applicant": True, "n_family": 2},
    {"case_id": "k1", "person_id": "l_child", "name": "l_child", "item": "低保", "status": "在享", "amount_cny": 1420,
     "village_code": EAST, "is_applicant": False, "n_family": 2},
    {"case_id": "k2", "person_id": "stranger", "name": "某某", "item": "特困", "status": "在享", "village_code": WEST},
]  # fmt: skip

F02 = [
    {"lease_id": "z1", "dwelling_id": "d_shared", "landlord_id": "f_man", "landlord_name": "f_man", "is_filed": True,
     "start_on": date(2026, 1, 1), "end_on": date(2026, 10, 31), "tenant_count": 6},
    {"lease_id": "z2", "dwelling_id": "d_west", "landlord_id": "absentee", "start_on": date(2026, 1, 1),
     "end_on": date(2026, 10, 30)},
    {"lease_id": "z3", "dwelling_id": "d_nowhere", "landlord_id": None, "start_on": date(2026, 11, 1), "end_on": None},
]  # fmt: skip

DISTRICT = {
    "B01": B01,
    "F04": [
        {
            "visit_id": "v1",
            "person_id": "absentee",
            "visit_at": "2026-10-01 09:00:00",
            "village_code": EAST,
            "address": "甲路1号",
            "meet_result": "已见",
            "visit_type": "日常走访",
        },
    ],
    "B02": [
        *[dwelling(k) for k in ("d_family", "d_shared", "d_brothers", "d_skipped", "d_lone", "d_widow", "d_severe")],
        *[dwelling(k) for k in ("d_unknown", "d_dorm", "d_care", "d_home")],
        dwelling("d_west", WEST, use_status="出租"),
        dwelling("d_empty", WEST, use_status="空置"),
    ],
    "B03": VILLAGES,
    "B04": [{"facility_id": "s1", "kind": "小学", "name": "某小学", "village_code": EAST, "status": "在用"}],
    "B05": [
        {"code_table": "sex", "code": "1", "name": "男性", "standard": "GB/T 2261.1", "valid_to": date(2026, 10, 30)},
        {"code_table": "sex", "code": "1", "name": "男", "standard": "GB/T 2261.1", "valid_from": date(2026, 10, 31)},
    ],
    "F01": F01,
    "F02": F02,
    "F06": F06,
    "F08": F08,
    "F11": [
        {"person_id": "w_widow", "pension_kind": "居民", "pension_status": "领取", "last_paid_ym": 202402},
        {"person_id": "w_widow", "pension_kind": "职工", "pension_status": "领取", "last_paid_ym": None},
    ],
}
