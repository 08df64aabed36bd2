"""Whose word counts: against a plain reference that reads every date's rows anew, and hard single cases."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.feeds.contracts import Contract
from pipelines.settings import Settings
from pipelines.subjects.survivorship import layers
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.rules import Rules
from pipelines.subjects.survivorship.step import CONFLICTS, VERSIONS
from tests.subjects.dates import Dates, Delivered

FEEDS = ("B01", "F01", "F04", "F07")
DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(4)]
EAST, WEST = "310118001001", "310118102201"
COMPARED = ("name", "marital_code", "spouse_key", "alive", "death_on", "res_village_code")
CHECKED = (*COMPARED, "res_dwelling_id", "verified_on")

Row = dict[str, Any]
Said = dict[str, dict[str, Row]]
"""By feed, what it says of each person."""


@pytest.fixture(scope="module")
def rules(contracts: Mapping[str, Contract]) -> Rules:
    return load_rules(Settings(), contracts).only(FEEDS)


# ------------------------------------------------------------------ the reference


def newest(rows: list[Row], key: Any) -> list[Row]:
    """The last word on each key: rows come in order of delivery."""
    return list({key(row): row for row in rows}.values())


def best(rows: list[Row], rank: Any) -> dict[str, Row]:
    """Of each person the row of lowest rank."""
    found: dict[str, Row] = {}
    for row in sorted(rows, key=rank):
        found.setdefault(row["person_id"], row)
    return found


def late(value: date | None) -> int:
    """Sorts the latest first and nothing last."""
    return -value.toordinal() if value else 1


def claims(on: date, use: Mapping[str, list[Row]]) -> Said:
    """What each feed says, written out feed by feed."""
    said: Said = {feed: {} for feed in FEEDS}
    for p, r in best(use["B01"], lambda r: (-r["updated_at"].toordinal(), r["_line"])).items():
        at_home = r["res_village_code"] is None and not r["is_separated"] and r["hukou_village_code"] is not None
        said["B01"][p] = {
            "name": r["name"], "marital_code": r["marital_code"], "spouse_key": r["spouse_id"],
            "decides": r["marital_code"][0] if r["marital_code"] else "-", "alive": r["alive"],
            "death_on": r["death_on"], "stated": r["verified_on"] or r["updated_at"],
            "verified_on": r["verified_on"],
            "res_village_code": r["hukou_village_code"] if at_home else r["res_village_code"],
            "res_dwelling_id": r["res_dwelling_id"],
        }  # fmt: skip
    live = [r for r in newest(use["F01"], lambda r: r["registration_id"]) if r["change_code"] != "D"]
    for r in live:
        r["is_open"] = r["valid_to_on"] is None or r["valid_to_on"] >= on
    for p, r in best(live, lambda r: (not r["is_open"], late(r["reg_on"]), r["registration_id"])).items():
        said["F01"][p] = {"name": r["name"]} | (
            {"stated": r["reg_on"], "res_village_code": r["village_code"], "res_dwelling_id": r["dwelling_id"]}
            if r["is_open"] else {}
        )  # fmt: skip
    met = [r for r in newest(use["F04"], lambda r: r["visit_id"]) if r["meet_result"] == "已见" and r["village_code"]]
    for p, r in best(met, lambda r: (late(r["visit_at"]), r["visit_id"])).items():
        told = r["visit_at"]
        said["F04"][p] = {"stated": told, "verified_on": told, "res_village_code": r["village_code"]}
    vital = newest(use["F07"], lambda r: (r["person_id"], r["event"], r["event_on"]))
    wed = [r | {"slot": 0, "other": r["partner_id"], "told_name": r["name"]} for r in vital if r["event"] != "死亡"]
    wed += [
        r | {"slot": 1, "person_id": r["partner_id"], "other": r["person_id"], "told_name": r["partner_name"]}
        for r in vital
        if r["event"] != "死亡" and r["partner_id"]
    ]
    order = lambda r: (late(r["event_on"]), late(r["_on"]), r["_line"], r["slot"])  # noqa: E731
    for p, r in best(wed, order).items():
        is_wedding = r["event"] == "结婚"
        said["F07"][p] = {
            "name": r["told_name"], "marital_code": "20" if is_wedding else "40",
            "decides": "2" if is_wedding else "4", "spouse_key": r["other"] if is_wedding else None,
        }  # fmt: skip
    for p, r in best([r for r in vital if r["event"] == "死亡"], lambda r: r["event_on"]).items():
        said["F07"].setdefault(p, {}).update(alive="dead", death_on=r["event_on"])
    return said


def counting(said: Said, person: str, attribute: str) -> str | None:
    """The feed whose word counts."""
    mine = {feed: told[person] for feed, told in said.items() if person in told}
    if attribute in ("name", "alive", "death_on"):
        order = ("B01", "F01", "F07") if attribute == "name" else ("F07", "B01")
        return next((f for f in order if mine.get(f, {}).get(attribute) is not None), None)
    if attribute == "verified_on":
        dated = [f for f in ("B01", "F04") if mine.get(f, {}).get("verified_on")]
        return max(dated, key=lambda f: (mine[f]["verified_on"], f == "B01"), default=None)
    if attribute in ("marital_code", "spouse_key"):
        if "decides" not in mine.get("F07", {}):
            return "B01" if "B01" in mine else None
        return "B01" if mine.get("B01", {}).get("decides") == mine["F07"]["decides"] else "F07"
    order = [f for f in ("B01", "F01", "F04") if mine.get(f, {}).get("stated")]
    if not order:
        return None
    chosen = max(order, key=lambda f: (mine[f]["stated"], -order.index(f)))
    if chosen == "F04":
        same = [f for f in order if f != "F04" and mine[f]["res_village_code"] == mine["F04"]["res_village_code"]]
        chosen = max(same, key=lambda f: (mine[f]["stated"], -order.index(f)), default="F04")
    return chosen


def says(said: Said, feed: str, person: str, attribute: str) -> Any:
    return said[feed].get(person, {}).get(attribute)


def alike(attribute: str, one: Any, other: Any) -> bool:
    return one[:1] == other[:1] if attribute == "marital_code" and one and other else one == other


# ------------------------------------------------------------------ random deliveries

PERSONS = [f"p{n}" for n in range(12)]


def some_deliveries(random: Random) -> Delivered:
    """Four days: the base as a snapshot each day, changes of the others, late and corrected."""
    found: dict[tuple[date, str, str], list[Row]] = {}
    for on in DAYS:
        for number in ("001", "002") if random.random() < 0.3 else ("001",):
            found[on, "B01", number] = [_base_row(random, p) for p in PERSONS if random.random() < 0.85 for _ in "12"]
        for feed, make in (("F01", _registration), ("F04", _visit), ("F07", _event)):
            rows = [make(random, random.choice(PERSONS)) for _ in range(random.randrange(7))]
            if rows:
                found[on, feed, "001"] = rows
    return found


def _day(random: Random, least: int = -3) -> date:
    return DAYS[0] + timedelta(days=random.randint(least, 3))


def _base_row(random: Random, person: str) -> Row:
    marital = random.choice(["10", "21", "22", "40", None])
    dead = random.random() < 0.1
    return {
        "person_id": person, "name": random.choice(["甲", "乙"]), "marital_code": marital,
        "spouse_id": random.choice([*PERSONS, None]) if marital in ("21", "22", None) else None,
        "alive": "dead" if dead else random.choice(["alive", "unknown"]), "death_on": _day(random) if dead else None,
        "res_village_code": random.choice([EAST, WEST, None]), "hukou_village_code": random.choice([EAST, None]),
        "is_separated": random.random() < 0.3, "res_dwelling_id": random.choice(["d1", "d2", None]),
        "verified_on": random.choice([_day(random), None]), "updated_at": _day(random, -9),
    }  # fmt: skip


def _registration(random: Random, person: str) -> Row:
    return {
        "registration_id": f"r{random.randrange(6)}", "person_id": person, "name": random.choice(["甲", "丙"]),
        "village_code": random.choice([EAST, WEST, None]), "dwelling_id": random.choice(["d3", None]),
        "reg_on": _day(random), "valid_to_on": random.choice([_day(random, 0), None]),
        "change_code": random.choice(["A", "U", "D"]),
    }  # fmt: skip


def _visit(random: Random, person: str) -> Row:
    return {
        "visit_id": f"v{random.randrange(9)}", "person_id": person, "visit_at": _day(random),
        "village_code": random.choice([EAST, WEST, None]), "meet_result": random.choice(["已见", "已见", "未遇"]),
    }  # fmt: skip


def _event(random: Random, person: str) -> Row:
    partner = random.choice([p for p in PERSONS if p != person] + [None])
    event = random.choice(["结婚", "离婚", "死亡"])
    wed = event != "死亡"
    return {
        "event": event, "event_on": _day(random), "person_id": person, "name": random.choice(["甲", "丁"]),
        "partner_id": partner if wed else None, "partner_name": "戊" if wed and partner else None,
    }  # fmt: skip


def in_use(delivered: Delivered, on: date) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {feed: [] for feed in FEEDS}
    for (day, feed, _), rows in sorted(delivered.items(), key=lambda item: item[0]):
        if day <= on:
            numbered = [dict(row) | {"_line": line, "_on": day} for line, row in enumerate(rows, 1)]
            found[feed] = numbered if feed == "B01" else found[feed] + numbered
    return found


class Reference:
    """What a plain reading knows after each date: since when each feed says what, and since when each row stands."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.since: dict[tuple[str, str, str], tuple[Any, date]] = {}
        self.rows: dict[str, tuple[tuple, date]] = {}
        self.ended: list[tuple[str, date, date]] = []

    def read(self, on: date, said: Said) -> None:
        for feed, told in said.items():
            for key in ((feed, person, attribute) for person in PERSONS for attribute in CHECKED):
                value = told.get(key[1], {}).get(key[2])
                if key not in self.since or self.since[key][0] != value:
                    self.since[key] = (value, on)

    def stand(self, on: date, people: Mapping[str, Row]) -> None:
        """Follow whole rows; which values they hold is checked elsewhere."""
        now = {person: tuple(row[a] for a in self.rules.merged) for person, row in people.items()}
        for person, (row, since) in list(self.rows.items()):
            if now.get(person) != row:
                self.ended.append((person, since, on))
                del self.rows[person]
        self.rows |= {person: (row, on) for person, row in now.items() if person not in self.rows}


