import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds import parse
from pipelines.feeds.fields import Column, Intake
from pipelines.feeds.reading import STROKE
from pipelines.settings import Settings
from tests.feeds.making import some

REFERENCE = Settings().reference


def read(texts: list[str | None], kind: str = "string", reference: Path = REFERENCE, **options):
    """Values and broken rules (rule → positions) of a column's texts."""
    column = Column(
        name="c", physical="C", logic=None, label="C", logical_type=kind, required=False, classification="internal",
        description="", intake=Intake(**options),
    )  # fmt: skip
    said = parse.said(column, parse.clean(pl.Series(texts, dtype=pl.String)))
    values, broken = parse.read(column, said, reference)
    return values.to_list(), {rule: flags.arg_true().to_list() for rule, flags in broken.items()}


DAYS = st.dates(date(1910, 1, 1), date(2119, 12, 31))
FORMS = {
    "ymd": lambda d: f"{d:%Y%m%d}",
    "dashed": lambda d: f"{d:%Y-%m-%d}",
    "slashed": lambda d: f"{d.year}/{d.month}/{d.day}",
    "dotted": lambda d: f"{d.year}.{d.month:02d}.{d.day:02d}",
    "chinese": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "excel": lambda d: str((d - date(1899, 12, 30)).days),
}


@some
@given(st.lists(st.tuples(DAYS, st.sampled_from(list(FORMS))), min_size=1, max_size=30))
def test_every_spelling_of_a_date_is_the_same_date(pairs):
    values, broken = read([FORMS[form](day) for day, form in pairs], "date", dates=list(FORMS))
    assert values == [day for day, _ in pairs] and not broken


@some
@given(st.lists(st.text(max_size=12) | st.from_regex(r"[0-9/.年月日-]{6,11}", fullmatch=True), max_size=30))
def test_no_text_becomes_a_date_that_does_not_say_it(texts):
    values, broken = read(texts, "date", dates=[*FORMS, "month"])
    cleaned = parse.clean(pl.Series(texts, dtype=pl.String)).to_list()
    for position, (text, value) in enumerate(zip(cleaned, values, strict=True)):
        says_something = text is not None and not re.fullmatch(STROKE, text)
        assert (says_something and value is None) == (position in broken.get("date", []))
        if value is not None and not text.isdigit():
            assert str(value.year) in text and str(value.month) in text


@pytest.mark.parametrize(
    "text", ["20230229", "2023-13-01", "2023年2月30日", "00000000", "19000100", "3.19901E+17", "2023/1"]
)
def test_what_is_no_date_is_broken(text):
    assert read([text], "date", dates=list(FORMS)) == ([None], {"date": [0]})


def test_a_month_alone_is_its_first_day():
    forms = ["dotted", "month", "ymd"]
    values, broken = read(["1953.07", "1953年7月", "1953-07", "1953.07.09"], "date", dates=forms)
    assert values == [date(1953, 7, 1)] * 3 + [date(1953, 7, 9)] and not broken


def test_unknown_words_are_empty_and_not_broken():
    values, broken = read(["00000000", "99991231", "20260101"], "date", unknown=["00000000", "99991231"])
    assert values == [None, None, date(2026, 1, 1)] and not broken


@some
@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20))
def test_whole_numbers_with_words_around_them(numbers):
    texts = [(f"约{n}", f"{n}人", f"{n:,}", f" {n}　", f"{n}.0")[abs(n) % 5] for n in numbers]
    values, broken = read(texts, "integer", strip=["约", "人"])
    assert values == numbers and not broken


@some
@given(st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=20))
def test_amounts_are_exact(amounts):
    texts = [(f"{a:,}", f"{a}元", str(a))[i % 3] for i, a in enumerate(amounts)]
    values, broken = read(texts, "number", strip=["元"], digits=12, decimals=2)
    assert values == amounts and all(isinstance(v, Decimal) for v in values) and not broken


@pytest.mark.parametrize(
    ("text", "kind", "options", "rule"),
    [
        ("一千", "integer", {}, "invalid"),
        ("1.5", "integer", {}, "invalid"),
        ("99999999999", "integer", {}, "invalid"),
        ("1e3", "number", {}, "invalid"),
        ("201", "integer", {"maximum": 200}, "range"),
        ("-0.01", "number", {"minimum": 0, "decimals": 2}, "range"),
        ("202613", "integer", {"pattern": "20[0-9]{2}(0[1-9]|1[0-2])"}, "pattern"),
        ("C7N", "string", {"pattern": "[A-Z]{3}"}, "pattern"),
        ("maybe", "boolean", {}, "invalid"),
    ],
)
def test_a_value_that_cannot_be_is_emptied_and_named(text, kind, options, rule):
    assert read([text, None, ""], kind, **options) == ([None] * 3, {rule: [0]})


