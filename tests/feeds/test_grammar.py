"""The grammar of values: what is accepted says exactly what was written, everything else is empty or flagged."""

import re
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds import centuries
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.fields import Column, Intake
from pipelines.settings import Settings
from tests.feeds.making import some
from tests.feeds.test_parse import read

MONEY = {"strip": ["元", "¥", "约"], "digits": 14, "decimals": 2}
YUAN = {**MONEY, "factors": {"万元": 10_000, "万": 10_000, "亿": 100_000_000}}


def one(text: str, kind: str = "string", **options):
    """The value of one text and the rules it breaks."""
    values, broken = read([text], kind, **options)
    return values[0], list(broken)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,420.00", "1420"), ("1，420", "1420"), ("¥1,420元", "1420"), ("￥ 1,420 元", "1420"), ("约1420元", "1420"),
        ("１４２０．５", "1420.5"), ("+5", "5"), ("-5.10", "-5.1"), ("−5", "-5"), (".5", "0.5"), ("-.5", "-0.5"),
        ("0012.50", "12.5"), ("1.500", "1.5"), ("12.300000000000001", "12.3"), ("1,234,567.89", "1234567.89"),
        ("1.25万", "12500"), ("3万元", "30000"), ("0.5亿", "50000000"), ("1.000001万元", "10000.01"),
        ("\u202d1420\u202c", "1420"), ("\ufeff1420", "1420"),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_it_is_written(text, value):
    assert one(text, "number", **YUAN) == (Decimal(value), [])


@pytest.mark.parametrize(
    "text",
    [
        "1,5", "12,34", "1,2,3", "1元5", "12元50", "1.420,00", "1420,5", "3 5", "1 420", "1,42", "0,350", "01,420",
        "1,4200", ",420", "1420,", "1,420,00", "1.420.000", "1'420", "5.", "1。5", "1、420", "1.2.3", "--5", "+-5",
        "5-",
        "(1420)", "（1,420.00）", "1e3", "1.42E+03", "NaN", "inf", "0x10", "一千", "壹仟元", "1千", "1万2", "万",
        "元", "约",
        "100-200", "100~200", "1420美元", "$5", "12.345", "0.001", "1.42万5", "1/2", "50%", "#REF!", "#FORMULA!", "无",
        "1.0000001万元", "٥", "²", "½",
    ],
)  # fmt: skip
def test_an_amount_that_could_mean_another_is_not_read(text):
    assert one(text, "number", **YUAN) == (None, ["invalid"])


@pytest.mark.parametrize("text", ["-", "--", "—", "——", "/", "／", "\\", " － "])
@pytest.mark.parametrize("kind", ["number", "integer", "date", "timestamp"])
def test_a_stroke_says_that_there_is_none(text, kind):
    assert one(text, kind) == (None, [])


@some
@given(st.lists(st.from_regex(r"[-+¥(]?[0-9,. ]{1,9}[0-9]?[元万)]?", fullmatch=True), max_size=30))
def test_whatever_number_is_accepted_can_be_written_back(texts):
    values, broken = read(texts, "number", **MONEY)
    for at, (text, value) in enumerate(zip(texts, values, strict=True)):
        bare = re.sub("[¥元 +]", "", text)
        if value is None:
            assert at in broken.get("invalid", []) or not text.strip() or text.strip() == "-"
            continue
        places = bare.partition(".")[2]
        grouped = f"{value:,.{len(places)}f}" if "," in bare else f"{value:.{len(places)}f}"
        assert grouped == bare or ("," not in bare and Decimal(bare) == value)


@some
@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["", "元", "¥"]), st.booleans())
def test_every_amount_comes_back(amount, word, grouped):
    text = f"{amount:,}" if grouped else str(amount)
    assert one(word + text if word == "¥" else text + word, "number", **MONEY) == (amount, [])


@some
@given(st.decimals(-(10**6), 10**6, places=4), st.sampled_from([("kg", "0.001"), ("吨", "1"), ("t", "1")]))
def test_units_are_exact(amount, unit):
    factors = {"kg": 0.001, "吨": 1, "t": 1}
    value, broken = one(f"{amount}{unit[0]}", "number", digits=18, decimals=7, factors=factors)
    assert (value, broken) == (amount * Decimal(unit[1]), [])


