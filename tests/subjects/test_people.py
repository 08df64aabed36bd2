"""Who is a person, where each value comes from, who lives where."""

from datetime import date

from tests.subjects.district import DISTRICT, EAST, WEST


def value(built, key: str, column: str):
    return built.rows(f"select {column} from subjects.person where person_id = '{key}'")[0][0]


def test_everyone_of_the_base_and_everyone_a_feed_names_is_one_person_and_nobody_else(built) -> None:
    known = {row["person_id"] for row in DISTRICT["B01"]}
    registered = {row["person_id"] for row in DISTRICT["F01"] if row["registration_id"] != "r5"}
    found = built.rows("select person_id, known_by from subjects.person")
    assert sorted(key for key, how in found if how == "base") == sorted(known | registered)
    # A landlord and a holder of a certificate whom the base does not know; the registration of o_gone was deleted.
    assert sorted(key for key, how in found if how == "feeds") == ["absentee", "stranger"]
    assert {how for _, how in found} == {"base", "feeds"}


def test_people_the_base_does_not_know_live_nowhere_and_count_nowhere(built) -> None:
    row = built.rows(
        "select p.name, s.name, p.cert_kind, p.alive, p.res_village_code, p.household_id from subjects.person p "
        "join subjects.person_source s using (person_id) where p.person_id = 'stranger'"
    )
    assert row == [("某某", "F06", "unknown", "unknown", None, None)]
    assert built.rows("select count(*) from subjects.person_village where person_id in ('stranger', 'absentee')") == [
        (0,)
    ]
    # Somebody met them at home all the same: that verifies nothing the base could know.
    assert value(built, "absentee", "verified_on") == date(2026, 10, 1)
    assert value(built, "absentee", "res_address") is None


def test_both_roles_are_told_where_the_two_villages_are_one(built) -> None:
    rows = built.rows("select village_code, role from subjects.person_village where person_id = 'w_widow' order by 2")
    assert rows == [(EAST, "hukou"), (EAST, "res")]


def test_of_several_rows_the_newest_speaks_and_of_equal_ones_always_the_same(built) -> None:
    assert value(built, "n_twice", "name") == "新名"
    assert value(built, "n_twice", "res_village_code") == EAST
    assert value(built, "n_equal", "name") == "先"


def test_someone_only_f01_knows_is_a_person_with_f01_as_source(built) -> None:
    row = built.rows(
        "select p.name, p.pop_type_code, p.nationality_code, p.res_village_code, p.cert_was_15, p.alive, "
        "s.name, s.alive from subjects.person p join subjects.person_source s using (person_id) "
        "where person_id = 'o_only'"
    )
    assert row == [("o_only(登记)", "02", "CHN", WEST, True, "unknown", "F01", None)]
    assert value(built, "o_open_end", "res_village_code") == WEST
    assert value(built, "o_open_end", "pop_subtype_code") == "0211"
    assert value(built, "o_closed", "res_village_code") is None


def test_residence_comes_whole_from_whoever_verified_it_last(built) -> None:
    source = built.column("select person_id, res_village_code from subjects.person_source where person_id like 'm_%'")
    assert source == {"m_moved": "F01", "m_stays": "B01"}
    assert (value(built, "m_moved", "res_village_code"), value(built, "m_moved", "res_dwelling_id")) == (WEST, "d_west")
    assert value(built, "m_moved", "res_address") == "乙路9号"
    assert (
        value(built, "m_stays", "res_village_code") == EAST and value(built, "m_stays", "res_dwelling_id") == "d_west"
    )
    # The rest of the person still comes from the base, but for the stay, where the registration goes first.
    assert value(built, "m_moved", "name") == "m_moved" and value(built, "m_moved", "stay_reason") == "business"
    assert value(built, "m_moved", "hukou_div_code") == "310118"


def test_an_empty_residence_is_at_home_unless_the_person_is_marked_as_elsewhere(built) -> None:
    places = built.column("select person_id, res_village_code from subjects.person where person_id like 'r_%'")
    assert places == {"r_home": EAST, "r_away": None, "r_empty": None, "r_nowhere": None, "r_two": WEST}
    assert value(built, "r_home", "res_dwelling_id") == "d_home" and value(built, "r_home", "res_address") == "甲路1号"


