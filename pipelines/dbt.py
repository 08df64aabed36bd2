"""dbt as Dagster sees it: the project, its manifest, and how a node becomes an asset.

Models, tests and their words are in `dbt_project/`; which models a step builds is said by the room that builds them.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets

from pipelines.orchestration import DAILY, ONE_DAY_A_RUN, freshness
from pipelines.refusal import Refusal
from pipelines.run import Run, connect
from pipelines.settings import Settings

IN_USE = dg.AssetKey(["feeds", "in_use"])
"""The run's date and the state of every feed: what the feeds' step says of itself."""

PARSED_FROM = ".parsed_from"
COMPILED = "compiled"
_SAYS = 8


class DbtError(Refusal):
    """dbt refuses the project; the message has the end of what it said, which names the file."""


def environment(settings: Settings, database: Path | None = None) -> dict[str, str]:
    """The variables dbt's profile reads. The database is a run's own; parsing needs none."""
    return {
        "XFY_DATA": str(settings.root),
        "XFY_WAREHOUSE": str(database or ":memory:"),
        "XFY_MEMORY_LIMIT": settings.memory_limit,
        "XFY_THREADS": str(settings.threads),
        "XFY_TEMP": str(settings.root / "tmp"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def executable() -> str:
    """The dbt beside this Python, not one that happens to be on the PATH."""
    return str(Path(sys.executable).with_name("dbt"))


@cache
def command_line(project: Path) -> DbtCliResource:
    """dagster-dbt's handle on dbt. Kept for the life of the process, because making one costs a `dbt --version`."""
    return DbtCliResource(project_dir=str(project), profiles_dir=str(project), dbt_executable=executable())


def ensure_manifest(settings: Settings) -> Path:
    """Parses the dbt project unless its manifest was made from exactly these files; returns the manifest's path."""
    project = settings.dbt_project
    manifest = project / "target" / "manifest.json"
    stamp = project / "target" / PARSED_FROM
    sources = _fingerprint(project)
    if manifest.exists() and stamp.exists() and stamp.read_text() == sources:
        return manifest
    manifest.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=manifest.parent) as scratch:
        arguments = ["--quiet", "parse", "--target-path", scratch]
        _dbt(settings, [*arguments, "--project-dir", str(project), "--profiles-dir", str(project)], "parse")
        # Each in one step: several processes may parse at once, and none may read half a manifest.
        for made in ("partial_parse.msgpack", manifest.name):
            Path(scratch, made).replace(manifest.with_name(made))
    stamp.write_text(sources)
    return manifest


def ensure_compiled(settings: Settings) -> Path:
    """Compiles every model unless that was done from exactly these files; returns dbt's manifest with the SQL in it.

    The SQL is as dbt would run it, macros written out, in a database called `memory`. Nothing is run or opened.
    """
    project = settings.dbt_project
    target = project / "target"
    compiled = target / f"{COMPILED}-{_fingerprint(project)}.json"
    if compiled.exists():
        return compiled
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        arguments = ["--quiet", "compile", "--no-introspect", "--target-path", scratch]
        arguments += ["--project-dir", str(project), "--profiles-dir", str(project)]
        if (target / "partial_parse.msgpack").exists():
            arguments += ["--partial-parse-file-path", str(target / "partial_parse.msgpack")]
        _dbt(settings, arguments, "compile")
        for old in target.glob(f"{COMPILED}-*.json"):
            old.unlink(missing_ok=True)
        # In one step: several processes may have compiled at once.
        Path(scratch, "manifest.json").replace(compiled)
    return compiled


def _dbt(settings: Settings, arguments: list[str], what: str) -> None:
    """Runs dbt without a database of its own. Raises DbtError with what it said."""
    done = subprocess.run(
        [executable(), *arguments],
        env={**os.environ, **environment(settings)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise DbtError(f"dbt cannot {what} {settings.dbt_project}:\n" + "\n".join(said[-_SAYS:]))


def _fingerprint(project: Path) -> str:
    digest = hashlib.sha256()
    for folder in ("models", "macros", "seeds", "tests"):
        for path in sorted(p for p in (project / folder).rglob("*") if p.is_file()):
            digest.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes())
    for name in ("dbt_project.yml", "profiles.yml"):
        digest.update((project / name).read_bytes())
    return digest.hexdigest()


class Translator(DagsterDbtTranslator):
    """Names assets by room and table, so that Python and dbt assets join up without a word in either."""

    def __init__(self) -> None:
        super().__init__(
            settings=DagsterDbtTranslatorSettings(
                enable_asset_checks=True, enable_duplicate_source_asset_keys=True, enable_code_references=True
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`[room, table]`; a lake source is the feed asset that fills it, or the one that says what is in use."""
        room, name = dbt_resource_props["schema"], dbt_resource_props["name"]
        if dbt_resource_props["resource_type"] == "source" and room in ("lake", "run"):
            return IN_USE if name in ("feed_status", "context") else dg.AssetKey(["feeds", name])
        return dg.AssetKey([room, name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The room."""
        return dbt_resource_props["schema"]

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Adds what every asset of the house has: an owner, and a day by which it is stale."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(
            owners=spec.owners or ["team:data-centre"],
            freshness_policy=freshness(timedelta(hours=60)),
        )


def build_assets(settings: Settings, room: str, select: str) -> dg.AssetsDefinition:
    """The Dagster assets of the dbt models that `select` names, built in the run's own database."""

    @dbt_assets(
        manifest=ensure_manifest(settings),
        # Only so that each asset's page leads to its SQL.
        project=DbtProject(settings.dbt_project),
        select=select,
        name=f"{room}_models",
        partitions_def=DAILY,
        backfill_policy=ONE_DAY_A_RUN,
        dagster_dbt_translator=Translator(),
        required_resource_keys={"run"},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run: Run = context.resources.run.run
        os.environ.update(environment(settings, run.database))
        invocation = command_line(settings.dbt_project).cli(["build"], context=context)
        yield from invocation.stream()
        with connect(run.database, settings, read_only=True) as connection:
            rows = connection.execute(
                "select schema_name, table_name, estimated_size from duckdb_tables() where schema_name = ?", [room]
            ).fetchall()
        context.log.info("%s: %s tables, %s rows", room, len(rows), sum(r[2] for r in rows))

    return models
