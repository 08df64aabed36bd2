"""The morning's run: at six in Shanghai, of the day that begins there, unless its release stands already."""

from datetime import date

import dagster as dg

from pipelines.clock import TIME_ZONE
from pipelines.orchestration import DAILY
from pipelines.releases.standing import stands
from pipelines.settings import Settings


def daily_schedule(settings: Settings, job_name: str) -> dg.ScheduleDefinition:
    """A schedule that asks for the whole line of the day. Off until somebody turns it on."""

    @dg.schedule(
        name="daily",
        job_name=job_name,
        cron_schedule="0 6 * * *",
        execution_timezone=TIME_ZONE,
        description="Every morning at six in Shanghai, after the night's deliveries. Off until somebody turns it on.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.date().isoformat()
        if not DAILY.has_partition_key(day):
            return dg.SkipReason(f"{day} is no date a run can speak about")
        release = stands(settings, date.fromisoformat(day))
        if release:
            return dg.SkipReason(f"nothing new: release {release} stands")
        return dg.RunRequest(run_key=None, partition_key=day)

    return daily
