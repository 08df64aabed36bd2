"""The Dagster asset that evaluates every tag and makes the schema `tags` of the run's database."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import polars as pl

from pipelines import keys
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, RunResource, freshness
from pipelines.run import connect
from pipelines.settings import Settings
from pipelines.tags import restricted
from pipelines.tags.catalogue import load_catalogue, rules_version
from pipelines.tags.evaluate import RESTRICTED, evaluate_with
from pipelines.tags.registry import id_column, load_registry
from pipelines.tags.tables import create

CATALOGUE = "catalogue"


def tag_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One step: a wide table for every subject that has rules, and the catalogue that explains them."""
    registry = load_registry(settings.dbt_project / "models" / "subjects")
    upstream = [dg.AssetKey(["subjects", name]) for name in registry.tables]
    subjects = sorted(s for s in registry.subjects if any((settings.tag_rules / s).glob("*.yml")))

    def spec(name: str, description: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            key=["tags", name],
            group_name="tags",
            deps=upstream,
            description=description,
            owners=["team:data-centre"],
            kinds={"polars", "duckdb"},
            freshness_policy=freshness(timedelta(hours=60)),
            partitions_def=DAILY,
        )

    @dg.multi_asset(
        name="tags",
        specs=[
            *(
                spec(f"{s}_tags", f"Every tag of a {s}: {id_column(s)} and one nullable column a tag.")
                for s in subjects
            ),
            spec(CATALOGUE, "One row a tag: names, rule, purpose, owner, legal basis, sensitivity, parameters."),
        ],
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
    )
    def tags(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[dg.MaterializeResult]:
        installation, this = run.settings, run.run
        catalogue = load_catalogue(installation.tag_rules, installation.dbt_project / "models" / "subjects", this.as_of)
        shutil.rmtree(this.tags, ignore_errors=True)
        with connect(this.database, installation) as connection:
            files = evaluate_with(connection, catalogue, this.as_of, this.tags, context.log.info)
            create(connection, catalogue, files, this.as_of)
        made = any(name.startswith(RESTRICTED) for name in files)
        if made:
            own_key = keys.opened(installation, keys.RESTRICTED)
            restricted.write(files, own_key, this.restricted)
        totals = {"true_values": 0, "unknown_values": 0}
        for subject in subjects:
            counts = _counts(pl.scan_parquet(files[subject]))
            totals = {name: totals[name] + counts[name] for name in totals}
            yield dg.MaterializeResult(asset_key=["tags", f"{subject}_tags"], metadata=counts)
        yield dg.MaterializeResult(
            asset_key=["tags", CATALOGUE],
            metadata={"tags": len(catalogue.in_force(this.as_of)), "rules_version": rules_version(catalogue), **totals},
        )

    return [tags]


def _counts(wide: pl.LazyFrame) -> dict[str, int]:
    """Rows, tags, and how many values are true and unknown."""
    schema = wide.collect_schema()
    codes = schema.names()[1:]
    flags = [c for c in codes if schema[c] == pl.Boolean]
    found = wide.select(
        pl.len().alias("rows"),
        pl.sum_horizontal(pl.col(c).sum() for c in flags).alias("true") if flags else pl.lit(0).alias("true"),
        pl.sum_horizontal(pl.col(c).null_count() for c in codes).alias("unknown"),
    ).collect()
    rows, true, unknown = found.row(0)
    return {"dagster/row_count": rows, "tags": len(codes), "true_values": int(true), "unknown_values": int(unknown)}
