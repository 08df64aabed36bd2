"""What people do about deliveries and rows: let a held delivery through, let rows in, have a delivery read again.

Each is checked before it is done, says what it would do when tried (`is_trial`), and refuses with what to do instead.
Decisions become files (`decisions`); nothing else is remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.feeds import deliveries, quarantine, readers
from pipelines.feeds.check import Checked, check
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Decision, WaivedRow, Waiver, read_waivers, write_decisions
from pipelines.feeds.deliveries import Delivery
from pipelines.feeds.judge import Status
from pipelines.feeds.land import DUPLICATES, ROWS, lake_place, land_feed
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.receipts import RECEIPT, Receipt, read_receipt
from pipelines.feeds.status import FOR_EVER, judged
from pipelines.feeds.waivers import concerning, marks
from pipelines.identifiers import Key
from pipelines.refusal import Refusal
from pipelines.settings import Settings

_SHOWN = 5
_COUNTS = ("delivered", "accepted", "quarantined", "duplicate", "waived")


class ActRefused(Refusal):
    """What a person asked for cannot be done; the message says why and what to do instead."""


@dataclass(frozen=True)
class Which:
    """One delivery as a person names it."""

    feed: str
    business_on: date
    number: str

    def __str__(self) -> str:
        return f"{self.feed} {self.business_on}/{self.number}"


@dataclass(frozen=True)
class Who:
    """Who decides, why, and from which date on it counts."""

    name: str
    reason: str
    decided_on: date


def release_hold(
    settings: Settings, contract: Contract, which: Which, who: Who, is_trial: bool = False
) -> dict[str, Any]:
    """Let a held delivery through by a file under landing/decisions/, bound to the delivery's content.

    Raises ActRefused where the delivery is not held.
    """
    status = _status(settings, contract, which)
    _decided_after(which, who)
    if status.state == "rejected":
        raise ActRefused(f"{which} is rejected and cannot be let through: {'; '.join(status.reasons)}")
    if status.state != "held":
        told = [reason for reason in status.reasons if reason.startswith("let through")]
        raise ActRefused(f"{which} is not held: it is {', '.join([status.state, *told])}")
    decision = Decision(
        decision="accept",
        feed=which.feed,
        date=which.business_on,
        delivery=which.number,
        name=who.name,
        reason=who.reason,
        decided_on=who.decided_on,
        sha256=status.sha256,
    )
    path = None if is_trial else write_decisions(settings.landing, [decision])
    return _answer(which, is_trial, path, decided_on=who.decided_on, held_because=list(status.reasons))


def waive(
    settings: Settings,
    contract: Contract,
    key: Key,
    which: Which,
    who: Who,
    *,
    file: str | None = None,
    lines: Sequence[int] = (),
    rule: str | None = None,
    is_trial: bool = False,
) -> dict[str, Any]:
    """Let rows held back in as they are: those on `lines` (of `file`), or all that break `rule` and no other.

    The delivery is read once more to make sure that the decision does what it says. Raises ActRefused where a row is
    not held back, or can never be a row.
    """
    _status(settings, contract, which)
    _decided_after(which, who)
    held = quarantine.read(settings, which.feed, which.business_on, which.number)
    chosen = _chosen(which, held, file, lines, rule)
    scraps = chosen.filter(pl.col("rules").list.eval(pl.element().str.starts_with(f"{which.feed}.row.")).list.any())
    if scraps.height:
        told = _places(scraps)
        raise ActRefused(
            f"{told}: no row can be made of this; it can only be corrected at the source and delivered again"
        )
    decisions = _waivers(which, who, chosen, marks(key, chosen["raw"]))
    _try(settings, contract, key, which, [*read_waivers(settings.landing), *decisions], chosen)
    path = None if is_trial else write_decisions(settings.landing, decisions)
    rules = sorted({code for codes in chosen["rules"] for code in codes})
    return _answer(which, is_trial, path, decided_on=who.decided_on, rows=chosen.height, rules=rules)


def replay(
    settings: Settings, contract: Contract, key: Key, which: Which, as_of: date, is_trial: bool = False
) -> dict[str, Any]:
    """Read a landed delivery again under the present contract, code tables and decisions.

    Says the counts before and after, and what became of every row that was held back. Call it under the run's lock.
    """
    _status(settings, contract, which)
    delivery = _delivery(settings, contract, which)
    before = read_receipt(lake_place(settings, delivery) / RECEIPT)
    held = quarantine.read(settings, which.feed, which.business_on, which.number)
    if is_trial:
        counts, reasons, rows = _tried(settings, contract, key, delivery, as_of, held)
    else:
        land_feed(settings, contract, key, as_of, afresh=delivery)
        place = lake_place(settings, delivery)
        after = read_receipt(place / RECEIPT)
        counts, reasons = _counts(after), [after.problem.message] if after.problem else []
        still = quarantine.read(settings, which.feed, which.business_on, which.number)
        accepted = pl.read_parquet(place / ROWS, columns=["_file", "_line"])
        frames = (still, pl.read_parquet(place / DUPLICATES), accepted)
        rows = quarantine.fates(held, *(frames if after.problem is None else ()))
    became = quarantine.count_fates(rows)
    return _answer(which, is_trial, None, before=_counts(before), after=counts, became=became, reasons=reasons)


def _tried(
    settings: Settings, contract: Contract, key: Key, delivery: Delivery, as_of: date, held: pl.DataFrame
) -> tuple[dict[str, int], list[str], pl.DataFrame]:
    waivers = concerning(read_waivers(settings.landing), delivery.feed, delivery.business_on, delivery.number, as_of)
    try:
        checked = _checked(settings, contract, key, delivery, waivers)
    except DeliveryProblem as problem:
        told = problem.describe(delivery.feed, delivery.business_on.isoformat(), delivery.number)
        return dict.fromkeys(_COUNTS, 0), [told], quarantine.fates(held)
    counts = (
        checked.delivered,
        checked.rows.height,
        checked.quarantine.height,
        checked.duplicates.height,
        checked.waived,
    )
    rows = quarantine.fates(held, checked.quarantine, checked.duplicates, checked.rows)
    return dict(zip(_COUNTS, counts, strict=True)), [], rows


def _status(settings: Settings, contract: Contract, which: Which) -> Status:
    """The delivery's state, or a refusal that says what there is."""
    statuses = judged(settings, {contract.feed: contract})
    for status in statuses:
        if (status.business_on, status.number) == (which.business_on, which.number):
            return status
    found, _ = deliveries.find(settings.landing, [contract.feed])
    if any((d.business_on, d.number) == (which.business_on, which.number) for d in found):
        raise ActRefused(f"{which} has not been read yet: run `xfy feeds land` first")
    known = [f"{s.business_on}/{s.number}" for s in statuses][-_SHOWN:]
    raise ActRefused(f"there is no delivery {which}; the latest are: {', '.join(known) or 'none'}")


