"""`xfy feeds quarantine …`: rows held back. Thin: reads words, calls the room, prints; imports inside each command."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.feeds.asked import (
    AsOf,
    Day,
    DecidedOn,
    Feed,
    Name,
    Number,
    Reason,
    contract_of,
    number_of,
    today,
    which,
    who,
)
from pipelines.settings import Settings
from pipelines.terminal import AsJson, DryRun, as_date, failed, give, print_json, print_table, say, speaking, tell

app = typer.Typer(no_args_is_help=True, help="rows held back: write out, let in, read again")


@app.command("list")
def list_command(
    feed: Feed,
    day: Annotated[str | None, typer.Option("--date", help="one business date only")] = None,
    number: Annotated[str | None, typer.Option("--delivery", help="one delivery number only")] = None,
    rule: Annotated[str | None, typer.Option(help="rows that break this rule only")] = None,
    as_json: AsJson = False,
) -> None:
    """Where rows held back stand, which rules each breaks and what to do; nothing of what they say."""
    from pipelines.feeds.quarantine import places

    settings = Settings()
    contract_of(settings, feed)
    only = (as_date(day) if day else None, number_of(number) if number else None)
    with speaking():
        rows = places(settings, feed, *only, rule)
    give(rows, as_json, ("date", "delivery", "file", "line", "rules", "message_zh", "message_en"))


@app.command("export")
def export_command(
    feed: Feed,
    to: Annotated[Path, typer.Option(help="new file, .xlsx or .csv")],
    name: Annotated[str, typer.Option(help="who takes the rows")],
    purpose: Annotated[str, typer.Option(help="what for")],
    day: Annotated[str | None, typer.Option("--date", help="one business date only")] = None,
    number: Annotated[str | None, typer.Option("--delivery", help="one delivery number only")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write rows held back, with rule, message and raw text, to a file that only you can open; it is written down."""
    from pipelines.feeds.export import Purpose, export

    settings = Settings()
    contract = contract_of(settings, feed)
    asked = Purpose(name, purpose, datetime.now().astimezone())
    only = (as_date(day) if day else None, number_of(number) if number else None)
    with speaking():
        body = export(settings, contract, to, asked, *only, dry_run)
    _give(body, as_json, f"{body['rows']} rows -> {body['file']}")


@app.command("waive")
def waive_command(
    feed: Feed,
    day: Day,
    number: Number,
    name: Name,
    reason: Reason,
    line: Annotated[list[int] | None, typer.Option(help="line of the row; may be given again")] = None,
    file: Annotated[str | None, typer.Option(help="file, where several have such a line")] = None,
    rule: Annotated[str | None, typer.Option(help="all rows that break this rule and no other")] = None,
    decided_on: DecidedOn = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let rows held back in as they are, by a decision in landing/; the next run takes them in."""
    from pipelines import keys
    from pipelines.feeds.acts import waive

    settings = Settings()
    contract = contract_of(settings, feed)
    with speaking():
        body = waive(
            settings,
            contract,
            keys.opened(settings, keys.PSEUDONYM),
            which(feed, day, number),
            who(name, reason, decided_on),
            file=file,
            lines=line or [],
            rule=rule,
            is_trial=dry_run,
        )
    _give(
        body, as_json, f"{body['rows']} rows, {'; '.join(body['rules'])}: counts for runs as of {body['decided_on']} on"
    )


@app.command("replay")
def replay_command(
    feed: Feed,
    day: Day,
    number: Number,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Read a landed delivery again under the present contract and say what became of the rows held back."""
    from pipelines import keys
    from pipelines.feeds.acts import replay
    from pipelines.run import exclusive

    settings = Settings()
    contract = contract_of(settings, feed)
    asked = which(feed, day, number)
    with speaking():
        until = as_date(as_of) if as_of else today()
        with exclusive(settings, until, report=say):
            body = replay(settings, contract, keys.opened(settings, keys.PSEUDONYM), asked, until, dry_run)
    counts = "; ".join(f"{n} {body['before'][n]} -> {body['after'][n]}" for n in body["before"])
    became = ", ".join(f"{n} {fate}" for fate, n in body["became"].items())
    _give(body, as_json, "\n".join([counts, f"rows held before: {became}", *body["reasons"]]))


@app.command("exports")
def exports_command(as_json: AsJson = False) -> None:
    """Who took rows out of the vault, and whether the record of it is whole; exit 1 where it is not."""
    from pipelines import chain
    from pipelines.feeds.export import LOG

    record = Settings().vault / LOG
    with speaking():
        rows, (count, problem) = chain.entries(record), chain.verify(record)
    if as_json:
        print_json({"exports": rows, "count": count, "problem": problem})
    else:
        print_table(rows, ("at", "name", "purpose", "feed", "rows", "file"))
        tell(problem or f"{count} exports; every entry fits the one before")
    if problem:
        raise failed()


def _give(body: dict[str, Any], as_json: bool, words: str) -> None:
    if as_json:
        print_json(body)
    else:
        tell(words + ("" if body["done"] else " (dry run)"))