def check_values(reference: Reference, said: Said, person: str, row: Row) -> None:
    """Value, source, date and agreement of every attribute."""
    for attribute in CHECKED:
        feed = counting(said, person, attribute)
        value = says(said, feed, person, attribute) if feed else None
        assert row[attribute] == value, attribute
        assert row[attribute + "_source"] == (feed if value is not None else None), attribute
        since = reference.since[feed, person, attribute][1] if feed and value is not None else None
        assert row[attribute + "_known_on"] == since, attribute
        if attribute in COMPARED:
            agree = [f for f in FEEDS if alike(attribute, says(said, f, person, attribute), value)]
            assert row[attribute + "_agreement"] == (len(agree) if value is not None else None), attribute


def contradictions(said: Said, person: str) -> set[tuple[str, ...]]:
    """Which feed says otherwise than the one whose word counts."""
    found = set()
    for attribute in COMPARED:
        feed = counting(said, person, attribute)
        value = says(said, feed, person, attribute) if feed else None
        # That nobody lives here is a statement too; no other attribute is denied by silence.
        if value is not None or (feed and attribute == "res_village_code"):
            others = {f: says(said, f, person, attribute) for f in FEEDS}
            found |= {
                (person, attribute, str(feed), f)
                for f, told in others.items()
                if told is not None and not alike(attribute, told, value)
            }
    return found


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 9.0]))
def test_any_history_of_deliveries_gives_what_a_plain_reading_gives(
    tmp_path_factory: pytest.TempPathFactory,
    contracts: Mapping[str, Contract],
    rules: Rules,
    seed: int,
    share: float,
) -> None:
    """Whether what changed lies over the tables' base or the whole was written anew (`share`)."""
    delivered = some_deliveries(Random(seed))
    root = tmp_path_factory.mktemp("dates")
    dates = Dates(root, contracts, rules)
    dates.deliver(delivered)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "SHARE", share)
        dates.run(root / "identity")
    reference = Reference(rules)
    for on in DAYS:
        said = claims(on, in_use(delivered, on))
        reference.read(on, said)
        people = dates.people(on)
        reference.stand(on, people)
        assert {person for told in said.values() for person in told} <= set(people)
        for person, row in people.items():
            check_values(reference, said, person, row)
            assert row["known_from_on"] == reference.rows[person][1]
            assert row["known_by"] == ("base" if person in said["B01"] or person in said["F01"] else "feeds")
        found = {(c["person_id"], c["attribute"], c["kept_feed"], c["other_feed"]) for c in dates.table(on, CONFLICTS)}
        assert {c for c in found if c[1] in COMPARED} == set().union(*(contradictions(said, p) for p in people))
        was = [(v["person_id"], v["known_from_on"], v["known_to_on"]) for v in dates.table(on, VERSIONS)]
        assert sorted(was) == sorted(reference.ended)


