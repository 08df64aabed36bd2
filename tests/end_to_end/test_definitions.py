"""What Dagster sees: one graph, one partitioning, checks that block, a sensor that asks once."""

import os
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from pipelines.definitions import WHOLE_LINE, build_defs
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.sensor import new_deliveries_sensor
from pipelines.orchestration import DAILY, PROCESS_TAG, bury_dead_runs
from pipelines.settings import Settings

NOUNS = {"feeds", "subjects", "tags", "indices", "products", "releases"}
# Who is who is worked out by the room of the subjects, in a schema apart from the tables it leads to.
GROUP_OF = {noun: noun for noun in NOUNS} | {"identity": "subjects"}


@pytest.fixture(scope="module")
def graph() -> Any:
    return build_defs().resolve_asset_graph()


def test_every_asset_has_a_noun_an_owner_words_and_the_one_partitioning(graph: Any) -> None:
    keys = [k for k in graph.get_all_asset_keys() if graph.get(k).is_materializable]
    assert len(keys) > 40
    feeds = {contract.code for contract in load_contracts(Settings().contracts).values()}
    for key in keys:
        node = graph.get(key)
        assert node.group_name == GROUP_OF[key.path[0]], key
        assert node.owners and node.description, key
        assert node.partitions_def == DAILY, key
        # A feed is as fresh as its deliveries, which its check looks at; a run alone makes it no fresher.
        is_feed = key.path[0] == "feeds" and key.path[-1] in feeds
        assert (node.freshness_policy_or_from_metadata is None) == is_feed, key


def test_every_page_leads_to_the_code_that_makes_it(graph: Any) -> None:
    for key in graph.get_all_asset_keys():
        [reference] = graph.get(key).metadata["dagster/code_references"].code_references[:1]
        assert Path(reference.file_path).suffix == (
            ".sql" if Path(reference.file_path).stem == key.path[-1] else ".py"
        ), key
        assert Path(reference.file_path).is_file(), key


def test_nothing_hangs_loose(graph: Any) -> None:
    """Every asset leads to the release, and every asset but the feeds has a parent that is materialised."""
    release = dg.AssetKey(["releases", "release"])
    loose = graph.get_all_asset_keys() - graph.get_ancestor_asset_keys(release) - {release}
    assert {k for k in loose if GROUP_OF[k.path[0]] not in {"subjects", "indices", "products"}} == set()
    for key in graph.get_all_asset_keys():
        parents = graph.get(key).parent_keys
        assert all(graph.get(p).is_materializable for p in parents), key
        assert parents or key.path[0] == "feeds", key


def test_reconciliation_blocks_and_every_feed_has_its_check(graph: Any) -> None:
    in_use = dg.AssetKey(["feeds", "in_use"])
    assert graph.get_check_spec(dg.AssetCheckKey(in_use, "reconciles")).blocking
    for contract in load_contracts(Settings().contracts).values():
        feed = dg.AssetKey(["feeds", contract.code])
        assert feed in graph.get(in_use).parent_keys
        assert not graph.get_check_spec(dg.AssetCheckKey(feed, "delivery")).blocking
    dbt_tests = [k for k in graph.asset_check_keys if k.asset_key.path[0] in {"subjects", "products"}]
    assert dbt_tests and all(graph.get_check_spec(k).blocking for k in dbt_tests)


