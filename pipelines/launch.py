"""Runs the whole line once, in this process, and tells a person what happens.

Which assets there are is said by `definitions.py`; schedules, sensors and the UI run the same job without this module.
"""

import contextlib
import io
import logging
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import sqlalchemy
from dagster._core.instance.ref import InstanceRef

from pipelines.orchestration import DAILY
from pipelines.settings import REPOSITORY, Settings

NOUNS = ("feeds", "subjects", "tags", "indices", "products", "releases")
OTHER = "other"
"""Seconds of a run in no step: Dagster starts, the run waits for its lock and opens its database, Dagster ends."""
# The terminal is where a person's lines go. Dagster would copy them to a file and back through `tail`, a second late,
# and the two processes that watch it would print tracebacks at every Ctrl-C.
_NO_COPIES = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
_LONGEST = 5
_STOPS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
_DBT_SAYS = re.compile(r".*Errors parsed from dbt logs:\s*(\d+ of \d+ ERROR[^\n]*\n\s*)?", re.DOTALL)
_NOT_RUN = re.compile(r"Dependencies for step (\S+) (failed|were not executed): (.*)\. Not executing\.")


@dataclass
class Outcome:
    """What one run did: whether it succeeded, seconds a noun, and what each asset said of itself.

    `has_begun` is false for a run refused before its first step, `is_stopped` true for one that a signal ended.
    """

    success: bool
    run_id: str
    as_of: date
    has_begun: bool = False
    is_stopped: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    failed_checks: list[str] = field(default_factory=list)


def prepare_home(settings: Settings) -> str:
    """Makes DAGSTER_HOME under the data root with the repository's `dagster.yaml`; returns it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("XFY_DATA", str(settings.root))
    return str(home)


def spare_syncs(home: str) -> None:
    """Keeps Dagster's history in this process from waiting for the disk at each of a run's thousand events.

    Dagster opens and closes its SQLite files for every event; the last one to close a file writes its log back, with
    two syncs. Here each file stays open until the process ends, and nothing waits. What a power failure may cost is the
    record of the run; data and releases are synced by those who write them.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def connected(connection: Any, _: object) -> None:
        path = connection.execute("pragma database_list").fetchone()[2]
        if path.startswith(home):
            connection.execute("pragma synchronous = off")
            if path not in kept:
                kept[path] = sqlite3.connect(path, check_same_thread=False)
                kept[path].execute("select count(*) from sqlite_master").fetchone()

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", connected)


def has_partition(as_of: date) -> bool:
    """Whether the graph has a partition for a date; a delivery dated tomorrow has none yet."""
    return DAILY.has_partition_key(as_of.isoformat())


def launch(settings: Settings, as_of: date, report: Callable[[str], None], wait_s: float = 900.0) -> Outcome:
    """Materialises every asset for one `as_of` and waits for the end. Nothing is raised for a failed run."""
    began = time.monotonic()
    home = prepare_home(settings)
    spare_syncs(home)
    from pipelines.definitions import WHOLE_LINE, build_defs

    defs = build_defs(loggers={"console": progress_logger(report)}, run_wait_s=wait_s)
    job = defs.resolve_job_def(WHOLE_LINE)
    groups = {spec.key: spec.group_name or OTHER for spec in defs.resolve_all_asset_specs()}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(home, overrides={"compute_logs": _NO_COPIES})) as instance:
        with contextlib.redirect_stdout(_DbtLines(report)):
            result = job.execute_in_process(
                partition_key=as_of.isoformat(),
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {}}},
                tags={"xfy/launched_by": "xfy run"},
            )
        return _outcome(result, as_of, groups, time.monotonic() - began)


