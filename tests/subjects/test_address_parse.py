"""Addresses in their parts: hard spellings by hand, and every noisy spelling of a standard address gives its key."""

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.subjects.addresses.match import keys
from pipelines.subjects.addresses.parse import PARTS, parse
from pipelines.subjects.addresses.text import LONGEST, fold, number_of
from tests.subjects.address_cases import NOISE, district, with_powers

NAMES = district()
XUJING, LIANTANG, HUAXIN = "310118106", "310118103", "310118107"

ADDRESSES = st.fixed_dictionaries(
    {
        "town": st.sampled_from(["徐泾镇", "华新镇", "夏阳街道"]),
        "road": st.sampled_from(["徐民路", "嘉松中路", "外青松公路", "崧泽大道", "华新街", "公园东路"]),
        "lane": st.integers(1, 9999).map(str),
        "number": st.integers(1, 999).map(str),
        "room": st.integers(101, 3299).map(str),
    }
)


def parsed(text: str | None) -> dict[str, str]:
    """What is said, the empty parts left out."""
    row = parse(pl.Series([text], dtype=pl.String), NAMES).row(0, named=True)
    return {k: v for k, v in row.items() if v and k not in ("is_rural", "town_said")}


def key(text: str) -> str | None:
    found: str | None = keys(parse(pl.Series([text]), NAMES))["address_key"][0]
    return found


HARD = {
    "徐民路八十八弄六号五〇一室": {"road": "徐民路", "lane": "88", "number": "6", "room": "501"},
    "徐泾徐民路88弄6号楼501户": {"town_code": XUJING, "road": "徐民路", "lane": "88", "building": "6", "room": "501"},
    "华新路12号": {"road": "华新路", "number": "12"},
    "华新拥军路12号": {"town_code": HUAXIN, "road": "拥军路", "number": "12"},
    "华新苑3号201室": {"road": "华新苑", "number": "3", "room": "201"},
    "练塘镇东庄村蔡家浜12号": {"town_code": LIANTANG, "village": "东庄村", "hamlet": "蔡家浜", "number": "12"},
    "东庄村第三村民小组九千零一号": {"village": "东庄村", "group": "3", "number": "9001"},
    "东庄3组12号甲": {"village": "东庄村", "group": "3", "number": "12甲"},
    "东庄村村委会东庄路甲12号": {"village": "东庄村", "road": "东庄路", "number": "12甲"},
    "东庄村委会3队7号": {"village": "东庄村", "group": "3", "number": "7"},
    "陈村路8号": {"road": "陈村路", "number": "8"},
    "盈中新村12号之1": {"road": "盈中新村", "number": "12附1"},
    "建新村2组5号": {"village": "建新村", "group": "2", "number": "5"},
    "小蒸镇公园路廿三号": {"town_code": LIANTANG, "road": "公园路", "number": "23"},
    "青浦镇公园路23号": {"road": "公园路", "number": "23"},
    "公园路2弄1支弄3号402": {"road": "公园路", "lane": "2", "sublane": "1", "number": "3", "room": "402"},
    "盈港路453弄6号2单元501室": {"road": "盈港路", "lane": "453", "number": "6", "unit": "2", "room": "501"},
    "盈港路453弄A座501": {"road": "盈港路", "lane": "453", "building": "A", "room": "501"},
    "318国道2500号": {"road": "318国道", "number": "2500"},
    "盈港路88-6号": {"road": "盈港路", "number": "88-6"},
    "徐民路88": {"road": "徐民路", "number": "88"},
    "徐民路88弄6": {"road": "徐民路", "lane": "88", "number": "6"},
    "青浦区工业园区9001号3室": {"road": "工业园区", "number": "9001", "room": "3"},
    "徐民路88弄6号501室旁": {"road": "徐民路", "lane": "88", "number": "6", "room": "501", "rest": "旁"},
    "徐泾镇": {"town_code": XUJING},
}  # fmt: skip


@pytest.mark.parametrize("text", HARD)
def test_hard_spellings(text: str) -> None:
    assert parsed(text) == {"state": "inside", **HARD[text]}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("江苏省南通市如东县9001号", "outside"),
        ("上海市嘉定区城中路9001号", "outside"),
        ("内蒙古自治区包头市昆都仑区1号", "outside"),
        ("江苏路12号", "inside"),
        ("浙江", "inside"),
        ("", "empty"),
        ("   ", "empty"),
        (None, "empty"),
        ("9" * 18, "unreadable"),
        ("徐民路8号" * 400, "unreadable"),
        ('=HYPERLINK("x")', "unreadable"),
        ("'; drop table person; --", "unreadable"),
        ("\x00\x07\u202e", "unreadable"),
        ("#####", "unreadable"),
    ],
)
def test_states(text: str | None, state: str) -> None:
    found = parsed(text)
    assert found["state"] == state
    if state != "inside":
        assert found == {"state": state}


def test_split_town_decides_nothing_but_is_said() -> None:
    row = parse(pl.Series(["环城镇公园路23号"]), NAMES).row(0, named=True)
    assert (row["town_said"], row["town_code"]) == ("环城镇", "")


@settings(max_examples=60, deadline=None)
@given(ADDRESSES)
def test_noisy_spellings_give_the_key_of_the_standard_one(address: dict[str, str]) -> None:
    want = key(NOISE["standard"](address))
    assert want is not None
    found = {name: key(spell(address)) for name, spell in NOISE.items()}
    assert found == dict.fromkeys(NOISE, want)


@settings(max_examples=60, deadline=None)
@given(ADDRESSES, ADDRESSES)
def test_different_addresses_have_different_keys(one: dict[str, str], other: dict[str, str]) -> None:
    assert (key(NOISE["standard"](one)) == key(NOISE["joined"](other))) == (one == other)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=LONGEST + 50))
def test_any_text_has_one_answer_and_folding_ends(text: str) -> None:
    row = parse(pl.Series([text]), NAMES)
    assert row.height == 1 and row["state"][0] in ("inside", "outside", "empty", "unreadable")
    assert all(row[part][0] is not None for part in PARTS)


@settings(max_examples=60, deadline=None)
@given(ADDRESSES, st.sampled_from(sorted(NOISE)))
def test_folding_twice_is_folding_once(address: dict[str, str], spelling: str) -> None:
    once = fold(pl.Series([NOISE[spelling](address)]))
    assert fold(once).to_list() == once.to_list()


@given(st.integers(1, 9999))
def test_numerals_are_read_as_spoken(number: int) -> None:
    assert number_of(with_powers(str(number))) == number


@pytest.mark.parametrize(
    ("numeral", "number"), [("廿三", 23), ("十", 10), ("一百一十", 110), ("二〇〇八", 2008), ("两百", 200)]
)
def test_numerals_of_other_kinds(numeral: str, number: int) -> None:
    assert number_of(numeral) == number


def test_rows_come_back_in_order_and_as_many() -> None:
    texts = ["徐民路1号", None, "徐民路2号", "徐民路1号", ""] * 50
    random.Random(4).shuffle(texts)
    numbers = parse(pl.Series(texts), NAMES)["number"].to_list()
    assert numbers == [text[3] if text else "" for text in texts]
