"""Dagster assets of the subjects: the staging views over the lake, and the subject tables."""

import dagster as dg

from pipelines.dbt import build_assets
from pipelines.settings import Settings
from pipelines.subjects.addresses.assets import dwelling_assets
from pipelines.subjects.identity_assets import identity_assets


def subject_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Who is who; what rows mean that are about no person; dbt's staging and subject models, one step."""
    models = build_assets(settings, "subjects", "fqn:xingfuyun.feeds fqn:xingfuyun.subjects")
    return [identity_assets(settings), dwelling_assets(settings), models]
