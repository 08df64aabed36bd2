"""The Dagster asset that publishes: stage, audit in a fresh process, publish, retain."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta

import dagster as dg

from pipelines.dbt import ensure_manifest
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.status import as_json, judged, stale_feeds
from pipelines.indices.editions import find_editions
from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, freshness
from pipelines.refusal import Refusal
from pipelines.releases.access import close, read_audiences
from pipelines.releases.build import Provenance, discard, stage
from pipelines.releases.line_run import LineRun
from pipelines.releases.publish import publish, retain, sweep_staging
from pipelines.releases.signing import PUBLIC_KEY, publish_key, sign, signing_key
from pipelines.tags.catalogue import load_catalogue, rules_version


class AuditFailedError(Refusal):
    """A staged release that must not be published; the message lists what the audit found."""


def release_assets(upstream: Iterable[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """One asset: the release. It depends on everything, so a failed check anywhere keeps it from being made."""

    @dg.asset(
        key=["releases", "release"],
        group_name="releases",
        deps=list(upstream),
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
        owners=["team:data-centre"],
        freshness_policy=freshness(timedelta(hours=60)),
        description="One immutable, checked version of everything; `current` moves to it when it is the latest.",
        kinds={"duckdb", "parquet"},
    )
    def release(context: dg.AssetExecutionContext, run: LineRun) -> dg.MaterializeResult:
        installation, this = run.settings, run.run
        sweep_staging(installation.releases)
        catalogue = load_catalogue(installation.tag_rules, installation.dbt_project / "models" / "subjects")
        contracts = load_contracts(installation.contracts)
        statuses = judged(installation, contracts, this.as_of)
        editions = [
            f"{e.spec.index} {e.spec.edition}" for e in find_editions(installation.tag_rules / "indices", this.as_of)
        ]
        provenance = Provenance(
            rules_version=rules_version(catalogue),
            index_editions=editions,
            feeds=[as_json(s) for s in statuses],
            stale=stale_feeds(contracts, statuses, this.as_of),
            made_of=run.made_of,
        )
        staging = stage(installation, this, ensure_manifest(installation), provenance, context.log.debug)
        findings = _audit(staging.as_posix())
        if findings:
            discard(staging)
            raise AuditFailedError("not published, the audit found:\n" + "\n".join(findings))
        name = staging.name.removeprefix(".staging-")
        # Only what passed its audit is vouched for.
        key = signing_key(installation)
        sign(staging, key)
        publish_key(installation.releases, key.public_key())
        audiences = read_audiences(installation.declarations / "access" / "audiences.yml")
        close(staging, audiences, context.log.info, PUBLIC_KEY)
        moved = publish(installation.releases, staging, name)
        gone = retain(installation.releases, installation.keep_releases, installation.keep_months, name)
        where = installation.releases / name
        context.log.info("published %s%s", name, "" if moved else ", beside a later release that stays current")
        return dg.MaterializeResult(
            metadata={
                "release": name,
                "path": dg.MetadataValue.path(where),
                "is_current": moved,
                "bytes": sum(p.stat().st_size for p in where.rglob("*") if p.is_file()),
                "retired": gone,
                "stale": [entry["feed"] for entry in provenance.stale],
            }
        )

    return [release]


def _audit(staging: str) -> list[str]:
    """Runs the audit as a reader's process would: nothing shared with the builder but the files."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.releases.audit", staging],
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [f"{f['path']}: {f['problem']}" for f in lines] or [f"the audit itself failed: {done.stderr[-2000:]}"]
