import csv
import hashlib
import hmac
from base64 import b32encode
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.cn import uscc as published_uscc

from pipelines import identifiers
from pipelines.identifiers import Key, canonical, credit_codes, examine, load_key
from pipelines.key_file import KeyProblem
from tests.feeds.making import citizen, few

VECTORS = list(csv.DictReader((Path(__file__).parent / "id_vectors.csv").open(encoding="utf-8")))


# What the published vectors hold beside what is read here: organisation codes stand only within credit codes, and SM4
# enciphers nothing in this house.
ELSEWHERE = {"orgcode9", "sm4"}
READ_HERE = {
    "id18", "id15", "hk_permit", "tw_permit", "foreign_pr15", "foreign_pr18", "uscc", "disability_cert", "sm3",
}  # fmt: skip


def test_every_published_vector_is_read_by_a_test():
    assert {row["kind"] for row in VECTORS} == READ_HERE | ELSEWHERE


def problem_of(value: str, **options) -> str | None:
    return examine(pl.Series([value]), **options)["problem"][0]


@pytest.mark.parametrize("row", [r for r in VECTORS if r["kind"] in ("id18", "id15", "hk_permit", "tw_permit")])
def test_published_numbers_are_judged_as_published(row):
    number = canonical(row["value"], allow_synthetic=True)
    assert (number is not None) == (row["valid"] == "1")
    if "->" in row["note"] and number:
        assert number.text == row["note"].split()[1].removesuffix("(prefix")


@pytest.mark.parametrize("row", [r for r in VECTORS if r["kind"].startswith("foreign_pr")])
def test_permanent_residence_numbers_of_both_editions(row):
    number = canonical(row["value"])
    assert number is not None and number.kind == identifiers.FOREIGN_PR
    other_check = row["value"][:-1] + ("0" if row["value"][-1] != "0" else "1")
    assert problem_of(other_check) == "check_digit"


@pytest.mark.parametrize("row", [r for r in VECTORS if r["kind"] == "uscc"])
def test_credit_codes_are_judged_as_published(row):
    code, problem = credit_codes(pl.Series([row["value"]])).row(0)
    assert (problem is None) == (row["valid"] == "1")
    assert (code is None) == (problem == "characters")


@pytest.mark.parametrize("row", [r for r in VECTORS if r["kind"] == "disability_cert"])
def test_disability_certificates_carry_kind_and_grade(row):
    found = examine(pl.Series([row["value"]]), with_suffix=True).row(0, named=True)
    assert (found["problem"] is None) == (row["valid"] == "1")
    if found["problem"] is None:
        assert found["canonical"] == row["value"][:18]
        assert (found["suffix_kind"], found["suffix_grade"]) == (row["value"][18], row["value"][19])
        assert found["reissue"] == (row["value"][21] if len(row["value"]) == 22 else None)


@few
@given(st.integers(1, 999), st.dates(date(1880, 1, 1), date(2026, 10, 31)))
def test_a_citizen_number_says_birth_and_sex(serial, born):
    number = canonical(citizen(serial, f"{born:%Y%m%d}"), allow_synthetic=True, latest=date(2026, 10, 31))
    assert number is not None
    assert (number.birth_on, number.sex_code) == (born, "1" if serial % 2 else "2")
    assert not number.was_15


@few
@given(st.integers(0, 10**17 - 1), st.sampled_from("0123456789X"))
def test_agrees_with_the_published_library_where_that_one_accepts(body, check):
    text = f"{body:017d}{check}"
    if ric.is_valid(text) and text >= "1" and "1880" <= text[6:10] <= "2026":
        assert canonical(text) is not None
    if canonical(text, kinds=(identifiers.IDCARD,)) is not None:
        assert text[-1] == ric.calc_check_digit(text)


@few
@given(st.integers(1, 995), st.dates(date(1900, 1, 1), date(1999, 12, 31)))
def test_fifteen_digits_become_the_same_person(serial, born):
    new = citizen(serial, f"{born:%Y%m%d}")
    old = new[:6] + new[8:17]
    number = canonical(old, allow_synthetic=True)
    assert number is not None and number.text == new and number.was_15


@pytest.mark.parametrize("serial", [996, 997, 998, 999])
def test_fifteen_digits_of_centenarians_are_of_the_century_before(serial):
    new = citizen(serial, "18890704")
    number = canonical(new[:6] + new[8:17], allow_synthetic=True)
    assert number is not None and number.text == new and number.birth_on == date(1889, 7, 4)


