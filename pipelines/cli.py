"""`xfy`, the command line. Thin: it parses words, calls a package, prints. Exit 0 well, 1 failed check, 2 wrong use."""

import atexit
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipelines.settings import Settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="幸福云 warehouse")
feeds_app = typer.Typer(no_args_is_help=True, help="what came in, and what became of it")
tags_app = typer.Typer(no_args_is_help=True, help="the tag catalogue")
release_app = typer.Typer(no_args_is_help=True, help="published versions")
app.add_typer(feeds_app, name="feeds")
app.add_typer(tags_app, name="tags")
app.add_typer(release_app, name="release")

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
WRONG_USE, FAILED = 2, 1


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it as 2026-10-31") from None


def _say(message: str) -> None:
    err.print(f"{datetime.now():%H:%M:%S} {message}", highlight=False, markup=False)


def _wrong_use(message: str) -> typer.Exit:
    err.print(message, style="red", markup=False)
    return typer.Exit(WRONG_USE)


@contextmanager
def _speaking() -> Iterator[None]:
    """Turns what packages raise for a person into a message and an exit code; anything else is a defect."""
    from pipelines.feeds.contracts import ContractProblem
    from pipelines.feeds.decisions import DecisionProblem
    from pipelines.identifiers import KeyProblem
    from pipelines.releases.layout import ReleaseError
    from pipelines.run import RunBusyError
    from pipelines.tags.explain import UnknownSubjectError
    from pipelines.tags.problems import CatalogueError

    try:
        yield
    except (
        CatalogueError,
        ContractProblem,
        DecisionProblem,
        KeyProblem,
        ReleaseError,
        RunBusyError,
        UnknownSubjectError,
    ) as error:
        raise _wrong_use(str(error)) from None


def _print_json(body: object) -> None:
    sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=1, default=str) + "\n")


def _print_table(rows: Sequence[dict[str, Any]], columns: Iterable[str]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(_cell(row.get(c)) for c in columns))
    out.print(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(_cell, value))
    if isinstance(value, dict):
        return " ".join(str(v) for v in value.values() if not isinstance(v, bool))
    return "" if value is None else str(value)


@app.command()
def home() -> None:
    """Make DAGSTER_HOME under the data root and print it."""
    from pipelines.launch import prepare_home

    sys.stdout.write(prepare_home(Settings()) + "\n")


