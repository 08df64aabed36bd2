"""Dagster assets of the feeds, one a feed: landed, judged and registered in one step; the sensor for new deliveries."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
from dagster import AssetCheckSeverity as Severity

from pipelines.dbt import IN_USE
from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.decisions import DecisionProblem, entries
from pipelines.feeds.deliveries import find
from pipelines.feeds.expectations import Verdict, judge_batches
from pipelines.feeds.intake import land_all
from pipelines.feeds.judge import Status, feed_state
from pipelines.feeds.lake import register
from pipelines.feeds.status import judged, reconciles
from pipelines.orchestration import DAILY, IO_RETRY, ONE_DAY_A_RUN, RunResource, freshness
from pipelines.run import connect
from pipelines.settings import Settings

RECONCILES, DELIVERY = "reconciles", "delivery"
# Each check costs Dagster four events and two searches of its history, twenty times what the house's own step takes on
# a day with nothing new: so one check a feed, and one over all of them for what must stop a run.
ON_CHANGE_DAYS = 180
"""A feed that comes on change is looked at again after half a year."""


def feed_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The multi-asset that lands every feed with a contract."""
    contracts = load_contracts(settings.contracts)

    @dg.multi_asset(
        name="feeds",
        specs=[
            *(_spec(contract) for contract in contracts.values()),
            dg.AssetSpec(
                key=IN_USE,
                group_name="feeds",
                deps=[_key(contract) for contract in contracts.values()],
                description="The run's date, and which delivery of each feed is in use: run.context, lake.feed_status.",
                owners=["team:data-centre"],
                kinds={"duckdb"},
                freshness_policy=freshness(timedelta(hours=60)),
                partitions_def=DAILY,
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                RECONCILES,
                asset=IN_USE,
                blocking=True,
                description="Of every delivery of every feed: delivered = accepted + quarantined + duplicate.",
            ),
            *(
                dg.AssetCheckSpec(
                    DELIVERY,
                    asset=_key(contract),
                    description="The newest delivery is accepted (else the last good one stays in use) and as a batch "
                    "what was expected: volume, empty values, mix of codes, freshness.",
                )
                for contract in contracts.values()
            ),
        ],
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
        retry_policy=IO_RETRY,
    )
    def feeds(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[dg.MaterializeResult]:
        installation, this = run.settings, run.run
        strays = land_all(installation, contracts, this.as_of, context.log.info)
        statuses = judged(installation, contracts, this.as_of)
        for stray in strays:
            context.log.warning("landing/%s: %s", stray.path, stray.reason)
        with connect(this.database, installation) as connection:
            register(connection, installation, contracts, statuses, this.as_of)
        for contract in contracts.values():
            mine = [s for s in statuses if s.feed == contract.feed]
            yield _result(contract, mine, judge_batches(installation, contract, mine), this.as_of)
        used = [f"{s.feed} {s.business_on}/{s.number}" for s in statuses if s.is_in_use]
        yield dg.MaterializeResult(
            asset_key=IN_USE,
            metadata={"in_use": used, "strays": len(strays)},
            check_results=[_reconciliation(statuses)],
        )

    return [feeds]


def _key(contract: Contract) -> dg.AssetKey:
    return dg.AssetKey(["feeds", contract.code])


def _spec(contract: Contract) -> dg.AssetSpec:
    days = contract.cadence_days or ON_CHANGE_DAYS
    return dg.AssetSpec(
        key=_key(contract),
        group_name="feeds",
        description=f"{contract.feed} {contract.title}（{contract.department}）\n\n{contract.description}",
        owners=["team:data-centre"],
        kinds={"parquet", contract.delivery.format},
        tags={"sensitivity": contract.classification},
        metadata={"contract": contract.path.name, "version": contract.version, "department": contract.department},
        freshness_policy=freshness(timedelta(days=2 * days)),
        partitions_def=DAILY,
    )


def _result(contract: Contract, statuses: list[Status], verdicts: list[Verdict], as_of: date) -> dg.MaterializeResult:
    state = feed_state(contract, statuses, as_of)
    newest = statuses[-1] if statuses else None
    batch = verdicts[-1] if verdicts else None
    page = dg.MetadataValue.url(batch.page.as_uri()) if batch else "nothing to judge yet"
    return dg.MaterializeResult(
        asset_key=_key(contract),
        metadata={
            "dagster/row_count": state.accepted_rows,
            "in_use": str(state.business_on) if state.business_on else "nothing",
            "is_stale": state.is_stale,
            "deliveries": len(statuses),
            "delivered": sum(s.delivered for s in statuses),
            "quarantined": sum(s.quarantined for s in statuses),
            "duplicate": sum(s.duplicate for s in statuses),
            "data_docs": page,
        },
        check_results=[
            dg.AssetCheckResult(
                asset_key=_key(contract),
                check_name=DELIVERY,
                passed=newest is not None and newest.state == "accepted" and (batch is None or batch.success),
                severity=Severity.WARN,
                metadata={
                    "state": newest.state if newest else "nothing delivered",
                    "reasons": list(newest.reasons) if newest else [],
                    "unmet": list(batch.unmet) if batch else [],
                    "sampled_rows": batch.sampled if batch else 0,
                    "expectations": batch.expectations if batch else 0,
                    "data_docs": page,
                },
            ),
        ],
    )


def _reconciliation(statuses: list[Status]) -> dg.AssetCheckResult:
    broken = [f"{s.feed} {s.business_on}/{s.number}" for s in statuses if not reconciles(s)]
    return dg.AssetCheckResult(
        asset_key=IN_USE,
        check_name=RECONCILES,
        passed=not broken,
        severity=Severity.ERROR,
        metadata={
            "broken": broken,
            "deliveries": len(statuses),
            "delivered": sum(s.delivered for s in statuses),
            "accepted": sum(s.accepted for s in statuses),
            "quarantined": sum(s.quarantined for s in statuses),
            "duplicate": sum(s.duplicate for s in statuses),
        },
    )


def new_deliveries_sensor(settings: Settings, job_name: str) -> dg.SensorDefinition:
    """Asks for a run of the latest date delivered or decided whenever what lies in landing/ has changed.

    The run key is a fingerprint of deliveries and decisions, so the same landing never asks twice, whatever the cursor
    says.
    """
    contracts = load_contracts(settings.contracts)

    @dg.sensor(name="new_deliveries", job_name=job_name, minimum_interval_seconds=60)
    def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        deliveries, _ = find(settings.landing, contracts)
        if not deliveries:
            return dg.SkipReason("landing/ has no deliveries")
        try:
            decided = list(entries(settings.landing))
        except DecisionProblem as problem:
            return dg.SkipReason(str(problem))
        seen = ";".join([*(d.label for d in deliveries), *(f"{name} {entry}" for name, entry in decided)])
        fingerprint = hashlib.sha256(seen.encode()).hexdigest()[:16]
        if context.cursor == fingerprint:
            return dg.SkipReason("nothing new in landing/")
        # A decision counts from its own date on, which may be later than any delivery's.
        days = [*(d.business_on for d in deliveries), *(e["decided_on"] for _, e in decided if "decided_on" in e)]
        as_of = max((day for day in map(str, days) if DAILY.has_partition_key(day)), default=None)
        if as_of is None:
            return dg.SkipReason("everything in landing/ is dated later than today")
        return dg.SensorResult([dg.RunRequest(run_key=fingerprint, partition_key=as_of)], cursor=fingerprint)

    return new_deliveries
