"""Who a row is about: certain links, repairs, masks, the model, twins, numbers of many, merges and splits."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.feeds.contracts import Contract
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.linkage.decide import best_matches, masked, repaired
from pipelines.subjects.linkage.names import with_forms
from pipelines.subjects.linkage.rules import Limits
from pipelines.subjects.linkage.suspicion import other_than_owners
from tests.subjects.linking import FIRST, KEY, SECOND, Lake, crowd, number, resident

BORN = date(1953, 7, 14)
HOME = "310118103201"


@pytest.fixture
def lake(tmp_path: Path, contracts: dict[str, Contract]) -> Lake:
    return Lake(tmp_path, contracts)


def archive(name: str | None = None, **more: Any) -> dict[str, Any]:
    """A row of the health archives."""
    return {"name": name} | more


def test_one_number_is_one_person_in_every_feed(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), resident("沈阿珍", "b", BORN)])
    lake.deliver("F13", FIRST, [archive("沈阿珍", person_id=number("a"))])
    who = lake.who(FIRST)
    assert who["F131"] == (number("a"), "number")
    assert who["base a"] != who["base b"]


def broken(name: str | None, born: date | None, *numbers: str, **more: Any) -> dict[str, Any]:
    """A row whose number could be any of these."""
    return {"name": name, "person_candidates": [number(n) for n in numbers], "person_stated_birth_on": born} | more


@pytest.mark.parametrize(
    ("row", "is_repaired"),
    [
        (broken("沈阿珍", BORN, "a", "nobody"), True),
        (broken("沈 阿 珍", BORN, "a"), True),
        (broken("沈阿珍", date(1953, 7, 15), "a"), False),  # the date it states is another
        (broken("沈大海", BORN, "a"), False),  # the name is another
        (broken("沈阿珍", BORN, "nobody"), False),  # nobody known
        (broken("沈阿珍", None, "a"), False),  # no date at all
    ],
)
def test_a_number_is_repaired_where_name_and_birth_date_agree(
    lake: Lake, row: dict[str, Any], is_repaired: bool
) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), *crowd()])
    lake.deliver("F13", FIRST, [row])
    assert (lake.who(FIRST)["F131"][1] == "repaired") is is_repaired
    events = lake.table(linkage.HISTORY_FILE, FIRST).filter(pl.col("event") == "repaired")
    assert len(events) == is_repaired


def test_a_repair_with_two_possible_people_is_none() -> None:
    known = pl.DataFrame(
        {"person_key": ["x", "y"], "name": ["张伟", "张伟"], "birth_on": [BORN, BORN], "mask_key": ["m", "m"]}
    )
    rows = pl.DataFrame(
        {
            "mention_id": ["one", "two"],
            "name": ["张伟", "张伟"],
            "birth_on": [BORN, None],
            "stated_birth_on": [None, BORN],
            "number": [["x"], ["x", "y"]],
            "mask_key": [None, "m"],
        }
    )
    assert repaired(rows, known).rows() == [("one", "x")]
    assert masked(rows, known).is_empty()
    assert masked(rows, known.head(1)).rows() == [("two", "x")]
    assert masked(rows, known.head(1).with_columns(birth_on=pl.lit(date(1960, 1, 1)))).is_empty()


def test_a_masked_number_needs_the_name(lake: Lake) -> None:
    people = [resident("沈阿珍", "a", BORN, person_mask_key="m"), resident("陆永福", "b", BORN, person_mask_key="m")]
    lake.deliver("B01", FIRST, [*people, *crowd()])
    lake.deliver("F13", FIRST, [archive("沈阿珍", person_mask_key="m"), archive("朱国强", person_mask_key="m")])
    who = lake.who(FIRST)
    assert who["F131"] == (number("a"), "masked")
    assert who["F132"][1] == "none"


def test_a_digest_is_the_number_it_was_made_of(lake: Lake) -> None:
    people = [resident("沈阿珍", "a", BORN, person_digest="d"), resident("陆永福", "b", BORN, person_digest="of two")]
    people += [resident("周建国", "c", date(1960, 1, 1), person_digest="of two")]
    lake.deliver("B01", FIRST, [*people, *crowd()])
    rows = [
        {"person_digest": d, "village_code": v} for d, v in [("d", None), ("of two", None), ("e", HOME), ("e", None)]
    ]
    lake.deliver("F25", FIRST, rows)
    who = lake.who(FIRST)
    assert who["F251"] == (number("a"), "digest")
    assert who["F252"][1] == "none"  # two holders of one document
    assert who["F252"][0] not in {number("b"), number("c")}
    assert who["F253"] == who["F254"]  # nobody known, but one somebody
    lake.deliver("B01", SECOND, [*people, resident("阮新来", "e", BORN, person_digest="e"), *crowd()])
    assert lake.who()["base e"][0] == lake.who()["F254"][0] == who["F253"][0]


def test_a_newborn_is_told_by_its_guardian(lake: Lake) -> None:
    def birth(mother: str, **more: Any) -> dict[str, Any]:
        return {"person_id": number(mother), "birth_on": date(2026, 10, 1), "child_sex_code": "2"} | more

    def children(as_of: date) -> dict[str, tuple[str, str]]:
        folder = lake.replay(as_of)
        found = pl.read_parquet(folder / linkage.MENTION_ROW).filter(pl.col("slot") == "child")
        told = found.join(pl.read_parquet(folder / linkage.MENTION), on="mention_id")
        return {mark: (who, how) for mark, who, how in told.select("_file", "person_id", "method").iter_rows()}

    lake.deliver("B01", FIRST, crowd())
    of_two = [birth("crowd3", _file="a"), birth("crowd4", _file="b"), birth("crowd3", _file="a again")]
    lake.deliver("F12", FIRST, [*of_two, birth("crowd3", child_sex_code="1", _file="brother")])
    first = children(FIRST)
    assert first["a"] == first["a again"]
    assert len({first[mark] for mark in ("a", "b", "brother")}) == 3
    assert all(how == "none" for _, how in first.values())
    lake.deliver("F12", SECOND, [birth("crowd3", child_id=number("a"), child_name="赵新生")])
    second = children(SECOND)
    assert second["a"] == (first["a"][0], "guardian")
    assert second["b"] == first["b"]
    keys = dict(lake.table(linkage.KEY).select("person_key", "person_id").iter_rows())
    assert keys[number("a")] == first["a"][0]


def test_a_number_of_many_stays_with_its_owners_name_not_with_the_surname(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("王伟", "a", BORN), *crowd()])
    names = ("王伟", "王鹏", "王火", "陈华桂")
    lake.deliver("F13", FIRST, [archive(name, person_id=number("a"), _file=name) for name in names])
    who = lake.who(FIRST)
    assert [mark for mark in names if who[mark][0] == number("a")] == ["王伟"]


def test_a_person_without_number_is_found_by_what_else_is_known(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN, sex_code="2", res_village_code=HOME), *crowd()])
    lake.deliver("F08", FIRST, [{"name": "沈阿珍", "birth_on": BORN, "sex_code": "2", "village_code": HOME}])
    assert lake.who(FIRST)["F081"] == (number("a"), "linked")


@pytest.mark.parametrize("name", ["沈珍阿", "沈啊珍", "SHEN AZHEN"])
def test_spellings_of_a_name_are_borne_where_the_rest_agrees(lake: Lake, name: str) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN, sex_code="2", res_village_code=HOME), *crowd()])
    lake.deliver("F08", FIRST, [{"name": name, "birth_on": BORN, "sex_code": "2", "village_code": HOME}])
    assert lake.who(FIRST)["F081"] == (number("a"), "linked")


def test_of_namesakes_born_on_one_day_in_one_building_neither_is_taken(lake: Lake) -> None:
    alike = {"sex_code": "2", "res_village_code": HOME, "res_address": "青东路1弄2号"}
    lake.deliver("B01", FIRST, [resident("沈阿珍", n, BORN, **alike) for n in "ab"] + crowd())
    row = {"name": "沈阿珍", "birth_on": BORN, "sex_code": "2", "village_code": HOME, "res_address": "青东路1弄2号"}
    lake.deliver("F08", FIRST, [row])
    person, method = lake.who(FIRST)["F081"]
    assert method == "none"
    assert person not in {number("a"), number("b")}
    doubts = lake.table(linkage.SUSPICION, FIRST)
    assert {"perhaps_known", "one_person_two_numbers"} >= set(doubts["kind"])


def test_twins_are_told_apart_by_their_names(lake: Lake) -> None:
    home = {"res_village_code": HOME, "res_address": "青东路1弄2号"}
    lake.deliver("B01", FIRST, [resident("顾思杰", "a", BORN, **home), resident("顾思涛", "b", BORN, **home), *crowd()])
    lake.deliver("F08", FIRST, [{"name": "顾思涛", "birth_on": BORN, "sex_code": "1", "village_code": HOME}])
    assert lake.who(FIRST)["F081"] == (number("b"), "linked")
    doubts = lake.table(linkage.SUSPICION, FIRST)
    assert "one_person_two_numbers" not in set(doubts["kind"])


def test_a_stranger_is_a_person_of_its_own(lake: Lake) -> None:
    lake.deliver("B01", FIRST, crowd())
    stranger = {"name": "诸葛无名", "birth_on": date(1988, 8, 8), "sex_code": "1", "village_code": HOME}
    lake.deliver("F08", FIRST, [stranger, stranger | {"village_code": HOME}])
    who = lake.who(FIRST)
    assert who["F081"][1] == "none"
    assert who["F081"] == who["F082"]  # the same evidence is the same person
    created = lake.table(linkage.HISTORY_FILE, FIRST).filter(pl.col("event") == "created")
    assert created["person_id"].to_list() == [who["F081"][0]]


def test_a_mere_name_is_one_person_within_its_feed_only(lake: Lake) -> None:
    lake.deliver("B01", FIRST, crowd())
    lake.deliver("F13", FIRST, [archive("诸葛无名")])
    lake.deliver("F10", FIRST, [archive("诸葛无名")])
    who = lake.who(FIRST)
    assert who["F131"][0] != who["F101"][0]


def test_a_number_used_by_forty_people(lake: Lake) -> None:
    people = crowd(40)
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), *people])
    rows = [archive(p["name"], person_id=number("a"), _file=f"of {i}") for i, p in enumerate(people)]
    lake.deliver("F13", FIRST, [*rows, archive("沈阿珍", person_id=number("a"), _file="own")])
    who = lake.who(FIRST)
    assert who["own"] == (number("a"), "number")
    assert all(who[f"of {i}"][0] != number("a") for i in range(40))
    doubts = lake.table(linkage.SUSPICION, FIRST)
    mine = doubts.filter((pl.col("person_id") == number("a")) & (pl.col("kind") == "one_number_two_people"))
    assert len(mine) == 1
    assert mine["confidence"][0] > 0.9


def test_two_names_on_a_number_are_suspected_and_not_split(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), resident("陆永福", "b", BORN), *crowd()])
    lake.deliver("F13", FIRST, [archive("周建国", person_id=number("a")), archive("陆永富", person_id=number("b"))])
    who = lake.who(FIRST)
    assert who["F131"] == (number("a"), "number")
    doubts = lake.table(linkage.SUSPICION, FIRST).filter(pl.col("kind") == "one_number_two_people")
    assert doubts["person_id"].to_list() == [number("a")]


@pytest.mark.parametrize(
    ("known", "said", "is_other"),
    [
        ("沈阿珍", "沈阿珍", False),
        ("沈阿珍", "沈珍阿", False),
        ("沈阿珍", "沈阿真", False),
        ("沈阿珍", "沈红", True),
        ("沈阿珍", "周建国", True),
        ("沈阿珍", "SHEN AZHEN", False),
        ("沈阿珍", "JOHN SMITH", False),  # another script is no proof
        ("JOHN SMITH", "SMITH JOHN", False),
    ],
)
def test_other_names(known: str, said: str, is_other: bool) -> None:
    owner = with_forms(pl.DataFrame({"person_key": ["k"], "name": [known]}))
    told = pl.DataFrame({"person_key": ["k"], "name": [said]})
    assert (len(other_than_owners(told, owner, 0.5)) == 1) is is_other


def test_two_valid_numbers_are_suspected_and_never_merged(lake: Lake) -> None:
    alike = {"sex_code": "2", "mobile": "13712345678", "res_address": "青东路1弄2号", "res_village_code": HOME}
    lake.deliver("B01", FIRST, [resident("沈阿珍", n, BORN, **alike) for n in "ab"] + crowd())
    who = lake.who(FIRST)
    assert who["base a"][0] != who["base b"][0]
    doubts = lake.table(linkage.SUSPICION, FIRST).filter(pl.col("kind") == "one_person_two_numbers")
    assert doubts.select("person_id", "other_id").rows() == [tuple(sorted((number("a"), number("b"))))]


def test_a_record_with_a_new_number_is_the_same_person(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN, source_row="R1"), *crowd()])
    lake.deliver("B01", SECOND, [resident("沈阿珍", "b", date(1953, 7, 15), source_row="R1"), *crowd()])
    lake.deliver("F13", SECOND, [archive("沈阿珍", person_id=number("b")), archive("沈阿珍", person_id=number("a"))])
    who = lake.who()
    assert who["base b"][0] == who["F131"][0] == who["F132"][0] == number("a")
    merged = lake.table(linkage.HISTORY_FILE).filter(pl.col("event") == "merged")
    assert merged.select("person_id", "other_id", "via").rows() == [(number("a"), number("b"), "record")]


def test_a_record_given_to_somebody_else_is_another_person(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN, source_row="R1"), *crowd()])
    lake.deliver("B01", SECOND, [resident("周建国", "b", date(1990, 1, 1), source_row="R1"), *crowd()])
    assert lake.who()["base b"][0] == number("b")


def test_a_person_who_changes_the_sex_marker_stays_one(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN, sex_code="1"), *crowd()])
    before = lake.who(FIRST)["base a"]
    lake.deliver("B01", SECOND, [resident("沈阿珍", "a", BORN, sex_code="2"), *crowd()])
    assert lake.who()["base a"] == before
    lake.deliver("B01", SECOND, [resident("沈阿珍", "c", BORN, sex_code="2", source_row="Ra"), *crowd()])
    assert lake.who()["base c"] == before


def late(lake: Lake) -> str:
    """Somebody unknown on the first date who gets a number on the second; the id of the first date."""
    lake.deliver("B01", FIRST, crowd())
    row = {"name": "诸葛无名", "birth_on": date(1988, 8, 8), "sex_code": "1", "village_code": HOME, "_file": "loose"}
    lake.deliver("F08", FIRST, [row])
    provisional = lake.who(FIRST)["loose"][0]
    known = resident("诸葛无名", "late", date(1988, 8, 8), res_village_code=HOME)
    lake.deliver("B01", SECOND, [known, *crowd()])
    return provisional


def test_somebody_known_late_keeps_the_older_id(lake: Lake) -> None:
    provisional = late(lake)
    who = lake.who()
    assert who["loose"][0] == who["base late"][0] == provisional
    keys = lake.table(linkage.KEY).filter(pl.col("person_key") == number("late"))
    assert keys["person_id"].to_list() == [provisional]


def test_decisions_merge_and_split(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), resident("沈珍", "b", BORN), *crowd()])
    lake.deliver("B01", SECOND, [resident("沈阿珍", "a", BORN), resident("沈珍", "b", BORN), *crowd()])
    lake.decide({"decision": "merge", "persons": [number("b"), number("a")]})
    who = lake.who()
    assert who["base a"][0] == who["base b"][0] == min(number("a"), number("b"))
    third = date(2026, 10, 31)
    lake.decide({"decision": "split", "person": who["base a"][0], "keys": [number("b")], "decided_on": third})
    apart = lake.who(third)
    assert apart["base a"][0] != apart["base b"][0]
    events = lake.table(linkage.HISTORY_FILE, third)
    assert events.filter(pl.col("event").is_in(["merged", "split"]))["via"].to_list() == ["decision", "decision"]


def test_what_people_parted_is_not_linked_again(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN, sex_code="2", res_village_code=HOME), *crowd()])
    row = {"name": "沈阿珍", "birth_on": BORN, "sex_code": "2", "village_code": HOME, "_file": "loose"}
    lake.deliver("F08", FIRST, [row])
    assert lake.who(FIRST)["loose"][0] == number("a")
    mention = lake.table(linkage.MENTION, FIRST)["mention_id"][0]
    lake.decide({"decision": "split", "person": number("a"), "keys": [mention]})
    lake.deliver("B01", SECOND, [resident("沈阿珍", "a", BORN, sex_code="2", mobile="13712345678"), *crowd()])
    assert lake.who()["loose"] == (mention, "decided")


def test_a_decision_about_nobody_known_waits(lake: Lake) -> None:
    lake.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), *crowd()])
    lake.decide({"decision": "merge", "persons": [number("a"), number("later")], "decided_on": FIRST})
    assert lake.who(FIRST)["base a"][0] == number("a")
    lake.deliver("B01", SECOND, [resident("沈阿珍", "a", BORN), resident("沈珍", "later", BORN), *crowd()])
    assert lake.who()["base later"][0] == number("a")


LIMITS = Limits(confident=0.95, suspected=0.5, margin_bits=3, known_share=0.9)


def decided(**weights: float) -> Callable[[], tuple[str, str]]:
    pairs = pl.DataFrame({"row_id": "r", "person_key": list(weights), "weight": list(weights.values())})
    people = pl.DataFrame({"person_key": list("xyz"), "person_id": ["p", "q", "p"]})
    found = best_matches(pairs, people, LIMITS)
    return found["person_key"][0], found["status"][0]


def test_the_best_must_beat_the_second() -> None:
    assert decided(x=6.0) == ("x", "certain")
    assert decided(x=6.0, y=3.1) == ("x", "suspected")  # sure enough, but no lead of 3 bits
    assert decided(x=9.0, y=3.0) == ("x", "certain")
    assert decided(x=9.0, z=8.9) == ("x", "certain")  # two numbers of one person do not compete
    assert decided(x=6.0, y=6.0)[1] in ("suspected", "provisional")
    assert decided(x=-9.0) == ("x", "provisional")


def test_the_bounds_belong_to_the_better_side() -> None:
    exact = Limits(confident=0.9091, suspected=0.5, margin_bits=3, known_share=0.9)
    pairs = pl.DataFrame({"row_id": ["r"], "person_key": ["x"], "weight": [0.0]})
    people = pl.DataFrame({"person_key": ["x"], "person_id": ["p"]})
    assert best_matches(pairs, people, exact)["status"][0] == "certain"  # 1 / 1.1
    above = exact.model_copy(update={"confident": 0.9092})
    assert best_matches(pairs, people, above)["status"][0] == "suspected"


def test_no_state_holds_a_name_outside_its_folder(lake: Lake) -> None:
    lake.deliver("B01", FIRST, crowd())
    folder = lake.replay(FIRST)
    assert folder.parent.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert KEY.key_id not in folder.name
