"""Assembles the Dagster definitions: assets of every room, the job over all of them, schedule, sensor, resources."""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.alert_sensors import alert_sensors
from pipelines.feeds.assets import feed_assets
from pipelines.feeds.sensor import new_deliveries_sensor
from pipelines.indices.assets import index_assets
from pipelines.products.assets import product_assets
from pipelines.releases.assets import release_assets
from pipelines.releases.line_run import LineRun
from pipelines.releases.schedule import daily_schedule
from pipelines.releases.standing import stands
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
        assets=dg.with_source_code_references(assets),
        jobs=[job],
        schedules=[daily_schedule(settings, WHOLE_LINE)],
        sensors=[new_deliveries_sensor(settings, WHOLE_LINE, stands), *alert_sensors(settings)],
        resources={"run": LineRun(wait_s=run_wait_s), **(resource_overrides or {})},
        loggers=dict(loggers or {}),
        executor=dg.in_process_executor,
    )


defs = build_defs()
