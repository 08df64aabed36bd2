"""Organisations by code, number, name and place; places by number, name and house. Never one for another."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers import Key, credit_codes
from pipelines.settings import REPOSITORY
from pipelines.subjects.addresses.names import read
from pipelines.subjects.addresses.organisations import SAID, Organisations, plain_names, resolve
from pipelines.subjects.addresses.places import Places, merge

REGISTERS = REPOSITORY / "data" / "registers"
DECLARED: Organisations = read(REGISTERS / "organisations.yml", Organisations)
PLACES: Places = read(REGISTERS / "places.yml", Places)
KEY = Key(b"k" * 32)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def code(serial: int) -> str:
    """A made-up code whose check character is right."""
    stem = f"91319901MA{serial:07d}"
    return next(stem + c for c in ALPHABET if credit_codes(pl.Series([stem + c]))["problem"][0] is None)


def repaired(broken: str, place: int) -> str:
    """The only right code that differs from a wrong one at a place."""
    tried = (broken[:place] + c + broken[place + 1 :] for c in ALPHABET)
    return next(c for c in tried if credit_codes(pl.Series([c]))["problem"][0] is None)


ONE, OTHER = code(1), code(2)
WRONG = ONE[:-1] + ("A" if ONE[-1] != "A" else "B")


def row(**said: Any) -> dict[str, Any]:
    return dict.fromkeys(SAID) | {"creates": True} | said


def meant(*rows: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    schema = dict.fromkeys(SAID, pl.String) | {"creates": pl.Boolean}
    found = resolve(pl.DataFrame(rows, schema=schema), DECLARED, KEY)
    assert found.height == len(rows)
    assert (found["organisation_id"].is_null() == found["confidence"].is_null()).all()
    return list(zip(found["organisation_id"], found["method"], strict=True))


SHOP = row(code=ONE, name="上海青试(集团)贸易有限公司", village_code="v1", house_key="h1")


def test_a_checked_code_is_the_organisation_whatever_the_name() -> None:
    assert meant(SHOP, row(code=ONE, name="别的名字"), row(code=ONE)) == [(ONE, "code")] * 3


@pytest.mark.parametrize(
    "said",
    [
        row(code=WRONG, name="上海青试（集团）贸易有限责任公司", village_code="v1"),
        row(code=WRONG, name="上海青试集团贸易有限公司", house_key="h1"),
    ],
)
def test_a_slip_of_a_code_is_repaired_where_name_and_place_agree(said: dict[str, Any]) -> None:
    # A row that knows only the code learns it too.
    assert meant(SHOP, said, row(code=WRONG)) == [(ONE, "code"), (ONE, "code_repaired"), (ONE, "code_repaired")]


@pytest.mark.parametrize(
    "said",
    [
        row(code=WRONG, name="上海青试集团贸易股份有限公司", village_code="v1"),  # Another legal form.
        row(code=WRONG, name="上海青试集团贸易有限公司", village_code="v2"),  # Elsewhere.
        row(code=ONE[:8] + "99" + WRONG[10:], name="上海青试集团贸易有限公司", village_code="v1"),  # Not one slip.
        row(code=WRONG),
    ],
)
def test_a_broken_code_is_kept_and_marked_where_anything_disagrees(said: dict[str, Any]) -> None:
    assert meant(SHOP, said)[1] == (said["code"], "code_unchecked")


def test_exchanged_neighbours_are_one_slip_and_two_namesakes_decide_nothing() -> None:
    swapped = next(
        ONE[:i] + ONE[i + 1] + ONE[i] + ONE[i + 2 :] for i in range(17) if ONE[i] != ONE[i + 1]
        and credit_codes(pl.Series([ONE[:i] + ONE[i + 1] + ONE[i] + ONE[i + 2 :]]))["problem"][0]
    )  # fmt: skip
    said = row(code=swapped, name="上海青试集团贸易有限公司", village_code="v1")
    assert meant(SHOP, said)[1] == (ONE, "code_repaired")
    # Both of these are one character off the wrong code and have the name; neither may be taken.
    one, other = repaired(WRONG, 12), repaired(WRONG, 13)
    found = meant(SHOP | {"code": one}, SHOP | {"code": other}, SHOP | {"code": WRONG})
    assert found == [(one, "code"), (other, "code"), (WRONG, "code_unchecked")]


def test_names_without_a_code_lead_to_the_one_of_that_name_in_place_or_make_one() -> None:
    namesake = row(code=OTHER, name="上海青试集团贸易有限公司", village_code="v1", house_key="h2")
    by_house = row(name="上海青试 集团 贸易有限公司", house_key="h1", village_code="v1")
    by_village = row(name="上海青试集团贸易有限公司", village_code="v1")
    assert meant(SHOP, by_house, by_village)[1:] == [(ONE, "name_and_house"), (ONE, "name_and_village")]
    assert meant(SHOP, namesake, by_house, by_village)[2:] == [(ONE, "name_and_house"), (None, None)]
    new, again, elsewhere, pointer = (
        row(name="村头小店", village_code="v1"), row(name="村头　小店", village_code="v1"),
        row(name="村头小店", village_code="v2"), row(name="村头小店", village_code="v1", creates=False),
    )  # fmt: skip
    made = meant(new, again, elsewhere, pointer)
    assert made[0] == made[1] != made[2] and made[3] == (None, None)
    assert made[0][1] == "name_only" and made[0][0] != "村头小店"


def test_a_number_of_the_feed_stands_apart_from_codes_and_names() -> None:
    found = meant(
        row(own="DZB1", name="第一党支部"), row(own="DZB1", name="第一支部"), row(own="DZB2", name="第一党支部")
    )
    assert found[0] == found[1] != found[2] and {method for _, method in found} == {"own"}


def test_nothing_said_is_nothing_meant() -> None:
    assert meant(row(), row(name="  "), row(code="12345", name=""), row(code="I" * 18)) == [(None, None)] * 4


@settings(max_examples=30, deadline=None)
@given(st.permutations([SHOP, row(code=WRONG, name="上海青试集团贸易有限公司", village_code="v1"), row(code=OTHER),
                        row(name="村头小店", village_code="v1"), row(own="A1")]))  # fmt: skip
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]]) -> None:
    def told(entries: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        return {(str(said), *answer) for said, answer in zip(entries, meant(*entries), strict=True)}

    assert told(rows) == told(sorted(rows, key=str))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("上海青试（集团）有限责任公司", "上海青试(集团)有限公司", True),
        ("ＡＢＣ食品店", "abc食品店", True),
        ("青试股份有限公司", "青试有限公司", False),
        ("青试一店", "青试二店", False),
    ],
)
def test_names_are_compared_in_one_spelling(one: str, other: str, same: bool) -> None:
    plain = plain_names(pl.Series([one, other]), DECLARED.legal_forms)
    assert (plain[0] == plain[1]) is same


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_plain_names_stay_plain(texts: list[str]) -> None:
    once = plain_names(pl.Series(texts), {})
    assert plain_names(once, {}).to_list() == once.to_list()


def places(*rows: tuple[str, str | None, str | None, str | None, int]) -> dict[str, tuple[str, str]]:
    frame = pl.DataFrame(rows, schema=["own", "name", "house_key", "village_code", "said_at"], orient="row")
    found = merge(frame, PLACES)
    assert set(found["confidence"]) <= {Decimal("1.0000"), Decimal("0.9500")}
    return {own: (place, method) for own, place, method, _ in found.iter_rows()}


def test_numbers_of_one_name_and_house_in_one_village_are_one_place() -> None:
    renamed = (("p1", "小饭店(分店)", "h", "v", 1), ("p1", "小饭店", "h", "v", 2))
    found = places(("p2", "小饭店", "h", "v", 1), *renamed)
    assert found == {"p1": ("p1", "own"), "p2": ("p1", "name_and_house")}


@pytest.mark.parametrize(
    "other",
    [
        ("p2", "大饭店", "h", "v", 1),
        ("p2", "小饭店", "h2", "v", 1),
        ("p2", "小饭店", None, "v", 1),
        ("p2", "小饭店", "h", "v2", 1),
        ("p2", "小饭店", "h", None, 1),
        ("p2", None, "h", "v", 1),
    ],
)
def test_anything_else_is_another_place(other: tuple[str, str | None, str | None, str | None, int]) -> None:
    assert places(("p1", "小饭店", "h", "v", 1), other) == {"p1": ("p1", "own"), "p2": ("p2", "own")}