# ------------------------------------------------------------------ single cases


def base(person: str, **values: Any) -> Row:
    """Someone alive who lives in the east."""
    row = {
        "person_id": person, "name": "甲", "alive": "alive", "res_village_code": EAST, "res_dwelling_id": "d1",
        "hukou_village_code": EAST, "verified_on": date(2026, 2, 1), "updated_at": "2026-02-01 00:00:00",
    }  # fmt: skip
    return row | values


@pytest.fixture
def replayed(tmp_path: Any, contracts: Mapping[str, Contract], rules: Rules) -> Any:
    """Deliveries to the folders of their dates."""

    def run(delivered: Delivered, mentions: Any = None) -> Dates:
        dates = Dates(tmp_path, contracts, rules)
        dates.deliver(delivered)
        dates.run(tmp_path / "identity", mentions)
        return dates

    return run


def visit(person: str, on: date, village: str, **values: Any) -> Row:
    return {"visit_id": f"{person}{on}", "person_id": person, "visit_at": on, "village_code": village,
            "meet_result": "已见", "visit_type": "日常走访"} | values  # fmt: skip


def test_a_visit_verifies_where_someone_lives_and_leaves_the_dwelling_to_who_knows_it(replayed: Any) -> None:
    at = date(2026, 3, 1)
    told = replayed(
        {
            (at, "B01", "001"): [base("same"), base("moved"), base("rung")],
            (at, "F04", "001"): [
                visit("same", date(2026, 2, 20), EAST),
                visit("moved", date(2026, 2, 20), WEST),
                visit("rung", date(2026, 2, 20), WEST, visit_type="电话联系"),
            ],
        }
    ).people(at)
    where = {p: (r["res_village_code"], r["res_dwelling_id"], r["res_village_code_source"]) for p, r in told.items()}
    assert where == {"same": (EAST, "d1", "B01"), "moved": (WEST, None, "F04"), "rung": (EAST, "d1", "B01")}
    assert (told["same"]["verified_on"], told["same"]["verified_on_source"]) == (date(2026, 2, 20), "F04")
    assert told["same"]["res_village_code_agreement"] == 2 and told["moved"]["res_village_code_agreement"] == 1
    assert told["rung"]["verified_on"] == date(2026, 2, 1)


