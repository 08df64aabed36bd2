"""Fields of one row that contradict each other: what follows from a contract's words; that every contract has it."""

import re
from datetime import date

import polars as pl
import pytest

from pipelines.feeds.check import check
from pipelines.feeds.codes import spellings
from pipelines.feeds.consistency import DATED
from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.fields import Column
from pipelines.feeds.readers import Raw
from pipelines.feeds.readers.raw import place
from pipelines.identifiers import Key
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, make_contract, rule

SETTINGS = Settings()
KEY = Key(bytes(range(32)))
CONTRACTS = load_contracts(SETTINGS.contracts)
WORDS = re.compile(r"due|valid|(^|_)end_on$|checkout|stop|_to_on$|expire")
# A column that says when something ends, and why nothing in its row says when it began.
NO_BEGINNING = {
    "F01.permit_valid_to_on": "a permit may have run out before the holder registers anew",
    "F29.committee_term_end_on": "the term's first day is not delivered",
    "F31.contract_end_on": "the contract's first day is not delivered",
    "F32.lic_valid_to_on": "the day of the licence is not delivered",
    "F27.due_on": "a day is not told from the moment of acceptance on the same day",
    "F33.due_on": "a day is not told from the moment of finding on the same day",
    "I08.expire_on": "points are gained all the year",
}
ENDS = re.compile(
    r"due_on|valid_to|(^|_)end_on$|closed_at|checkout|stop_on|_to_on$|expire_on|retire_on|cancelled_on|fixed_at|death_on"
)


def dated(contract: Contract):
    return [c for c in contract.read_columns if c.logical_type in DATED and c.role not in ("drop", "identity")]


def expressions(contract: Contract, name: str) -> list[str]:
    return [r.expression for r in contract.row_rules if r.column == name]


def needed(c: Column) -> str:
    """Something that a column takes which must be filled."""
    if c.intake.codes is not None:
        return next(iter(spellings(c.intake.codes, SETTINGS.reference)))
    if c.role == "identity":
        return citizen(2, "19950101")
    # A credit code is made up as in the standard's own example.
    return "91350100M000100Y43" if c.role == "credit_code" else "K1"


def flagged(contract: Contract, **values: str) -> list[str]:
    """The rules that a row of these values breaks, without the feed's name."""
    raw = {c.physical: needed(c) for c in contract.read_columns if c.required}
    raw |= {contract.by_name[name].physical: text for name, text in values.items()}
    frame = pl.DataFrame(
        {name: [raw.get(name)] for name in contract.physicals},
        schema_overrides=dict.fromkeys(contract.physicals, pl.String),
    )
    done = check(contract, Raw(place(frame, "f", 1)), KEY, DAY, SETTINGS.reference)
    told = [*done.rows["_dq"].to_list(), *done.quarantine["rules"].to_list()]
    return sorted(code.removeprefix(f"{contract.feed}.") for code in told[0])


# ---------------------------------------------------------------- every contract has what its columns allow


@pytest.mark.parametrize("feed", CONTRACTS)
def test_birth_and_sex_are_held_against_the_number(feed):
    contract = CONTRACTS[feed]
    if not any(c.role == "identity" for c in contract.columns):
        return
    for c in contract.read_columns:
        says_sex = c.intake.codes is not None and c.intake.codes.where == {"table": "sex"}
        says_birth = "birth" in c.name and c.logical_type == "date"
        part = "_cert_sex_code" if says_sex else "_cert_birth_on"
        if says_sex or says_birth:
            assert any(part in text for text in expressions(contract, c.name)), c.name
        if says_birth:
            assert f"year({c.name}) >= business_year - 120" in expressions(contract, c.name)


@pytest.mark.parametrize("feed", CONTRACTS)
def test_what_has_happened_is_not_after_the_delivery(feed):
    contract = CONTRACTS[feed]
    for c in dated(contract):
        until = f"{c.name} <= business_on" if c.logical_type == "date" else f"{c.name} < day_after"
        if feed == "B05":
            assert c.intake.may_be_future, "a code may be valid from a day to come"
        else:
            # Only what falls due, ends or expires may lie ahead.
            assert c.intake.may_be_future == bool(WORDS.search(c.name)), c.name
            assert (until in expressions(contract, c.name)) != c.intake.may_be_future, c.name


@pytest.mark.parametrize("feed", CONTRACTS)
def test_what_ends_has_begun(feed):
    contract = CONTRACTS[feed]
    for c in dated(contract):
        if ENDS.search(c.name) and f"{feed}.{c.name}" not in NO_BEGINNING:
            assert any(re.match(rf"{c.name} >=? ", text) for text in expressions(contract, c.name)), c.name


def test_no_two_rules_of_a_contract_have_one_code():
    for contract in CONTRACTS.values():
        codes = [(r.column, r.name) for r in contract.row_rules]
        assert len(codes) == len(set(codes)), contract.feed