def test_yes_and_no_in_any_words():
    values, broken = read(["是", "否", "1", "0", "Y", "n", None], "boolean")
    assert values == [True, False, True, False, True, False, None] and not broken


def test_codes_come_from_the_table_with_other_spellings():
    codes = {"file": "codes.csv", "where": {"table": "sex"}, "also": ["name_cn"], "synonyms": {"M": "1", "女": "2"}}
    values, broken = read(["1", "2", "M", "女", "男性", "3", None], codes=codes)
    assert values == ["1", "2", "1", "2", "1", None, None] and broken == {"code": [5]}


def test_a_code_keeps_its_meaning_against_a_synonym():
    values, _ = read(["1"], codes={"values": ["1", "2"], "synonyms": {"1": "2"}})
    assert values == ["1"]


@pytest.mark.parametrize(
    "codes",
    [
        {"values": ["a"], "synonyms": {"x": "b"}},
        {"file": "codes.csv", "where": {"table": "no such table"}},
        {"file": "missing.csv"},
        {"domain": "no.domain"},
        {"file": "qingpu_divisions.csv", "key": "village_code", "also": ["town_name"]},
    ],
)
def test_a_code_table_that_is_not_there_or_not_clear_is_refused(codes):
    with pytest.raises(ValueError, match="not|no "):
        read(["x"], codes=codes)


def test_lists_are_split_sorted_and_checked_item_by_item():
    codes = {"values": ["辅具", "阳光之家", "康复训练"]}
    values, broken = read(
        ["辅具、阳光之家", "阳光之家，辅具、", "辅具;按摩", "", None], "array", separators="、，;", codes=codes
    )
    assert values == [["辅具", "阳光之家"], ["辅具", "阳光之家"], ["辅具"], None, None] and broken == {"code": [2]}


def test_names_are_written_in_one_way():
    values, broken = read(["李　 明", "阿依古丽•买买提", "JOHN  SMITH", "王\ue000", "张?"], role="name")
    assert values == ["李明", "阿依古丽·买买提", "JOHN SMITH", "王\ue000", "张?"] and broken == {"rare_char": [3, 4]}


@pytest.mark.parametrize("role", ["name", "address", "value"])
@pytest.mark.parametrize(
    "number", ["319901197001020012", "31990119700102001X", "31990119700102001x", "319901700102001"]
)
def test_a_number_written_into_free_text_is_not_kept(role, number):
    values, broken = read([number, f"户主{number}号", "幸福路12345678901234号", None], role=role)
    assert values[:2] == [None, None] and broken["holds_number"] == [0, 1]
    assert values[2] is not None


def test_a_database_s_own_dates_the_day_first_and_seasons():
    texts = ["05-1月 -23", "31-12月 -99", "1/2/1980", "13/1/1980", "1978年冬", "1981年春", "31-2月 -23", "78年"]
    values, broken = read(texts, "date", dates=["nls", "day_first", "season"])
    found = [date(2023, 1, 5), date(1999, 12, 31), date(1980, 2, 1), date(1980, 1, 13), date(1978, 12, 1)]
    assert values == [*found, date(1981, 3, 1), None, None] and broken == {"date": [6, 7]}


def test_moments_mean_the_clock_of_shanghai():
    texts = [
        "2026-10-30T08:00:00+08:00",
        "2026-10-30T00:00:00.5Z",
        "1793318400000",
        "2026-10-30 08:00:00",
        "2026-10-30T08",
    ]
    values, broken = read(texts, "timestamp", dates=["offset", "epoch_ms", "datetime"])
    assert values[:4] == [datetime(2026, 10, 30, 8)] * 4 and values[4] is None and broken == {"date": [4]}


def test_amounts_in_hundredths_unless_written_with_a_point():
    values, broken = read(["18000", "180.00", "5", "x"], "number", hundredths=True, digits=12, decimals=2)
    assert values == [Decimal("180.00"), Decimal("180.00"), Decimal("0.05"), None] and broken == {"invalid": [3]}