@app.command()
def simulate(
    scale: Annotated[float, typer.Option(min=0.0005, max=2, help="1 is the whole district")] = 0.05,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 1,
    as_of: Annotated[str, typer.Option(help="the last day")] = "2026-10-31",
    days: Annotated[int, typer.Option(min=1, max=400, help="how many days of deliveries")] = 2,
    out_dir: Annotated[Path | None, typer.Option("--out", help="default: the data root")] = None,
    only_if_empty: Annotated[bool, typer.Option(help="do nothing where landing/ has deliveries already")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic Qingpu's deliveries to landing/, and the truth apart from them."""
    from pipelines.simulate import simulate as run_simulation

    root = out_dir or Settings().root
    landing = root / "landing"
    if landing.exists() and any(p.is_dir() and p.name != "decisions" for p in landing.iterdir()):
        if only_if_empty:
            _say(f"{landing} has deliveries already: nothing simulated")
            return
        raise _wrong_use(f"{landing} has deliveries already; give another --out, or --only-if-empty")
    summary = run_simulation(scale=scale, seed=seed, as_of=_date(as_of), days=days, out=root, report=_say)
    if as_json:
        planted = [dict(zip(("feed", "dirt", "expect"), k, strict=True), rows=n) for k, n in summary.planted.items()]
        _print_json({**vars(summary), "planted": planted, "deliveries": [vars(d) for d in summary.deliveries]})


@app.command()
def run(
    as_of: Annotated[str | None, typer.Option(help="the date; default: the latest delivered")] = None,
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for another run to end")] = 900.0,
    dry_run: Annotated[bool, typer.Option(help="say what would be read and published, change nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Materialise every asset for one date and publish a release."""
    from pipelines import report
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.deliveries import find

    settings = Settings()
    with _speaking():
        deliveries, strays = find(settings.landing, load_contracts(settings.contracts))
    for stray in strays:
        _say(f"landing/{stray.path}: {stray.reason}")
    days = sorted({d.business_on for d in deliveries})
    if not days:
        raise _wrong_use(f"{settings.landing} has no deliveries: put some there, or run `xfy simulate`")
    chosen = _date(as_of) if as_of else days[-1]
    if dry_run:
        body = report.plan(settings, deliveries, chosen)
        columns = ("feed", "date", "delivery", "files", "bytes", "landed")
        _print_json(body) if as_json else _print_table(body["deliveries"], columns)
        return
    from pipelines.launch import has_partition, launch

    if not has_partition(chosen):
        raise _wrong_use(f"{chosen} is no date a run can speak about: they go from 2026-01-01 to today")
    with _speaking():
        outcome = launch(settings, chosen, _say, wait)
    body = report.summarise(settings, outcome)
    if as_json:
        _print_json(body)
    else:
        report.show(out, body)
    if not outcome.success:
        raise typer.Exit(FAILED)


@app.command()
def explain(subject: str, tag: str, as_json: AsJson = False) -> None:
    """Why a subject has a tag, has it not, or why that is unknown: in the current release."""
    from pipelines.releases.layout import Manifest, resolve
    from pipelines.tags.explain import explain as explain_tag

    settings = Settings()
    with _speaking():
        folder = resolve(settings.releases)
        as_of = Manifest.read(folder).as_of
        body = explain_tag(_catalogue(settings), folder / "warehouse.duckdb", subject, tag, as_of)
    if as_json:
        _print_json(body)
        return
    out.print(f"{body['rule']}\n= {body['value']}", markup=False)
    for part in ("parts", "inputs", "parameters"):
        if body[part]:
            out.print(f"\n[bold]{part}[/]")
            _print_table(body[part], list(body[part][0]))


@feeds_app.command("list")
def feeds_list(as_json: AsJson = False) -> None:
    """Every feed that has a contract."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.status import entry

    with _speaking():
        rows = [entry(c) for c in load_contracts(Settings().contracts).values()]
    _print_json(rows) if as_json else _print_table(rows, ("feed", "system", "department", "format", "cadence"))


@feeds_app.command("status")
def feeds_status(
    feed: Annotated[str | None, typer.Argument(help="one feed only")] = None, as_json: AsJson = False
) -> None:
    """Every landed delivery: its state, its counts, and why."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.status import as_json as status_json
    from pipelines.feeds.status import judged

    settings = Settings()
    with _speaking():
        contracts = load_contracts(settings.contracts)
        if feed is not None and feed not in contracts:
            raise _wrong_use(f"there is no feed {feed}; there are: {', '.join(sorted(contracts))}")
        rows = [status_json(s) for s in judged(settings, contracts) if feed in (None, s.feed)]
    columns = ("feed", "date", "delivery", "state", "delivered", "accepted", "quarantined", "duplicate", "reasons")
    _print_json(rows) if as_json else _print_table(rows, columns)


@feeds_app.command("land")
def feeds_land(
    as_of: Annotated[str | None, typer.Option(help="up to this business date; default: everything")] = None,
) -> None:
    """Read, check and store what is not landed yet, without running the rest of the line."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.deliveries import find
    from pipelines.feeds.intake import land_all
    from pipelines.run import exclusive

    settings = Settings()
    with _speaking():
        contracts = load_contracts(settings.contracts)
        until = (
            _date(as_of) if as_of else max((d.business_on for d in find(settings.landing, contracts)[0]), default=None)
        )
        if until is None:
            raise _wrong_use(f"{settings.landing} has no deliveries")
        with exclusive(settings, until, report=_say):
            strays = land_all(settings, contracts, until, _say)
    for stray in strays:
        _say(f"landing/{stray.path}: {stray.reason}")


@feeds_app.command("check")
def feeds_check(
    feed: str,
    path: Path,
    day: Annotated[str | None, typer.Option("--date", help="business date; default: from the path in landing/")] = None,
    as_json: AsJson = False,
) -> None:
    """Read and check a file or a delivery folder against a feed's contract, and change nothing."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.trial import try_delivery

    settings = Settings()
    with _speaking():
        contracts = load_contracts(settings.contracts)
        if feed not in contracts:
            raise _wrong_use(f"there is no feed {feed}; there are: {', '.join(sorted(contracts))}")
        if not path.exists():
            raise _wrong_use(f"{path} does not exist")
        found = re.search(r"\d{4}-\d{2}-\d{2}", path.resolve().as_posix())
        if day is None and found is None:
            raise _wrong_use("the path names no business date: give it with --date")
        body = try_delivery(settings, contracts[feed], path, _date(day or str(found and found[0])))
    if as_json:
        _print_json(body)
    else:
        for key in ("state", "delivered", "accepted", "quarantined", "duplicate"):
            out.print(f"{key}: {body[key]}", markup=False)
        _print_table(body["rules"], ("rule", "rows", "message"))
        for reason in body["reasons"]:
            out.print(reason, markup=False)
    if body["state"] != "accepted" or body["quarantined"]:
        raise typer.Exit(FAILED)


@tags_app.command("list")
def tags_list(as_json: AsJson = False) -> None:
    """Every tag of the catalogue."""
    from pipelines.tags.listing import list_tags

    with _speaking():
        rows = list_tags(_catalogue(Settings()))
    _print_json(rows) if as_json else _print_table(rows, ("code", "name", "subject", "kind", "sensitivity", "owner"))


@tags_app.command("check")
def tags_check(
    as_of: Annotated[str | None, typer.Option(help="also: every parameter has a value on this date")] = None,
    as_json: AsJson = False,
) -> None:
    """Find everything wrong with the tag declarations at once; exit 1 when there is anything."""
    from dataclasses import asdict

    from pipelines.tags.catalogue import check

    settings = Settings()
    problems = check(settings.tag_rules, settings.dbt_project / "models" / "subjects", _date(as_of) if as_of else None)
    if as_json:
        _print_json([asdict(p) for p in problems])
    else:
        for problem in problems:
            out.print(str(problem), markup=False)
        out.print(f"{len(problems)} problems" if problems else "the catalogue is sound", markup=False)
    if problems:
        raise typer.Exit(FAILED)


@tags_app.command("sql")
def tags_sql(code: str, spark: Annotated[bool, typer.Option(help="in Spark's dialect")] = False) -> None:
    """One tag as a query for the published database: the subject's id and the value."""
    from pipelines.tags.sqltext import spark_query, tag_query

    with _speaking():
        catalogue = _catalogue(Settings())
        if code not in catalogue.tags:
            raise _wrong_use(f"there is no tag {code}; `xfy tags list` shows them")
        sys.stdout.write((spark_query if spark else tag_query)(catalogue, code) + "\n")


@release_app.command("list")
def release_list(as_json: AsJson = False) -> None:
    """The releases kept, newest first."""
    from pipelines.releases.publish import summary

    rows = summary(Settings().releases)
    _print_json(rows) if as_json else _print_table(rows, ("release", "as_of", "current"))


@release_app.command("show")
def release_show(release: Annotated[str | None, typer.Argument()] = None, as_json: AsJson = False) -> None:
    """A release's manifest; the current one by default."""
    from pipelines.releases.layout import Manifest, resolve

    with _speaking():
        manifest = Manifest.read(resolve(Settings().releases, release))
    if as_json:
        _print_json(manifest.as_json())
        return
    out.print(
        f"{manifest.release}  as of {manifest.as_of}  code {manifest.code_version}", markup=False, highlight=False
    )
    out.print(f"{len(manifest.files)} files, {sum(f.bytes for f in manifest.files):,} bytes", markup=False)
    rows = [t.as_json() for t in manifest.tables]
    _print_table(rows, ("schema", "name", "rows", "content_hash"))


@release_app.command("verify")
def release_verify(
    path: Annotated[Path | None, typer.Argument(help="a release's folder; default: the current one")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every file of a release against its manifest; exit 1 when one is wrong."""
    from dataclasses import asdict

    from pipelines.releases.layout import resolve
    from pipelines.releases.verify import verify

    with _speaking():
        folder = path or resolve(Settings().releases)
    manifest, findings = verify(folder)
    if as_json:
        _print_json({"release": manifest.release if manifest else None, "findings": [asdict(f) for f in findings]})
    else:
        for finding in findings:
            out.print(f"{finding.path} {finding.problem}", markup=False)
        if manifest and not findings:
            out.print(f"{manifest.release}: {len(manifest.files)} files are what the manifest says", markup=False)
    if findings:
        raise typer.Exit(FAILED)


@release_app.command("rollback")
def release_rollback(
    release: Annotated[str | None, typer.Argument(help="default: the one before the current")] = None,
    dry_run: Annotated[bool, typer.Option(help="say what would happen")] = False,
    as_json: AsJson = False,
) -> None:
    """Point `current` at an earlier release, after verifying it."""
    from pipelines.releases.layout import resolve
    from pipelines.releases.publish import roll_back, roll_back_target
    from pipelines.releases.verify import verify

    releases = Settings().releases
    with _speaking():
        target = roll_back_target(releases, release)
        findings = verify(resolve(releases, target))[1]
        if findings:
            raise _wrong_use(f"{target} is damaged ({findings[0].path} {findings[0].problem}): not made current")
        before = Path(resolve(releases)).name if dry_run else roll_back(releases, target)[0]
    body = {"from": before, "to": target, "done": not dry_run}
    _print_json(body) if as_json else out.print(f"{before} -> {target}{' (dry run)' if dry_run else ''}", markup=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def index(context: typer.Context) -> None:
    """Composite indices from one declared specification: check, build, explain, sensitivity, compare, …"""
    # Loaded only when asked for: its solvers take a second that no other command should wait for.
    from pipelines.indices.command import app as index_app

    index_app(context.args, prog_name="xfy index")


@app.command()
def generate(check: Annotated[bool, typer.Option(help="change nothing; exit 1 where a file is stale")] = False) -> None:
    """Write what is generated from declarations and committed: dbt's staging models."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.staging import stale, write

    settings = Settings()
    with _speaking():
        contracts = load_contracts(settings.contracts)
    changed = stale(contracts, settings.dbt_project)
    for path in changed:
        out.print(str(path), markup=False)
    if check and changed:
        raise typer.Exit(FAILED)
    if not check:
        write(contracts, settings.dbt_project)


def _catalogue(settings: Settings) -> Any:
    from pipelines.tags.catalogue import load_catalogue

    return load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects")


def main() -> None:
    """Entry point.

    The last exit handler to run ends the process at once: while the interpreter is torn down, DuckDB's binding would
    print a page on leaked references, which means nothing and hides the last line that does.
    """
    code: list[int] = [0]
    atexit.register(lambda: os._exit(code[0]))
    try:
        app()
    except SystemExit as end:
        code[0] = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        raise
    except BaseException:
        code[0] = 1
        raise


if __name__ == "__main__":
    main()
