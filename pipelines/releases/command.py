"""`xfy release …`: published versions. Thin: reads words, calls the room, prints; imports inside each command."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.settings import Settings
from pipelines.terminal import AsJson, DryRun, failed, give, print_json, print_table, speaking, tell, wrong_use

app = typer.Typer(no_args_is_help=True, help="published versions")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The releases kept, newest first."""
    from pipelines.releases.publish import summary

    give(summary(Settings().releases), as_json, ("release", "as_of", "current"))


@app.command("show")
def show_command(
    release: Annotated[str | None, typer.Argument(help="a release's name; default: the current one")] = None,
    as_json: AsJson = False,
) -> None:
    """A release's manifest; the current one by default."""
    from pipelines.releases.layout import Manifest, resolve

    with speaking():
        manifest = Manifest.read(resolve(Settings().releases, release))
    if as_json:
        print_json(manifest.as_json())
        return
    tell(f"{manifest.release}  as of {manifest.as_of}  code {manifest.code_version}")
    tell(f"{len(manifest.files)} files, {sum(f.bytes for f in manifest.files):,} bytes")
    for old in manifest.stale:
        tell(f"stale: {old.feed} {old.system}, in use from {old.in_use_on}; used in {len(old.used_in)} data sets")
        for reason in old.reasons:
            tell(f"  waits {reason}")
    print_table([t.as_json() for t in manifest.tables], ("schema", "name", "rows", "content_hash"))


@app.command("verify")
def verify_command(
    path: Annotated[Path | None, typer.Argument(help="a release's folder; default: the current one")] = None,
    key: Annotated[Path | None, typer.Option(help="the public key to trust; default: this house's own")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a release against its manifest, the manifest against its signature, and the vault's logs against both.

    Exit 1 where anything is wrong. Says by which key the release is signed, and where that key was taken from.
    """
    from pipelines.releases.layout import resolve
    from pipelines.releases.verify import examine

    settings = Settings()
    if path is not None and not path.is_dir():
        raise wrong_use(f"{path} is no folder: give a release's folder, or nothing for the current release")
    with speaking():
        found = examine(settings, path or resolve(settings.releases), key)
    if as_json:
        print_json(found.as_json())
    else:
        for finding in found.findings:
            tell(f"{finding.path} {finding.problem}")
        if found.manifest and not found.findings:
            tell(f"{found.manifest.release}: {len(found.manifest.files)} files are what the manifest says")
            tell(f"signed with key {found.signed_by} ({found.trusted_from})")
    if found.findings:
        raise failed()


@app.command("rollback")
def rollback_command(
    release: Annotated[str | None, typer.Argument(help="default: the one before the current")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Point `current` at an earlier release, after verifying it."""
    from pipelines.releases.layout import resolve
    from pipelines.releases.publish import roll_back, roll_back_target
    from pipelines.releases.verify import examine

    settings = Settings()
    releases = settings.releases
    with speaking():
        target = roll_back_target(releases, release)
        findings = examine(settings, resolve(releases, target)).findings
        if findings:
            raise wrong_use(f"{target} is damaged ({findings[0].path} {findings[0].problem}): not made current")
        before = Path(resolve(releases)).name if dry_run else roll_back(releases, target)[0]
    body = {"from": before, "to": target, "done": not dry_run}
    print_json(body) if as_json else tell(f"{before} -> {target}{' (dry run)' if dry_run else ''}")
