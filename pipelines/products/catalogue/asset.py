"""The Dagster asset of the feed catalogue: every release carries it in an internal folder."""

from datetime import timedelta

import dagster as dg

from pipelines.dbt import IN_USE
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, RunResource, freshness
from pipelines.products.catalogue.write import make, write

FOLDER = "internal/feeds"
"""Below a release's products; 0700."""


def catalogue_asset() -> dg.AssetsDefinition:
    """One step over declarations and receipts: it reads no row, so it can be made as soon as feeds are in use."""

    @dg.asset(
        key=["products", "feed_catalogue"],
        group_name="products",
        deps=[IN_USE],
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
        owners=["team:data-centre"],
        freshness_policy=freshness(timedelta(hours=60)),
        description="Every feed with its quality over time, its columns and who uses them; counts and shares only.",
        kinds={"html", "json"},
    )
    def feed_catalogue(run: RunResource) -> dg.MaterializeResult:
        body = make(run.settings, run.run.as_of)
        (run.run.products / "internal").mkdir(parents=True, exist_ok=True, mode=0o700)
        files = write(body, run.run.products / FOLDER)
        return dg.MaterializeResult(metadata={"files": len(files), **body["summary"]})

    return feed_catalogue
