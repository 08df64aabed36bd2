"""Judging: which deliveries are accepted, held or rejected, and which are in use on a date.

Pure functions over receipts, decisions and a contract. Nothing depends on when a delivery arrived: the same deliveries
judged in any order give the same answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.feeds import drift
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Decision
from pipelines.feeds.messages import state_reason
from pipelines.feeds.receipts import Receipt

State = Literal["accepted", "held", "rejected"]
LET_THROUGH = "let through by"


@dataclass(frozen=True)
class Status:
    """One delivery as it stands: its counts, its state and why."""

    feed: str
    business_on: date
    number: str
    state: State
    delivered: int
    accepted: int
    quarantined: int
    duplicate: int
    sha256: str
    contract_version: str
    reasons: tuple[str, ...]
    is_in_use: bool
    is_repeat: bool = False
    waived: int = 0


@dataclass(frozen=True)
class FeedState:
    """A feed as a whole on a date. `business_on` is the newest date in use; `waiting` are the deliveries held or
    rejected that would be in use instead, and `reasons` say why each of them waits."""

    feed: str
    is_available: bool
    is_stale: bool
    business_on: date | None
    accepted_rows: int
    waiting: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def judge(contract: Contract, receipts: Iterable[Receipt], decisions: Sequence[Decision], as_of: date) -> list[Status]:
    """State of every delivery with a business date up to `as_of`, in order of date and number."""
    due = sorted((r for r in receipts if r.business_on <= as_of), key=lambda r: (r.business_on, r.number))
    judged: list[tuple[Receipt, State, tuple[str, ...]]] = []
    for receipt, earlier in _with_history(contract, due, judged):
        reference = _reference(judged, receipt.business_on)
        state, reasons = _state(contract, receipt, reference, earlier)
        if state == "held":
            let_through = [d for d in decisions if d.accepts(receipt, as_of)]
            if let_through:
                state = "accepted"
                reasons = (*reasons, *(f"{LET_THROUGH} {d.name} on {d.decided_on}: {d.reason}" for d in let_through))
        judged.append((receipt, state, reasons))
    used = {(r.business_on, r.number) for r in _in_use(contract, judged)}
    return [
        Status(
            feed=r.feed,
            business_on=r.business_on,
            number=r.number,
            state=state,
            delivered=r.delivered,
            accepted=r.accepted,
            quarantined=r.quarantined,
            duplicate=r.duplicate,
            sha256=r.sha256,
            contract_version=r.contract_version,
            reasons=reasons,
            is_in_use=(r.business_on, r.number) in used,
            is_repeat=r.same_as is not None,
            waived=r.waived,
        )
        for r, state, reasons in judged
    ]


def in_use(statuses: Iterable[Status]) -> list[Status]:
    """The deliveries whose rows count, in the order in which they apply."""
    return sorted((s for s in statuses if s.is_in_use), key=lambda s: (s.business_on, s.number))


def feed_state(contract: Contract, statuses: Sequence[Status], as_of: date) -> FeedState:
    """Whether the feed has anything to say on `as_of`, and whether that is stale.

    Stale: older than twice the cadence, or a newer delivery is held or rejected and not corrected since.
    """
    used = in_use(statuses)
    refused = [s for s in statuses if s.state != "accepted"]
    if not used:
        return FeedState(contract.feed, False, True, None, 0, _told(refused), _why(refused))
    last = used[-1]
    newest = last.business_on
    too_old = contract.cadence_days is not None and (as_of - newest).days > 2 * contract.cadence_days
    waiting = [s for s in refused if (s.business_on, s.number) > (newest, last.number)]
    if contract.delivery.load == "increment":
        good_dates = {s.business_on for s in used}
        waiting = [s for s in refused if s.business_on not in good_dates]
    rows = sum(s.accepted for s in used)
    return FeedState(contract.feed, True, too_old or bool(waiting), newest, rows, _told(waiting), _why(waiting))


def _told(statuses: Iterable[Status]) -> tuple[str, ...]:
    return tuple(f"{s.business_on}/{s.number} {s.state}" for s in statuses)


def _why(statuses: Iterable[Status]) -> tuple[str, ...]:
    return tuple(f"{s.business_on}/{s.number}: {reason}" for s in statuses for reason in s.reasons)


def _with_history(
    contract: Contract, due: Sequence[Receipt], judged: Sequence[tuple[Receipt, State, tuple[str, ...]]]
) -> Iterator[tuple[Receipt, drift.Before]]:
    """Every delivery with what its columns are compared with: accepted deliveries of earlier dates in `judged`."""
    earlier, counted = drift.NOTHING, 0
    for receipt in due:
        while counted < len(judged) and judged[counted][0].business_on < receipt.business_on:
            before, state, reasons = judged[counted]
            counted += 1
            if state == "accepted" and before.same_as is None:
                # What somebody let through is how the feed is from now on: with it the history begins anew.
                earlier = drift.NOTHING if any(r.startswith(LET_THROUGH) for r in reasons) else earlier
                earlier = earlier.after(contract, before.shape, before.business_on == due[0].business_on)
        yield receipt, earlier


def _state(
    contract: Contract, receipt: Receipt, reference: Receipt | None, earlier: drift.Before
) -> tuple[State, tuple[str, ...]]:
    if receipt.problem is not None:
        return "rejected", (receipt.problem.message,)
    if receipt.same_as is not None:
        return "accepted", (state_reason("repeat", number=receipt.same_as),)
    reasons = list(_hold_reasons(contract, receipt, reference))
    reasons += drift.reasons(contract, receipt.shape, earlier, receipt.rules)
    state: State = "held" if reasons else "accepted"
    if receipt.structural.get("ignored_files"):
        reasons.append(state_reason("ignored_files", count=receipt.structural["ignored_files"]))
    if receipt.waived:
        reasons.append(state_reason("waived", count=receipt.waived))
    if receipt.void_waivers:
        reasons.append(state_reason("void_waivers", count=receipt.void_waivers))
    if reference is not None and reference.sha256 == receipt.sha256:
        reasons.append(state_reason("unchanged", before=reference.business_on))
    return state, tuple(reasons)


def _hold_reasons(contract: Contract, receipt: Receipt, reference: Receipt | None) -> Iterable[str]:
    """What only a person can let pass."""
    delivery = contract.delivery
    if receipt.delivered == 0 and delivery.load == "snapshot":
        yield state_reason("empty")
        return
    if receipt.declared is not None and receipt.declared != receipt.delivered:
        yield state_reason("trailer", declared=receipt.declared, delivered=receipt.delivered)
    if receipt.added_columns:
        yield state_reason("added_columns", names=", ".join(receipt.added_columns))
    spoilt = drift.Share(receipt.quarantined, receipt.delivered, contract.limits.confidence)
    is_many = receipt.quarantined > delivery.quarantine_slack_rows or spoilt.low > delivery.quarantine_pct
    is_nothing_left = delivery.load == "snapshot" and receipt.quarantined > 0 == receipt.accepted
    if is_nothing_left or (spoilt.percent > delivery.quarantine_pct and is_many):
        yield state_reason(
            "spoilt", quarantined=receipt.quarantined, delivered=receipt.delivered, percent=spoilt.percent
        )
    band = delivery.volume
    if band is None or delivery.load != "snapshot" or reference is None or reference.delivered == 0:
        return
    change = receipt.delivered - reference.delivered
    percent = 100 * change / reference.delivered
    if abs(change) > band.slack_rows and not -band.down_pct <= percent <= band.up_pct:
        yield state_reason(
            "volume",
            delivered=receipt.delivered,
            reference=reference.delivered,
            before=reference.business_on,
            percent=percent,
            down=-band.down_pct,
            up=band.up_pct,
        )


def _reference(judged: Sequence[tuple[Receipt, State, tuple[str, ...]]], business_on: date) -> Receipt | None:
    """The last accepted delivery of an earlier date, corrections counted."""
    good = [r for r, state, _ in judged if state == "accepted" and r.same_as is None and r.business_on < business_on]
    return max(good, key=lambda r: (r.business_on, r.number), default=None)


def _in_use(contract: Contract, judged: Sequence[tuple[Receipt, State, tuple[str, ...]]]) -> list[Receipt]:
    good = [r for r, state, _ in judged if state == "accepted" and r.same_as is None]
    if contract.delivery.load == "increment":
        return good
    return good[-1:]
