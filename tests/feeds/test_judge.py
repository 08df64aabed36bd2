import random
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Decision, DecisionProblem, read_decisions
from pipelines.feeds.judge import feed_state, in_use, judge
from pipelines.feeds.messages import STATE_REASONS, DeliveryProblem, state_reason
from pipelines.feeds.receipts import Problem, Receipt
from tests.feeds.making import DAY, column, make_contract, some

CSV = {"format": "delimited", "files": "f.csv"}
LATER = DAY + timedelta(days=30)


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> Contract:
    return make_contract(tmp_path_factory.mktemp("c"), [column("a", "A")], CSV)


@pytest.fixture(scope="module")
def increment(tmp_path_factory) -> Contract:
    delivery = {**CSV, "load": "increment", "increment": {"operation": "op", "delete": ["D"], "on_delete": "drop"}}
    columns = [column("a", "A", primaryKey=True), column("op", "OP")]
    return make_contract(tmp_path_factory.mktemp("c"), columns, delivery)


def receipt(day: int = 0, number: str = "001", delivered: int = 1000, **more) -> Receipt:
    told = {
        "feed": "T01", "business_on": DAY + timedelta(days=day), "number": number, "delivered": delivered,
        "accepted": delivered, "quarantined": 0, "duplicate": 0, "sha256": f"{day}/{number}/{delivered}", "files": (),
        "contract_version": "1.0.0", "contract_sha256": "c", "key_id": "k",
    }  # fmt: skip
    return Receipt(**{**told, **more})


def states(contract: Contract, receipts: list[Receipt], decisions=(), as_of: date = LATER) -> list[str]:
    return [s.state for s in judge(contract, receipts, decisions, as_of)]


BROKEN = Problem("truncated", "T01 …: cut off", "不完整")


def test_a_whole_file_problem_rejects_and_the_last_good_stays(contract):
    receipts = [receipt(0), receipt(1, delivered=0, problem=BROKEN)]
    statuses = judge(contract, receipts, [], LATER)
    assert [s.state for s in statuses] == ["accepted", "rejected"]
    assert [s.business_on for s in in_use(statuses)] == [DAY]
    assert statuses[1].reasons == ("T01 …: cut off",)
    assert feed_state(contract, statuses, DAY + timedelta(days=1)).is_stale


@pytest.mark.parametrize(
    ("after", "state"),
    [(0, "held"), (799, "held"), (800, "accepted"), (1000, "accepted"), (1500, "accepted"), (1501, "held")],
)
def test_a_snapshot_outside_the_band_waits_for_a_person(contract, after, state):
    assert states(contract, [receipt(0), receipt(1, delivered=after)])[1] == state


def test_small_snapshots_may_jump(contract):
    assert states(contract, [receipt(0, delivered=10), receipt(1, delivered=29)]) == ["accepted"] * 2


def test_the_band_looks_at_the_last_accepted_one_of_an_earlier_day(contract):
    receipts = [receipt(0), receipt(1, delivered=100), receipt(2, delivered=1010), receipt(2, "002", delivered=101)]
    assert states(contract, receipts) == ["accepted", "held", "accepted", "held"]


def test_a_trailer_that_does_not_match_holds(contract):
    (status,) = judge(contract, [receipt(declared=1001)], [], LATER)
    assert status.state == "held" and "1001" in status.reasons[0] and "1000" in status.reasons[0]


def test_mostly_broken_rows_hold(contract):
    assert states(contract, [receipt(accepted=690, quarantined=310)]) == ["held"]
    assert states(contract, [receipt(accepted=700, quarantined=300)]) == ["accepted"]


def test_columns_nobody_agreed_on_wait_for_a_person(contract):
    (status,) = judge(contract, [receipt(added_columns=("新列",))], [], LATER)
    assert status.state == "held" and "新列" in status.reasons[0] and not status.is_in_use


def test_an_unchanged_snapshot_is_told(contract):
    statuses = judge(contract, [receipt(0, sha256="s"), receipt(7, sha256="s")], [], LATER)
    assert statuses[1].state == "accepted" and statuses[1].reasons[0].startswith(f"unchanged since {DAY}.")


