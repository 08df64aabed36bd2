"""Dagster assets of the feeds, one a feed: landed, judged and registered in one step; the sensor for new deliveries."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import dagster as dg
from dagster import AssetCheckSeverity as Severity

from pipelines.dbt import IN_USE
from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.expectations import Verdict, judge_batches
from pipelines.feeds.intake import land_all
from pipelines.feeds.judge import Status, feed_state
from pipelines.feeds.lake import register
from pipelines.feeds.sensor import new_deliveries_sensor as new_deliveries_sensor
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
    return dg.AssetSpec(
        key=_key(contract),
        group_name="feeds",
        description=f"{contract.feed} {contract.title}（{contract.department}）\n\n{contract.description}",
        owners=["team:data-centre"],
        kinds={"parquet", contract.delivery.format},
        tags={"sensitivity": contract.classification},
        metadata={"contract": contract.path.name, "version": contract.version, "department": contract.department},
        partitions_def=DAILY,
    )


def _link(page: Path) -> dg.MetadataValue:
    """A page of Data Docs: a link where quality/ is served (a browser opens no file from a page), else its path."""
    settings = Settings()
    if not settings.data_docs_url:
        return dg.MetadataValue.path(page)
    inside = page.resolve().relative_to(settings.quality_docs).as_posix()
    return dg.MetadataValue.url(f"{settings.data_docs_url.rstrip('/')}/{quote(inside)}")


def _result(contract: Contract, statuses: list[Status], verdicts: list[Verdict], as_of: date) -> dg.MaterializeResult:
    state = feed_state(contract, statuses, as_of)
    newest = statuses[-1] if statuses else None
    batch = verdicts[-1] if verdicts else None
    page = _link(batch.page) if batch else "nothing to judge yet"
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
                passed=newest is not None
                and newest.state == "accepted"
                and not state.is_stale
                and (batch is None or batch.success),
                severity=Severity.WARN,
                metadata={
                    "state": newest.state if newest else "nothing delivered",
                    "in_use": str(state.business_on) if state.business_on else "nothing",
                    "is_overdue": state.is_stale and not state.waiting,
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