@few
@given(st.integers(1, 999), st.integers(0, 17), st.integers(1, 9))
def test_any_one_wrong_digit_is_noticed(serial, place, shift):
    good = citizen(serial, "19700102")
    if good[place] == "X":
        return
    wrong = good[:place] + str((int(good[place]) + shift) % 10) + good[place + 1 :]
    assert canonical(wrong, allow_synthetic=True) is None


@few
@given(
    st.sampled_from(["", " ", "\u00a0", "\ufeff", "'", '"', "\u3000", "\u200b"]),
    st.sampled_from(["", " ", ".0", "'", "\u3000"]),
    st.booleans(),
    st.booleans(),
)
def test_what_typing_adds_is_taken_off(before, after, wide, lower):
    good = citizen(8, "19551231")
    text = good.lower() if lower else good
    if wide:
        text = text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789Xx"})
    number = canonical(
        f"{before}{text[:6]} {text[6:]}{after}" if after != ".0" else f"{before}{text}{after}", allow_synthetic=True
    )
    assert number is not None and number.text == good


@pytest.mark.parametrize("mark", list("x×*χХ"))
def test_look_alikes_of_x_count_in_the_last_place_only(mark):
    with_x = next(n for n in (citizen(i, "19620305") for i in range(1, 40)) if n.endswith("X"))
    assert canonical(with_x[:-1] + mark, allow_synthetic=True).text == with_x
    assert canonical(mark + with_x[1:], allow_synthetic=True) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("3.19901E+17", "precision_lost"),
        ("3.19901197001020E+17", "precision_lost"),
        ("3199**********0024", "masked"),
        ("31990119700102001", "length"),
        ("1", "length"),
        ("王小明", "characters"),
        ("319901197013010011", "date"),
        ("319901187001010013", "birth"),
        ("三一九九零一一九七零零一零二零零", "characters"),
    ],
)
def test_a_broken_number_has_a_telling_reason(value, problem):
    assert problem_of(value, allow_synthetic=True) == problem


def test_nobody_is_born_after_the_delivery():
    assert problem_of(citizen(1, "20261031"), allow_synthetic=True, latest=date(2026, 10, 30)) == "birth"
    assert problem_of(citizen(1, "20261030"), allow_synthetic=True, latest=date(2026, 10, 30)) is None


def test_area_codes_known_former_and_of_nobody():
    def good(area: str) -> str:
        return citizen(1, "19700102", area)

    assert canonical(good("310118")) and canonical(good("310229")), "present and former Qingpu"
    assert canonical(good("319901")) is None, "synthetic people are welcome only where the profile says so"
    assert problem_of(good("000000")) == "area"
    assert problem_of(good("319801"), allow_synthetic=True) == "area"


def test_the_declared_kind_must_fit():
    kinds = pl.Series(["idcard", "passport", "passport", "tw_permit", None])
    values = pl.Series(["12345678", "AB1234567", citizen(1), "12345678", "AB1234567"])
    found = examine(values, declared=kinds, allow_synthetic=True)
    assert found["problem"].to_list() == ["kind", None, "length", None, "characters"]
    assert found["kind"].to_list() == [None, "passport", None, "tw_permit", None]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("810000199408230021", "hmt_residence", "810000199408230021"),
        ("H12345678", "hm_permit", "H12345678"),
        ("m1234567801", "hm_permit", "M1234567801"),
        ("12345678", "tw_permit", "12345678"),
        ("0123456789(B)", "tw_permit", "0123456789"),
        ("E12345678", "passport", "E12345678"),
        ("ＥA1234567", "passport", "EA1234567"),
        ("99984019900101001X", "foreign_pr", "99984019900101001X"),
        ("kaz110090123105", "foreign_pr", "KAZ110090123105"),
        ("A12345678", None, None),
        ("H1234567", None, None),
        ("810000199408230022", None, None),
        ("820000199402300027", None, None),
    ],
)
def test_every_document_of_the_platform_has_its_form(value, kind, text):
    row = examine(pl.Series([value])).row(0, named=True)
    assert (row["kind"], row["canonical"]) == (kind, text)


def test_foreign_passports_are_read_where_they_are_declared():
    values, declared = pl.Series(["A12345678", "AB12C", "ABCDE", "1"]), pl.Series(["passport"] * 4)
    found = examine(values, declared=declared)
    assert found["canonical"].to_list() == ["A12345678", "AB12C", None, None]


def test_order_and_empty_values_survive_the_two_ways_of_reading():
    values = [citizen(1), None, "H12345678", "", citizen(2), "王", "E12345678", citizen(3)]
    found = examine(pl.Series(values), allow_synthetic=True)
    assert found["canonical"].to_list() == [values[0], None, "H12345678", None, values[4], None, "E12345678", values[7]]
    assert found["problem"].to_list() == [None, None, None, None, None, "characters", None, None]


