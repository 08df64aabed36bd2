"""Dagster assets of the products: the gate, dbt's ledger and dashboard models, and the files written from them."""

from datetime import timedelta
from typing import Any

import dagster as dg

from pipelines.dbt import build_assets
from pipelines.feeds.contracts import load_contracts
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, RunResource, freshness
from pipelines.products import dictionary
from pipelines.products.catalogue.asset import catalogue_asset
from pipelines.products.declarations import load
from pipelines.products.extract import write_panel
from pipelines.products.gate import refuse
from pipelines.products.panel import load_panel
from pipelines.products.workbooks import write_ledgers
from pipelines.run import connect
from pipelines.settings import Settings
from pipelines.tags.catalogue import load_catalogue

PANELS = ("guan",)


def product_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Ledgers and dashboards: models first, then the files. The gate refuses before a definition is made."""
    declarations = load(settings.dbt_project)
    refuse(declarations)

    def common(name: str) -> dict[str, Any]:
        return {
            "key": ["products", name],
            "group_name": "products",
            "partitions_def": DAILY,
            "backfill_policy": ONE_DAY_A_RUN,
            "owners": ["team:data-centre"],
            "freshness_policy": freshness(timedelta(hours=60)),
        }

    @dg.asset(
        **common("ledgers"),
        deps=[["products", ledger.model] for ledger in declarations.ledgers],
        description="One workbook a village and one Parquet file a ledger, in Chinese; and the ledgers' dictionary.",
        kinds={"excel", "parquet"},
    )
    def ledgers(context: dg.AssetExecutionContext, run: RunResource) -> dg.MaterializeResult:
        installation, this = run.settings, run.run
        catalogue = load_catalogue(installation.tag_rules, installation.dbt_project / "models" / "subjects")
        current = load(installation.dbt_project)
        refuse(current, {code: tag.sensitivity for code, tag in catalogue.tags.items()})
        with connect(this.database, installation) as connection:
            systems = {feed: contract.title for feed, contract in load_contracts(installation.contracts).items()}
            files = write_ledgers(connection, current, this.products, this.as_of, context.log.info, systems=systems)
            panels = [load_panel(installation.dbt_project, code) for code in PANELS]
            names = {code: tag.name for code, tag in catalogue.tags.items()}
            files += dictionary.write(connection, current, panels, this.products, this.as_of, names)
        return dg.MaterializeResult(metadata={"files": len(files), "bytes": sum(f.stat().st_size for f in files)})

    @dg.asset(
        **common("dashboards"),
        deps=[
            ["indices", "index_score"],
            *(["products", load_panel(settings.dbt_project, code).table] for code in PANELS),
        ],
        description="Dashboard extracts with small cells hidden, as tables and as Parquet.",
        kinds={"duckdb", "parquet"},
    )
    def dashboards(run: RunResource) -> dg.MaterializeResult:
        installation, this = run.settings, run.run
        with connect(this.database, installation) as connection:
            for code in PANELS:
                write_panel(connection, load_panel(installation.dbt_project, code), this.products)
        return dg.MaterializeResult(metadata={"panels": list(PANELS)})

    return [build_assets(settings, "products", "fqn:xingfuyun.products"), ledgers, dashboards, catalogue_asset()]
