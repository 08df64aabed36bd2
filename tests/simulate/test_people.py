"""The district itself: census margins, households that could exist, numbers nobody real can have."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from stdnum.iso7064 import mod_11_2

from pipelines.simulate import days, life, population
from pipelines.simulate.reference import Reference

DAY = date(2026, 10, 30)
SCALE = 0.03


@pytest.fixture(scope="module")
def world():
    return population.build(Reference(), SCALE, 3, DAY)


@pytest.fixture(scope="module")
def census():
    return Reference().census


@pytest.fixture(scope="module")
def here(world):
    """Residents with their age."""
    people = world.people.with_columns(age=pl.Series(days.ages(world.people["birth"].to_numpy(), DAY)))
    return people.filter((pl.col("village") >= 0) & pl.col("alive"))


@pytest.fixture(scope="module")
def homes(here):
    """One row a family household."""
    return (
        here.filter(pl.col("household") >= 0)
        .group_by("household")
        .agg(
            size=pl.len(),
            elders=(pl.col("age") >= 65).sum(),
            heads=(pl.col("relation") == 1).sum(),
            dwellings=pl.col("dwelling").n_unique(),
            tenures=pl.col("tenure").n_unique(),
            tenure=pl.col("tenure").first(),
            adults=(pl.col("age") >= 18).sum(),
            levels=(
                pl.col("place").is_in([1, 2]).any().cast(int)
                + (pl.col("place") == 3).any().cast(int)
                + pl.col("place").is_in([4, 5]).any().cast(int)
                + pl.col("place").is_in([6, 7]).any().cast(int)
            ).clip(1),
        )
    )


def near(found: float, wanted: float, tolerance: float) -> bool:
    return abs(found / wanted - 1) <= tolerance


def test_age_and_sex_are_the_census(here, census):
    for number, sex in ((1, "男"), (2, "女")):
        mine = here.filter(pl.col("sex") == number)["age"].to_numpy()
        bands = [(0, 0), (1, 4), *[(low, low + 4) for low in range(5, 85, 5)]]
        for low, high in bands:
            item = f"{sex}_0岁" if high == 0 else f"{sex}_{low}到{high}岁"
            wanted = census[item] * SCALE
            # siblings of neighbouring ages may shift a birthday within their year, never across one
            assert abs(np.sum((mine >= low) & (mine <= high)) - wanted) <= 2 + 0.01 * wanted, item
        assert near(np.sum(mine >= 85), census[f"{sex}_85岁以上"] * SCALE, 0.02)
    assert 95 < here["age"].max() <= 104


def test_population_types_and_hukou(here, world, census):
    size = len(here)
    assert near((here["kind"] == 2).sum(), census["户口登记地在外乡镇街道人口_省外"] * SCALE, 0.001)
    towns = world.villages["town_code"].to_numpy()
    local = here.filter(pl.col("kind") == 1)
    home, hukou = local["village"].to_numpy(), local["hukou_village"].to_numpy()
    other_town = np.sum((hukou >= 0) & (towns[hukou] != towns[home]))
    assert near(other_town, census["户口登记地在外乡镇街道人口_本县"] * SCALE, 0.01)
    assert near(np.sum(hukou < 0), census["户口登记地在外乡镇街道人口_本省其他县"] * SCALE, 0.01)
    away = world.people.filter((pl.col("village") < 0) & pl.col("alive"))
    assert near(len(away), 150_000 * SCALE, 0.001)
    assert 0.30 < (local.filter(pl.col("age") >= 60).height / local.height) < 0.36
    assert size == sum(world.people["alive"] & (world.people["village"] >= 0))


def test_households_of_the_census(here, homes, census):
    assert near(len(homes) / SCALE, census["家庭户数"], 0.015)
    assert near(homes["size"].sum() / SCALE, census["家庭户人口数"], 0.001)
    assert near((homes["size"] == 1).sum() / SCALE, census["一人户数"], 0.01)
    for level, item, tolerance in (
        (1, "一代户数", 0.025),
        (2, "二代户数", 0.04),
        (3, "三代户数", 0.04),
        (4, "四代以上户数", 0.15),
    ):
        assert near((homes["levels"] == level).sum() / SCALE, census[item], tolerance), item
    assert near((homes["elders"] > 0).sum() / SCALE, census["有65岁及以上老年人口的户数"], 0.05)


def test_tenure_of_the_census(homes, census):
    total = census["家庭户户数_长表"]
    assert abs((homes["tenure"] == 2).mean() - census["住房来源_租赁"] / total) < 0.02
    owned = (census["住房来源_自建"] + census["住房来源_购买"]) / total
    assert abs((homes["tenure"] == 1).mean() - owned) < 0.02


def test_marital_state_and_schooling_of_the_census(here, census):
    adults = here.filter(pl.col("age") >= 15)
    pupils = here.filter(pl.col("age") >= 6)
    levels = {
        "未上过学": (90, 90),
        "小学": (80, 89),
        "初中": (70, 79),
        "高中": (40, 69),
        "大学专科": (30, 39),
        "本科及以上": (10, 29),
    }
    for number, sex in ((1, "男"), (2, "女")):
        states = adults.filter(pl.col("sex") == number)["marital"]
        for codes, item in (([10], "未婚"), ([20, 21, 22, 23], "有配偶"), ([30], "丧偶"), ([40], "离婚")):
            assert abs(states.is_in(codes).mean() - census[f"{item}_{sex}"] / census[f"十五岁以上人口_{sex}"]) < 0.002
        codes = pupils.filter(pl.col("sex") == number)["edu"]
        total = sum(census[f"{item}_{sex}"] for item in levels)
        for item, (low, high) in levels.items():
            assert abs(codes.is_between(low, high).mean() - census[f"{item}_{sex}"] / total) < 0.003, (item, sex)


def test_occupations_of_the_census(here, census):
    items = ["党的机关国家机关群众团体和社会组织企事业单位负责人", "专业技术人员", "办事人员和有关人员"]
    items += ["社会生产服务和生活服务人员", "农林牧渔业生产及辅助人员", "生产制造及有关人员"]
    workers = here.filter(pl.col("work") > 0)["work"]
    total = sum(census[item] for item in items)
    for code, item in enumerate(items, 1):
        assert abs((workers == code).mean() - census[item] / total) < 0.02, item
    assert 0.5 < len(workers) / len(here) < 0.75


def test_every_village_lives_and_villages_differ(here, world):
    villages = here.group_by("village").agg(size=pl.len(), migrants=(pl.col("kind") == 2).mean())
    assert len(villages) == 355
    assert villages["migrants"].std() > 0.15
    towns = here.with_columns(town=world.villages["town_name"].gather(here["village"].cast(pl.Int64)))
    share = dict(towns.group_by("town").agg((pl.col("age") >= 60).mean()).rows())
    assert share["金泽镇"] > 2 * share["徐泾镇"] and share["练塘镇"] > 2 * share["华新镇"]


def test_households_hang_together(homes):
    assert homes["dwellings"].max() == 1
    assert homes["tenures"].max() == 1
    assert homes["adults"].min() >= 1
    assert set(homes["heads"]) == {1}


def test_spouses_are_mutual_and_plausible(world):
    people = world.people.filter(pl.col("alive") & (pl.col("spouse") >= 0))
    partner = world.people[people["spouse"].to_numpy()]
    assert (partner["spouse"] == people["uid"]).all()
    assert (partner["sex"] != people["sex"]).all()
    assert (partner["household"] == people["household"]).all()
    assert people["marital"].is_in([20, 21, 22, 23]).all()
    gap = np.abs(people["birth"].to_numpy() - partner["birth"].to_numpy()) / 365.25
    assert gap.max() < 16 and np.median(gap) < 4
    age = days.ages(people["birth"].to_numpy(), DAY)
    assert age.min() >= 20


@pytest.mark.parametrize(("column", "sex"), [("mother", 2), ("father", 1)])
def test_parents_are_a_generation_older(world, column, sex):
    children = world.people.filter(pl.col(column) >= 0)
    parents = world.people[children[column].to_numpy()]
    gap = (children["birth"] - parents["birth"]).to_numpy() / 365.25
    assert (parents["sex"] == sex).all()
    assert gap.min() > 15.5 and gap.max() < 60 and 25 < np.median(gap) < 33


def test_children_carry_the_fathers_surname_and_live_with_parents(here, world):
    young = here.filter((pl.col("age") < 15) & (pl.col("father") >= 0))
    fathers = world.people[young["father"].to_numpy()]
    assert (young["surname"] == fathers["surname"]).all()
    assert (young["household"] == fathers["household"]).all()
    minors = here.filter(pl.col("age") < 15)
    assert (minors["household"] >= 0).all()
    assert (minors["relation"] > 1).all()


def test_siblings_are_twins_or_ten_months_apart(world):
    children = world.people.filter(pl.col("mother") >= 0).sort("mother", "birth")
    same = children["mother"][1:] == children["mother"][:-1]
    gap = (children["birth"][1:] - children["birth"][:-1]).filter(same)
    assert ((gap == 0) | (gap > 240)).mean() > 0.99


def test_numbers_are_valid_unique_and_unallocated(world):
    citizens = world.people.filter(pl.col("cert_kind") == "111")
    assert world.people["cert_no"].n_unique() == len(world.people)
    for number, sex, birth, division in citizens.select(
        "cert_no", "sex", days.text("birth").alias("on"), pl.col("division").cast(pl.String)
    ).rows():
        assert mod_11_2.is_valid(number)
        assert number[2:4] == "99" and number[4:6] != "00" and number[:2] == division[:2]
        assert number[6:14] == birth and int(number[16]) % 2 == sex % 2
        assert number[14:17] not in ("000", "996", "997", "998", "999")


def machine_readable(number: str) -> bool:
    """Check digit of machine-readable travel documents (ICAO 9303), over the first 14 characters."""
    values = [int(char, 36) for char in number[:14]]
    return sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10 == int(number[14])


def test_machine_readable_check_knows_the_published_vector():
    assert machine_readable("KAZ110090123105") and not machine_readable("KAZ110090123106")


def test_documents_of_overseas_people(world):
    guests = world.people.filter(pl.col("kind") == 3)
    shapes = {
        "414": r"^[XYZ]\d{8}$",
        "553": r"^999\d{14}[\dX]$|^[A-Z]{3}3199\d{8}$",
        "513": r"^[HM]\d{8}(\d\d)?$",
        "511": r"^\d{8}(\d\d)?$",
        "516": r"^8[123]0000\d{11}[\dX]$",
    }
    assert set(guests["cert_kind"]) == set(shapes)
    for kind, shape in shapes.items():
        numbers = guests.filter(pl.col("cert_kind") == kind)["cert_no"]
        assert numbers.str.contains(shape).all(), kind
    for number in guests.filter(pl.col("cert_kind").is_in(["516", "553"]))["cert_no"]:
        assert mod_11_2.is_valid(number) if len(number) == 18 else machine_readable(number)
    assert guests.filter(pl.col("cert_kind") == "414")["nation"].is_in(["CHN"]).sum() == 0


def test_phones_and_house_numbers_are_nobodys(world):
    phones = world.people["mobile"].filter(world.people["mobile"] != "")
    assert phones.str.contains(r"^10[01]\d{8}$").all()
    numbers = world.dwellings["address"].str.extract_all(r"\d+(?:弄|号)").explode().str.extract(r"(\d+)").cast(int)
    assert numbers.min() > 9_000
    assert world.dwellings["address"].n_unique() == len(world.dwellings)


def test_rare_minority_and_latin_names_occur(world):
    names = world.people["name"]
    for character in "䶮㛃堃𬭎":
        assert names.str.contains(character).any()
    assert names.str.contains("·").any() and names.str.contains("^[A-Z]+ [A-Z]+").any()


def test_registered_books_have_relations_to_one_head(world):
    books = (
        world.people.filter((pl.col("book") >= 0) & pl.col("alive"))
        .group_by("book")
        .agg(heads=(pl.col("hukou_relation") == 2).sum(), homes=pl.col("hukou_dwelling").n_unique())
    )
    assert books["heads"].max() == 1 and books["heads"].mean() > 0.98
    assert books["homes"].max() == 1


def test_days_change_the_district_as_life_does():
    world = life.furnish(population.build(Reference(), 0.003, 5, DAY), DAY)
    later = world
    for step in range(1, 11):
        later = life.next_day(later, days.day_of(days.number(DAY) + step))
    people = later.people
    born = people.filter(pl.col("uid") >= len(world.people))
    assert (born["birth"] > days.number(DAY) - 40).sum() >= 5
    assert (people["until"] < 10**5).sum() >= 10
    dead = people.filter(pl.col("died") > days.number(DAY))
    assert len(dead) >= 8 and (dead["reported"] > dead["died"]).any()
    was = people[: len(world.people)]
    moved = (was["dwelling"] != world.people["dwelling"]) & was["alive"] & (was["village"] >= 0)
    assert moved.sum() >= 10
    assert (was["name"] != world.people["name"]).sum() >= 5
    assert people["cert_no"].n_unique() == len(people)
    alive = people.filter(pl.col("alive") & (pl.col("spouse") >= 0) & (pl.col("until") > 10**5))
    partner = people[alive["spouse"].to_numpy()]
    assert (partner["spouse"] == alive["uid"]).all()
    assert (people["birth"] <= people["from_day"]).all()
