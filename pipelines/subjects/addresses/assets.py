"""Dagster asset of what rows mean that are about no person: dwellings, organisations, places."""

from collections.abc import Iterator

import dagster as dg

from pipelines.dbt import IN_USE
from pipelines.feeds.contracts import load_contracts
from pipelines.identifiers import load_key
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, RunResource, table_specs
from pipelines.run import connect
from pipelines.settings import Settings
from pipelines.subjects.addresses.settle import TABLES, settle


def dwelling_assets(settings: Settings) -> dg.AssetsDefinition:
    """The tables of the schema `identity` that `settle` fills, one step, after the lake views are registered."""
    contracts = load_contracts(settings.contracts)

    @dg.multi_asset(
        name="dwellings",
        specs=table_specs("identity", TABLES, group="subjects", deps=[IN_USE]),
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
    )
    def dwellings(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[dg.MaterializeResult]:
        installation, this = run.settings, run.run
        key = load_key(installation.key_path, must_exist=True)
        with connect(this.database, installation) as connection:
            counts = settle(connection, installation, contracts, key)
        context.log.info("addresses and registers: %s", counts)
        for table in TABLES:
            yield dg.MaterializeResult(asset_key=["identity", table], metadata={"dagster/row_count": counts[table]})

    return dwellings
