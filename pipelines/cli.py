"""`xfy`, the command line. Thin: it parses words, calls a package, prints. Exit 0 well, 1 failed check, 2 wrong use.

Every room brings its commands in `<room>/command.py`; here stand those that need several rooms, or none. How errors end
is said in `front.py`; examples and Chinese of every `--help` stand in `help.yml`.
"""

import atexit
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.feeds.command import app as feeds_app
from pipelines.front import Front, Later, listen, stop
from pipelines.key_command import app as key_app
from pipelines.products.catalogue.command import catalogue_command
from pipelines.releases.command import app as release_app
from pipelines.settings import Settings
from pipelines.subjects.command import commands as subject_commands
from pipelines.tags.command import app as tags_app
from pipelines.terminal import (
    DEFECT,
    PIPE_CLOSED,
    AsJson,
    DryRun,
    as_date,
    failed,
    out,
    print_json,
    print_table,
    say,
    speaking,
    tell,
    wrong_use,
)

if TYPE_CHECKING:
    from pipelines.feeds.deliveries import Delivery
    from pipelines.simulate import Summary
    from pipelines.subjects.show.subject import Published


def _published(settings: Settings, day: date | None) -> "Published | None":
    """The published database of a date, the last of several; without a date the current one."""
    from pipelines.releases.layout import Manifest, current, release_names
    from pipelines.subjects.show.subject import Published

    of_day = [name for name in release_names(settings.releases) if day and name.startswith(f"{day}.")]
    name = of_day[-1] if of_day else None if day else current(settings.releases)
    if name is None:
        return None
    folder = settings.releases / name
    return Published(folder / "warehouse.duckdb", Manifest.read(folder).as_of)


class IndexCommands(Later):
    """`xfy index …`."""

    module = "pipelines.indices.command"


app = typer.Typer(cls=Front, no_args_is_help=True, pretty_exceptions_enable=False)
# It speaks of tags and ledgers too, so the room of the feeds cannot bring it.
feeds_app.command("catalogue")(catalogue_command)
app.add_typer(feeds_app, name="feeds")
app.add_typer(tags_app, name="tags")
app.add_typer(release_app, name="release")
app.add_typer(key_app, name="key")
app.add_typer(subject_commands(_published), name="subject")
app.add_typer(
    typer.Typer(cls=IndexCommands, no_args_is_help=True),
    name="index",
    help="composite indices from one declared specification: check, build, explain, sensitivity, compare, …",
)


def _version(asked: bool) -> None:
    if asked:
        from pipelines.releases.build import code_version

        tell(f"xfy {code_version()}")
        raise typer.Exit


@app.callback()
def front(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="the version that releases bear")
    ] = False,
    lang: Annotated[str, typer.Option(help="help in en or zh; default: as the locale says")] = "",
) -> None:
    """The 幸福云 warehouse: what departments deliver becomes subjects, tags, indices, ledgers and signed releases."""
    from pipelines.key_file import secret_bytes

    if isinstance(context.command, Front) and context.command.asks_only:
        return
    # A key that others may read is told in the first second, not when a run comes to use it.
    for key, path in Settings().keys.items():
        if path.exists() or path.is_symlink():
            secret_bytes(path, True, f"{key} key")


@app.command()
def home(as_json: AsJson = False) -> None:
    """Make DAGSTER_HOME under the data root and print it."""
    from pipelines.launch import prepare_home

    made = prepare_home(Settings())
    print_json({"dagster_home": made}) if as_json else tell(made)


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="address to listen on; beyond this machine a login belongs in front")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="for those who look: no runs, no daemon")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve Dagster's UI and Data Docs to this machine's browser, with sensors and schedules, until Ctrl-C."""
    from pipelines.launch import prepare_home
    from pipelines.ui import serve

    settings = Settings()
    with speaking():
        prepare_home(settings)
        address = f"http://{host}:{port}"
        print_json({"url": address, "read_only": read_only}) if as_json else say(f"{address}  (Ctrl-C ends it)")
        serve(settings, host, port, read_only)


@app.command()
def simulate(
    scale: Annotated[float, typer.Option(min=0.0005, max=2, help="1 is the whole district")] = 0.05,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 1,
    as_of: Annotated[str, typer.Option(help="the last day")] = "2026-10-31",
    days: Annotated[int, typer.Option(min=1, max=400, help="how many days of deliveries")] = 2,
    earlier: Annotated[int, typer.Option(min=0, help="due dates before the first day, of feeds not daily")] = 1,
    out_dir: Annotated[Path | None, typer.Option("--out", help="default: the data root")] = None,
    only_if_empty: Annotated[bool, typer.Option(help="do nothing where landing/ has deliveries already")] = False,
    next_day: Annotated[
        bool,
        typer.Option("--next", help="add the day after the last to what was simulated there; nothing else is asked"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic Qingpu's deliveries to landing/, and the truth apart from them."""
    from pipelines.simulate import next_day as simulate_next
    from pipelines.simulate import simulate as run_simulation

    root = out_dir or Settings().root
    if next_day:
        try:
            _told(simulate_next(root, report=say), as_json)
        except ValueError as error:
            raise wrong_use(str(error)) from None
        return
    landing = root / "landing"
    if landing.exists() and any(p.is_dir() and p.name != "decisions" for p in landing.iterdir()):
        if only_if_empty:
            say(f"{landing} has deliveries already: nothing simulated")
            if as_json:
                print_json({"nothing_simulated": True, "landing": str(landing)})
            return
        raise wrong_use(f"{landing} has deliveries already; give another --out, or --only-if-empty")
    summary = run_simulation(scale, seed, as_date(as_of), days, root, report=say, earlier=earlier)
    _told(summary, as_json)


