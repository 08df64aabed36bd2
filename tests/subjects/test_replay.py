"""The replay over simulated days: ids that stay, any order of arrival, and the same content as a rebuild."""

import random
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.feeds.contracts import Contract
from pipelines.settings import Settings
from pipelines.subjects.day import Day
from pipelines.subjects.folders import MADE_OF
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.replay import KEEP_DATES, replay
from tests.subjects.linking import FIRST, KEY, SECOND, Lake, content, crowd, number, resident

DAYS = [FIRST + timedelta(days=n) for n in range(10)]
Deliveries = list[tuple[str, date, str, list[dict[str, Any]]]]


def simulated(seed: int) -> Deliveries:
    """Ten days of the base and of health archives: people come, move, are renamed, get numbers; some are mistyped."""
    chance = random.Random(seed)
    people = crowd(60)
    known = people[:45]
    deliveries: Deliveries = []
    for n, day in enumerate(DAYS):
        if n:
            known = [*known, people[44 + n]]
            moved = chance.randrange(len(known))
            known[moved] = known[moved] | {"res_village_code": f"31011810{n % 3}201"}
            if n == 4:
                known[3] = known[3] | {"name": "阮改名", "person_id": number("crowd3 new")}
        deliveries.append(("B01", day, "001", list(known)))
        if n % 3 == 0:
            rows = [
                {"name": p["name"], "person_id": p["person_id"], "_file": f"archive {i}"}
                for i, p in enumerate(people[:50])
            ]
            whom = chance.sample(range(60), 8)
            rows += [
                {
                    "name": people[i]["name"],
                    "person_candidates": [people[i]["person_id"], number(f"nobody {i}")],
                    "person_stated_birth_on": people[i]["birth_on"],
                    "_file": f"broken {i}",
                }
                for i in whom
            ]
            deliveries.append(("F13", day, "001", rows))
        if n == 5:  # a correction of the same date, with one person fewer
            deliveries.append(("B01", day, "002", known[:-1]))
    return deliveries


def lake_of(root: Path, contracts: Mapping[str, Contract], deliveries: Sequence[tuple[Any, ...]]) -> Lake:
    lake = Lake(root, contracts)
    for feed, day, delivery, rows in deliveries:
        lake.deliver(feed, day, rows, delivery)
    return lake


@pytest.mark.parametrize("seed", [1])
def test_any_order_of_arrival_gives_what_a_rebuild_gives(
    tmp_path: Path, contracts: dict[str, Contract], seed: int
) -> None:
    deliveries = simulated(seed)
    last = DAYS[-1]
    rebuilt = content(lake_of(tmp_path / "rebuilt", contracts, deliveries).replay(last))
    shuffled = list(deliveries)
    random.Random(seed + 100).shuffle(shuffled)
    late = Lake(tmp_path / "late", contracts)
    for n, (feed, day, delivery, rows) in enumerate(shuffled):
        late.deliver(feed, day, rows, delivery)
        if n % 4 == 3:
            late.replay(last)
    assert content(late.replay(last)) == rebuilt


