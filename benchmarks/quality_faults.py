"""Faults that only a whole delivery can show: put into the newest delivery of a feed, and judged as the run would.

Belongs to `quality.py`; nothing is written anywhere. What is asked for is computed from the contract's own numbers.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines.feeds import readers
from pipelines.feeds.check import check
from pipelines.feeds.contracts import Column, Contract
from pipelines.feeds.drift import Share
from pipelines.feeds.judge import feed_state, judge
from pipelines.feeds.messages import DeliveryProblem, state_reason
from pipelines.feeds.readers.raw import Raw
from pipelines.feeds.receipts import Receipt, read_receipts
from pipelines.identifiers import Key
from pipelines.settings import Settings

PROBE = "quality_probe"
SAID = "said"  # accepted, and a reason says what is odd


def _nothing(contract: Contract, raw: Raw) -> Raw | None:
    raw.frame, raw.scraps = raw.frame.clear(), raw.scraps.clear()
    raw.cut = {name: flags.clear() for name, flags in raw.cut.items()}
    return _truthful(raw)


def _half(contract: Contract, raw: Raw) -> Raw:
    return _truthful(_kept(raw, pl.int_range(raw.frame.height, eager=True) % 2 == 0))


def _twice(contract: Contract, raw: Raw) -> Raw | None:
    raw.frame = pl.concat([raw.frame, raw.frame])
    raw.cut = {name: pl.concat([flags, flags]) for name, flags in raw.cut.items()}
    return _truthful(raw)


def _spoilt(contract: Contract, raw: Raw) -> Raw | None:
    """Empties a required column in two rows of three."""
    column = next((c for c in contract.read_columns if c.required), None)
    if column is None:
        return None
    empty = pl.int_range(pl.len()) % 3 < 2
    raw.frame = raw.frame.with_columns(pl.when(~empty).then(pl.col(column.physical)).alias(column.physical))
    return raw


def _trailer(contract: Contract, raw: Raw) -> Raw | None:
    if contract.delivery.trailer is None:
        return None
    raw.declared = raw.delivered + 1
    return raw


def _kept(raw: Raw, keep: pl.Series) -> Raw:
    raw.cut = {name: flags.filter(keep) for name, flags in raw.cut.items()}
    raw.frame = raw.frame.filter(keep)
    return raw


def _truthful(raw: Raw) -> Raw:
    raw.declared = None if raw.declared is None else raw.delivered
    return raw


FAULTS: dict[str, Callable[[Contract, Raw], Raw | None]] = {
    "no rows": _nothing,
    "every second row gone": _half,
    "every row twice": _twice,
    "two rows in three broken": _spoilt,
    "trailer states one row more": _trailer,
}


@dataclass(frozen=True)
class Outcome:
    """What a fault did to a feed: what the contract asks for, and what came."""

    feed: str
    fault: str
    wanted: str
    state: str


def outcomes(settings: Settings, contract: Contract) -> Iterator[Outcome]:
    """Every fault on the newest accepted delivery of a feed that has one before it."""
    receipts = read_receipts(settings.lake, contract.feed)
    last = receipts[-1]
    before = [r for r in receipts if r.business_on < last.business_on]
    folder = settings.landing / contract.feed / last.business_on.isoformat() / last.number
    for fault, put in FAULTS.items():
        raw = put(contract, readers.read(contract, folder, settings.passwords))
        if raw is None:
            continue
        faulty = _received(settings, contract, raw, last)
        state = judge(contract, [*before, faulty], [], last.business_on)[-1].state
        yield Outcome(contract.feed, fault, _wanted(contract, faulty, before), state)
    yield from _said_again(settings, contract, folder, before, last)
    if contract.delivery.format != "fixed_width":
        asked = contract.columns[0].model_copy(
            update={"name": PROBE, "physical": PROBE, "logic": None, "required": False}
        )
        try:
            readers.read(_with_columns(contract, (*contract.columns, asked), asked), folder, settings.passwords)
            state = "accepted"
        except DeliveryProblem:
            state = "rejected"
        yield Outcome(contract.feed, "a column missing", "rejected", state)
        added = readers.read(_without_one(contract), folder, settings.passwords).added
        more = replace(last, added_columns=added, sha256="faulty", same_as=None)
        state = judge(contract, [*before, more], [], last.business_on)[-1].state
        yield Outcome(contract.feed, "a column more", "held", state)
    statuses = judge(contract, receipts, [], date.max)
    days = contract.cadence_days
    late = feed_state(contract, statuses, receipts[-1].business_on + timedelta(days=2 * (days or 1) + 1))
    yield Outcome(contract.feed, "nothing for two cadences", "stale" if days else "accepted", _word(late.is_stale))


def _said_again(
    settings: Settings, contract: Contract, folder: Path, before: list[Receipt], last: Receipt
) -> Iterator[Outcome]:
    """The same content as on the date before, and the newest date delivered once more with half its rows."""
    if before:
        same = judge(contract, [*before, replace(last, sha256=before[-1].sha256, same_as=None)], [], last.business_on)
        told = state_reason("unchanged", before=before[-1].business_on) in same[-1].reasons
        yield Outcome(contract.feed, "nothing new since the last", SAID, SAID if told else same[-1].state)
    raw = _half(contract, readers.read(contract, folder, settings.passwords))
    fewer = replace(_received(settings, contract, raw, last), number=f"{int(last.number) + 1:03d}")
    first, again = judge(contract, [*before, last, fewer], [], last.business_on)[-2:]
    state = again.state if again.state == "accepted" or first.is_in_use else "held, and nothing in use"
    yield Outcome(contract.feed, "once more with half its rows", _wanted(contract, fewer, before), state)


def _with_columns(contract: Contract, columns: tuple[Column, ...], asked: Column | None) -> Contract:
    """The contract with other columns; `asked` is one that every part must have."""
    parts = tuple(
        part.model_copy(update={"columns": (*part.columns, asked.physical)}) if asked and part.columns else part
        for part in contract.delivery.parts
    )
    delivery = contract.delivery.model_copy(update={"parts": parts})
    other = contract.model_copy(update={"columns": columns, "delivery": delivery})
    for name in ("read_columns", "physicals", "by_name", "outputs"):
        other.__dict__.pop(name, None)
    return other


def _without_one(contract: Contract) -> Contract:
    """The contract as if a column of its first files had never been agreed on: the last that stands by itself."""
    first = next((part.columns for part in contract.delivery.parts), ()) or contract.physicals
    roots = [re.split(r"[.\[]", name)[0] for name in contract.physicals]
    alone = [
        name for name, root in zip(contract.physicals, roots, strict=True) if name in first and roots.count(root) == 1
    ]
    return _with_columns(contract, tuple(c for c in contract.columns if c.physical != alone[-1]), None)


def _word(is_stale: bool) -> str:
    return "stale" if is_stale else "accepted"


def _received(settings: Settings, contract: Contract, raw: Raw, last: Receipt) -> Receipt:
    declared = raw.declared
    checked = check(contract, raw, Key(bytes(32)), last.business_on, settings.reference)
    return replace(
        last, delivered=checked.delivered, accepted=checked.rows.height, quarantined=checked.quarantine.height,
        duplicate=checked.duplicates.height, declared=declared, sha256="faulty", same_as=None,
    )  # fmt: skip


def _wanted(contract: Contract, faulty: Receipt, before: list[Receipt]) -> str:
    """What the contract asks for, from its own numbers."""
    delivery, rows = contract.delivery, faulty.delivered
    is_snapshot = delivery.load == "snapshot"
    spoilt = Share(faulty.quarantined, rows, contract.limits.confidence)
    holds = [
        is_snapshot and rows == 0,
        faulty.declared is not None and faulty.declared != rows,
        is_snapshot and faulty.quarantined > 0 == faulty.accepted,
        100 * faulty.quarantined > delivery.quarantine_pct * rows
        and (faulty.quarantined > delivery.quarantine_slack_rows or spoilt.low > delivery.quarantine_pct),
    ]
    if is_snapshot and delivery.volume is not None and before and before[-1].delivered and rows:
        was, band = before[-1].delivered, delivery.volume
        low, high = was * (1 - band.down_pct / 100), was * (1 + band.up_pct / 100)
        holds.append(abs(rows - was) > band.slack_rows and not low <= rows <= high)
    return "held" if any(holds) else "accepted"
