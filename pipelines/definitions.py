"""Assembles the Dagster definitions: assets of every room, the job over all of them, schedule, sensor, resources."""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.feeds.assets import feed_assets, new_deliveries_sensor
from pipelines.indices.assets import index_assets
from pipelines.orchestration import RunResource
from pipelines.products.assets import product_assets
from pipelines.releases.assets import release_assets
from pipelines.settings import Settings
from pipelines.subjects.assets import subject_assets
from pipelines.tags.assets import tag_assets

# Dagster's own processes write logs, event stores and a run's files: for nobody else's eyes.
os.umask(0o077)
WHOLE_LINE = "whole_line"


def build_defs(
    *,
    settings: Settings | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
    resource_overrides: Mapping[str, Any] | None = None,
    run_wait_s: float = 900.0,
) -> dg.Definitions:
    """Fresh definitions; tests and the command line override settings, resources and loggers."""
    settings = settings or Settings()
    rooms = (feed_assets, subject_assets, tag_assets, index_assets, product_assets)
    assets = [asset for room in rooms for asset in room(settings)]
    assets += release_assets(spec.key for asset in assets for spec in asset.specs)
    job = dg.define_asset_job(
        WHOLE_LINE,
        selection=dg.AssetSelection.all(),
        description="From landing files to a published release, for one as_of date.",
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=assets,
        jobs=[job],
        schedules=[
            dg.build_schedule_from_partitioned_job(
                job, name="daily", hour_of_day=6, description="Every morning, after the night's deliveries."
            )
        ],
        sensors=[new_deliveries_sensor(settings, WHOLE_LINE)],
        resources={"run": RunResource(wait_s=run_wait_s), **(resource_overrides or {})},
        loggers=dict(loggers or {}),
        executor=dg.in_process_executor,
    )


defs = build_defs()
