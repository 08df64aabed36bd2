"""`xfy feeds …`: what came in, and what became of it. Thin: reads words, calls the room, prints.

Exit 0 done, 1 something is wrong with a delivery, 2 wrong use. The room is imported inside each command, so that
`xfy --help` waits for nothing.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.feeds.asked import (
    Day,
    DecidedOn,
    Feed,
    Name,
    Number,
    Reason,
    contract_of,
    contracts_of,
    today,
    which,
    who,
)
from pipelines.feeds.quarantine_command import app as quarantine_app
from pipelines.settings import Settings
from pipelines.terminal import (
    AsJson,
    DryRun,
    as_date,
    failed,
    print_json,
    print_table,
    say,
    speaking,
    tell,
    wrong_use,
)

app = typer.Typer(no_args_is_help=True, help="what came in, and what became of it")
app.add_typer(quarantine_app, name="quarantine")
COUNTS = ("delivered", "accepted", "quarantined", "duplicate", "waived")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Every feed that has a contract: dates accepted, whether every row is accounted for, what is in use and stale."""
    from pipelines.feeds.status import judged, landed_until, listing

    settings = Settings()
    contracts = contracts_of(settings)
    with speaking():
        rows = listing(contracts, judged(settings, contracts), landed_until(settings.lake))
    shown = ("feed", "system", "department", "format", "cadence", "accepted_dates", "reconciled", "in_use_on")
    if as_json:
        print_json(rows)
        return
    marked = [row | {"stale": "stale" if row["is_stale"] else ""} for row in rows]
    print_table(marked, (*shown, "stale", "waiting"))


@app.command("status")
def status_command(
    feed: Annotated[str | None, typer.Argument(help="one feed only")] = None, as_json: AsJson = False
) -> None:
    """Every delivery: its state (received, accepted, held, rejected), its counts, why, and whether it is in use.

    What is in use of a feed that something newer should have replaced is marked stale.
    """
    from pipelines.feeds.status import as_json as shape
    from pipelines.feeds.status import judged, landed_until, received, stale_feeds

    settings = Settings()
    contracts = {c.feed: c for c in contracts_of(settings, feed).values() if feed in (None, c.feed)}
    with speaking():
        statuses = judged(settings, contracts)
        stale = {row["feed"] for row in stale_feeds(contracts, statuses, landed_until(settings.lake) or date.max)}
        rows = [shape(s) | {"is_stale": s.is_in_use and s.feed in stale} for s in statuses]
        rows += received(settings, contracts)
    rows.sort(key=lambda row: (row["feed"], row["date"], row["delivery"]))
    if as_json:
        print_json(rows)
        return
    marked = [row | {"use": _use(row)} for row in rows]
    print_table(marked, ("feed", "date", "delivery", "state", "use", *COUNTS, "reasons"))
    for row in (row for row in rows if row["state"] == "held"):
        place = f"{row['feed']} {row['date']} {row['delivery']}"
        tell(f"to let {place} through: xfy feeds release-hold {place} --name … --reason …")


@app.command("show")
def show_command(feed: Feed, as_json: AsJson = False) -> None:
    """One feed: its contract, deliveries, broken rules with what to tell the department, and columns."""
    from pipelines.feeds.show import show

    settings = Settings()
    contract = contract_of(settings, feed)
    with speaking():
        body = show(settings, contract)
    if as_json:
        print_json(body)
        return
    lists = ("deliveries", "rules", "columns", "decisions")
    for name in (name for name in body if name not in lists):
        tell(f"{name}: {', '.join(body[name]) if isinstance(body[name], list) else body[name]}")
    _section("deliveries", body, ("date", "delivery", "state", *COUNTS, "reasons", "message_zh"))
    _section("rules", body, ("rule", "rows_newest", "rows", "message_zh", "message_en"))
    _section(
        "columns",
        body,
        ("column", "raw", "label", "type", "class", "role", "required", "lake", "empty_pct", "broken_pct", "dropped"),
    )
    _section("decisions", body, ("decision", "date", "delivery", "name", "reason", "decided_on"))