def decision(of: Receipt, **more) -> Decision:
    told = {"decision": "accept", "feed": of.feed, "date": of.business_on, "delivery": of.number, "name": "张主任"}
    return Decision.model_validate({**told, "reason": "已与部门核实", "decided_on": of.business_on, **more})


def test_a_person_may_let_a_held_delivery_through(contract):
    held = receipt(1, delivered=100)
    for given_decision, state in (
        (decision(held), "accepted"),
        (decision(held, sha256=held.sha256), "accepted"),
        (decision(held, sha256="another content"), "held"),
        (decision(held, delivery="002"), "held"),
        (decision(held, decided_on=LATER + timedelta(days=1)), "held"),
    ):
        statuses = judge(contract, [receipt(0), held], [given_decision], LATER)
        assert statuses[1].state == state
        assert ("张主任" in " ".join(statuses[1].reasons)) == (state == "accepted")


def test_no_decision_lets_a_broken_file_through(contract):
    broken = receipt(0, delivered=0, problem=BROKEN)
    assert states(contract, [broken], [decision(broken)]) == ["rejected"]


def test_the_corrected_number_of_the_newest_day_is_in_use(contract):
    receipts = [receipt(0, "001"), receipt(0, "002"), receipt(-3, "001"), receipt(-3, "009")]
    statuses = judge(contract, receipts, [], LATER)
    assert [(s.business_on, s.number) for s in in_use(statuses)] == [(DAY, "002")]
    assert [(s.business_on, s.number) for s in in_use(judge(contract, receipts, [], DAY - timedelta(days=1)))] == [
        (DAY - timedelta(days=3), "009")
    ]


def test_a_held_correction_leaves_the_first_word_in_use_and_stale(contract):
    statuses = judge(contract, [receipt(-1), receipt(0), receipt(0, "002", delivered=10)], [], DAY)
    assert [(s.business_on, s.number) for s in in_use(statuses)] == [(DAY, "001")]
    assert feed_state(contract, statuses, DAY).is_stale


def test_an_increment_uses_all_of_them_in_order(increment):
    receipts = [receipt(1), receipt(0, "002"), receipt(0), receipt(2, delivered=0)]
    statuses = judge(increment, receipts, [], LATER)
    assert [s.state for s in statuses] == ["accepted"] * 4, "a day without changes is a day like any other"
    assert [(s.business_on, s.number) for s in in_use(statuses)] == [
        (DAY, "001"), (DAY, "002"), (DAY + timedelta(days=1), "001"), (DAY + timedelta(days=2), "001")
    ]  # fmt: skip


def test_a_gap_in_an_increment_is_stale_until_it_is_mended(increment):
    gap = [receipt(0), receipt(1, problem=BROKEN), receipt(2)]
    assert feed_state(increment, judge(increment, gap, [], LATER), DAY + timedelta(days=2)).is_stale
    mended = [*gap, receipt(1, "002")]
    assert not feed_state(increment, judge(increment, mended, [], LATER), DAY + timedelta(days=2)).is_stale


def test_a_feed_is_stale_after_twice_its_cadence(contract):
    statuses = judge(contract, [receipt(0)], [], LATER)
    assert not feed_state(contract, statuses, DAY + timedelta(days=2)).is_stale
    assert feed_state(contract, statuses, DAY + timedelta(days=3)).is_stale


def test_a_feed_without_deliveries_is_not_available(contract):
    state = feed_state(contract, [], DAY)
    assert (state.is_available, state.business_on, state.accepted_rows) == (False, None, 0)


RECEIPTS = st.lists(
    st.builds(
        receipt,
        st.integers(0, 5),
        st.sampled_from(["001", "002", "003"]),
        st.sampled_from([0, 700, 1000, 1400]),
        problem=st.sampled_from([None, None, BROKEN]),
        declared=st.sampled_from([None, 1000]),
    ),
    unique_by=lambda r: (r.business_on, r.number),
    max_size=8,
)