def test_a_measure_is_rounded_where_the_contract_says_so():
    options = {"digits": 9, "decimals": 2}
    assert one("121.12345678", "number", **options) == (None, ["invalid"])
    assert one("121.12345678", "number", rounded=True, **options) == (Decimal("121.12"), [])


def test_fen_kept_as_floating_point_are_fen():
    fen = {"hundredths": True, "digits": 12, "decimals": 2}
    assert read(["7500.0", None, "75000.0", "180.00"], "number", **fen) == (
        [Decimal("75.00"), None, Decimal("750.00"), Decimal("180.00")], {},
    )  # fmt: skip
    # 180.5 can be no fen: yuan stand in the column, and what 75.0 is nobody can tell.
    assert read(["75.0", "180.5", "7500"], "number", **fen) == ([None, None, Decimal("75.00")], {"invalid": [0, 1]})
    assert read(["1.5元", "1.234", "7,5"], "number", **fen)[0] == [None] * 3


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "text",
    [
        "20261030", "2026-10-30", "2026/10/30", "2026.10.30", "2026年10月30日", "2026年10月30号", "2026 年10月30日",
        "２０２６－１０－３０", "2026-10-30 00:00:00", "2026/10/30 0:00", "2026-10-30 08:15", "2026-10-30T08:15:30.123",
        "2026-10-30T08:15:30+08:00", "2026-10-29T16:00Z", "20261030081530", "20261030.0", "2026-10-30\u200b",
    ],
)  # fmt: skip
def test_a_day_written_year_first_is_read_in_every_date_column(text):
    if text == "2026 年10月30日":
        assert one(text, "date") == (None, ["date"])
    else:
        assert one(text, "date") == (date(2026, 10, 30), [])


@pytest.mark.parametrize(
    "text",
    [
        "26-10-30", "26/1/1", "30/10/2026", "10/30/2026", "2026-02-30", "2026-13-01", "2026-10", "202610", "2026",
        "2026-10/30", "2026-10-30 25:00", "2026-10-30 10:61", "2026-10-30x", "45000", "二〇二六年十月三十日",
        "2026年10月",
        "0000-00-00", "00000000", "12026-10-30", "2026-10-30/2026-10-31", "2026-10-30 10", "2026 1 1", "#N/A", "去年",
        "3.19901E+17", "2026-10-30T08:00+99:00", "05年冬",
    ],
)  # fmt: skip
def test_what_is_no_day_or_could_be_two_is_flagged(text):
    assert one(text, "date") == (None, ["date"])


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("46325", "excel", date(2026, 10, 30)), ("46325.75", "excel", date(2026, 10, 30)),
        ("1953.07", "month", date(1953, 7, 1)),
        ("1953.1", "month", None), ("1953.2", "month", date(1953, 2, 1)), ("1953年1月", "month", date(1953, 1, 1)),
        ("1953.13", "month", None), ("05-1月 -2023", "nls", date(2023, 1, 5)),
        ("2005年冬", "season", date(2005, 12, 1)),
        ("2005年冬季", "season", date(2005, 12, 1)), ("05年冬", "season", None),
        ("1793318400.0", "epoch", date(2026, 10, 30)),
    ],
)  # fmt: skip
def test_other_forms_only_where_the_contract_names_them(text, form, day):
    assert one(text, "date", dates=[form]) == (day, [] if day else ["date"])
    assert one(text, "date") == (None, ["date"])


@some
@given(
    st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["offset", "datetime"]), st.integers(0, 5)
)
def test_moments_with_and_without_seconds(moment, form, spelling):
    moment = moment.replace(microsecond=0) if spelling > 2 else moment.replace(second=0, microsecond=0)
    text = moment.isoformat(sep=" T"[spelling % 2], timespec="seconds" if spelling > 2 else "minutes")
    zone = "+08:00" if form == "offset" else ""
    assert one(text + zone, "timestamp", dates=[form]) == (moment, [])


