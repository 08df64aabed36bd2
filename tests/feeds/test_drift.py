"""Columns that are no longer what they were hold their delivery, and ordinary ones do not."""

import importlib.util
import random
import sys
from dataclasses import replace
from datetime import date, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.drift import Share, distance
from pipelines.feeds.judge import Status, feed_state, judge
from pipelines.feeds.land import land_feed
from pipelines.feeds.limits import Drift, load_limits, of_column
from pipelines.feeds.receipts import Receipt, read_receipt
from pipelines.feeds.show import show
from pipelines.feeds.status import stale_feeds
from pipelines.identifiers import Key, load_key
from pipelines.settings import REPOSITORY, Settings
from pipelines.simulate import simulate
from tests.feeds.making import DAY, citizen, column, deliver, make_contract, some

CSV = {"format": "delimited", "files": "f.csv", "volume": None}
HEAD = ["编号", "证号", "日期", "状态", "在享", "金额", "说明"]
COLUMNS = [
    column("item_id", "编号", role="key", domain="item", primaryKey=True, required=True),
    column("person", "证号", role="identity", required=True, on_invalid="link"),
    column("from_on", "日期", "date", dates=["dashed"]),
    column("status", "状态", codes={"values": ["1", "2", "3"]}),
    column("is_on", "在享", "boolean"),
    column("paid_cny", "金额", "number", decimals=2),
    column("note", "说明"),
]
LATER = DAY + timedelta(days=60)


def row(i: int, **more: str) -> list[str]:
    said = [
        f"K{i:05d}",
        citizen(i % 900 + 1),
        "2026-01-02",
        "123"[i % 3],
        "是" if i % 2 else "否",
        str(100 + i % 800),
        "备注甲",
    ]
    return list((dict(zip(HEAD, said, strict=True)) | more).values())


def csv(rows: list[list[str]]) -> dict[str, bytes]:
    return {"f.csv": "".join(",".join(fields) + "\n" for fields in [HEAD, *rows]).encode()}


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> Contract:
    return make_contract(tmp_path_factory.mktemp("drift"), COLUMNS, CSV)


def landed(settings: Settings, contract: Contract, key: Key, *deliveries: list[list[str]]) -> list[Status]:
    """Every delivery a month after the one before, the newest on DAY: it is judged last."""
    for month, rows in enumerate(deliveries):
        deliver(settings, "T01", DAY - timedelta(days=30 * (len(deliveries) - 1 - month)), "001", csv(rows))
    return judge(contract, land_feed(settings, contract, key, date.max), [], date.max)