def test_a_wedding_counts_before_the_base_which_tells_more_where_it_agrees(replayed: Any) -> None:
    at = date(2026, 3, 1)
    wedding = {"event": "结婚", "event_on": date(2026, 2, 14), "name": "甲", "partner_name": "乙"}
    told = replayed(
        {
            (at, "B01", "001"): [
                base("single", marital_code="10"),
                base("again", marital_code="22", spouse_id="bride"),
                base("silent", marital_code=None, spouse_id="other"),
            ],
            (at, "F07", "001"): [
                wedding | {"person_id": "single", "partner_id": "bride"},
                wedding | {"person_id": "again", "partner_id": "abroad"},
            ],
        }
    ).people(at)
    marriage = {p: (r["marital_code"], r["spouse_key"], r["marital_code_source"]) for p, r in told.items()}
    assert marriage["single"] == ("20", "bride", "F07")
    assert marriage["again"] == ("22", "bride", "B01")
    assert marriage["silent"] == (None, "other", None)
    assert marriage["bride"] == ("20", "single", "F07") and told["bride"]["known_by"] == "feeds"
    assert told["single"]["marital_code_from_on"] == date(2026, 2, 14)


def test_the_dead_of_the_register_are_dead_and_the_base_contradicts(replayed: Any) -> None:
    first, then = date(2026, 3, 1), date(2026, 3, 2)
    dates = replayed(
        {
            (first, "B01", "001"): [base("one")],
            (then, "F07", "001"): [
                {"event": "火化", "event_on": date(2026, 2, 23), "person_id": "one"},
                {"event": "死亡", "event_on": date(2026, 2, 20), "person_id": "one"},
            ],
        }
    )
    row = dates.people(then)["one"]
    assert (row["alive"], row["death_on"], row["alive_known_on"]) == ("dead", date(2026, 2, 20), then)
    assert row["alive_from_on"] == date(2026, 2, 20) and row["alive_learnt_on"] == then
    assert [(c["attribute"], c["kept_feed"], c["other_feed"], c["other_known_on"], c["other_value"])
            for c in dates.table(then, CONFLICTS)] == [("alive", "F07", "B01", first, "alive")]  # fmt: skip


