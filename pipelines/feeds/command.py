"""`xfy feeds …`: what came in, and what became of it. Thin: reads words, calls the room, prints.

Exit 0 done, 1 something is wrong with a delivery, 2 wrong use. The room is imported inside each command, so that
`xfy --help` waits for nothing.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.settings import Settings
from pipelines.terminal import AsJson, as_date, failed, give, print_json, print_table, say, speaking, tell, wrong_use

if TYPE_CHECKING:
    from pipelines.feeds.contracts import Contract

app = typer.Typer(no_args_is_help=True, help="what came in, and what became of it")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Every feed that has a contract."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.status import entry

    with speaking():
        rows = [entry(c) for c in load_contracts(Settings().contracts).values()]
    give(rows, as_json, ("feed", "system", "department", "format", "cadence"))


@app.command("status")
def status_command(
    feed: Annotated[str | None, typer.Argument(help="one feed only")] = None, as_json: AsJson = False
) -> None:
    """Every landed delivery: its state, its counts, and why."""
    from pipelines.feeds.status import as_json as shape
    from pipelines.feeds.status import judged

    settings = Settings()
    contracts = _contracts(settings, feed)
    with speaking():
        rows = [shape(s) for s in judged(settings, contracts) if feed in (None, s.feed)]
    columns = ("feed", "date", "delivery", "state", "delivered", "accepted", "quarantined", "duplicate", "reasons")
    give(rows, as_json, columns)


@app.command("land")
def land_command(
    as_of: Annotated[str | None, typer.Option(help="up to this business date; default: everything")] = None,
) -> None:
    """Read, check and store what is not landed yet, without running the rest of the line."""
    from pipelines.feeds.deliveries import find
    from pipelines.feeds.intake import land_all
    from pipelines.run import exclusive

    settings = Settings()
    contracts = _contracts(settings)
    with speaking():
        delivered = (d.business_on for d in find(settings.landing, contracts)[0])
        until = as_date(as_of) if as_of else max(delivered, default=None)
        if until is None:
            raise wrong_use(f"{settings.landing} has no deliveries")
        with exclusive(settings, until, report=say):
            strays = land_all(settings, contracts, until, say)
    for stray in strays:
        say(f"landing/{stray.path}: {stray.reason}")


@app.command("check")
def check_command(
    feed: str,
    path: Path,
    day: Annotated[str | None, typer.Option("--date", help="business date; default: from the path in landing/")] = None,
    as_json: AsJson = False,
) -> None:
    """Read and check a file or a delivery folder against a feed's contract, and change nothing."""
    from pipelines.feeds.trial import try_delivery

    settings = Settings()
    contract = _contracts(settings, feed)[feed]
    if not path.exists():
        raise wrong_use(f"{path} does not exist")
    found = re.search(r"\d{4}-\d{2}-\d{2}", path.resolve().as_posix())
    if day is None and found is None:
        raise wrong_use("the path names no business date: give it with --date")
    with speaking():
        body = try_delivery(settings, contract, path, as_date(day or str(found and found[0])))
    if as_json:
        print_json(body)
    else:
        for key in ("state", "delivered", "accepted", "quarantined", "duplicate"):
            tell(f"{key}: {body[key]}")
        print_table(body["rules"], ("rule", "rows", "message"))
        for reason in body["reasons"]:
            tell(reason)
    if body["state"] != "accepted" or body["quarantined"]:
        raise failed()


def _contracts(settings: Settings, feed: str | None = None) -> "dict[str, Contract]":
    """Every contract; a feed that is asked for must be among them."""
    from pipelines.feeds.contracts import load_contracts

    with speaking():
        contracts = load_contracts(settings.contracts)
    if feed is not None and feed not in contracts:
        raise wrong_use(f"there is no feed {feed}; there are: {', '.join(sorted(contracts))}")
    return contracts