def test_ids_of_unchanged_people_stay_over_ten_days(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    lake = Lake(tmp_path, contracts)
    deliveries = simulated(7)
    ids: dict[str, str] = {}
    for day in DAYS:
        for feed, on, delivery, rows in deliveries:
            if on == day:
                lake.deliver(feed, on, rows, delivery)
        keys = dict(pl.read_parquet(lake.replay(day) / linkage.KEY).select("person_key", "person_id").iter_rows())
        assert {key: keys[key] for key in ids} == ids
        ids = keys
    assert len(ids) > 50
    renamed = [number("crowd3"), number("crowd3 new")]
    assert ids[renamed[0]] == ids[renamed[1]] == renamed[0]


def test_a_second_day_is_what_a_rebuild_of_both_gives(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    deliveries = [d for d in simulated(5) if d[1] <= SECOND]
    daily = lake_of(tmp_path / "daily", contracts, [d for d in deliveries if d[1] == FIRST])
    daily.replay(FIRST)
    for feed, day, delivery, rows in deliveries:
        if day == SECOND:
            daily.deliver(feed, day, rows, delivery)
    both = lake_of(tmp_path / "both", contracts, deliveries)
    assert content(daily.replay(SECOND)) == content(both.replay(SECOND))


def test_only_dates_that_changed_are_made_again(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    made: list[date] = []

    def step(before: Path | None, day: Day, out: Path) -> None:
        made.append(day.business_on)
        (out / "said").write_text(f"{before.name if before else 'nothing'} {sorted(day.arrived)}")

    lake = lake_of(tmp_path, contracts, [d for d in simulated(1) if d[1] <= DAYS[4]])

    def run(as_of: date = DAYS[4]) -> Path:
        made.clear()
        return replay(lake.settings, contracts, lake.statuses, KEY, as_of, [step])

    folder = run()
    assert made == DAYS[:5]
    assert (folder / "said").read_text() == f"{DAYS[3]} ['B01']"
    assert sorted(p.name for p in lake.settings.identity.iterdir()) == [f"{day}" for day in DAYS[5 - KEEP_DATES : 5]]
    run()
    assert made == []
    lake.deliver("F14", DAYS[3], [{"name": "赵安"}])  # comes late
    run()
    assert made == DAYS[3:5]
    lake.deliver("F14", DAYS[0], [{"name": "赵安"}])  # so late that nothing kept fits
    run()
    assert made == DAYS[:5]
    lake.decide({"decision": "merge", "persons": [number("crowd1"), number("crowd2")], "decided_on": DAYS[4]})
    run()
    assert made == [DAYS[4]]


def test_a_killed_replay_leaves_no_half_date(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    lake = lake_of(tmp_path, contracts, [d for d in simulated(1) if d[1] <= SECOND])

    def killed(before: Path | None, day: Day, out: Path) -> None:
        (out / "half").write_text("")
        if before:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(lake.settings, contracts, lake.statuses, KEY, SECOND, [linkage.step, killed])
    whole = [p.name for p in lake.settings.identity.iterdir() if not p.name.startswith(".")]
    assert whole == [f"{FIRST}"]
    folder = lake.replay(SECOND)
    assert (folder / MADE_OF).exists()
    assert [p.name for p in lake.settings.identity.iterdir() if p.name.startswith(".")] == []


def test_a_date_whose_files_are_not_what_was_written_is_made_again(
    tmp_path: Path, contracts: dict[str, Contract]
) -> None:
    lake = lake_of(tmp_path, contracts, [d for d in simulated(1) if d[1] <= SECOND])
    folder = lake.replay(SECOND)
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    path = max(folder.glob("*.parquet"), key=lambda p: p.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    told: list[str] = []
    again = replay(lake.settings, contracts, lake.statuses, KEY, SECOND, [linkage.step], told.append)
    assert any(path.name in line and "made again" in line for line in told)
    assert path.read_bytes() != bytes(content) and {*before} == {p.name for p in again.iterdir() if p.is_file()}


def test_where_nothing_came_nobody_is_known(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    settings = Settings(data=tmp_path)
    folder = replay(settings, contracts, [], KEY, FIRST, [linkage.step])
    assert all(len(pl.read_parquet(path)) == 0 for path in folder.glob("*.parquet"))
    assert len(list(folder.glob("*.parquet"))) > 5
    shutil.rmtree(settings.identity)


def test_people_keep_their_ids_where_the_order_of_rows_is_another(
    tmp_path: Path, contracts: dict[str, Contract]
) -> None:
    rows = crowd(30)
    told = content(lake_of(tmp_path / "one", contracts, [("B01", FIRST, "001", rows)]).replay(FIRST))
    other = content(lake_of(tmp_path / "two", contracts, [("B01", FIRST, "001", rows[::-1])]).replay(FIRST))
    assert told == other


def test_a_row_of_the_base_without_anything_else_is_a_person(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    lake = lake_of(tmp_path, contracts, [("B01", FIRST, "001", [resident("赵安", "a", date(1960, 1, 1))])])
    assert lake.who(FIRST) == {"base a": (number("a"), "number")}
