"""`xfy subject …`: one subject, and who looked at one. Thin: reads words, calls the room, prints.

Which database is published is the business of a room above; the command line brings the lookup along.
"""

import getpass
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.settings import Settings
from pipelines.terminal import AsJson, as_date, failed, print_json, print_table, speaking, tell

if TYPE_CHECKING:
    from pipelines.subjects.show.subject import Published

Lookup = Callable[[Settings, date | None], "Published | None"]
"""The published database of a date, or of now; None where there is none."""

_PARTS = (
    ("attributes", ("label", "attribute", "value", "source", "known_on", "agreement")),
    ("conflicts", ("attribute", "kept_feed", "kept_value", "other_feed", "other_value", "other_known_on")),
    ("links", ("to", "via", "id", "name")),
    ("rows", ("label", "table", "rows", "ids")),
    ("periods", ("attribute", "value", "feed", "valid_from_on", "valid_to_on", "known_from_on", "known_to_on")),
    ("history", ("on", "event", "person_id", "other_id", "via", "confidence", "feed")),
    ("suspicions", ("on", "kind", "person_id", "other_id", "confidence")),
)


def commands(published: Lookup) -> typer.Typer:
    """The room's commands, with the way to find a published database."""
    app = typer.Typer(no_args_is_help=True, help="one subject, and who looked at one")

    @app.command("show")
    def show_command(
        subject_id: Annotated[str, typer.Argument(metavar="ID", help="an id, also one from before a merge")],
        as_of: Annotated[str | None, typer.Option(help="what was known on this date")] = None,
        purpose: Annotated[str | None, typer.Option(help="what for: data/access/looks.yml")] = None,
        role: Annotated[str | None, typer.Option(help="in which role")] = None,
        name: Annotated[str | None, typer.Option(help="who looks; default: the user of the shell")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Everything known of one subject. Masked without a role and a purpose; every look is logged."""
        from pipelines.feeds.contracts import load_contracts
        from pipelines.subjects.show.access import Asker, load
        from pipelines.subjects.show.subject import show

        settings = Settings()
        day = as_date(as_of) if as_of else None
        with speaking():
            declared = load(settings.declarations / "access" / "looks.yml")
            asks = Asker(name or getpass.getuser(), role, purpose)
            contracts = load_contracts(settings.contracts)
            body = show(settings, contracts, published(settings, day), subject_id, asks, declared, day)
        print_json(body) if as_json else _print(body)

    @app.command("looks")
    def looks_command(as_json: AsJson = False) -> None:
        """Who looked at whom, and whether the log is whole; exit 1 when it was tampered with."""
        from pipelines.subjects.show.looks import entries, verify

        settings = Settings()
        rows = entries(settings)
        count, problem = verify(settings)
        if as_json:
            print_json({"looks": rows, "count": count, "problem": problem})
        else:
            print_table(rows, ("n", "at", "who", "role", "purpose", "subject", "subject_id", "outcome"))
            tell(problem or f"{count} looks; every entry fits the one before")
        if problem:
            raise failed()

    return app


def _print(body: dict[str, Any]) -> None:
    tell(f"{body['subject']} {body['id']}  as of {body['as_of'] or body['known_on']}, known on {body['known_on']}")
    if body["asked"] != body["id"]:
        tell(f"{body['asked']} is a former id of it")
    if body["former_ids"]:
        tell("former ids: " + ", ".join(body["former_ids"]))
    if body["access"]["role"] is None:
        tell("masked: give --role and --purpose to see more")
    for part, columns in _PARTS:
        if body[part]:
            tell(f"\n{part}")
            print_table(body[part], columns)
