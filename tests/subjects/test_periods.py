"""Values in two times: against a plain reference that keeps, for every date of knowledge, a value for every day."""

from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.subjects.survivorship import periods

EPOCH = date(2026, 1, 1)
FIRST, LAST = -6, 9
"""The days the reference keeps values for; replays run over the days 0, 1, 2 …"""

Said = tuple[str | None, int | None]
"""What counts on a day and the day its source gives, if any."""


def on(day: int | None) -> date | None:
    return None if day is None else EPOCH + timedelta(days=day)


class Reference:
    """One person's one attribute: what is believed of every day, on every date of knowledge."""

    def __init__(self, dating: str) -> None:
        self.dating, self.line = dating, dict.fromkeys(range(FIRST, LAST + 1))
        self.value: str | None = None
        self.begun: int | None = None
        self.ended: int | None = None
        self.known: list[dict[int, str | None]] = []

    def learn(self, today: int, value: str | None, since: int | None) -> None:
        dated = since if since is not None and since <= today and self.dating != "delivery" else None
        if value != self.value:
            self._assert(value, self._begins(today, value, dated), today)
        elif value is not None and dated is not None and self.begun is not None:
            if dated < self.begun:
                self._assert(value, dated, today)
            elif dated > self.begun and self.dating == "event":
                self._put(self.begun, dated, self.line.get(self.begun - 1))
                self.begun = dated
        self.known.append(dict(self.line))

    def _begins(self, today: int, value: str | None, dated: int | None) -> int:
        if value is None or dated is None:
            return today
        if self.dating == "event":
            return dated
        if self.begun is not None:
            return dated if dated > self.begun else today
        believed = [day for day, held in self.line.items() if held is not None]
        return dated if not believed or dated > max(believed) else today

    def _assert(self, value: str | None, begins: int, today: int) -> None:
        self._put(begins, LAST + 1, value)
        self.value, self.begun = value, begins if value is not None else None

    def _put(self, first: int, end: int, value: str | None) -> None:
        for day in range(first, end):
            self.line[day] = value


def replay(dating: str, histories: list[list[Said]]) -> pl.DataFrame:
    """All periods of the histories, day after day by the code under test."""
    people = [f"p{n}" for n in range(len(histories))]
    past = pl.DataFrame(schema=periods.SCHEMA)
    was: dict[str, tuple[str | None, date | None, date | None]] = dict.fromkeys(people, (None, None, None))
    for day in range(len(histories[0])):
        state = pl.DataFrame(
            [
                {"person_id": p, "value": said[day][0], "feed": "X", "since": on(said[day][1]), "was_value": was[p][0],
                 "was_feed": "X", "from": was[p][1], "learnt": was[p][2]}
                for p, said in zip(people, histories, strict=True)
            ],
            schema=periods.STATE_SCHEMA,
        )  # fmt: skip
        times, past = periods.followed(state, past, "a", dating, EPOCH + timedelta(days=day))
        assert past["person_id"].is_in(people).all() and past.columns == list(periods.SCHEMA)
        for row in times.iter_rows(named=True):
            value = histories[int(row["person_id"][1:])][day][0]
            was[row["person_id"]] = (value, row["from"], row["learnt"])
    running = [
        {"person_id": p, "attribute": "a", "value": v, "feed": "X", "valid_from_on": f, "known_from_on": k}
        for p, (v, f, k) in was.items()
        if v is not None
    ]
    return pl.concat([past, pl.DataFrame(running, schema=periods.SCHEMA)])


def as_known(rows: list[dict], true_on: int, known_on: int) -> str | None:
    """What one person's periods say of a day, as known on a date."""
    true, known = on(true_on), on(known_on)
    held = [
        row["value"]
        for row in rows
        if row["valid_from_on"] <= true
        and (row["valid_to_on"] is None or row["valid_to_on"] > true)
        and row["known_from_on"] <= known
        and (row["known_to_on"] is None or row["known_to_on"] > known)
    ]
    assert len(held) < 2, held
    return held[0] if held else None


DAYS, PEOPLE = 6, 60


def history(random: Random) -> list[Said]:
    """Six days of one person: few values, so that they come back, and dates before, at and after one another."""
    values = [random.choice(["A", "A", "B", "B", "C", None]) for _ in range(DAYS)]
    for day in range(1, DAYS):
        if random.random() < 0.4:
            values[day] = values[day - 1]
    return [(v, random.choice([None, *range(FIRST + 1, 7)]) if v else None) for v in values]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["event", "seen", "delivery"]), st.integers(0, 2**32))
def test_any_past_day_is_told_as_it_was_known_on_any_date(dating: str, seed: int) -> None:
    random = Random(seed)
    histories = [history(random) for _ in range(PEOPLE)]
    rows = replay(dating, histories).partition_by("person_id", as_dict=True)
    for number, said in enumerate(histories):
        reference = Reference(dating)
        for day, (value, since) in enumerate(said):
            reference.learn(day, value, since)
        mine = rows[f"p{number}",].to_dicts() if (f"p{number}",) in rows else []
        for known_on, line in enumerate(reference.known):
            for true_on, value in line.items():
                assert as_known(mine, true_on, known_on) == value, (said, true_on, known_on)


def told(dating: str, *said: Said) -> list[tuple]:
    rows = replay(dating, [list(said)]).sort("known_from_on", "valid_from_on")
    days = [c for c in rows.columns if c.endswith("_on")]
    numbered = rows.with_columns((pl.col(c) - pl.lit(EPOCH)).dt.total_days() for c in days)
    return numbered.select("value", *days).rows()


def test_a_death_reported_late_and_corrected_moves_its_day_and_not_what_was_known() -> None:
    assert told("event", ("alive", None), ("alive", None), ("dead", -2), ("dead", 1)) == [
        # valid from, valid to, known from, known to
        ("alive", 0, None, 0, 2),
        ("dead", -2, None, 2, 3),
        ("dead", 1, None, 3, None),
    ]
    assert told("event", ("alive", -5), ("dead", -2), ("dead", 1)) == [
        ("alive", -5, None, 0, 1),
        ("alive", -5, -2, 1, 2),
        ("dead", -2, None, 1, 2),
        ("alive", -5, 1, 2, None),
        ("dead", 1, None, 2, None),
    ]


def test_seen_again_is_no_move_and_an_old_sight_dates_no_new_home() -> None:
    assert told("seen", ("home", -3), ("home", 1), ("home", -4)) == [
        ("home", -3, None, 0, 2),
        ("home", -4, None, 2, None),
    ]
    # The register names another village without having looked again: true since it said so.
    assert told("seen", ("home", -3), ("away", -3)) == [
        ("home", -3, None, 0, 1),
        ("home", -3, 1, 1, None),
        ("away", 1, None, 1, None),
    ]


@pytest.mark.parametrize("dating", ["event", "seen", "delivery"])
def test_a_date_ahead_is_no_beginning(dating: str) -> None:
    assert told(dating, ("A", 5)) == [("A", 0, None, 0, None)]