def test_an_open_registration_ends_with_its_last_day_though_nothing_is_delivered(replayed: Any) -> None:
    first, then = date(2026, 3, 1), date(2026, 3, 2)
    dates = replayed(
        {
            (first, "F01", "001"): [
                {"registration_id": "r", "person_id": "one", "name": "甲", "reg_on": date(2026, 1, 1),
                 "valid_to_on": first, "village_code": WEST, "change_code": "A"}
            ],
            (then, "F04", "001"): [visit("other", first, EAST)],
        }
    )  # fmt: skip
    assert dates.people(first)["one"]["res_village_code"] == WEST
    assert dates.people(then)["one"]["res_village_code"] is None
    assert dates.people(then)["one"]["name_known_on"] == first


def test_who_is_in_no_feed_any_more_is_nobody_today_but_was_somebody(replayed: Any) -> None:
    first, then = date(2026, 3, 1), date(2026, 3, 2)
    dates = replayed({(first, "B01", "001"): [base("one"), base("two")], (then, "B01", "001"): [base("two")]})
    assert set(dates.people(then)) == {"two"}
    ended = dates.table(then, VERSIONS)
    assert [(v["person_id"], v["res_village_code"], v["known_to_on"]) for v in ended] == [("one", EAST, then)]


def test_rows_move_to_the_person_linkage_finds_for_them(replayed: Any) -> None:
    """A number becomes part of another person, and a row without a number finds one: files of linkage by hand."""
    first, then = date(2026, 3, 1), date(2026, 3, 2)
    keys = pl.DataFrame({"person_key": ["old", "new"], "person_id": ["old", "new"]})
    merged = pl.DataFrame({"person_key": ["old", "new"], "person_id": ["old", "old"]})
    row = {"feed": "F04", "slot": "person", "business_on": first, "delivery": "001", "_file": "f", "_line": 1}
    rows = pl.DataFrame([row | {"mention_id": "m"}]).with_columns(pl.col("_line").cast(pl.Int64))
    mention = {"mention_id": ["m"]}
    dates = replayed(
        {
            (first, "B01", "001"): [base("old", name="旧", verified_on=None, updated_at="2026-01-01 00:00:00")],
            (first, "F01", "001"): [
                {"registration_id": "r", "person_id": "new", "name": "新", "reg_on": date(2026, 1, 9),
                 "village_code": WEST, "change_code": "A"}
            ],
            (first, "F04", "001"): [visit("", date(2026, 2, 1), WEST, person_id=None)],
            (then, "B01", "001"): [base("old", name="旧", verified_on=None, updated_at="2026-01-01 00:00:00")],
        },
        {
            first: {"key.parquet": keys, "mention_row.parquet": rows,
                    "mention.parquet": pl.DataFrame(mention | {"person_id": ["m"]})},
            then: {"key.parquet": merged, "mention_row.parquet": rows,
                   "mention.parquet": pl.DataFrame(mention | {"person_id": ["old"]})},
        },
    )  # fmt: skip
    known = {p: (r["known_by"], r["res_village_code"]) for p, r in dates.people(first).items()}
    assert known == {"old": ("base", EAST), "new": ("base", WEST), "m": ("provisional", WEST)}
    people = dates.people(then)
    assert set(people) == {"old"}
    assert (people["old"]["name"], people["old"]["res_village_code"]) == ("旧", WEST)
    assert people["old"]["verified_on_source"] == "F04" and people["old"]["res_village_code_source"] == "F01"


def test_a_second_date_gives_what_the_first_would_have_given(
    tmp_path: Any, contracts: Mapping[str, Contract], rules: Rules
) -> None:
    """The present does not depend on the way there, but for since when things are known."""
    delivered = some_deliveries(Random(7))
    last = max(on for on, _, _ in delivered)
    walked = Dates(tmp_path / "walked", contracts, rules)
    walked.deliver(delivered)
    walked.run(tmp_path / "walked" / "identity")
    leapt = Dates(tmp_path / "leapt", contracts, rules)
    leapt.deliver(delivered)
    leapt.leap(tmp_path / "leapt" / "identity", last)
    timeless = [c for c in walked.people(last)["p1"] if not c.endswith(("known_on", "from_on", "learnt_on"))]
    now = {p: [row[c] for c in timeless] for p, row in walked.people(last).items()}
    assert now == {p: [row[c] for c in timeless] for p, row in leapt.people(last).items()}
