"""Dagster assets of the subjects: the staging views over the lake, and the subject tables."""

import dagster as dg

from pipelines.dbt import build_assets
from pipelines.settings import Settings


def subject_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """dbt's staging models and subject models, one step."""
    return [build_assets(settings, "subjects", "fqn:xingfuyun.feeds fqn:xingfuyun.subjects")]