USUAL = [row(i) for i in range(60)]
# Each kind of drift: what comes instead of each field, the column that is named, and a word of the reason.
KINDS = {
    "date_form": ({"日期": "2/1/2026 0:00"}, "from_on", "100 % of its 60 filled values break a rule (0 % before)"),
    "emptied": ({"日期": ""}, "from_on", "empty in 100 % of 60 rows (0 % before)"),
    "required_emptied": ({"证号": ""}, "person", "empty in 100 % of 60 rows"),
    "number_masked": ({"证号": "3199****0102"}, "person", "person.masked"),
    "code_mix": ({"状态": "3"}, "status", "3 from 33 % to 100 %"),
    "share": ({"在享": "是"}, "is_on", "true from 50 % to 100 %"),
    "unit": ({"金额": "140000"}, "paid_cny", "+3.0 orders of magnitude"),
    "wrapped": ({"说明": '="备注甲"'}, "note", "the form of its texts moved"),
    "new_codes": ({"状态": "在享"}, "status", "status.code"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_drift_holds_and_names_the_column(settings, contract, key, kind):
    instead, name, told = KINDS[kind]
    *_, status = landed(settings, contract, key, USUAL, [row(i, **instead) for i in range(60)])
    assert status.state == "held" and not status.is_in_use
    (reason,) = [r for r in status.reasons if f"({name})" in r]
    assert told in reason and "release-hold" in reason and "请与报送单位核实" in reason


def test_keys_that_nobody_knew_hold(settings, contract, key):
    changed = [row(i, 编号=f"A{i:05d}") for i in range(60)]
    *_, status = landed(settings, contract, key, USUAL, changed)
    assert status.state == "held" and "(item_id): only 0 % of its keys" in status.reasons[0]


def test_keys_are_compared_by_a_sample_of_many(settings, contract, key):
    many = [row(i) for i in range(3000)]
    strange = [row(i, 编号=f"K{i + 2000:05d}") for i in range(3000)]
    first, again, other = landed(settings, contract, key, many, many[300:], strange)
    assert (first.state, again.state, other.state) == ("accepted", "accepted", "held")
    assert "(item_id): only 3" in other.reasons[0]


def test_a_first_delivery_needs_no_history(settings, contract, key):
    (status,) = landed(settings, contract, key, [row(i, 日期="1/2/26", 证号="") for i in range(12)])
    assert status.state == "held"
    assert "(person): required, and empty in 100 % of 12 rows" in status.reasons[0]
    assert "(from_on): 100 % of its 12 filled values break a rule, most of them T01.from_on.date" in status.reasons[1]


def test_a_few_odd_rows_hold_nothing(settings, contract, key):
    odd = [row(i, 日期="1/2/26" if i % 8 == 0 else "", 状态="9" if i % 9 == 0 else "1") for i in range(9)]
    ordinary = [row(i, 日期="1/2/26" if i % 10 == 0 else "2026-01-02") for i in range(60)]
    assert [s.state for s in landed(settings, contract, key, odd, USUAL, ordinary)] == ["accepted"] * 3


def test_what_was_let_through_is_compared_with_from_then_on(settings, contract, key):
    from pipelines.feeds.decisions import Decision

    new = [row(i, 状态="3") for i in range(60)]
    _, held, after = landed(settings, contract, key, USUAL, new, new)
    assert (held.state, after.state) == ("held", "held")
    receipts = land_feed(settings, contract, key, date.max)
    told = {"decision": "accept", "feed": "T01", "date": held.business_on, "delivery": "001", "name": "张主任"}
    accept = Decision.model_validate({**told, "reason": "确已核实", "decided_on": held.business_on})
    assert [s.state for s in judge(contract, receipts, [accept], date.max)] == ["accepted"] * 3


@pytest.mark.parametrize(
    ("good", "bad", "state"),
    [(0, 1, "held"), (0, 15, "held"), (1, 14, "held"), (12, 3, "accepted"), (7, 3, "accepted"), (5, 4, "accepted")],
)
def test_a_small_snapshot_is_held_where_nearly_all_is_held_back(settings, contract, key, good, bad, state):
    rows = [row(i) for i in range(good)] + [row(100 + i, 编号="") for i in range(bad)]
    *_, status = landed(settings, contract, key, [row(i) for i in range(15)], rows)
    assert status.state == state


def test_an_increment_is_compared_with_all_changes_before(tmp_path, settings, key):
    increment = make_contract(tmp_path, COLUMNS, {**CSV, "load": "increment"})
    stock = [row(i, 说明="") for i in range(200)]
    changes = [[row(1000 * d + i) for i in range(4)] for d in range(1, 9)]
    drifted = [row(9000 + i, 日期="", 状态="3") for i in range(25)]
    *before, last = landed(settings, increment, key, stock, *changes, drifted)
    assert {s.state for s in before} == {"accepted"} and last.state == "held"
    assert [r.split()[2] for r in last.reasons] == ["(from_on):", "(status):"]


def test_judging_does_not_depend_on_the_order_of_arrival(settings, contract, key):
    good, bad = USUAL, [row(i, 状态="3") for i in range(60)]
    landed(settings, contract, key, good, bad, good, bad, bad)
    receipts = land_feed(settings, contract, key, date.max)
    expected = judge(contract, receipts, [], date.max)
    assert [s.state for s in expected] == ["accepted", "held", "accepted", "held", "held"]
    random.Random(1).shuffle(receipts)
    assert judge(contract, receipts, [], date.max) == expected


def test_a_correction_of_the_same_date_is_compared_with_the_date_before(settings, contract, key):
    landed(settings, contract, key, USUAL, [row(i, 日期="") for i in range(60)])
    deliver(settings, "T01", DAY, "002", csv(USUAL[:-1]))
    statuses = judge(contract, land_feed(settings, contract, key, date.max), [], date.max)
    assert [(s.number, s.state, s.is_in_use) for s in statuses[1:]] == [
        ("001", "held", False),
        ("002", "accepted", True),
    ]


def test_a_contract_may_say_otherwise(tmp_path, settings, key):
    delivery = {**CSV, "drift": {"empty_leap": 100, "columns": {"status": {"mix_leap": None}}}}
    lenient = make_contract(tmp_path, COLUMNS, delivery)
    *_, status = landed(settings, lenient, key, USUAL, [row(i, 状态="3", 日期="", 在享="是") for i in range(60)])
    assert [r.split()[2] for r in status.reasons] == ["(is_on):"]


@pytest.mark.parametrize(
    "drift", [{"leap": 1}, {"columns": {"nobody": {"mix_leap": 1}}}, {"columns": {"note": {"x": 1}}}]
)
def test_an_unknown_word_of_a_contract_is_refused(tmp_path, drift):
    with pytest.raises(ValueError, match="nobody|unknown key"):
        make_contract(tmp_path, COLUMNS, {**CSV, "drift": drift})


def test_the_house_says_every_limit_once(tmp_path):
    said = yaml.safe_load((REPOSITORY / "data" / "contracts" / "judging.yml").read_text("utf-8"))
    limits = load_limits(REPOSITORY / "data" / "contracts")
    assert limits.model_dump() == said
    for wrong in ({**said, "else": 1}, {k: v for k, v in said.items() if k != "mix_leap"}):
        (tmp_path / "judging.yml").write_text(yaml.safe_dump(wrong), "utf-8")
        load_limits.cache_clear()
        with pytest.raises(ValueError, match="else|mix_leap"):
            load_limits(tmp_path)
    load_limits.cache_clear()
    assert of_column(limits, Drift(), "a").mix_leap == limits.mix_leap


def test_a_receipt_keeps_its_shape(settings, contract, key, tmp_path):
    landed(settings, contract, key, USUAL)
    (kept,) = land_feed(settings, contract, key, date.max)
    (tmp_path / "receipt.json").write_text(kept.to_json(), "utf-8")
    assert read_receipt(tmp_path / "receipt.json") == kept
    assert kept.shape["status"].mix == {"1": 20, "2": 20, "3": 20} and kept.shape["paid_cny"].mix == {"2": 60}
    assert kept.shape["note"].forms == {"字字": 60} and len(kept.shape["item_id"].keys) == 60
    said = kept.to_json()
    assert citizen(1) not in said and "K00001" not in said and "备注" not in said


def test_a_shape_of_another_making_is_not_compared(settings, contract, key, tmp_path):
    landed(settings, contract, key, USUAL)
    (kept,) = land_feed(settings, contract, key, date.max)
    (tmp_path / "receipt.json").write_text(replace(kept, making=kept.making - 1).to_json(), "utf-8")
    assert read_receipt(tmp_path / "receipt.json").shape == {}


def test_the_hold_is_told_wherever_the_feed_stands(settings, contract, key):
    statuses = landed(settings, contract, key, USUAL, [row(i, 日期="") for i in range(60)])
    later = statuses[-1].business_on
    state = feed_state(contract, statuses, later)
    assert state.is_stale and state.business_on == statuses[0].business_on and state.waiting == (f"{later}/001 held",)
    assert len(state.reasons) == 1 and state.reasons[0].startswith(
        f"{later}/001: column 日期 (from_on): empty in 100 %"
    )
    (stale,) = stale_feeds({"T01": contract}, statuses, later)
    assert stale["reasons"] == list(state.reasons)
    told = show(settings, contract)
    assert told["deliveries"][-1]["state"] == "held" and told["reasons"] == list(state.reasons)
    assert "empty_leap 30" in told["held_by_drift"]
    assert next(c for c in told["columns"] if c["column"] == "from_on")["empty_pct"] == 100


def test_an_old_receipt_without_a_shape_is_no_history(contract):
    old = Receipt("T01", DAY, "001", 10, 10, 0, 0, "s", (), "1", "c", "k")
    assert [s.state for s in judge(contract, [old], [], LATER)] == ["accepted"]


@some
@given(st.integers(0, 500), st.integers(1, 500))
def test_bounds_of_a_share_hold_it(cases, more):
    share = Share(cases, cases + more, 2.5)
    assert 0 <= share.low <= share.percent <= share.high <= 100
    assert Share(10 * cases, 10 * (cases + more), 2.5).high <= share.high + 1e-9


@some
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 200), min_size=1))
def test_a_mix_does_not_differ_from_itself(mix):
    moved, margin = distance(mix, mix, 2.5)
    assert moved == 0 and margin >= 0
    assert distance(mix, {"z": 5}, 2.5)[0] == pytest.approx(100)