@pytest.mark.parametrize(
    ("text", "forms", "moment"),
    [
        ("2026-10-30T00:00Z", ["offset"], datetime(2026, 10, 30, 8)), ("2026-10-30T08:00", ["offset"], None),
        ("2026-10-30T08:00", ["offset", "datetime"], datetime(2026, 10, 30, 8)),
        ("2026/10/30 8:00", ["datetime"], datetime(2026, 10, 30, 8)),
        ("2026-10-30", ["datetime"], None), ("2026-10-30", ["datetime", "dashed"], datetime(2026, 10, 30)),
        ("20261030080000", ["datetime"], datetime(2026, 10, 30, 8)), ("2026-10-30 24:00:00", ["datetime"], None),
        ("2026-10-30 08:00:60", ["datetime"], None),
        ("2026-10-30T02:00:00-0600", ["datetime"], datetime(2026, 10, 30, 16)),
        ("2026-10-30 下午3:00", ["datetime"], None), ("08:00", ["datetime"], None), ("46325.5", ["datetime"], None),
    ],
)  # fmt: skip
def test_a_moment_is_a_day_and_a_time_in_a_known_zone(text, forms, moment):
    assert one(text, "timestamp", dates=forms) == (moment, [] if moment else ["date"])


@pytest.mark.parametrize(
    ("text", "born", "day"),
    [
        ("05年冬", date(1986, 1, 15), date(2005, 12, 1)), ("78年冬", date(1960, 1, 15), date(1978, 12, 1)),
        ("78年冬", None, date(1978, 12, 1)), ("05年冬", None, None), ("20年春", date(1902, 1, 1), date(1920, 3, 1)),
        ("05年冬", date(1900, 1, 1), None), ("26年秋", date(2006, 1, 1), date(2026, 9, 1)),
        ("26年冬", date(2006, 1, 1), None),
        ("05", date(1986, 1, 1), None), ("2005年冬", date(1986, 1, 1), None),
        ("０５年冬", date(1986, 1, 1), date(2005, 12, 1)),
    ],
)  # fmt: skip
def test_the_century_of_a_season_is_the_one_that_fits_the_person(text, born, day):
    column = Column(
        name="c", physical="C", logic=None, label="C", logical_type="date", required=False, classification="internal",
        description="", intake=Intake(dates=("season",), century_of="person"),
    )  # fmt: skip
    values = {"person_cert_birth_on": pl.Series([born], dtype=pl.Date)}
    found = centuries.days(column, pl.Series([text]), values, date(2026, 10, 30))
    assert found.to_list() == [day]


# ---------------------------------------------------------------- telephones, names, identifiers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\u202d10112345678\u202c", "10112345678"), ("0086 10112345678", "10112345678"),
        ("'10112345678", "10112345678"),
        ("10112345678.0", "10112345678"), ("+86-101-1234-5678", "10112345678"), ("8610112345678", "10112345678"),
        ("(+86)10112345678", "10112345678"), ("１０１１２３４５６７８", "10112345678"),
        ("101 1234 5678", "10112345678"),
        ("手机:10112345678", "10112345678"), ("10112345678/10187654321", "10112345678"),
        ("10112345678、10187654321", "10112345678"),
        ("10112345678;10187654321", "10112345678"), ("10112345678，59712345", "10112345678"),
        ("10112345678 10187654321", "10112345678"),
        ("10112345678或10187654321", "10112345678"), ("10112345678,", "10112345678"),
        ("10112345678\n10187654321", "10112345678"),
        ("021-59720000", "02159720000"), ("(021)59720000", "02159720000"), ("+86 21 59720000", "02159720000"),
        ("5972 0000", "59720000"),
        ("021-59720000-123", "02159720000-123"), ("59720000转123", "59720000-123"),
        ("59720000/10112345678", "59720000"),
        ("0512-63970000", "051263970000"), ("400-820-1234", "4008201234"),
        ("\ufeff101\u00a01234\u200b5678", "10112345678"),
    ],
)  # fmt: skip
def test_a_telephone_in_any_spelling_is_one_number(text, number):
    assert one(text, role="phone") == (number, [])


@pytest.mark.parametrize(
    "text",
    [
        "无",
        "没有",
        "-",
        "/",
        "——",
        "不详",
        "暂无",
        "00000000000",
        "0",
        "无电话",
        "未知",
        "null",
        "N/A",
        "none",
        "*",
        "不知道",
        "未提供",
    ],
)
def test_no_telephone_is_nothing_that_people_share(text):
    assert one(text, role="phone") == (None, [])


