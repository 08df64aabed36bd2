"""Which runs and checks somebody is told of: a run that failed, and a run that ended well with checks that are not met.

How a message gets to people is `alerts`' business. Both sensors are on from the start; where no way is set they say so.
"""

import dagster as dg

from pipelines.alerts import Alert, send, ways
from pipelines.refusal import Refusal
from pipelines.settings import Settings

MOST_REASONS = 20


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor on failed runs and the sensor on checks."""

    @dg.run_failure_sensor(
        name="failed_runs",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Tells people of every run that failed, by the ways that XFY_ALERT_* sets.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        reasons = [
            f"{event.step_key}: {_sentence(event)}" for event in context.get_step_failure_events() if event.step_key
        ]
        return _tell(settings, context, "run_failed", reasons or [context.failure_event.message or "no reason given"])

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="unmet_checks",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Tells people of checks a finished run did not meet: deliveries held or rejected, feeds overdue.",
    )
    def unmet_checks(context: dg.RunStatusSensorContext) -> dg.SkipReason:
        records = context.instance.all_logs(
            context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        )
        reasons = []
        for record in records:
            event = record.dagster_event
            if event is not None and not event.asset_check_evaluation_data.passed:
                check = event.asset_check_evaluation_data
                said = check.metadata.get("reasons")
                why = "; ".join(map(str, said.value)) if said and isinstance(said.value, list) else ""
                reasons.append(f"{check.severity.value} {check.asset_key.to_user_string()} {check.check_name}: {why}")
        if not reasons:
            return dg.SkipReason("every check is met")
        return _tell(settings, context, "checks_unmet", reasons)

    return [failed_runs, unmet_checks]


def _tell(settings: Settings, context: dg.RunStatusSensorContext, kind: str, reasons: list[str]) -> dg.SkipReason:
    run = context.dagster_run
    as_of = run.tags.get("dagster/partition", "")
    words = {"run_failed": "运行失败 run failed", "checks_unmet": f"{len(reasons)} 项检查未满足 checks not met"}[kind]
    more = [f"… and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    alert = Alert(kind, as_of, run.run_id, f"幸福云 {as_of}: {words}", (*reasons[:MOST_REASONS], *more))
    try:
        if not ways(settings):
            return dg.SkipReason("nobody is told: set XFY_ALERT_COMMAND, XFY_ALERT_WEBHOOK or XFY_ALERT_MAIL_TO")
        results = list(send(settings, alert))
    except Refusal as problem:
        context.log.error("%s", problem)
        return dg.SkipReason(str(problem))
    for name, fault in results:
        (context.log.error if fault else context.log.info)("alert by %s: %s", name, fault or "taken")
    return dg.SkipReason("; ".join(f"{name}: {fault or 'taken'}" for name, fault in results))


def _sentence(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join((error.message if error else "failed without a message").split())[:500]
