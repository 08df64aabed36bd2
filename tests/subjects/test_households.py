"""Who lives together as a household, who heads it, and what its members are to each other."""

import pytest

from tests.subjects.district import DISTRICT


@pytest.fixture(scope="module")
def homes(built) -> dict[str, tuple]:
    """Household columns by the person_id of its head."""
    rows = built.rows(
        "select head_id, size, generations, n_children, is_single_parent, is_skipped_generation, is_head_present, "
        "n_disabled, has_elder_with_disabled_child from subjects.household"
    )
    return {row[0]: row[1:] for row in rows}


def kin(built, key: str) -> tuple:
    """Spouse, parent, adult child, minor children, any relative in the dwelling."""
    return built.rows(
        "select is_spouse_in_dwelling, is_parent_in_dwelling, is_adult_child_in_dwelling, "
        f"are_minor_children_in_dwelling, is_relative_in_dwelling from subjects.person where person_id = '{key}'"
    )[0]


def members(built, key: str) -> list[str]:
    return [
        k
        for (k,) in built.rows(
            "select person_id from subjects.person where household_id = "
            f"(select household_id from subjects.person where person_id = '{key}') order by 1"
        )
    ]


def test_kin_of_the_main_resident_are_one_household_without_the_dead(built, homes) -> None:
    assert members(built, "f_man") == ["f_gran", "f_man", "f_twin1", "f_twin2", "f_wife"]
    assert homes["f_man"][:3] == (5, 3, 2)
    assert homes["f_man"][3:5] == (False, False)


def test_unrelated_tenants_are_households_of_their_own_but_spouses_are_one(built) -> None:
    assert [members(built, f"t_{i}") for i in range(4)] == [[f"t_{i}"] for i in range(4)]
    assert members(built, "t_man") == ["t_man", "t_wife"]
    occupants = built.rows(
        "select occupant_count, unrelated_adult_count, renter_count from subjects.dwelling "
        "where dwelling_id = 'd_shared'"
    )
    assert occupants == [(6, 5, 6)]


def test_marriage_joins_what_a_register_began(built, homes) -> None:
    assert members(built, "b_one") == ["b_one", "b_two", "b_wife"]
    assert homes["b_one"][5] is True


def test_people_alone_in_collective_quarters_are_no_household_and_spouses_there_are(built, homes) -> None:
    assert members(built, "c_man") == ["c_man", "c_wife"]
    rows = built.column("select person_id, household_id from subjects.person where person_id like 'c_%' order by 1")
    assert {key for key, home in rows.items() if home is None} == {"c_elder", "c_site", "c_worker"}
    assert "c_elder" not in homes


def test_special_households(homes) -> None:
    assert homes["g_gran"][:5] == (2, 2, 0, False, True)
    assert homes["l_mother"][:5] == (2, 2, 1, True, False)
    assert homes["w_widow"][:5] == (1, 1, 0, False, False)
    assert homes["s_mother"][7] is True and homes["s_mother"][6] == 1
    assert homes["w_widow"][6] == 0, "an expired certificate does not count"
    assert homes["l_mother"][6] == 1


def test_what_nobody_says_is_unknown(built, homes) -> None:
    size, generations, *judged = homes["u_one"]
    assert (size, generations) == (2, 2), "ages tell generations where relations do not"
    assert judged[:3] == [None, None, None]
    assert kin(built, "u_one") == (None, None, None, None, True)


def test_kin_in_the_dwelling(built) -> None:
    assert kin(built, "f_man") == (True, True, False, True, True)
    assert kin(built, "f_wife") == (True, False, False, True, True)
    assert kin(built, "f_twin1") == (False, True, False, False, True)
    assert kin(built, "f_gran") == (False, False, True, False, True)
    assert kin(built, "g_boy")[1] is False and kin(built, "g_gran")[3] is False
    assert kin(built, "s_mother") == (None, False, True, False, True)
    assert kin(built, "t_0") == (None, False, False, False, False)
    assert kin(built, "t_wife")[0] is True
    assert kin(built, "w_widow") == (False, False, False, False, False)
    assert kin(built, "c_worker") == (None, False, False, False, False)
    assert kin(built, "r_away") == (None, None, None, None, None)


def test_without_the_disability_feed_its_counts_are_unknown(empty_warehouse) -> None:
    empty_warehouse.fill(DISTRICT | {"F08": []}, missing=("F08",))
    assert empty_warehouse.build("path:models/feeds", "path:models/subjects")
    rows = empty_warehouse.rows("select distinct n_disabled, has_elder_with_disabled_child from subjects.household")
    assert rows == [(None, None)]
