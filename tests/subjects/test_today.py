"""The state of a date after the last delivery: what lapses by time alone, and that the replay knows nothing of it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.feeds.contracts import Contract
from pipelines.subjects.identity_assets import STEPS
from pipelines.subjects.replay import replay
from pipelines.subjects.show.person import state
from pipelines.subjects.survivorship import tables
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.today import seen_on
from tests.subjects.linking import FIRST, KEY, SECOND, Lake, number, resident

EAST, WEST = "310118001001", "310118102201"
RUNS_OUT = date(2026, 11, 5)
"""The last day of the registration: it lapses on the day after."""


def registered(who: str, **more: Any) -> dict[str, Any]:
    row = {"registration_id": f"r{who}", "person_id": number(who), "name": who, "village_code": WEST,
           "dwelling_id": "d_west", "reg_on": date(2026, 9, 1), "valid_to_on": RUNS_OUT,
           "change_code": "A"}  # fmt: skip
    return row | more


@pytest.fixture
def lake(tmp_path: Path, contracts: dict[str, Contract]) -> Lake:
    lake = Lake(tmp_path, contracts)
    both = resident("甲", "both", date(1990, 1, 1), res_village_code=EAST, verified_on=date(2026, 8, 1))
    lake.deliver("B01", FIRST, [both])
    lake.deliver("F01", FIRST, [registered("both"), registered("only"), registered("open", valid_to_on=None)])
    lake.deliver("F01", SECOND, [registered("later", valid_to_on=RUNS_OUT.replace(day=6))])
    return lake


def asked(lake: Lake, as_of: date) -> Path:
    last = replay(lake.settings, lake.contracts, lake.statuses, KEY, as_of, STEPS)
    return seen_on(lake.settings, lake.contracts, lake.statuses, KEY, as_of, last, STEPS)


def homes(lake: Lake, folder: Path) -> Mapping[str, Any]:
    with duckdb.connect() as connection:
        tables.register(connection, load_rules(lake.settings, lake.contracts), folder)
        rows = connection.execute("select person_id, res_village_code, res_village_code_source from identity.person")
        named = {number(name): name for name in ("both", "only", "open", "later")}
        return {named[key]: (village, feed) for key, village, feed in rows.fetchall()}


def test_a_registration_counts_to_its_last_day_and_no_longer(lake: Lake) -> None:
    runs = {"both": (WEST, "F01"), "only": (WEST, "F01"), "open": (WEST, "F01"), "later": (WEST, "F01")}
    assert homes(lake, asked(lake, SECOND)) == runs
    assert homes(lake, asked(lake, RUNS_OUT)) == runs
    # Who is known to the base lives where the base says; of the other no home is known any more.
    after = homes(lake, asked(lake, RUNS_OUT.replace(day=6)))
    assert after == runs | {"both": (EAST, "B01"), "only": (None, None)}
    assert homes(lake, asked(lake, RUNS_OUT.replace(day=7)))["later"] == (None, None)


def test_no_later_date_goes_on_from_it(lake: Lake, tmp_path: Path, contracts: dict[str, Contract]) -> None:
    after = RUNS_OUT.replace(day=9)
    asked(lake, after)
    lake.deliver("F01", after, [registered("new", valid_to_on=None)])
    went = asked(lake, after)
    assert went.name == after.isoformat()
    told = periods(lake, went)
    plain = Lake(tmp_path / "plain", contracts)
    for name in ("B01", "F01"):
        for path in sorted((lake.settings.lake / name).glob("*/*/rows.parquet")):
            copy = plain.settings.lake / path.relative_to(lake.settings.lake)
            copy.parent.mkdir(parents=True)
            copy.write_bytes(path.read_bytes())
    plain.statuses = lake.statuses
    assert told == periods(plain, asked(plain, after)) and told


def periods(lake: Lake, folder: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        tables.register(connection, load_rules(lake.settings, lake.contracts), folder)
        return connection.execute("select * from identity.period order by all").fetchall()


def test_one_such_folder_is_kept_and_used_again_and_shown(lake: Lake) -> None:
    day, other = RUNS_OUT.replace(day=6), RUNS_OUT.replace(day=8)
    first = asked(lake, day)
    assert state(lake.settings, day) == (first, day)
    made = (first / "made_of").stat().st_mtime_ns
    assert (asked(lake, day) / "made_of").stat().st_mtime_ns == made
    second = asked(lake, other)
    assert not first.exists() and second.exists() and second.stat().st_mode & 0o777 == 0o700
    assert state(lake.settings, SECOND) == (lake.settings.identity / SECOND.isoformat(), SECOND)
    # Another delivery of a date before makes it another.
    lake.deliver("F01", SECOND, [registered("later", valid_to_on=other)])
    assert homes(lake, asked(lake, other))["later"] == (WEST, "F01")
