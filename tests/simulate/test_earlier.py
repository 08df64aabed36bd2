"""Deliveries before the first day: the same people and places a little earlier, and the first day as it always was."""

from datetime import date
from hashlib import sha256

import polars as pl
import pytest

from pipelines.simulate import simulate
from pipelines.simulate.earlier import due_before
from pipelines.simulate.run import _DUE

FIRST = date(2026, 10, 30)
SNAPSHOTS = ["B02", "B01", "F02", "F05", "F08", "F10", "F11", "F13", "F17", "F18", "F20", "F22", "F31"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(folder, summary) of one day without and with an earlier due date."""
    made = []
    for earlier in (0, 1):
        out = tmp_path_factory.mktemp(f"earlier{earlier}")
        made.append((out, simulate(0.002, 3, FIRST, 1, out, earlier=earlier)))
    return made


def content(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def test_due_dates_before_a_day():
    assert due_before(_DUE["B02"], FIRST, 2) == [date(2026, 10, 19), date(2026, 10, 26)]
    assert due_before(_DUE["F09"], FIRST, 1) == [date(2026, 10, 1)]
    assert due_before(_DUE["B03"], FIRST, 1) == [date(2026, 10, 1)], "on change: the first day of a quarter"
    assert due_before(_DUE["F01"], FIRST, 3) == [], "who comes every day needs none"
    assert due_before(_DUE["F06"], date(2026, 10, 10), 1) == [date(2026, 9, 10)], "the first day itself does not count"


def test_every_feed_that_is_not_daily_has_delivered_before_with_other_content(runs):
    out, summary = runs[1]
    base = sorted(path.name for path in (out / "landing" / "B01").iterdir())
    assert base[0] == min(d.business_on for d in summary.deliveries).isoformat(), "the base is there from the first"
    for feed in {delivered.feed for delivered in summary.deliveries}:
        folders = sorted((out / "landing" / feed).iterdir())
        daily = due_before(_DUE[feed], FIRST, 1) == []
        assert len(folders) == (1 if daily and feed != "B01" else 2), feed
        assert len({content(folder) for folder in folders}) == len(folders), feed


def test_the_first_day_is_the_same_with_and_without(runs):
    (plain, without), (out, _) = runs
    for delivered in without.deliveries:
        place = f"landing/{delivered.feed}/{FIRST}"
        assert content(plain / place) == content(out / place), delivered.feed


def test_volumes_stay_near_and_people_are_the_same(runs):
    out, summary = runs[1]
    rows = {(d.feed, d.business_on < FIRST): d.rows for d in summary.deliveries}
    for feed in SNAPSHOTS:
        assert 0.9 <= rows[feed, True] / rows[feed, False] <= 1.1, feed
    truth = pl.read_parquet(out / "vault" / "truth" / "rows.parquet")
    persons = pl.read_parquet(out / "vault" / "truth" / "persons.parquet")
    before = (
        truth.filter(pl.col("business_on") < FIRST).drop_nulls("person_uid").join(persons, on="person_uid", how="left")
    )
    assert before["cert_no"].null_count() == 0 and before.height > 1_000
    assert before.filter(pl.col("birth_on") > pl.col("business_on")).is_empty(), "nobody before birth"
    for feed in SNAPSHOTS[1:]:
        then, now = (
            set(truth.filter(pl.col("feed") == feed, pl.col("business_on") == on)["person_uid"].drop_nulls())
            for on in sorted(truth.filter(pl.col("feed") == feed)["business_on"].unique())
        )
        assert len(then & now) >= 0.8 * len(now), feed


def test_a_negative_number_of_earlier_dates_is_refused(tmp_path):
    with pytest.raises(ValueError, match="earlier"):
        simulate(0.001, 1, FIRST, 1, tmp_path, earlier=-1)