@pytest.mark.parametrize(
    "text",
    [
        "1011234567", "101123456789", "0086", "12345", "110", "10112345678张三", "找居委会", "同上", "11111111111",
        "12345678901",
        "13800000000", "1.0112345678E10", "1.01E+10", "101****5678", "10112345678/儿子", "5972000", "88888888",
        "#REF!", "张三",
    ],
)  # fmt: skip
def test_what_is_no_telephone_is_flagged(text):
    assert one(text, role="phone") == (None, ["invalid"])


def test_an_identity_number_in_the_place_of_a_telephone_is_told_as_one():
    assert one("319901197001020012", role="phone") == (None, ["holds_number"])


@some
@given(st.text(st.sampled_from("0123456789 +-()/、;,转无手机张\u202d"), max_size=24))
def test_a_telephone_is_digits_or_nothing(text):
    value, broken = one(text, role="phone")
    assert value is None or (re.fullmatch(r"[0-9]{8,12}(-[0-9]{1,6})?", value) and not broken)
    if value is not None:
        assert value.split("-")[0] in re.sub("[^0-9]", "", text) or "0" + value[1:] == value


@pytest.mark.parametrize(
    "text",
    [
        "李\u200b明",
        "李\u202d明",
        "\u202d李明\u202c",
        "李\ufeff明",
        "李\u00a0 明",
        "李\u2060明",
        "李\u00ad明",
        "李　明",
        "李\ufe00明",
    ],
)
def test_nobody_sees_it_and_it_is_off(text):
    assert one(text, role="name") == ("李明", [])


@pytest.mark.parametrize("dot", "·•・‧∙⋅．.･●⸱ㆍ˙")
def test_every_dot_of_a_minority_s_name_is_one(dot):
    assert one(f"阿依古丽 {dot} 买买提", role="name") == ("阿依古丽·买买提", [])


@pytest.mark.parametrize(
    "text",
    [
        "QP0010010000003",
        " QP0010010000003 ",
        "ＱＰ００１００１０００００００３",
        "qp0010010000003",
        "QP001 001 0000003",
        "'QP0010010000003",
    ],
)
@pytest.mark.parametrize("more", [{"role": "key", "domain": "dwelling"}, {}])
def test_an_identifier_in_any_spelling_is_one(text, more):
    if text != "ＱＰ００１００１０００００００３":
        assert one(text, letters="upper", **more) == ("QP0010010000003", [])
    else:
        assert one(text, letters="upper", **more)[0].startswith("QP00100100")


@pytest.mark.parametrize("text", ["无", "-", "/", "不详", "null", "无编码"])
def test_no_identifier_is_nothing_that_rows_share(text):
    assert one(text, role="key", domain="dwelling") == (None, [])


def test_an_identifier_that_lost_its_digits_or_is_an_error_is_flagged():
    assert one("1.23E+15", role="key", domain="d") == (None, ["precision_lost"])
    assert one("#REF!", role="key", domain="d") == (None, ["invalid"])
    assert one("12345.0", role="key", domain="d") == ("12345", [])


@pytest.mark.parametrize("role", ["name", "address", "value"])
@pytest.mark.parametrize(
    "text", ["#REF!", "#N/A", "#DIV/0!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "########", "Err:502"]
)
def test_an_error_of_a_spreadsheet_is_no_text(role, text):
    assert one(text, role=role) == (None, ["invalid"])


def test_keys_of_one_domain_are_written_alike_in_every_contract():
    contracts = load_contracts(Settings().contracts)
    keys = [c for contract in contracts.values() for c in contract.columns if c.intake.role == "key"]
    domains = groupby(sorted(keys, key=lambda c: str(c.intake.domain)), key=lambda c: str(c.intake.domain))
    cases = {domain: {c.intake.letters for c in columns} for domain, columns in domains}
    assert {domain for domain, letters in cases.items() if len(letters) != 1 or letters == {None}} == set()


def test_no_contract_gives_up_digits_of_an_amount():
    contracts = load_contracts(Settings().contracts)
    rounded = [f"{f}.{c.name}" for f, contract in contracts.items() for c in contract.columns if c.intake.rounded]
    assert [name for name in rounded if name.endswith("_cny")] == ["F32.capital_wan_cny"]