# ---------------------------------------------------------------- the rules of single contracts

MOTHER = {
    "person": citizen(2, "19950101"),
    "registered_on": "05-1月 -26",
    "lmp_on": "01-12月 -25",
    "birth_on": "01-9月 -26",
}
CERTIFICATE = {"person": citizen(2, "19530701") + "44", "kind_code": "肢体", "grade_code": "四级"}


@pytest.mark.parametrize(
    ("feed", "values", "codes"),
    [
        ("F12", MOTHER, []),
        ("F12", MOTHER | {"birth_on": "01-11月 -25"}, ["birth_on.not_before_lmp_on"]),
        ("F12", MOTHER | {"person": citizen(2, "20200101")}, ["birth_on.mother_age"]),
        ("F12", MOTHER | {"person": citizen(3, "19950101")}, ["person.a_woman"]),
        ("F12", MOTHER | {"birth_on": "01-11月 -26"}, ["birth_on.not_in_future"]),
        ("F12", MOTHER | {"child": citizen(2, "20260902")}, ["birth_on.as_number"]),
        ("F12", MOTHER | {"child": citizen(2, "20260901"), "child_sex_code": "男"}, ["child_sex_code.as_number"]),
        ("F12", MOTHER | {"spouse": MOTHER["person"]}, ["spouse.another_person"]),
        ("F08", CERTIFICATE | {"birth_on": "1953.07", "sex_code": "女", "issued_on": "2026-10-30"}, []),
        ("F08", CERTIFICATE | {"birth_on": "1953-07-01"}, []),
        ("F08", CERTIFICATE | {"birth_on": "1953.07.02"}, ["birth_on.as_number"]),
        ("F08", CERTIFICATE | {"birth_on": "1963.07"}, ["birth_on.as_number"]),
        ("F08", CERTIFICATE | {"birth_on": "1853.07"}, ["birth_on.as_number", "birth_on.plausible"]),
        ("F08", CERTIFICATE | {"sex_code": "男"}, ["sex_code.as_number"]),
        ("F08", CERTIFICATE | {"issued_on": "2026-10-31", "valid_to_on": "2036-10-31"}, ["issued_on.not_in_future"]),
        ("F09", {"person": citizen(1, "19600115"), "sex_code": "男", "enlist_on": "78年冬"}, []),
        ("F09", {"person": "319901600115002", "sex_code": "男"}, ["sex_code.as_number"]),
        ("F32", {"established_on": "20261031"}, ["established_on.not_in_future"]),
        ("I11", {"created_at": "2026-10-30 23:59:59", "closed_at": "2026-10-31 00:00"}, ["closed_at.not_in_future"]),
        ("I11", {"created_at": "2026-10-30 08:00", "closed_at": "2026-10-30 07:59"},
         ["closed_at.not_before_created_at"]),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_flagged(feed, values, codes):
    own = [code for code in flagged(CONTRACTS[feed], **values) if code.split(".")[1] != "required"]
    assert own == codes


# ---------------------------------------------------------------- how they follow

CSV = {"format": "delimited", "files": "f.csv"}
COLUMNS = [column("from_on", "FROM", "date"), column("to_on", "TO", "date", not_before=["from_on"], may_be_future=True)]


def test_rules_follow_from_words_and_say_which_columns_they_mean(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, CSV)
    assert [(r.column, r.name, r.severity) for r in contract.row_rules] == [
        ("from_on", "not_in_future", "warning"),
        ("to_on", "not_before_from_on", "warning"),
    ]
    assert "FROM" in contract.row_rules[1].message_zh and "TO" in contract.row_rules[1].message_en
    assert flagged(contract, from_on="20261030", to_on="20991231") == []
    assert flagged(contract, from_on="20261031", to_on="20261030") == [
        "from_on.not_in_future", "to_on.not_before_from_on",
    ]  # fmt: skip
    assert date(2026, 10, 30) == DAY


def test_a_rule_that_the_contract_writes_goes_first(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, CSV, rule("late", "from_on", "from_on  <=  business_on", "error"))
    assert [(r.column, r.name, r.severity) for r in contract.row_rules] == [
        ("from_on", "late", "error"),
        ("to_on", "not_before_from_on", "warning"),
    ]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ([column("a", "A", may_be_future=True)], "may_be_future is for dates"),
        ([column("a", "A", "date", not_before=["b"])], "names no date or moment: b"),
        ([column("a", "A", "date", not_before=["b"]), column("b", "B")], "names no date or moment: b"),
        ([column("a", "A", "date", not_before=["b"]), column("b", "B", "timestamp")], "a moment of the same day: b"),
        ([column("a", "A", "date", century_of="b")], "century_of names no identity column"),
    ],
)
def test_words_that_mean_nothing_are_refused(tmp_path, columns, problem):
    with pytest.raises(ValueError, match=problem):
        make_contract(tmp_path, columns, CSV)