def _told(summary: "Summary", as_json: bool) -> None:
    if as_json:
        planted = [dict(zip(("feed", "dirt", "expect"), k, strict=True), rows=n) for k, n in summary.planted.items()]
        print_json({**vars(summary), "planted": planted, "deliveries": [vars(d) for d in summary.deliveries]})
    else:
        say(f"{len(summary.deliveries)} deliveries up to {summary.as_of}")


@app.command()
def run(
    as_of: Annotated[str | None, typer.Option(help="the date; default: the latest delivered")] = None,
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for another run to end")] = 900.0,
    dry_run: DryRun = False,
    force: Annotated[bool, typer.Option(help="run although nothing is new")] = False,
    as_json: AsJson = False,
) -> None:
    """Materialise every asset for one date and publish a release, unless one made from the same stands already."""
    from pipelines import report
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.deliveries import find

    settings = Settings()
    with speaking():
        deliveries, strays = find(settings.landing, load_contracts(settings.contracts))
    for stray in strays:
        say(f"landing/{stray.path}: {stray.reason}")
    days = sorted({d.business_on for d in deliveries})
    if not days:
        raise wrong_use(f"{settings.landing} has no deliveries: put some there, or run `xfy simulate`")
    chosen = as_date(as_of) if as_of else days[-1]
    if dry_run:
        _plan(settings, deliveries, chosen, as_json)
        return
    from pipelines.releases.standing import ensure_keys, stands

    with speaking():
        ensure_keys(settings, chosen, wait, say)
        release = None if force else stands(settings, chosen)
    if release:
        # Said before Dagster is loaded, which alone takes seconds.
        print_json(report.nothing_new(settings, chosen, release)) if as_json else out.print(
            f"nothing new: release {release} stands (--force runs all the same)", markup=False, highlight=False
        )
        return
    from pipelines.launch import has_partition, launch

    if not has_partition(chosen):
        raise wrong_use(f"{chosen} is no date a run can speak about: they go from {settings.first_day} to today")
    with speaking():
        outcome = launch(settings, chosen, say, wait)
    body = report.summarise(settings, outcome)
    if as_json:
        print_json(body)
    elif not outcome.is_stopped:
        report.show(out, body)
    if outcome.is_stopped:
        raise stop()
    if not outcome.success:
        raise failed()


def _plan(settings: Settings, deliveries: "list[Delivery]", day: date, as_json: bool) -> None:
    from pipelines import report

    body = report.plan(settings, deliveries, day)
    if as_json:
        print_json(body)
        return
    print_table(body["deliveries"], ("feed", "date", "delivery", "files", "bytes", "landed"))
    if body["nothing_new"]:
        tell(f"nothing new: release {body['stands']} was made from the same; a run would end at once (or --force)")
    elif body["newest"]:
        tell(f"something is new: what release {body['newest']} was made from has changed; a run would make another")
    else:
        tell(f"all of it is new: there is no release of {day} yet; a run would make one")


@app.command()
def explain(
    subject: Annotated[str, typer.Argument(help="id of a person, household, village, …")],
    tag: Annotated[str, typer.Argument(help="code of a tag, T01010101")],
    as_json: AsJson = False,
) -> None:
    """Why a subject has a tag, has it not, or why that is unknown: in the current release."""
    from pipelines.releases.layout import Manifest, resolve
    from pipelines.tags.command import catalogue
    from pipelines.tags.explain import explain as explain_tag

    settings = Settings()
    with speaking():
        folder = resolve(settings.releases)
        as_of = Manifest.read(folder).as_of
        body = explain_tag(catalogue(settings), folder / "warehouse.duckdb", subject, tag, as_of)
    if as_json:
        print_json(body)
        return
    out.print(f"{body['rule']}\n= {body['value']}", markup=False)
    for part in ("parts", "inputs", "parameters"):
        if body[part]:
            out.print(f"\n[bold]{part}[/]")
            print_table(body[part], list(body[part][0]))


@app.command()
def generate(
    check: Annotated[bool, typer.Option(help="change nothing; exit 1 where a file is stale")] = False,
    as_json: AsJson = False,
) -> None:
    """Write what is generated from declarations and committed: dbt's staging models, the drawing of the data model."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.staging import stale, write
    from pipelines.releases import drawing

    settings = Settings()
    with speaking():
        contracts = load_contracts(settings.contracts)
        changed = stale(contracts, settings.dbt_project)
        if not check:
            write(contracts, settings.dbt_project)
        # Drawn from the project as the staging models make it.
        changed += drawing.stale(settings)
        if not check:
            drawing.write(settings)
    if as_json:
        print_json([str(path) for path in changed])
    else:
        for path in changed:
            tell(str(path))
    if check and changed:
        raise failed()


def main() -> None:
    """Entry point.

    The last exit handler to run ends the process at once: while the interpreter is torn down, DuckDB's binding would
    print a page on leaked references, which means nothing and hides the last line that does.
    """
    # What a run writes bears names; whom a file is for is said where it is published (`releases.access`).
    os.umask(0o077)
    code: list[int] = [0]
    atexit.register(lambda: os._exit(code[0]))
    listen()
    try:
        app()
    except SystemExit as end:
        code[0] = end.code if isinstance(end.code, int) else 1
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            code[0] = PIPE_CLOSED
            raise SystemExit(PIPE_CLOSED) from None
        raise
    except BaseException:
        code[0] = DEFECT
        raise


if __name__ == "__main__":
    main()
