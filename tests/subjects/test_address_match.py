"""Addresses to dwellings: each method, and above all when none may be used."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.settings import REPOSITORY
from pipelines.subjects.addresses.match import Matching, base, match, with_neighbours
from pipelines.subjects.addresses.names import AddressProblem, Vocabulary, names, read
from tests.subjects.address_cases import ADDRESSES, NOISE, VILLAGES, district

NAMES = district()
HOW: Matching = read(ADDRESSES / "matching.yml", Matching)
HEAD = "上海市青浦区"
EAST, WEST, OTHER = "310118106001", "310118106201", "310118107001"
HOMES = {
    "lane501": (f"{HEAD}徐泾镇徐民路88弄6号501室", EAST),
    "lane502": (f"{HEAD}徐泾镇徐民路88弄6号502室", EAST),
    "unit": (f"{HEAD}徐泾镇徐民路88弄8号2单元101室", EAST),
    "farm": (f"{HEAD}练塘镇东庄村3组12号", "310118103274"),
    "twin_farm": (f"{HEAD}练塘镇东庄村4组13号", "310118103274"),
    "twin_farm2": (f"{HEAD}练塘镇东庄村5组13号", "310118103274"),
    "here": (f"{HEAD}徐泾镇通波路9号101室", EAST),
    "there": (f"{HEAD}华新镇通波路9号101室", OTHER),
    "same_key": (f"{HEAD}徐泾镇明珠路7号", EAST),
    "same_key2": (f"{HEAD}徐泾镇明珠路７號", WEST),
    "same_key3": (f"{HEAD}徐泾镇珠光路7号", EAST),
    "same_key4": (f"{HEAD}徐泾镇珠光路7号", EAST),
    "no_house": ("徐泾镇", EAST),
    "no_address": (None, EAST),
}  # fmt: skip
AGAINST = base(
    pl.DataFrame(
        [(k, *v) for k, v in HOMES.items()], schema=["dwelling_id", "std_address", "village_code"], orient="row"
    ),
    NAMES,
)
ALIASES = pl.DataFrame(
    [
        ("310118106", "玉兰苑", "徐民路", "88"),
        ("310118106", "双名苑", "徐民路", "88"),
        ("310118107", "双名苑", "通波路", "9"),
    ],
    schema=["town_code", "name", "road", "lane"],
    orient="row",
)


def asked(*texts: str | None, stated: str | None = None) -> pl.DataFrame:
    rows = pl.DataFrame(
        {"address": texts, "stated_village_code": [stated] * len(texts)},
        schema={"address": pl.String, "stated_village_code": pl.String},
    )
    return match(rows, AGAINST, NAMES, ALIASES, HOW)


def found(text: str | None, stated: str | None = None) -> tuple[str | None, ...]:
    row = asked(text, stated=stated).row(0, named=True)
    return row["dwelling_id"], row["method"], row["reason"]


@pytest.mark.parametrize(
    ("text", "home", "method"),
    [
        ("青浦区徐泾镇徐民路88弄6号501室", "lane501", "exact"),
        ("徐泾徐民路八十八弄6幢502", "lane502", "exact"),
        ("徐民路88弄6-501", "lane501", "town_unsaid"),
        ("徐民路88弄8号101室", "unit", "part_unsaid"),
        ("东庄村12号", "farm", "part_unsaid"),
        ("东庄村3组12号201室", "farm", "whole_house"),
        ("徐民路88弄8号", "unit", "whole_house"),
        ("玉兰苑6号501室", "lane501", "alias_exact"),
        ("徐泾镇双名苑6号501室", "lane501", "alias_exact"),
        ("环城镇徐民路88弄6号501室", "lane501", "town_unsaid"),
    ],
)
def test_each_method_finds_its_dwelling(text: str, home: str, method: str) -> None:
    assert found(text) == (home, method, None)


@pytest.mark.parametrize(
    ("text", "village", "reason"),
    [
        ("徐民路88弄6号", EAST, "ambiguous"),  # Two flats, and no room is named.
        ("徐民路88弄6号503室", EAST, "unknown"),  # A flat the base does not know, in a house it knows.
        ("徐民路88弄8号3单元101室", EAST, "unknown"),  # Another unit is another flat.
        ("徐民路88弄9号101室", EAST, "unknown"),
        ("东庄村13号", "310118103274", "ambiguous"),
        ("东庄村5组12号", "310118103274", "unknown"),  # The base has number 12 in group 3.
        ("通波路9号101室", None, "ambiguous"),
        ("明珠路7号", None, "ambiguous"),
        ("徐泾镇珠光路7号", EAST, "ambiguous"),
        ("双名苑6号501室", None, "unknown"),  # An estate of that name in two towns.
        ("徐民路88弄6号501室对面", EAST, "near"),
        ("建新村1号", None, "unknown"),  # Two villages of one name.
        ("金泽镇建新村1号", "310118104211", "unknown"),
        ("徐泾镇京华社区", EAST, "unknown"),
        ("徐泾镇", None, "no_place"),
        ("江苏省如东县1号", None, "outside"),
        ("", None, "empty"),
        (None, None, "empty"),
        ("6号501室", None, "unreadable"),
    ],
)
def test_no_dwelling_but_a_reason_and_perhaps_a_village(text: str | None, village: str | None, reason: str) -> None:
    row = asked(text).row(0, named=True)
    assert (row["dwelling_id"], row["village_code"], row["reason"]) == (None, village, reason)
    assert (row["method"] is None) == (row["confidence"] is None) == (village is None)


def test_the_stated_village_decides_between_several_and_only_then() -> None:
    assert found("通波路9号101室", OTHER) == ("there", "town_unsaid_in_village", None)
    assert found("明珠路7号", WEST) == ("same_key2", "town_unsaid_in_village", None)
    assert found("徐泾镇珠光路7号", EAST) == (None, "house", "ambiguous")
    assert found("徐民路88弄6号501室", OTHER) == (None, "house", "contradicted")
    assert found("徐泾镇徐民路88弄6号501室", OTHER) == ("lane501", "exact", None)


def test_confidence_is_the_declared_one() -> None:
    rows = asked("徐泾镇徐民路88弄6号501室", "玉兰苑6号501室", "徐民路88弄6号")
    assert rows["confidence"].to_list() == [Decimal(1), HOW.alias, Decimal("0.98")]
    decided = asked("通波路9号101室", stated=OTHER)["confidence"][0]
    assert decided == (Decimal("0.99") * HOW.village_decides).quantize(Decimal("0.0001"))


def test_ten_thousand_dwellings_of_one_key_do_not_multiply() -> None:
    crowd = base(
        pl.DataFrame(
            {"dwelling_id": [f"d{i}" for i in range(10_000)], "std_address": ["徐泾镇明珠路9号"] * 10_000,
             "village_code": [EAST] * 10_000}
        ),
        NAMES,
    )  # fmt: skip
    rows = pl.DataFrame(
        {"address": [f"徐泾镇明珠路9号{i}室" for i in range(5_000)], "stated_village_code": [EAST] * 5_000}
    )
    places = match(rows, crowd, NAMES, ALIASES, HOW)
    assert places["dwelling_id"].null_count() == 5_000
    assert set(places["reason"]) == {"ambiguous"} and set(places["village_code"]) == {EAST}


def test_rows_keep_their_order_and_an_empty_base_finds_nothing() -> None:
    texts = ["徐民路88弄6-501", None, "徐泾镇", "徐民路88弄6-502", ""]
    assert asked(*texts)["address"].to_list() == texts
    rows = asked(*texts).select("address", "stated_village_code")
    nothing = match(rows, AGAINST.clear(), NAMES, ALIASES.clear(), HOW)
    assert nothing.height == 5 and nothing["dwelling_id"].null_count() == 5


PLACES = st.tuples(
    st.sampled_from(["徐民路", "明珠路"]), st.integers(1, 4), st.integers(1, 3), st.sampled_from([101, 102, 201])
)


@settings(max_examples=30, deadline=None)
@given(
    st.sets(PLACES, min_size=1, max_size=12), st.lists(st.tuples(PLACES, st.sampled_from(sorted(NOISE))), max_size=12)
)
def test_what_is_found_is_what_was_meant(homes: set[tuple], wanted: list[tuple]) -> None:
    """Over any small base: a full address finds its own dwelling if the base has it, and never another."""

    def spelled(place: tuple, how: str) -> str:
        road, lane, number, room = place
        return NOISE[how]({"town": "徐泾镇", "road": road, "lane": str(lane), "number": str(number), "room": str(room)})

    stock = sorted(homes)
    against = base(
        pl.DataFrame(
            {"dwelling_id": [str(p) for p in stock], "std_address": [spelled(p, "standard") for p in stock],
             "village_code": [EAST] * len(stock)}
        ),
        NAMES,
    )  # fmt: skip
    rows = pl.DataFrame(
        {"address": [spelled(p, how) for p, how in wanted], "stated_village_code": [None] * len(wanted)},
        schema={"address": pl.String, "stated_village_code": pl.String},
    )
    places = match(rows, against, NAMES, ALIASES.clear(), HOW)
    assert places["dwelling_id"].to_list() == [str(p) if p in homes else None for p, _ in wanted]


def test_neighbours_give_a_village_only_where_they_all_lie_in_one() -> None:
    stock = [("a", "徐泾镇徐民路88弄1号", EAST), ("b", "徐泾镇徐民路88弄2号", None), ("c", "徐泾镇徐民路90弄1号", EAST),
             ("d", "徐泾镇徐民路90弄2号", WEST), ("e", "徐泾镇徐民路90弄3号", None), ("f", "徐泾镇明珠路3号", None),
             ("g", "徐泾镇明珠路5号", EAST), ("h", "徐泾镇徐民路99弄3号", None)]  # fmt: skip
    homes = base(pl.DataFrame(stock, schema=["dwelling_id", "std_address", "village_code"], orient="row"), NAMES)
    found = dict(with_neighbours(homes, HOW.neighbours).select("dwelling_id", "neighbour_village_code").iter_rows())
    assert found == dict.fromkeys("abcdefgh") | {"b": EAST}
    assert with_neighbours(homes, ())["neighbour_village_code"].null_count() == len(stock)


def test_former_towns_went_to_towns_of_the_district() -> None:
    towns = set(pl.read_csv(REPOSITORY / "data" / "reference" / "qingpu_towns.csv", infer_schema=False)["town_name"])
    vocabulary: Vocabulary = read(ADDRESSES / "vocabulary.yml", Vocabulary)
    assert {heir for heirs in vocabulary.former_towns.values() for heir in heirs} <= towns
    assert not set(vocabulary.former_towns) & towns


def test_a_former_town_whose_heirs_are_not_listed_decides_nothing() -> None:
    vocabulary = Vocabulary(
        city="上海市", district=("青浦区",), former_towns={"旧镇": ("无此镇",), "古镇": ("徐泾镇", "无此镇")}
    )
    known = names(vocabulary, VILLAGES)
    assert (known.towns["旧镇"], known.towns["古镇"]) == ((), ())


def test_a_wrong_declaration_is_refused_with_its_file(tmp_path: Path) -> None:
    wrong = tmp_path / "matching.yml"
    for text in ("dwelling: [", "dwelling: []\nalias: 2", "nonsense: 1"):
        wrong.write_text(text, encoding="utf-8")
        with pytest.raises(AddressProblem, match="matching.yml"):
            read(wrong, Matching)
