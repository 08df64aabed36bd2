"""When landing/ asks for a run: a look at names, sizes and times, never at contents."""

import hashlib
from collections.abc import Callable
from datetime import date

import dagster as dg

from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.decisions import DecisionProblem, entries
from pipelines.feeds.deliveries import find, plain_files, shown
from pipelines.orchestration import DAILY
from pipelines.settings import Settings

NAME = "new_deliveries"


def new_deliveries_sensor(
    settings: Settings, job_name: str, stands: Callable[[Settings, date], str | None] | None = None
) -> dg.SensorDefinition:
    """Asks for a run of the latest date delivered or decided whenever anything in landing/ has changed.

    The cursor is a count and a fingerprint of what was seen; the run key is both, so that landing/ in a state it was in
    before (a delivery withdrawn) asks again. `stands` names a release that was made from just this, where there is one:
    then nothing is asked, so a lost cursor costs nothing.
    """
    contracts = load_contracts(settings.contracts)

    @dg.sensor(
        name=NAME,
        job_name=job_name,
        minimum_interval_seconds=60,
        description="Asks for a run when deliveries or decisions come, change or go. Off until somebody turns it on.",
    )
    def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        deliveries, strays = find(settings.landing, contracts)
        if not deliveries:
            told = "; ".join(f"{s.path}: {s.reason}" for s in strays[:3])
            return dg.SkipReason(f"landing/ has no deliveries{f' ({told})' if told else ''}")
        try:
            decided = list(entries(settings.landing))
        except DecisionProblem as problem:
            return dg.SkipReason(str(problem))
        count, _, before = (context.cursor or "").partition(":")
        digest = hashlib.sha256()
        for delivery in deliveries:
            digest.update(f"{delivery.label}\n".encode())
            for path in plain_files(delivery.folder):
                try:
                    status = path.stat()
                except OSError:
                    continue
                mark = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
                digest.update(f"{shown(path, delivery.folder)} {mark}\n".encode())
        for name, entry in decided:
            digest.update(f"{name} {entry}\n".encode())
        seen = digest.hexdigest()[:16]
        if seen == before:
            return dg.SkipReason("nothing new in landing/")
        # A decision counts from its own date on, which may be later than any delivery's.
        days = [*(d.business_on for d in deliveries), *(e["decided_on"] for _, e in decided if "decided_on" in e)]
        as_of = max((day for day in map(str, days) if DAILY.has_partition_key(day)), default=None)
        if as_of is None:
            return dg.SkipReason("nothing in landing/ is of a date that a run can speak about")
        cursor = f"{_number(context, count)}:{seen}"
        release = stands(settings, date.fromisoformat(as_of)) if stands else None
        if release:
            context.update_cursor(cursor)
            return dg.SkipReason(f"nothing new: release {release} stands")
        return dg.SensorResult([dg.RunRequest(run_key=cursor, partition_key=as_of)], cursor=cursor)

    return new_deliveries


def _number(context: dg.SensorEvaluationContext, count: str) -> int:
    """One more than the cursor's; without a cursor, one more than the runs this sensor ever asked for."""
    if count.isdecimal():
        return int(count) + 1
    return context.instance.get_runs_count(dg.RunsFilter(tags={"dagster/sensor_name": NAME})) + 1