@few
@given(st.text(alphabet="0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17))
def test_credit_codes_agree_with_the_published_check(body):
    ours = [c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if credit_codes(pl.Series([body + c]))["problem"][0] is None]
    assert ours == [published_uscc.calc_check_digit(body + "0")]


# ---------------------------------------------------------------- pseudonyms, masks, keys


@few
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=30))
def test_pseudonyms_are_keyed_hmac_sm3_in_base32(values):
    key = Key(bytes(32))
    found = identifiers.pseudonyms(key, "person", pl.Series(values, dtype=pl.String)).to_list()
    for value, code in zip(values, found, strict=True):
        if value is None:
            assert code is None
            continue
        digest = hmac.digest(key.secret, b"person\0" + value.encode(), "sm3")
        assert code == b32encode(digest).decode().lower()[:20] == identifiers.pseudonym(key, "person", value)


def test_sm3_is_the_published_function():
    vector = next(r["value"] for r in VECTORS if r["kind"] == "sm3")
    assert hashlib.new("sm3", b"abc").hexdigest() == vector.split()[-1]


def test_another_key_or_domain_gives_another_pseudonym():
    values = {
        identifiers.pseudonym(key, domain, "A")
        for key in (Key(bytes(32)), Key(bytes(31) + b"\1"))
        for domain in ("person", "dwelling")
    }
    assert len(values) == 4
    assert Key(bytes(32)).key_id != Key(bytes(31) + b"\1").key_id


def test_a_key_does_not_print_its_secret():
    assert "secret" not in repr(Key(b"s" * 32)) and "sss" not in repr(Key(b"s" * 32))


def test_masks_show_the_last_two_places_only():
    shown = identifiers.masks(pl.Series(["11010519491231002X", "H12345678", "E1", None])).to_list()
    assert shown == ["*" * 16 + "2X", "*" * 7 + "78", "E1", None]


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "vault" / "key"
    first = load_key(path, must_exist=False)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert len(path.read_bytes()) == 32 and load_key(path, must_exist=True).secret == first.secret


def test_a_missing_key_is_never_replaced(tmp_path):
    with pytest.raises(KeyProblem, match="missing.*Restore"):
        load_key(tmp_path / "key", must_exist=True)
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("wrong", ["link", "folder", "short", "open"])
def test_a_file_that_is_no_key_is_refused(tmp_path, wrong):
    path = tmp_path / "key"
    if wrong == "link":
        (tmp_path / "real").write_bytes(bytes(32))
        path.symlink_to(tmp_path / "real")
    elif wrong == "folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(31 if wrong == "short" else 32))
        path.chmod(0o644 if wrong == "open" else 0o600)
    with pytest.raises(KeyProblem):
        load_key(path, must_exist=False)


# ---------------------------------------------------------------- age


def birthdays_reached(born: date, as_of: date) -> int:
    """Counts birthdays one by one; one on 29 February is kept on 1 March where the year has none."""
    count, year = 0, born.year + 1
    while True:
        try:
            birthday = born.replace(year=year)
        except ValueError:
            birthday = date(year, 3, 1)
        if birthday > as_of:
            return count
        count, year = count + 1, year + 1


DAYS = st.dates(date(1900, 1, 1), date(2030, 12, 31))
LEAP_DAYS = st.sampled_from([date(y, 2, 29) for y in range(1904, 2029, 4)])
NEAR = st.sampled_from([date(y, m, d) for y in (2024, 2025, 2026) for m, d in ((2, 27), (2, 28), (3, 1), (3, 2))])


@few
@given(st.lists(st.tuples(DAYS | LEAP_DAYS, DAYS | NEAR), min_size=1, max_size=40))
def test_one_rule_of_age_in_three_languages(pairs):
    expected = [birthdays_reached(b, a) if a >= b else None for b, a in pairs]
    assert [identifiers.age_on(b, a) for b, a in pairs] == expected
    frame = pl.DataFrame(pairs, schema={"b": pl.Date, "a": pl.Date}, orient="row")
    assert frame.select(identifiers.age_expr(pl.col("b"), pl.col("a"))).to_series().to_list() == expected
    rows = duckdb.sql(f"select {identifiers.age_sql('b', 'a')} from frame").fetchall()
    assert [row[0] for row in rows] == expected


def test_born_on_the_leap_day_is_older_on_the_first_of_march():
    born = date(2008, 2, 29)
    assert identifiers.age_on(born, date(2026, 2, 28)) == 17
    assert identifiers.age_on(born, date(2026, 2, 28) + timedelta(days=1)) == 18
    assert identifiers.age_on(born, date(2024, 2, 29)) == 16
