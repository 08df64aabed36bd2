"""What people decide about rows and deliveries: let in, let through, read again; replayed and reconciled."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.feeds import quarantine
from pipelines.feeds.acts import ActRefused, Which, Who, release_hold, replay, waive
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import DecisionProblem, read_decisions, read_waivers
from pipelines.feeds.judge import judge
from pipelines.feeds.land import LandingLost, land_feed
from pipelines.feeds.receipts import read_receipts
from pipelines.identifiers import Key
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, deliver, make_contract, rule

CSV = {"format": "delimited", "files": "*.csv", "volume": {"slack_rows": 1}, "quarantine_slack_rows": 10_000}
COLUMNS = [
    column("thing", "编号", required=True, primaryKey=True),
    column("person", "证号", role="identity"),
    column("start_on", "起", "date", required=True),
    column("end_on", "止", "date"),
    column("faith", "信仰", role="drop"),
]
RULES = [rule("after_start", "end_on", "end_on >= start_on")]
HEADER = "编号,证号,起,止,信仰\n"
WRONG = citizen(9)[:-1] + ("0" if citizen(9)[-1] != "0" else "1")
WHICH = Which("T01", DAY, "001")
WHO = Who("张三", "已与来源单位核实", DAY)
LATER = DAY + timedelta(days=30)
BAD_DATES, BAD_NUMBER, NO_KEY = "T01.end_on.after_start", "T01.person.check_digit", "T01.thing.required"


@pytest.fixture
def contract(tmp_path) -> Contract:
    return make_contract(tmp_path / "contracts", COLUMNS, CSV, *RULES)


def csv(*rows: tuple[str, ...]) -> dict[str, bytes]:
    return {"f.csv": (HEADER + "".join(",".join(row) + "\n" for row in rows)).encode()}


GOOD = ("1", citizen(1), "20260101", "20260201", "甲")
BACKWARDS = ("2", citizen(2), "20260301", "20260201", "")
NOBODY = ("3", WRONG, "20260101", "20260201", "乙")
BOTH = ("4", WRONG, "20260301", "20260201", "")
KEYLESS = ("", citizen(5), "20260101", "", "")


@pytest.fixture
def landed(settings, contract, key) -> Settings:
    content = csv(GOOD, BACKWARDS, NOBODY, BOTH, KEYLESS)
    content["f.csv"] += b"6,too,few\n"
    deliver(settings, "T01", DAY, "001", content)
    land_feed(settings, contract, key, DAY)
    return settings


def rows(settings: Settings, number: str = "001") -> pl.DataFrame:
    return pl.read_parquet(settings.lake / "T01" / DAY.isoformat() / number / "rows.parquet").sort("_line")


def counts(settings: Settings, contract: Contract, key: Key, as_of: date = DAY) -> tuple[int, ...]:
    (receipt,) = land_feed(settings, contract, key, as_of)
    assert receipt.delivered == receipt.accepted + receipt.quarantined + receipt.duplicate
    return receipt.accepted, receipt.quarantined, receipt.duplicate, receipt.waived, receipt.void_waivers


# ---------------------------------------------------------------- rows let in


def test_a_row_let_in_is_accepted_with_its_broken_rules_in_sight(landed, contract, key):
    assert counts(landed, contract, key) == (1, 5, 0, 0, 0)
    body = waive(landed, contract, key, WHICH, WHO, lines=[3])
    assert (body["rows"], body["rules"], body["done"]) == (1, [BAD_DATES], True)
    assert counts(landed, contract, key) == (2, 4, 0, 1, 0)
    let_in = rows(landed).filter(pl.col("_line") == 3)
    assert let_in.select("start_on", "end_on").row(0) == (date(2026, 3, 1), date(2026, 2, 1))
    assert let_in["_dq"][0].to_list() == [BAD_DATES] and rows(landed)["_dq"][0].to_list() == []


def test_a_value_that_cannot_be_read_is_empty_in_a_row_let_in(landed, contract, key):
    waive(landed, contract, key, WHICH, WHO, lines=[4, 5])
    assert counts(landed, contract, key) == (3, 3, 0, 2, 0)
    let_in = rows(landed).filter(pl.col("_line") >= 4)
    assert let_in["person_id"].to_list() == [None, None]
    assert [sorted(codes) for codes in let_in["_dq"].to_list()] == [[BAD_NUMBER], sorted([BAD_NUMBER, BAD_DATES])]


def test_a_rule_lets_in_the_rows_that_break_it_alone(landed, contract, key):
    body = waive(landed, contract, key, WHICH, WHO, rule=BAD_NUMBER)
    assert body["rows"] == 1
    assert counts(landed, contract, key) == (2, 4, 0, 1, 0)
    assert rows(landed)["_line"].to_list() == [2, 4]


def test_what_is_no_row_is_never_let_in_and_the_refusal_says_why(landed, contract, key):
    with pytest.raises(ActRefused, match=r"f\.csv line 6: without a usable key .*编号"):
        waive(landed, contract, key, WHICH, WHO, lines=[6])
    with pytest.raises(ActRefused, match=r"f\.csv line 7: no row can be made of this"):
        waive(landed, contract, key, WHICH, WHO, lines=[7])
    assert read_waivers(landed.landing) == []


def test_a_part_of_the_key_that_need_not_be_there_may_be_empty(settings, tmp_path, key):
    columns = [
        column("thing", "编号", required=True, primaryKey=True),
        column("end_on", "止", "date", primaryKey=True, primaryKeyPosition=2),
        column("start_on", "起", "date", required=True),
    ]
    contract = make_contract(tmp_path / "c", columns, CSV, rule("early", "start_on", "start_on < business_on"))
    deliver(settings, "T01", DAY, "001", {"f.csv": "编号,止,起\n1,,20270101\n2,2026,20270101\n".encode()})
    land_feed(settings, contract, key, DAY)
    assert waive(settings, contract, key, WHICH, WHO, rule="T01.start_on.early")["rows"] == 2
    assert counts(settings, contract, key) == (2, 0, 0, 2, 0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"lines": [2]}, "holds back no row on line 2"),
        ({}, "say which rows"),
        ({"rule": "T01.end_on.nothing"}, "broken are: .*after_start"),
        ({"lines": [3, 4], "rule": BAD_DATES}, "not all of these rows break"),
        ({"lines": [3], "file": "g.csv"}, "no row on line 3"),
    ],
)
def test_a_request_for_other_rows_is_refused(landed, contract, key, asked, told):
    with pytest.raises(ActRefused, match=told):
        waive(landed, contract, key, WHICH, WHO, **asked)


def test_a_trial_writes_nothing(landed, contract, key):
    body = waive(landed, contract, key, WHICH, WHO, lines=[3], is_trial=True)
    assert (body["done"], body["file"]) == (False, None)
    assert not (landed.landing / "decisions").exists()


def test_a_decision_binds_to_the_very_row(landed, contract, key, tmp_path):
    path = Path(waive(landed, contract, key, WHICH, WHO, lines=[3])["file"])
    said = path.read_text("utf-8")
    assert citizen(2) not in said and "张三" in said
    (entry,) = yaml.safe_load(said)
    # The same line of another delivery, another line of the same one, other rules: none of them is let in.
    for change in (
        {"delivery": "002"},
        {"rows": [{**entry["rows"][0], "line": 4}]},
        {"rows": [{**entry["rows"][0], "file": "g.csv"}]},
        {"rules": [BAD_NUMBER]},
        {"rows": [{**entry["rows"][0], "mark": "a" * 20}]},
    ):
        path.write_text(yaml.safe_dump([{**entry, **change}], allow_unicode=True), "utf-8")
        accepted, _, _, waived, void = counts(landed, contract, key)
        assert (accepted, waived, void) == (1, 0, 0 if "delivery" in change else 1), change
    path.write_text(said, "utf-8")
    assert counts(landed, contract, key)[3] == 1
    assert counts(landed, contract, Key(bytes(range(1, 33))))[3:] == (0, 1)


def test_the_order_of_a_contract_s_columns_makes_no_difference(landed, contract, key, tmp_path):
    waive(landed, contract, key, WHICH, WHO, lines=[3])
    turned = make_contract(tmp_path / "turned", list(reversed(COLUMNS)), CSV, *RULES)
    assert counts(landed, turned, key) == (2, 4, 0, 1, 0)


def test_a_decision_does_not_cover_a_rule_that_comes_later(landed, contract, key, tmp_path):
    waive(landed, contract, key, WHICH, WHO, lines=[3])
    stricter = make_contract(tmp_path / "strict", COLUMNS, CSV, *RULES, rule("first", "thing", "thing <> '2'"))
    assert counts(landed, stricter, key) == (1, 5, 0, 0, 1)
    (status,) = judge(stricter, read_receipts(landed.lake, "T01"), [], DAY)
    assert "decisions name 1 rows" in " ".join(status.reasons)


def test_decisions_count_from_their_date_on_and_are_replayed(landed, contract, key):
    waive(landed, contract, key, WHICH, Who("张三", "已核实无误", DAY + timedelta(days=2)), lines=[3])
    assert counts(landed, contract, key, DAY)[0] == 1
    later = counts(landed, contract, key, LATER)
    assert later[0] == 2
    whole = {p.relative_to(landed.lake): p.read_bytes() for p in landed.lake.rglob("*.*") if p.name != "seen.json"}
    shutil.rmtree(landed.lake)
    shutil.rmtree(landed.vault)
    assert counts(landed, contract, key, LATER) == later
    again = {p.relative_to(landed.lake): p.read_bytes() for p in landed.lake.rglob("*.*") if p.name != "seen.json"}
    assert again == whole


def test_only_the_delivery_that_a_decision_concerns_is_read_again(landed, contract, key):
    deliver(landed, "T01", DAY, "002", csv(GOOD, BACKWARDS))
    land_feed(landed, contract, key, DAY)
    places = {n: landed.lake / "T01" / DAY.isoformat() / n / "rows.parquet" for n in ("001", "002")}
    before = {n: p.stat().st_mtime_ns for n, p in places.items()}
    waive(landed, contract, key, WHICH, WHO, lines=[3])
    land_feed(landed, contract, key, DAY)
    assert places["001"].stat().st_mtime_ns != before["001"] and places["002"].stat().st_mtime_ns == before["002"]


def test_a_row_let_in_can_be_a_duplicate(settings, contract, key):
    deliver(settings, "T01", DAY, "001", csv(BACKWARDS, BACKWARDS))
    assert counts(settings, contract, key) == (0, 2, 0, 0, 0)
    waive(settings, contract, key, WHICH, WHO, lines=[2, 3])
    assert counts(settings, contract, key) == (1, 0, 1, 2, 0)


@given(st.lists(st.sampled_from([GOOD, BACKWARDS, NOBODY, BOTH, KEYLESS]), min_size=1, max_size=8), st.data())
@hypothesis_settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_let_in_reconciles(tmp_path_factory, contract, key, lines, data):
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    content = csv(*((str(i) if r[0] else "", *r[1:]) for i, r in enumerate(lines)))
    deliver(settings, "T01", DAY, "001", content)
    counts(settings, contract, key)
    able = [i + 2 for i, row in enumerate(lines) if row not in (GOOD, KEYLESS)]
    chosen = data.draw(st.sets(st.sampled_from(able))) if able else set()
    if chosen:
        waive(settings, contract, key, WHICH, WHO, lines=sorted(chosen))
    good = lines.count(GOOD)
    assert counts(settings, contract, key) == (good + len(chosen), len(lines) - good - len(chosen), 0, len(chosen), 0)


# ---------------------------------------------------------------- a held delivery let through


@pytest.fixture
def shrunk(settings, contract, key) -> Settings:
    many = [(str(i), citizen(i), "20260101", "", "") for i in range(1, 41)]
    deliver(settings, "T01", DAY - timedelta(days=1), "001", csv(*many))
    deliver(settings, "T01", DAY, "001", csv(*many[:5]))
    land_feed(settings, contract, key, DAY)
    return settings


def state(settings: Settings, contract: Contract, as_of: date = LATER) -> str:
    receipts = read_receipts(settings.lake, "T01")
    return judge(contract, receipts, read_decisions(settings.landing), as_of)[-1].state


def test_a_held_delivery_is_let_through_for_its_content_only(shrunk, contract, key):
    assert state(shrunk, contract) == "held"
    body = release_hold(shrunk, contract, WHICH, WHO)
    assert "outside" in body["held_because"][0] and Path(body["file"]).parent == shrunk.landing / "decisions"
    assert state(shrunk, contract) == "accepted" and state(shrunk, contract, DAY) == "accepted"
    (decision,) = read_decisions(shrunk.landing)
    assert decision.sha256 == read_receipts(shrunk.lake, "T01")[-1].sha256
    with pytest.raises(ActRefused, match="let through by 张三"):
        release_hold(shrunk, contract, WHICH, WHO)
    path = Path(body["file"])
    path.write_text(path.read_text("utf-8").replace(str(decision.sha256), "f" * 64), "utf-8")
    assert state(shrunk, contract) == "held"


def test_a_decision_never_replaces_another(shrunk, contract):
    other = shrunk.landing / "decisions" / f"{DAY}-T01-{DAY}-001-accept.yaml"
    other.parent.mkdir()
    other.write_text("[]\n", "utf-8")
    assert Path(release_hold(shrunk, contract, WHICH, WHO)["file"]).name.endswith("accept-2.yaml")
    assert other.read_text("utf-8") == "[]\n"
    assert [p.name for p in other.parent.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("which", "who", "told"),
    [
        (Which("T01", DAY - timedelta(days=1), "001"), WHO, "is not held: it is accepted"),
        (Which("T01", DAY, "007"), WHO, "there is no delivery T01 .*/007; the latest are"),
        (WHICH, Who("张三", "已核实无误", DAY - timedelta(days=1)), "before its date"),
    ],
)
def test_what_is_not_held_is_not_let_through(shrunk, contract, which, who, told):
    with pytest.raises(ActRefused, match=told):
        release_hold(shrunk, contract, which, who)


def test_a_delivery_not_read_yet_or_rejected_is_not_let_through(shrunk, contract, key):
    deliver(shrunk, "T01", DAY, "002", {"f.csv": b"\xff\xfe"})
    with pytest.raises(ActRefused, match="has not been read yet"):
        release_hold(shrunk, contract, Which("T01", DAY, "002"), WHO)
    land_feed(shrunk, contract, key, DAY)
    with pytest.raises(ActRefused, match="is rejected and cannot be let through"):
        release_hold(shrunk, contract, Which("T01", DAY, "002"), WHO)


def test_a_misspelt_decision_is_told(tmp_path):
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "a.yaml").write_text("- {decision: acept}\n")
    with pytest.raises(DecisionProblem, match=r"a\.yaml: decision 'acept' is none of accept, waive"):
        read_decisions(tmp_path)


# ---------------------------------------------------------------- reading again


def test_a_mended_contract_frees_rows_and_the_record_says_so(landed, tmp_path, key):
    milder = make_contract(tmp_path / "mild", COLUMNS, CSV)
    trial = replay(landed, milder, key, WHICH, DAY, is_trial=True)
    assert trial["became"] == {"held": 4, "accepted": 1, "duplicate": 0, "gone": 0} and not trial["done"]
    assert quarantine.read(landed, *_place()).height == 5
    body = replay(landed, milder, key, WHICH, DAY)
    assert (body["before"]["quarantined"], body["after"]["quarantined"]) == (5, 4)
    assert {k: v for k, v in body.items() if k != "done"} == {k: v for k, v in trial.items() if k != "done"}
    (freed,) = quarantine.history(landed, *_place())
    assert (freed["file"], freed["line"], freed["rules"], freed["became"]) == ("f.csv", 3, [BAD_DATES], "accepted")
    assert quarantine.history_path(landed, *_place()).stat().st_mode & 0o777 == 0o600


def test_a_mended_code_table_has_the_delivery_read_again(settings, tmp_path, key):
    reference = tmp_path / "reference"
    reference.mkdir()
    (reference / "codes.csv").write_text("code\n1\n", "utf-8")
    kind = column("kind", "类", codes={"file": "codes.csv"}, on_invalid="error")
    contract = make_contract(tmp_path / "c", [column("thing", "编号", primaryKey=True), kind], CSV)
    mine = Settings(data=settings.data, reference=reference)
    deliver(mine, "T01", DAY, "001", {"f.csv": "编号,类\n1,1\n2,2\n".encode()})
    (first,) = land_feed(mine, contract, key, DAY)
    assert (first.accepted, first.quarantined) == (1, 1)
    wider = tmp_path / "wider"
    wider.mkdir()
    (wider / "codes.csv").write_text("code\n1\n2\n", "utf-8")
    (second,) = land_feed(Settings(data=settings.data, reference=wider), contract, key, DAY)
    assert (second.accepted, second.quarantined) == (2, 0)


def test_a_delivery_taken_out_of_landing_counts_no_longer_and_its_rows_are_on_record(landed, contract, key):
    deliver(landed, "T01", DAY, "002", csv(GOOD))
    land_feed(landed, contract, key, DAY)
    shutil.rmtree(landed.landing / "T01" / DAY.isoformat() / "001")
    said: list[str] = []
    (receipt,) = land_feed(landed, contract, key, DAY, said.append)
    assert receipt.number == "002" and [r.number for r in read_receipts(landed.lake, "T01")] == ["002"]
    assert said == [f"T01 {DAY}/001: taken out of landing/, so it counts no longer"]
    assert {e["became"] for e in quarantine.history(landed, *_place())} == {"gone"}
    assert quarantine.read(landed, *_place()).is_empty()


def test_a_lost_landing_is_no_word_of_the_department(landed, contract, key):
    shutil.rmtree(landed.landing / "T01")
    with pytest.raises(LandingLost, match="holds none of the 1 deliveries"):
        land_feed(landed, contract, key, DAY)
    assert rows(landed).height == 1


def test_rows_of_a_delivery_that_is_refused_now_are_gone_not_lost(landed, tmp_path, key):
    other = make_contract(tmp_path / "other", [*COLUMNS, column("more", "新")], CSV, *RULES)
    body = replay(landed, other, key, WHICH, DAY)
    assert body["became"]["gone"] == 5 and "lacks the column" in body["reasons"][0]
    assert len(quarantine.history(landed, *_place())) == 5


def test_a_row_let_in_is_on_record(landed, contract, key):
    waive(landed, contract, key, WHICH, WHO, lines=[3])
    land_feed(landed, contract, key, DAY)
    (entry,) = quarantine.history(landed, *_place())
    assert entry["became"] == "accepted" and len(entry["waivers_sha256"]) == 64
    assert json.dumps(entry).find(citizen(2)) == -1


def _place() -> tuple[str, date, str]:
    return WHICH.feed, WHICH.business_on, WHICH.number