def _outcome(
    result: dg.ExecuteInProcessResult, as_of: date, groups: Mapping[dg.AssetKey, str], took_s: float
) -> Outcome:
    outcome = Outcome(result.success, result.run_id, as_of)
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    noun_of = {
        e.step_key: groups.get(e.asset_key, OTHER) for e in result.all_events if e.event_type == made and e.asset_key
    }
    for event in result.all_events:
        if event.is_step_start:
            outcome.has_begun = True
        elif event.is_step_success:
            noun = noun_of.get(event.step_key, OTHER)
            outcome.seconds[noun] = outcome.seconds.get(noun, 0.0) + event.step_success_data.duration_ms / 1000
        elif event.is_step_failure:
            _add_failure(outcome, event.step_failure_data.error, str(event.step_key))
        elif event.event_type == made:
            found = event.step_materialization_data.materialization
            key = "/".join(found.asset_key.path)
            outcome.metadata[key] = {k: v.value for k, v in found.metadata.items()}
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                severity = check.severity.value
                outcome.failed_checks.append(f"{severity} {'/'.join(check.asset_key.path)} {check.check_name}")
        elif event.event_type == dg.DagsterEventType.RUN_FAILURE and not outcome.failures:
            # Before its first step: the lock is held, the disk is too small.
            _add_failure(outcome, event.job_failure_data.error, "")
    outcome.seconds[OTHER] = outcome.seconds.get(OTHER, 0.0) + took_s - sum(outcome.seconds.values())
    return outcome


def _add_failure(outcome: Outcome, error: Any, step: str) -> None:
    cause = _innermost(error)
    if cause is not None and cause.cls_name in _STOPS:
        outcome.is_stopped = True
    else:
        outcome.failures.append(f"{step}: {told(cause)}" if step else told(cause))


def told(error: Any) -> str:
    """What an error says, without the name of its class where it was written for people, and not without end."""
    if error is None:
        return "failed without a message"
    message = str(error.message).strip()
    kind, _, words = message.partition(": ")
    if words and kind.rpartition(".")[0].startswith("pipelines."):
        message = words
    lines = [line.strip() for line in _DBT_SAYS.sub("", message).splitlines() if line.strip()]
    more = [f"… and {len(lines) - _LONGEST} lines more"] if len(lines) > _LONGEST else []
    return "\n".join(lines[:_LONGEST] + more)


def _innermost(error: Any) -> Any:
    while error is not None and error.cause is not None:
        error = error.cause
    return error


def progress_logger(report: Callable[[str], None]) -> dg.LoggerDefinition:
    """A Dagster logger that tells a person of steps and what they say; the rest is in the event log."""

    @dg.logger
    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        log = logging.getLogger("xfy.progress")
        log.setLevel(logging.DEBUG)
        log.propagate = False
        log.handlers = [_Progress(report)]
        return log

    return progress


class _DbtLines(io.TextIOBase):
    """Takes the place of standard output, where dbt's lines arrive; passes on what a person waits for."""

    _wanted = re.compile(r"^\d+ of \d+ (OK|PASS|ERROR|FAIL)|error", re.IGNORECASE)

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if self._wanted.search(line):
                self._report(f"    {line}")
        return len(text)


class _Progress(logging.Handler):
    """Dagster hands its own events to a logger at debug level, with the event and its step as extra attributes."""

    _of_dbt_itself = re.compile(r"A dbt subsetted|Copying `|Running dbt command|Finished dbt command")

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._report = report
        self._began: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event, step = getattr(record, "dagster_event", None), meta.get("step_key") or ""
        if event is None:
            words = meta.get("orig_message", record.getMessage())
            not_run = _NOT_RUN.search(words)
            if not_run:
                needed = ", ".join(sorted(set(re.findall(r"'(\w+)'", not_run[3])) - {not_run[1]}))
                self._report(f"{not_run[1]} not run: it needs {needed}")
            elif record.levelno >= logging.INFO and not self._of_dbt_itself.match(words):
                self._report(f"    {words}")
        elif event.is_step_start:
            self._began[step] = time.monotonic()
            self._report(f"{step} …")
        elif event.is_step_success:
            self._report(f"{step} done in {time.monotonic() - self._began[step]:.1f} s")
        elif event.is_step_failure:
            self._report(f"{step} FAILED: {told(_innermost(event.step_failure_data.error))}")
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                self._report(
                    f"    {check.severity.value}: check {check.check_name} of {'/'.join(check.asset_key.path)}"
                )