def test_chance_alone_does_not_hold():
    """Two samples of one mix, a thousand times over: never beyond the limit and its margin."""
    limits, draw = load_limits(REPOSITORY / "data" / "contracts"), random.Random(3)
    for _ in range(1000):
        codes = "abcdefgh"[: draw.randint(2, 8)]
        n, m = draw.randint(10, 60), draw.randint(10, 60)
        one, other = ({c: draw.choices(codes, k=k).count(c) for c in codes} for k in (n, m))
        moved, margin = distance(one, other, limits.confidence)
        assert moved - margin < limits.mix_leap


@pytest.fixture(scope="module")
def months(tmp_path_factory) -> Settings:
    """Four due dates of five feeds of different formats, at the smallest size that shows a drift."""
    root = tmp_path_factory.mktemp("months")
    simulate(scale=0.001, seed=1, as_of=date(2026, 10, 31), days=1, out=root, earlier=3)
    settings = Settings(data=root)
    key = load_key(settings.key_path, must_exist=False)
    for feed in FIVE:
        land_feed(settings, load_contracts(settings.contracts)[feed], key, date.max)
    return settings


FIVE = ("F05", "F11", "F13", "F17", "F18")  # SQLite, Parquet, JSON, workbook, delimited


def test_ordinary_months_hold_nothing_and_each_drift_does(months):
    bench = importlib.util.spec_from_file_location("drift_benchmark", REPOSITORY / "benchmarks" / "drift.py")
    module = importlib.util.module_from_spec(bench)
    sys.modules[bench.name] = module
    bench.loader.exec_module(module)
    contracts = {feed: contract for feed, contract in load_contracts(months.contracts).items() if feed in FIVE}
    assert module.false_holds(months, contracts) == (20, [])
    key = load_key(months.key_path, must_exist=True)
    found = [one for contract in contracts.values() for one in module.tried(months, contract, key)]
    assert [one for one in found if not one.held] == []
    assert {one.feed for one in found} == set(FIVE)
    assert {one.kind for one in found} == set(module.KINDS) - {"keys changed"}
    assert f"{len(found)} of {len(found)}" in module.table(found)
