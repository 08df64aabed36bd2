"""Where every delivery stands, from receipts and decisions: what the command line prints and a release records."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import read_decisions
from pipelines.feeds.deliveries import find
from pipelines.feeds.judge import Status, feed_state, judge
from pipelines.feeds.receipts import read_receipts
from pipelines.settings import Settings

FOR_EVER = date.max


def judged(settings: Settings, contracts: Mapping[str, Contract], as_of: date = FOR_EVER) -> list[Status]:
    """The state of every landed delivery up to `as_of`, in order of feed, date and number."""
    decisions = read_decisions(settings.landing)
    return [
        status
        for feed in sorted(contracts)
        for status in judge(contracts[feed], read_receipts(settings.lake, feed), decisions, as_of)
    ]


def as_json(status: Status) -> dict[str, Any]:
    """The published shape of a status."""
    return {
        "feed": status.feed,
        "date": status.business_on.isoformat(),
        "delivery": status.number,
        "state": status.state,
        "delivered": status.delivered,
        "accepted": status.accepted,
        "quarantined": status.quarantined,
        "duplicate": status.duplicate,
        "waived": status.waived,
        "sha256": status.sha256,
        "contract_version": status.contract_version,
        "is_in_use": status.is_in_use,
        "reasons": list(status.reasons),
    }


def received(settings: Settings, contracts: Mapping[str, Contract]) -> list[dict[str, Any]]:
    """Deliveries in landing/ that no run has read yet, in the shape of a status."""
    landed = {(s.feed, s.business_on, s.number) for s in judged(settings, contracts)}
    return [
        {"feed": d.feed, "date": d.business_on.isoformat(), "delivery": d.number, "state": "received", "reasons": []}
        for d in find(settings.landing, contracts)[0]
        if (d.feed, d.business_on, d.number) not in landed
    ]


def reconciles(status: Status) -> bool:
    """Whether every delivered row is accepted, quarantined or a recorded duplicate."""
    return status.delivered == status.accepted + status.quarantined + status.duplicate


def entry(contract: Contract) -> dict[str, Any]:
    """The published shape of a feed in a list."""
    days = contract.cadence_days
    return {
        "feed": contract.feed,
        "department": contract.department,
        "system": contract.title,
        "format": contract.delivery.format,
        "cadence": "on change" if days is None else f"every {days} day{'s' if days > 1 else ''}",
        "contract": contract.path.name,
        "contract_version": contract.version,
    }


def landed_until(lake: Path) -> date | None:
    """The newest business date of which anything was read."""
    days = (path.name for path in lake.glob("*/[0-9]*-[0-9]*-[0-9]*"))
    return max(map(date.fromisoformat, days), default=None)


def stale_feeds(contracts: Mapping[str, Contract], statuses: Iterable[Status], as_of: date) -> list[dict[str, Any]]:
    """Feeds whose word is old on `as_of`: the date in use, and which deliveries wait to take its place.

    Nothing waits where a delivery is overdue. A feed that never delivered is not listed: nothing of it is in use.
    """
    found = []
    for feed, mine in _by_feed(contracts, statuses).items():
        state = feed_state(contracts[feed], mine, as_of)
        if mine and state.is_stale:
            found.append(
                {
                    "feed": feed,
                    "system": contracts[feed].title,
                    "in_use_on": state.business_on.isoformat() if state.business_on else None,
                    "waiting": list(state.waiting),
                    "reasons": list(state.reasons),
                }
            )
    return found


def _by_feed(contracts: Mapping[str, Contract], statuses: Iterable[Status]) -> dict[str, list[Status]]:
    by_feed: dict[str, list[Status]] = {feed: [] for feed in contracts}
    for status in statuses:
        by_feed[status.feed].append(status)
    return by_feed


def listing(
    contracts: Mapping[str, Contract], statuses: Iterable[Status], as_of: date | None = None
) -> list[dict[str, Any]]:
    """Every feed with how it stands: deliveries, dates of which one is accepted, whether all of them reconcile.

    And the date in use and whether that is stale on `as_of`. A feed that never delivered has nothing that could
    reconcile, or be stale.
    """
    rows = []
    for feed, mine in _by_feed(contracts, statuses).items():
        contract = contracts[feed]
        state = feed_state(contract, mine, as_of or FOR_EVER)
        dates = sorted({s.business_on for s in mine if s.state == "accepted"})
        counts = {
            "deliveries": len(mine),
            "accepted_dates": len(dates),
            "last_accepted": dates[-1].isoformat() if dates else None,
            "reconciled": bool(mine) and all(reconciles(s) for s in mine),
            "in_use_on": state.business_on.isoformat() if state.business_on else None,
            "is_stale": bool(mine) and state.is_stale,
            "waiting": list(state.waiting),
        }
        rows.append(entry(contract) | counts)
    return rows