def _delivery(settings: Settings, contract: Contract, which: Which) -> Delivery:
    found, _ = deliveries.find(settings.landing, [contract.feed])
    for delivery in found:
        if (delivery.business_on, delivery.number) == (which.business_on, which.number):
            return delivery
    raise ActRefused(f"{which} is no longer in landing/: restore its folder, nothing can be read without it")


def _decided_after(which: Which, who: Who) -> None:
    if who.decided_on < which.business_on:
        raise ActRefused(f"{which} cannot be decided upon on {who.decided_on}, before its date")


def _chosen(which: Which, held: pl.DataFrame, file: str | None, lines: Sequence[int], rule: str | None) -> pl.DataFrame:
    if held.is_empty():
        raise ActRefused(f"{which} has no rows held back")
    if not lines and rule is None:
        raise ActRefused("say which rows: by --line, by --rule, or by both")
    if file is not None:
        held = held.filter(pl.col("file") == file)
    if lines:
        missing = sorted(set(lines) - set(held["line"]))
        if missing:
            raise ActRefused(f"{which} holds back no row on line {', '.join(map(str, missing[:_SHOWN]))}")
        held = held.filter(pl.col("line").is_in(list(lines)))
        twice = held.filter(pl.col("line").is_duplicated())
        if twice.height:
            raise ActRefused(f"line {twice['line'][0]} is in several files; give one of {_files(twice)} as --file")
    if rule is not None:
        alone = held.filter((pl.col("rules").list.len() == 1) & (pl.col("rules").list.first() == rule))
        if alone.is_empty() or (lines and alone.height < held.height):
            broken = sorted({code for codes in held["rules"] for code in codes})
            raise ActRefused(f"not all of these rows break {rule} and no other rule; broken are: {', '.join(broken)}")
        held = alone
    return held