def test_the_sensor_asks_once_for_what_is_new(deliveries: Path, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    shutil.copytree(deliveries / "landing" / "B03", tmp_path / "landing" / "B03")
    sensor = build_defs(settings=settings).get_sensor_def("new_deliveries")

    def ask(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
        with dg.DagsterInstance.ephemeral() as instance:
            return sensor(dg.build_sensor_context(instance=instance, cursor=cursor))

    first = ask(None)
    assert isinstance(first, dg.SensorResult) and first.run_requests is not None
    [request] = first.run_requests
    assert request.partition_key == "2026-10-30"
    assert isinstance(ask(first.cursor), dg.SkipReason)
    day = next((tmp_path / "landing" / "B03").iterdir())
    shutil.copytree(day / "001", day / "002")
    again = ask(first.cursor)
    assert isinstance(again, dg.SensorResult) and again.run_requests
    assert again.run_requests[0].run_key != request.run_key


def test_the_sensor_asks_when_people_have_decided(deliveries: Path, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    shutil.copytree(deliveries / "landing" / "B03", tmp_path / "landing" / "B03")
    sensor = build_defs(settings=settings).get_sensor_def("new_deliveries")
    decision = tmp_path / "landing" / "decisions" / "a.yaml"
    decision.parent.mkdir()

    def ask(decided_on: str) -> dg.SensorResult | dg.SkipReason:
        decision.write_text(f"- {{decision: accept, decided_on: {decided_on}}}\n")
        with dg.DagsterInstance.ephemeral() as instance:
            return sensor(dg.build_sensor_context(instance=instance))

    keys = set()
    for decided_on, as_of in (("2026-10-30", "2026-10-30"), ("2026-11-02", "2026-11-02"), ("2126-01-01", "2026-10-30")):
        asked = ask(decided_on)
        assert isinstance(asked, dg.SensorResult) and asked.run_requests
        assert asked.run_requests[0].partition_key == as_of
        keys.add(asked.run_requests[0].run_key)
    assert len(keys) == 3
    decision.write_text("- [")
    with dg.DagsterInstance.ephemeral() as instance:
        told = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(told, dg.SkipReason) and "a.yaml" in str(told.skip_message)


def test_the_schedule_runs_the_whole_line() -> None:
    schedule = build_defs().get_schedule_def("daily")
    assert schedule.job_name == WHOLE_LINE and schedule.cron_schedule == "0 6 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai" and DAILY.timezone == "Asia/Shanghai"


def test_the_schedule_asks_for_the_day_that_has_begun_in_shanghai(tmp_path: Path, monkeypatch: Any) -> None:
    schedule = build_defs(settings=Settings(data=tmp_path)).get_schedule_def("daily")
    at = datetime(2026, 10, 31, 6, tzinfo=ZoneInfo("Asia/Shanghai"))
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
        asked = schedule(context)
        assert isinstance(asked, dg.RunRequest) and asked.partition_key == "2026-10-31"
        monkeypatch.setattr("pipelines.releases.schedule.stands", lambda *_: "2026-10-31.1")
        told = schedule(context)
        assert isinstance(told, dg.SkipReason) and "2026-10-31.1 stands" in str(told.skip_message)


def test_the_sensor_asks_again_whatever_changes_in_landing(deliveries: Path, tmp_path: Path) -> None:
    """Withdrawn, delivered again, replaced in place, completed, decided: each asks once, under a key of its own."""
    settings = Settings(data=tmp_path)
    feed = tmp_path / "landing" / "B03"
    shutil.copytree(deliveries / "landing" / "B03", feed)
    day = next(feed.iterdir())
    sensor = build_defs(settings=settings).get_sensor_def("new_deliveries")
    keys: list[str] = []
    cursor: str | None = None

    def ask() -> bool:
        nonlocal cursor
        with dg.DagsterInstance.ephemeral() as instance:
            asked = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
        if isinstance(asked, dg.SkipReason):
            return False
        assert asked.run_requests
        cursor = asked.cursor
        keys.append(str(asked.run_requests[0].run_key))
        return True

    assert ask() and not ask()
    for _ in range(2):
        shutil.copytree(day / "001", day / "002")
        assert ask() and not ask()
        shutil.rmtree(day / "002")
        assert ask() and not ask()
    file = next(p for p in (day / "001").rglob("*") if p.is_file())
    status, content = file.stat(), file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ask() and not ask()
    (tmp_path / "landing" / "F08" / day.name / "001").mkdir(parents=True)
    assert ask()
    (tmp_path / "landing" / "F08" / day.name / "001" / "cjrz.csv").write_text("x")
    assert ask() and not ask()
    assert len(set(keys)) == len(keys)


def test_nothing_is_asked_where_the_release_stands_and_future_folders_are_named(
    deliveries: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    settings = Settings(data=tmp_path)
    shutil.copytree(deliveries / "landing" / "B03", tmp_path / "landing" / "B03")
    sensor = new_deliveries_sensor(settings, WHOLE_LINE, lambda *_: "2026-10-31.1")
    with dg.DagsterInstance.ephemeral() as instance:
        told = sensor(dg.build_sensor_context(instance=instance))
        assert isinstance(told, dg.SkipReason) and "stands" in str(told.skip_message)
        for day in (tmp_path / "landing" / "B03").iterdir():
            day.rename(day.with_name(f"2126{day.name[4:]}"))
        told = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(told, dg.SkipReason) and "after today" in str(told.skip_message)


def test_partitions_begin_where_data_begin(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).first_day == date(2026, 1, 1)
    for name in ("2026-02-30", "2025-09-01", "2026-10-31", "notes"):
        (tmp_path / "landing" / "B01" / name).mkdir(parents=True)
    assert Settings(data=tmp_path).first_day == date(2025, 9, 1)
    assert Settings(data=tmp_path, begins_on=date(2026, 3, 1)).first_day == date(2026, 3, 1)


def test_dead_runs_are_buried_and_live_ones_are_not() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs().resolve_job_def(WHOLE_LINE)
        runs = {
            name: instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: process})
            for name, process in {"dead": "999999@1", "again": "1@1", "live": f"1@{_start_of(1)}"}.items()
        }
        runs["unknown"] = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        buried = bury_dead_runs(instance, own_run_id="own")
        assert set(buried) == {runs["dead"].run_id, runs["again"].run_id}
        after = instance.get_run_by_id(runs["dead"].run_id)
        assert after is not None and after.status == dg.DagsterRunStatus.FAILURE


def _start_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