@app.command("release-hold")
def release_hold_command(
    feed: Feed,
    day: Day,
    number: Number,
    name: Name,
    reason: Reason,
    decided_on: DecidedOn = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a held delivery through, by a decision in landing/ that bears your name and reason."""
    from pipelines.feeds.acts import release_hold

    settings = Settings()
    contract = contract_of(settings, feed)
    with speaking():
        body = release_hold(settings, contract, which(feed, day, number), who(name, reason, decided_on), dry_run)
    if as_json:
        print_json(body)
        return
    for why in body["held_because"]:
        tell(f"held because: {why}")
    tell(f"let through in runs as of {body['decided_on']} on: {body['file'] or '(dry run)'}")


@app.command("land")
def land_command(
    as_of: Annotated[str | None, typer.Option(help="up to this business date; default: today")] = None,
    as_json: AsJson = False,
) -> None:
    """Read, check and store what is not landed yet, without running the rest of the line."""
    from pipelines.feeds.deliveries import find
    from pipelines.feeds.intake import land_all
    from pipelines.run import exclusive

    settings = Settings()
    contracts = contracts_of(settings)
    with speaking():
        # Up to today, as a replay reads: decisions taken since the last delivery count, or one would undo the other.
        until = as_date(as_of) if as_of else today()
        if not find(settings.landing, contracts)[0]:
            raise wrong_use(f"{settings.landing} has no deliveries: put some there, or run `xfy simulate`")
        with exclusive(settings, until, report=say):
            strays = land_all(settings, contracts, until, say)
    for stray in strays:
        say(f"landing/{stray.path}: {stray.reason}")
    if as_json:
        told = [{"path": str(stray.path), "reason": stray.reason} for stray in strays]
        print_json({"as_of": until, "not_read": told, "deliveries": _states(settings, contracts, until)})


@app.command("pull")
def pull_command(
    feed: Feed,
    day: Annotated[str | None, typer.Option("--date", help="business date; default: today")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Pull a delivery from a department's database into landing/, whole or not at all."""
    from pipelines.feeds.pull import pull

    settings = Settings()
    contract = contract_of(settings, feed)
    with speaking():
        body = pull(settings, contract, as_date(day) if day else today(), dry_run)
    if as_json:
        print_json(body)
        return
    rows = ", ".join(f"{count} rows in {file}" for file, count in body["rows"].items())
    said = "" if body["done"] else " (nothing new, no delivery made)" if body["unchanged"] else " (dry run)"
    tell(f"{feed} {body['date']}/{body['delivery'] or '-'}: {rows}{said}")


@app.command("check-contracts")
def check_contracts_command(
    files: Annotated[list[Path] | None, typer.Argument(help="contract files; default: all of data/contracts")] = None,
    as_json: AsJson = False,
) -> None:
    """Find everything wrong with contracts at once, with file and line; exit 1 when there is anything."""
    from pipelines.feeds.contracts import read_all

    settings = Settings()
    for path in files or ():
        if not path.is_file():
            raise wrong_use(f"{path} is no file: give contract files, or nothing for all of {settings.contracts}")
    with speaking():
        contracts, faults = read_all(settings.contracts, files or ())
    if as_json:
        print_json([fault.as_json() for fault in faults])
    else:
        for fault in faults:
            tell(str(fault))
        tell(f"{len(faults)} problems" if faults else f"{len(contracts)} contracts are sound")
    if faults:
        raise failed()


@app.command("check")
def check_command(
    feed: Feed,
    path: Annotated[Path, typer.Argument(help="a file, or a delivery's folder")],
    day: Annotated[str | None, typer.Option("--date", help="business date; default: from the path in landing/")] = None,
    as_json: AsJson = False,
) -> None:
    """Read and check a file or a delivery folder against a feed's contract, and change nothing."""
    from pipelines.feeds.trial import try_delivery

    settings = Settings()
    contract = contract_of(settings, feed)
    with speaking():
        is_there = path.exists()
    if not is_there:
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
        told = [row | {"holds back": "yes" if row["holds_back"] else "no"} for row in body["rules"]]
        print_table(told, ("rule", "rows", "holds back", "column", "lines", "message", "message_zh"))
        for reason in body["reasons"]:
            tell(reason)
    if body["state"] != "accepted" or body["quarantined"]:
        raise failed()


def _states(settings: Settings, contracts: dict[str, Any], until: date) -> list[dict[str, Any]]:
    from pipelines.feeds.status import as_json as shape
    from pipelines.feeds.status import judged

    return [shape(status) for status in judged(settings, contracts, until)]


def _use(row: dict[str, Any]) -> str:
    if not row.get("is_in_use"):
        return ""
    return "in use, stale" if row["is_stale"] else "in use"


def _section(name: str, body: dict[str, Any], columns: tuple[str, ...]) -> None:
    if body[name]:
        tell(f"\n{name}")
        print_table(body[name], columns)
