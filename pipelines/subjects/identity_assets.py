"""Dagster asset of who is who: the replay of identity and survivorship, and the schema `identity` for dbt."""

from collections.abc import Iterator

import dagster as dg

from pipelines.dbt import IN_USE
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.status import judged
from pipelines.identifiers import load_key
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, RunResource, table_specs
from pipelines.run import connect
from pipelines.settings import Settings
from pipelines.subjects import tables
from pipelines.subjects.folders import Step
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.replay import replay
from pipelines.subjects.survivorship import step as survivorship_step
from pipelines.subjects.survivorship import tables as survivorship_tables
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.today import seen_on

STEPS: tuple[Step, ...] = (linkage.step, survivorship_step.step)
"""What is computed of every business date, in order."""

TABLES = {
    **tables.TABLES,
    "person": "What counts of every person, with source, date and agreement of each value.",
    "conflict": "Values that feeds say and that did not count.",
    "person_version": "What was known of every person, from when to when.",
    "period": "Values with the time they were true, and the time they were known.",
}
"""The tables of the schema, with a word on each."""


def identity_assets(settings: Settings) -> dg.AssetsDefinition:
    """The tables of the schema `identity` that say who is who, one step, after the deliveries are judged."""
    contracts = load_contracts(settings.contracts)

    @dg.multi_asset(
        name="identity",
        specs=table_specs("identity", TABLES, group="subjects", deps=[IN_USE], kinds=["parquet"]),
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
    )
    def identity(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[dg.MaterializeResult]:
        installation, this = run.settings, run.run
        key = load_key(installation.key_path, must_exist=True)
        statuses = judged(installation, contracts, this.as_of)
        last = replay(installation, contracts, statuses, key, this.as_of, STEPS, context.log.info)
        folder = seen_on(installation, contracts, statuses, key, this.as_of, last, STEPS, context.log.info)
        with connect(this.database, installation) as connection:
            counts = tables.register(connection, folder)
            survivorship_tables.register(connection, load_rules(installation, contracts), folder)
        context.log.info("who is who: %s", counts)
        for table in TABLES:
            yield dg.MaterializeResult(asset_key=["identity", table], metadata={"rows": counts.get(table, "a view")})

    return identity
