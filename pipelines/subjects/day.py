"""One business date of the replay: what was in use on it, what came on it, and what people had decided by then.

A value and how it is made from judged deliveries. What is computed from it is the business of the steps (`replay`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipelines.feeds.contracts import Contract
from pipelines.feeds.judge import Status
from pipelines.feeds.land import ROWS
from pipelines.identifiers import Key
from pipelines.settings import Settings
from pipelines.subjects.decisions import PersonDecision


@dataclass(frozen=True)
class Day:
    """A business date as a step of the replay sees it.

    `in_use`, `was_in_use` and `arrived` give, by feed, the Parquet files of accepted rows: those whose rows count on
    the date, those that counted on the date before (`before_on`, None on the first), each in the order in which they
    apply, and those of deliveries dated that day. All name feeds that have any, in order of id. `decisions` are all
    taken up to the date.
    """

    business_on: date
    before_on: date | None
    in_use: Mapping[str, tuple[Path, ...]]
    was_in_use: Mapping[str, tuple[Path, ...]]
    arrived: Mapping[str, tuple[Path, ...]]
    contracts: Mapping[str, Contract]
    decisions: tuple[PersonDecision, ...]
    key: Key = field(repr=False)
    settings: Settings = field(repr=False)


def said_in(rows: Path) -> tuple[date, str]:
    """Business date and number of the delivery whose rows a file of the lake holds."""
    return date.fromisoformat(rows.parent.parent.name), rows.parent.name


def rows_path(lake: Path, status: Status) -> Path:
    """The file of accepted rows of a delivery."""
    return lake / status.feed / status.business_on.isoformat() / status.number / ROWS


def usable(statuses: Iterable[Status]) -> list[Status]:
    """Deliveries that may be in use on some date: accepted and no repetition, in order of feed, date and number."""
    good = (s for s in statuses if s.state == "accepted" and not s.is_repeat)
    return sorted(good, key=lambda s: (s.feed, s.business_on, s.number))


def in_use_on(contracts: Mapping[str, Contract], good: Sequence[Status], day: date) -> dict[str, tuple[Status, ...]]:
    """By feed, which of the usable deliveries count on a date: of a snapshot the last one, of an increment all."""
    found: dict[str, tuple[Status, ...]] = {}
    for feed in sorted(contracts):
        mine = tuple(s for s in good if s.feed == feed and s.business_on <= day)
        if mine:
            found[feed] = mine if contracts[feed].delivery.load == "increment" else mine[-1:]
    return found


def make_day(
    settings: Settings,
    contracts: Mapping[str, Contract],
    statuses: Iterable[Status],
    decisions: Sequence[PersonDecision],
    key: Key,
    day: date,
    before_on: date | None,
) -> Day:
    """The Day of a date that follows `before_on` (None: the first), from deliveries as they are judged."""
    good = usable(statuses)
    used = in_use_on(contracts, good, day)
    were_used = in_use_on(contracts, good, before_on) if before_on else {}
    arrived = {feed: tuple(s for s in good if s.feed == feed and s.business_on == day) for feed in sorted(contracts)}
    return Day(
        business_on=day,
        before_on=before_on,
        in_use={feed: tuple(rows_path(settings.lake, s) for s in mine) for feed, mine in used.items()},
        was_in_use={feed: tuple(rows_path(settings.lake, s) for s in mine) for feed, mine in were_used.items()},
        arrived={feed: tuple(rows_path(settings.lake, s) for s in mine) for feed, mine in arrived.items() if mine},
        contracts=contracts,
        decisions=tuple(d for d in decisions if d.decided_on <= day),
        key=key,
        settings=settings,
    )
