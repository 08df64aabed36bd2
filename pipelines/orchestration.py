"""What every Dagster asset of the house shares: the partitioning, the exclusive run, the end of dead runs.

What an asset computes is in its room; how dbt models become assets is in `dbt.py`.
"""

import os
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from pipelines.clock import TIME_ZONE
from pipelines.disk import bytes_below
from pipelines.run import Run, exclusive, locate, require_space, sweep
from pipelines.settings import Settings

warnings.filterwarnings(
    "ignore", category=dg.BetaWarning, message=".*(backfill_policy|CodeReference|source_code_references)"
)

DAILY = dg.DailyPartitionsDefinition(start_date=str(Settings().first_day), timezone=TIME_ZONE, end_offset=1)
"""The graph's one partitioning: the `as_of` date, from the first day of data on. `end_offset=1` gives today a key."""

ONE_DAY_A_RUN = dg.BackfillPolicy.multi_run(1)
"""A backfill makes one run a date: each date is a release of its own."""

IO_RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For steps that read or write disks; a step that fails on its data fails the same way again, cheaply."""

PROCESS_TAG = "xfy/process"
MADE_OF_TAG = "xfy/made_of"
"""Of a run: the fingerprint of all that its release is made from, taken before its first step."""
SPACE_FACTOR = 6
LEAST_SPACE_BYTES = 64 << 20


class RunResource(dg.ConfigurableResource):
    """The run: its date, its database, and the lock it holds from its first step to its last."""

    wait_s: float = 900.0
    _run: Run = PrivateAttr()
    _settings: Settings = PrivateAttr()

    @property
    def run(self) -> Run:
        """Which run this is and where its files are."""
        return self._run

    @property
    def settings(self) -> Settings:
        """The installation this run belongs to."""
        return self._settings

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RunResource"]:
        """Holds the exclusive lock for as long as the run has steps.

        A run that Dagster re-executes from a failure keeps its root run's database, so that it goes on where that
        stopped. Raises RunBusyError, DiskSpaceError.
        """
        dagster_run, instance = context.run, context.instance
        if dagster_run is None or instance is None:
            raise dg.DagsterInvariantViolationError("the run resource exists only inside a Dagster run")
        self._settings = Settings()
        as_of = date.fromisoformat(dagster_run.tags["dagster/partition"])
        self._run = locate(self._settings, dagster_run.root_run_id or dagster_run.run_id, as_of)
        instance.add_run_tags(dagster_run.run_id, {PROCESS_TAG: _process(os.getpid())})
        log = context.log
        with exclusive(self._settings, as_of, self.wait_s, log.warning if log else None):
            bury_dead_runs(instance, dagster_run.run_id)
            sweep(self._settings, self._run)
            require_space(self._settings.root, space_needed(self._settings.landing))
            for folder in (self._settings.warehouse, self._run.folder):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder.chmod(0o700)
            yield self


def space_needed(landing: Path) -> int:
    """Bytes a run may need on the disk: lake, run database and release are a few times what was delivered."""
    return max(LEAST_SPACE_BYTES, SPACE_FACTOR * bytes_below(landing))


def bury_dead_runs(instance: dg.DagsterInstance, own_run_id: str) -> list[str]:
    """Marks runs failed whose process is gone, and frees what they held. Call it under the run's lock.

    A killed run cannot say that it is over: it would stay "started" in the UI for ever and block the queue.
    """
    alive = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    buried = []
    for run in instance.get_runs(dg.RunsFilter(statuses=alive)):
        process = run.tags.get(PROCESS_TAG)
        if run.run_id == own_run_id or process is None or _is_alive(process):
            continue
        instance.report_run_failed(run, f"its process ({process}) is gone: killed or crashed")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        buried.append(run.run_id)
    return buried


def _process(pid: int) -> str:
    """A process's number and start time: numbers are used again, the pair is not."""
    return f"{pid}@{_started(pid)}"


def _is_alive(process: str) -> bool:
    pid, _, started = process.partition("@")
    return _started(int(pid)) == started


def _started(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    with suppress(OSError):
        os.kill(pid, 0)
        return "running"
    return "gone"


def freshness(fail_after: timedelta) -> dg.FreshnessPolicy:
    """A policy that warns at half the time it fails at."""
    return dg.FreshnessPolicy.time_window(fail_window=fail_after, warn_window=fail_after / 2)


def table_specs(
    schema: str, words: Mapping[str, str], *, group: str, deps: Iterable[Any], kinds: Collection[str] = ("duckdb",)
) -> list[dg.AssetSpec]:
    """Specs of the tables that one Python step writes into a schema of the run's database; `words` describe each."""
    return [
        dg.AssetSpec(
            key=[schema, table],
            group_name=group,
            deps=list(deps),
            description=told,
            owners=["team:data-centre"],
            kinds={"python", *kinds},
            freshness_policy=freshness(timedelta(hours=60)),
            partitions_def=DAILY,
        )
        for table, told in words.items()
    ]