def _waivers(which: Which, who: Who, chosen: pl.DataFrame, row_marks: pl.Series) -> list[Waiver]:
    """One decision a set of broken rules, so that no row is let in for a rule it does not break today."""
    marked = chosen.with_columns(row_marks.alias("mark"), pl.col("rules").list.unique().list.sort())
    return [
        Waiver(
            decision="waive",
            feed=which.feed,
            date=which.business_on,
            delivery=which.number,
            rules=tuple(codes),
            rows=tuple(
                WaivedRow(file=f, line=n, mark=m) for f, n, m in rows.select("file", "line", "mark").iter_rows()
            ),
            name=who.name,
            reason=who.reason,
            decided_on=who.decided_on,
        )
        for (codes,), rows in marked.group_by("rules", maintain_order=True)
    ]


def _try(
    settings: Settings, contract: Contract, key: Key, which: Which, waivers: list[Waiver], chosen: pl.DataFrame
) -> None:
    """Refuse where the rows would be held back all the same."""
    delivery = _delivery(settings, contract, which)
    try:
        decided = concerning(waivers, which.feed, which.business_on, which.number, FOR_EVER)
        checked = _checked(settings, contract, key, delivery, decided)
    except DeliveryProblem as problem:
        raise ActRefused(problem.describe(which.feed, which.business_on.isoformat(), which.number)) from None
    after = quarantine.fates(chosen, checked.quarantine, checked.duplicates, checked.rows)
    still = after.filter(pl.col("became").is_in(["held", "gone"]))
    if still.is_empty():
        return
    now = checked.quarantine.select("file", "line", pl.col("rules").list.sort().alias("now"))
    compared = still.join(now, on=["file", "line"], how="left")
    if compared.filter(pl.col("rules").list.sort().ne_missing(pl.col("now"))).height:
        raise ActRefused(
            f"{_places(still)}: under the present contract these rows break other rules; "
            f"run `xfy feeds quarantine replay {which.feed} {which.business_on} {which.number}` first"
        )
    keys = ", ".join(f"{contract.by_name[k].label} ({contract.by_name[k].physical})" for k in contract.key)
    raise ActRefused(
        f"{_places(still)}: without a usable key no row can be made of this ({keys}); "
        "it can only be corrected at the source and delivered again"
    )


def _checked(
    settings: Settings, contract: Contract, key: Key, delivery: Delivery, waivers: Sequence[Waiver]
) -> Checked:
    raw = readers.read(contract, delivery.folder, settings.passwords)
    return check(contract, raw, key, delivery.business_on, settings.reference, waivers)


def _counts(receipt: Receipt) -> dict[str, int]:
    return {name: getattr(receipt, name) for name in _COUNTS}


def _places(rows: pl.DataFrame) -> str:
    places = [f"{file} line {line}" for file, line in rows.select("file", "line").head(_SHOWN).iter_rows()]
    return ", ".join(places) + (f" and {rows.height - _SHOWN} more" if rows.height > _SHOWN else "")


def _files(rows: pl.DataFrame) -> str:
    return ", ".join(sorted(set(rows["file"])))


def _answer(which: Which, is_trial: bool, path: object, **more: Any) -> dict[str, Any]:
    place = {"feed": which.feed, "date": which.business_on.isoformat(), "delivery": which.number}
    return {**place, **more, "file": None if path is None else str(path), "done": not is_trial}