@some
@given(RECEIPTS, st.randoms())
def test_the_order_of_arrival_decides_nothing(contract, receipts, chance: random.Random):
    shuffled = list(receipts)
    chance.shuffle(shuffled)
    decisions = [decision(r) for r in receipts[::3]]
    assert judge(contract, receipts, decisions, LATER) == judge(contract, shuffled, decisions, LATER)


@some
@given(RECEIPTS)
def test_what_comes_later_never_changes_what_an_earlier_day_saw(contract, receipts):
    for day in range(6):
        as_of = DAY + timedelta(days=day)
        seen = [r for r in receipts if r.business_on <= as_of]
        assert judge(contract, receipts, [], as_of) == judge(contract, seen, [], as_of)


def test_a_repeat_of_a_rejected_delivery_is_rejected_too(contract):
    first = receipt(0, delivered=0, problem=BROKEN)
    assert states(contract, [first, replace(first, number="002", same_as="001")]) == ["rejected"] * 2


# ---------------------------------------------------------------- decisions as files


def write(folder: Path, text: str) -> Path:
    (folder / "decisions").mkdir(exist_ok=True)
    (folder / "decisions" / "a.yaml").write_text(text, encoding="utf-8")
    return folder


ENTRY = (
    "- {decision: accept, feed: T01, date: 2026-10-30, delivery: '001', name: 张主任, reason: 已核实无误, "
    "decided_on: 2026-11-01}\n"
)


def test_decisions_are_read_from_landing(tmp_path):
    (found,) = read_decisions(write(tmp_path, ENTRY + "- {decision: merge, left: a, right: b}\n"))
    assert (found.feed, found.business_on, found.number) == ("T01", DAY, "001")
    assert read_decisions(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    "text",
    [
        ENTRY.replace(", name: 张主任", ""),
        ENTRY.replace("已核实无误", "''"),
        ENTRY.replace("'001'", "'1'"),
        ENTRY.replace("decided_on: 2026-11-01", "decided_on: soon"),
        ENTRY.replace("}", ", mood: good}"),
        "decision: accept\n",
        "- [",
    ],
)
def test_a_decision_without_name_reason_or_date_is_refused_by_file(tmp_path, text):
    with pytest.raises(DecisionProblem, match=r"decisions/a\.yaml"):
        read_decisions(write(tmp_path, text))


@pytest.mark.parametrize(
    ("kind", "detail", "chinese"),
    [
        ("truncated", "the last line has no end", "文件不完整(最后一行没有换行符)"),
        ("encoding", "gb18030, NUL at byte 7", "gb18030, 第 7 字节为空字符"),
        ("encoding", "utf-8, byte 12", "utf-8, 第 12 字节"),
        ("too_large", "more than 1000 MB", "(超过 1000 MB)"),
        ("missing_file", "row 2.csv", "缺少文件 row 2.csv"),
    ],
)
def test_where_a_file_is_wrong_is_said_in_the_language_of_the_sentence(kind, detail, chinese):
    message = DeliveryProblem(kind, file="f.csv", detail=detail).message
    assert chinese in message.zh and detail in message.en


@pytest.mark.parametrize("kind", sorted(STATE_REASONS))
def test_every_reason_is_said_in_english_and_in_chinese(kind):
    words = {"names": "x", "before": DAY, "number": "001", "percent": -50.0, "down": -20.0, "up": 50.0}
    words |= dict.fromkeys(("declared", "delivered", "quarantined", "reference", "count"), 7)
    words |= dict.fromkeys(("column", "raw", "feed", "rule", "code"), "x")
    words |= dict.fromkeys(("now", "was", "of", "moved", "orders"), 7)
    said = state_reason(kind, **words)
    assert re.search("[a-z]{3}", said) and re.search("[一-鿿]{3}", said) and "{" not in said
    zh, en = STATE_REASONS[kind]
    assert sorted(re.findall(r"{(\w+)", zh)) == sorted(re.findall(r"{(\w+)", en))