def test_villages_count_the_living_in_each_role(built) -> None:
    roles = built.rows("select village_code, role from subjects.person_village where person_id = 'r_two' order by role")
    assert roles == [(EAST, "hukou"), (WEST, "res")]
    assert built.rows("select count(*) from subjects.person_village where person_id = 'f_dead'") == [(0,)]
    assert value(built, "f_dead", "res_village_code") is None and value(built, "f_dead", "alive") == "dead"
    counts = built.rows("select n_res, n_hukou, n_away, n_80 from subjects.village order by village_code")
    res = {
        e: r
        for e, r in built.rows("select village_code, count(*) from subjects.person_village where role='res' group by 1")
    }
    assert [c[0] for c in counts] == [res[EAST], res[WEST]]
    assert counts[1][:3] == (res[WEST], 1, 1)
    assert counts[0][3] == 2


def test_a_person_born_on_29_february_grows_older_on_1_march(built) -> None:
    assert value(built, "a_leap", "age") == 18
    assert value(built, "a_none", "age") is None
    assert value(built, "a_unborn", "age") is None
    assert value(built, "f_twin1", "age") == 11
    assert value(built, "g_boy", "age") == 16


def test_what_the_number_says_is_compared_with_what_the_register_says(built) -> None:
    assert (value(built, "a_wrong", "is_birth_as_cert"), value(built, "a_wrong", "is_sex_as_cert")) == (False, False)
    assert (value(built, "f_wife", "is_birth_as_cert"), value(built, "f_wife", "is_sex_as_cert")) == (True, True)
    assert value(built, "a_none", "is_birth_as_cert") is None


def test_a_number_shared_by_households_is_counted_by_household(built) -> None:
    assert value(built, "p_one", "mobile_household_count") == 3
    assert value(built, "p_one", "is_mobile_valid") is True and value(built, "p_bad", "is_mobile_valid") is False
    assert value(built, "p_bad", "mobile_household_count") == 1 and value(built, "f_man", "has_mobile") is False
    assert value(built, "f_man", "mobile_household_count") is None


def test_codes_are_those_in_force(built) -> None:
    assert built.rows("select name from subjects.code where code_table = 'sex'") == [("男",)]


def test_rows_that_point_nowhere_are_counted(built) -> None:
    unplaced = {
        (feed, target, via): counts
        for feed, target, via, *counts in built.rows(
            "select feed, target, via, rows_in_use, rows_placed, rows_unplaced, rows_silent from subjects.unplaced"
        )
    }
    assert unplaced["F08", "person", "person_id"] == [5, 5, 0, 0]
    assert unplaced["F06", "person", "person_id"] == [3, 3, 0, 0]
    assert unplaced["F02", "dwelling", "dwelling_id"] == [3, 2, 1, 0]
    assert unplaced["F02", "person", "landlord_id"] == [3, 2, 0, 1]
    assert unplaced["F01", "person", "person_id"] == [6, 6, 0, 0]


def test_leases_and_registrations_run_to_their_last_day(built) -> None:
    assert built.column("select lease_id, is_open from subjects.lease") == {"z1": True, "z2": False, "z3": False}
    open_now = built.column("select registration_id, is_open from subjects.residence_reg")
    assert open_now == {"r1": True, "r2": True, "r3": True, "r3x": False, "r4": False, "r6": True}
    assert built.column("select pension_kind, last_paid_on from subjects.insurance") == {
        "居民": date(2024, 2, 1),
        "职工": None,
    }


def test_the_mental_kind_is_withheld_and_kept_apart(built) -> None:
    row = built.rows(
        "select kind_code, grade_code, services, subsidies from subjects.disability where person_id='l_mother'"
    )
    assert row == [(None, "2", ["居家养护"], ["护理补贴"])]
    restricted = built.rows(
        "select is_mental, kind_code, services from subjects.disability_restricted where person_id = 'l_mother'"
    )
    assert restricted == [(True, "6", ["阳光心园", "居家养护"])]
    assert built.column("select person_id, kind_code from subjects.disability where person_id <> 'l_mother'") == {
        "s_son": None,
        "w_widow": "1",
        "stranger": "4",
    }
    assert built.rows("select grade_code from subjects.disability where person_id = 'w_widow'") == [("3",)]
