"""Words that commands on feeds have in common, and what they mean. No command and no work stands here."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.clock import today
from pipelines.refusal import did_you_mean
from pipelines.settings import Settings
from pipelines.terminal import as_date, speaking, wrong_use

if TYPE_CHECKING:
    from pipelines.feeds.acts import Which, Who
    from pipelines.feeds.contracts import Contract

Feed = Annotated[str, typer.Argument(help="feed, by its id")]
Day = Annotated[str, typer.Argument(metavar="DATE", help="business date of the delivery")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="number of the delivery, 001")]
Name = Annotated[str, typer.Option(help="who decides")]
Reason = Annotated[str, typer.Option(help="why")]
DecidedOn = Annotated[str | None, typer.Option(help="counts for runs as of this date on; default: today")]
AsOf = Annotated[str | None, typer.Option(help="decisions taken up to this date count; default: today")]


def contracts_of(settings: Settings, feed: str | None = None) -> "dict[str, Contract]":
    """Every contract; a feed that is asked for must be among them."""
    from pipelines.feeds.contracts import load_contracts

    with speaking():
        contracts = load_contracts(settings.contracts)
    if feed is not None and feed not in contracts:
        raise wrong_use(f"there is no feed {feed}{did_you_mean(feed, contracts)} `xfy feeds list` shows all.")
    return contracts


def contract_of(settings: Settings, feed: str) -> "Contract":
    """One feed's contract."""
    return contracts_of(settings, feed)[feed]


def which(feed: str, day: str, number: str) -> "Which":
    """The delivery a person names."""
    from pipelines.feeds.acts import Which

    return Which(feed, as_date(day), number_of(number))


def number_of(text: str) -> str:
    """A delivery's number as people type it."""
    if not (len(text) == 3 and text.isdigit() and text.isascii()):
        raise wrong_use(f"{text!r} is no delivery number; write it as 001")
    return text


def who(name: str, reason: str, decided_on: str | None) -> "Who":
    """Who decides and why; both must say something."""
    from pipelines.feeds.acts import Who

    if len(name.strip()) < 2 or len(reason.strip()) < 4:
        raise wrong_use("a decision needs the name of who takes it (--name) and a reason in words (--reason)")
    return Who(name.strip(), reason.strip(), as_date(decided_on) if decided_on else today())
