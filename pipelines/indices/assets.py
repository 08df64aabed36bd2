"""Dagster assets of the indices: dbt's indicator tables, and the scores, cells and doubt computed from them."""

from collections.abc import Iterator

import dagster as dg

from pipelines.dbt import build_assets
from pipelines.indices.warehouse import DESCRIPTIONS
from pipelines.indices.warehouse import run as build_indices
from pipelines.indices.warehouse import write as write_tables
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, RunResource, table_specs
from pipelines.run import connect
from pipelines.settings import Settings


def index_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Indicator models first, then every table of the editions in force."""

    @dg.multi_asset(
        name="indices",
        specs=table_specs(
            "indices",
            DESCRIPTIONS,
            group="indices",
            deps=[["indices", "indicator_value"], ["subjects", "village"], ["tags", "catalogue"]],
        ),
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
    )
    def indices(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[dg.MaterializeResult]:
        installation, this = run.settings, run.run
        found = build_indices(this.database, installation.tag_rules / "indices", this.as_of, context.log.info)
        with connect(this.database, installation) as connection:
            written = set(write_tables(connection, found))
        for name in DESCRIPTIONS:
            rows = found.tables[name].height if name in written else 0
            yield dg.MaterializeResult(asset_key=["indices", name], metadata={"dagster/row_count": rows})

    return [build_assets(settings, "indices", "fqn:xingfuyun.indices"), indices]
