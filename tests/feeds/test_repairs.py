"""What may be said of a number that cannot be used: which valid ones it could have been, what date it states."""

import time
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from pipelines import identifiers
from pipelines.identifiers import candidates, canonical, ends, repairs, stated_births
from tests.feeds.making import citizen, few

LATEST = date(2026, 10, 31)
NUMBERS = st.builds(
    lambda serial, born: citizen(serial, f"{born:%Y%m%d}"),
    st.integers(1, 999),
    st.dates(date(1900, 1, 1), date(2026, 10, 31)),
)


def found(raw: str) -> list[str]:
    return repairs(raw, allow_synthetic=True, latest=LATEST)


@few
@given(NUMBERS, st.integers(0, 17), st.integers(1, 9))
def test_the_true_number_is_among_the_candidates_of_one_wrong_digit(number, place, shift):
    value = 10 if number[place] == "X" else int(number[place])
    wrong = number[:place] + str((value + shift) % 10) + number[place + 1 :]
    assert number in found(wrong)


@few
@given(NUMBERS, st.integers(0, 15))
def test_the_true_number_is_among_the_candidates_of_two_neighbours_exchanged(number, place):
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert number in found(wrong) or wrong == number


@few
@given(st.text("0123456789", min_size=17, max_size=17), st.sampled_from("0123456789X"))
def test_no_candidate_is_invalid_far_from_what_came_or_said_twice(body, check):
    text = f"3199{body[4:]}{check}"
    guesses = found(text)
    assert len(set(guesses)) == len(guesses) <= 35
    for guess in guesses:
        assert canonical(guess, allow_synthetic=True, latest=LATEST).text == guess
        differing = [i for i in range(18) if guess[i] != text[i]]
        assert len(differing) == 1 or (
            len(differing) == 2 and differing[1] == differing[0] + 1 and sorted(guess) == sorted(text)
        )


def every_change(text: str) -> set[str]:
    """All texts one digit or one exchange away, by hand."""
    made = {text[:i] + c + text[i + 1 :] for i in range(18) for c in ("0123456789X" if i == 17 else "0123456789")}
    return made | {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(17)}


@few
@given(NUMBERS, st.integers(6, 13), st.integers(1, 9))
def test_no_candidate_is_forgotten(number, place, shift):
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    valid = {text for text in every_change(wrong) if canonical(text, allow_synthetic=True, latest=LATEST)}
    assert set(found(wrong)) == valid - {wrong}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "王小明",
        "3.19901E+17",
        "3199**********0024",
        citizen(1)[:17],
        citizen(1) + "1",
        "H12345678",
        citizen(1),
        "٣١٩٩٠١١٩٧٠٠١٠٢٠٠١٢",
    ],
)
def test_nothing_is_guessed_of_texts_that_are_right_or_no_number(text):
    assert found(text) == []


def test_a_right_check_digit_with_an_impossible_date_was_no_single_slip():
    body = "319901" + "19700230" + "001"
    whole = next(f"{body}{c}" for c in "0123456789X" if identifiers.examine(pl.Series([body + c]), allow_synthetic=True)
                 ["problem"][0] == "date" and check_fits(body, c))  # fmt: skip
    assert found(whole) == []


def check_fits(body: str, check: str) -> bool:
    return str(ric.calc_check_digit(body + "0")) == check


def test_an_old_number_of_fifteen_digits_is_mended_in_its_date():
    good = "319901" + "700102" + "001"
    wrong = good[:8] + "2" + good[9:]  # the 20th month
    assert canonical(wrong, allow_synthetic=True) is None
    assert canonical(good, allow_synthetic=True).text in found(wrong)
    assert all(canonical(guess, allow_synthetic=True).text == guess for guess in found(wrong))


def test_of_a_disability_certificate_the_number_is_mended_and_not_the_suffix():
    good = citizen(1)
    wrong = good[:10] + str((int(good[10]) + 1) % 10) + good[11:] + "43B1"
    (lists,) = candidates(pl.Series([wrong]), with_suffix=True, allow_synthetic=True, latest=LATEST).to_list()
    assert good in lists


def test_only_the_kinds_a_column_may_hold_are_guessed():
    wrong = "810000199408230020"
    assert "810000199408230021" in repairs(wrong)
    assert "810000199408230021" not in repairs(wrong, kinds=(identifiers.IDCARD,))


def test_rows_keep_their_place_and_empty_ones_have_empty_lists():
    good = citizen(5)
    wrong = good[:17] + ("1" if good[17] != "1" else "2")
    lists = candidates(pl.Series([None, wrong, good, "", wrong]), allow_synthetic=True, latest=LATEST).to_list()
    assert lists[0] == lists[2] == lists[3] == [] and good in lists[1] and lists[1] == lists[4]
    assert candidates(pl.Series([], dtype=pl.String)).to_list() == []


def test_thousands_of_rows_take_no_time():
    wrong = pl.Series([citizen(i % 998 + 1, f"19{60 + i % 40}0102")[:17] + "#" for i in range(5_000)])
    wrong = wrong.str.replace("#", "0")
    begun = time.perf_counter()
    lists = candidates(wrong, allow_synthetic=True, latest=LATEST)
    assert time.perf_counter() - begun < 5 and len(lists) == 5_000


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (citizen(1, "19700102")[:17] + "?", date(1970, 1, 2)),
        (citizen(1, "19700102")[:17], date(1970, 1, 2)),
        ("319901" + "19700102" + "****", date(1970, 1, 2)),
        ("319901" + "19700230" + "0011", None),
        ("319901" + "20261101" + "0011", None),
        ("319901" + "18790101" + "0011", None),
        ("319901" + "700102" + "001", date(1970, 1, 2)),
        ("3199**********0024", None),
        ("3.19901E+17", None),
        ("12345678", None),
        (None, None),
    ],
)
def test_the_date_an_unusable_number_states(text, stated):
    assert stated_births(pl.Series([text], dtype=pl.String), latest=LATEST).to_list() == [stated]


def test_what_a_mask_leaves_is_the_same_as_of_the_whole_number():
    whole = citizen(7)
    masked = pl.Series(
        [f"{whole[:4]}{'*' * 10}{whole[14:]}", f"{whole[:6]}****{whole[-4:]}", f"{whole[:3]}*****8", None]
    )
    end = whole[:4] + whole[-4:]
    assert ends(masked).to_list() == [end, end, None, None]
    assert ends(pl.Series([whole, "H1", None])).to_list() == [None, None, None]
    assert ends(pl.Series([whole, "H1", None]), whole=True).to_list() == [end, None, None]
