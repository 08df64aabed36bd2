"""Drift: does an ordinary month hold, and does each kind of drift? `python benchmarks/drift.py DATA_ROOT`.

DATA_ROOT holds a simulated district whose deliveries are landed (`xfy simulate --scale 0.002 --earlier 10 --days 10`,
`xfy feeds land`). Every delivery of it is ordinary, so each that is held is a false hold. Then the newest delivery of
each feed is read again with a drift put into one column; where it has enough rows to tell, it must be held and the
column named. Exit 1 where something is held that should not be, or not held that should. Writes nothing.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.feeds import drift, readers
from pipelines.feeds.check import check
from pipelines.feeds.contracts import Column, Contract, load_contracts
from pipelines.feeds.judge import Status, judge
from pipelines.feeds.receipts import Receipt, read_receipts
from pipelines.feeds.shape import ColumnShape, Shape, column_of
from pipelines.identifiers import Key, load_key
from pipelines.settings import Settings

# Fewer rows than this are not asked to show a drift.
ENOUGH = 40


def _code(column: Column) -> bool:
    return column.intake.codes is not None and column.logical_type == "string" and column.role == "value"


@dataclass(frozen=True)
class Kind:
    """A drift: the columns it can come to, given what they were, and what it makes of a text."""

    fits: Callable[[Column, ColumnShape], bool]
    put: Callable[[pl.Expr, Column, ColumnShape], pl.Expr]


def _filled(text: pl.Expr, instead: pl.Expr) -> pl.Expr:
    """Another text where there is one."""
    return pl.when(text.str.strip_chars() != "").then(instead).otherwise(text)


def _other_code(column: Column, was: ColumnShape) -> bool:
    """A code that less than half of the rows have, in a column whose codes are far fewer than its rows."""
    rows = sum(was.mix.values())
    return _code(column) and 1 < len(was.mix) < rows / 10 and min(was.mix.values()) < rows / 2


KINDS: dict[str, Kind] = {
    "dates in another form": Kind(
        lambda c, _: c.logical_type in ("date", "timestamp") and c.role == "value",
        lambda text, *_: _filled(text, pl.lit("31-Jan-26")),
    ),
    "numbers masked": Kind(
        lambda c, _: c.role == "identity" and not c.intake.instead_of,
        lambda text, *_: _filled(text, text.str.head(4) + "**********" + text.str.tail(4)),
    ),
    '="…" around every text': Kind(
        # A telephone is read out of such quotes, so for it that is no drift.
        lambda c, _: c.role in ("identity", "name") and not c.intake.instead_of,
        lambda text, *_: _filled(text, '="' + text + '"'),
    ),
    "column emptied": Kind(lambda c, was: was.filled > 0.6 * was.rows, lambda text, *_: pl.lit("")),
    "keys changed": Kind(lambda c, _: c.role == "key", lambda text, *_: _filled(text, "N" + text)),
    "codes of another list": Kind(lambda c, _: _code(c), lambda text, *_: _filled(text, pl.lit("ZZ9"))),
    "one code for all": Kind(
        _other_code,
        lambda text, _, was: _filled(text, pl.lit(min(was.mix, key=lambda code: was.mix[code]))),
    ),
    "all say yes": Kind(
        lambda c, was: c.logical_type == "boolean" and was.mix.get("true", 0) < 0.6 * sum(was.mix.values()),
        lambda text, c, _: _filled(text, pl.lit(c.intake.yes[0])),
    ),
    "numbers ten thousand times larger": Kind(
        lambda c, was: (
            c.logical_type in ("integer", "number") and c.intake.codes is None and sum(was.mix.values()) >= ENOUGH
        ),
        lambda text, *_: _filled(text, (text.cast(pl.Float64, strict=False) * 10_000).cast(pl.Int64).cast(pl.String)),
    ),
}


@dataclass(frozen=True)
class Tried:
    """What a drift did: the feed, its format, the kind, the column, and whether it was held with the column named."""

    feed: str
    format: str
    kind: str
    column: str
    held: bool
    reasons: tuple[str, ...]


def false_holds(settings: Settings, contracts: Mapping[str, Contract]) -> tuple[int, list[Status]]:
    """How many deliveries were judged, and those not accepted."""
    every = [s for feed, c in contracts.items() for s in judge(c, read_receipts(settings.lake, feed), [], date.max)]
    return len(every), [status for status in every if status.state != "accepted"]


def tried(settings: Settings, contract: Contract, key: Key, kinds: Iterable[str] = KINDS) -> Iterator[Tried]:
    """Each kind of drift in the first column it fits of the newest delivery, where enough was there before."""
    receipts = read_receipts(settings.lake, contract.feed)
    if len(receipts) < 2:
        return
    last = receipts[-1]
    before = [r for r in receipts if r.business_on < last.business_on]
    was = _before(contract, before)
    for kind in kinds:
        name = _first_fitting(contract, KINDS[kind], last.shape, was)
        if name is None:
            continue
        column = contract.by_name[column_of(name)]
        state, reasons = _judged(settings, contract, key, KINDS[kind], column, was[name], last, before)
        is_named = any(f"({column.name})" in reason for reason in reasons)
        yield Tried(contract.feed, contract.delivery.format, kind, column.name, state == "held" and is_named, reasons)


def _before(contract: Contract, receipts: list[Receipt]) -> Shape:
    earlier = drift.NOTHING
    for receipt in receipts:
        earlier = earlier.after(contract, receipt.shape, receipt.business_on == receipts[0].business_on)
    return earlier.alike


def _first_fitting(contract: Contract, kind: Kind, now: Shape, was: Shape) -> str | None:
    for name, shape in now.items():
        column, then = contract.by_name[column_of(name)], was.get(name)
        if then is None or min(shape.filled, then.filled) < ENOUGH or (column.required and column.severity == "error"):
            continue
        if kind.fits(column, then):
            return name
    return None


def _judged(
    settings: Settings,
    contract: Contract,
    key: Key,
    kind: Kind,
    column: Column,
    was: ColumnShape,
    last: Receipt,
    before: list[Receipt],
) -> tuple[str, tuple[str, ...]]:
    """State and reasons of the newest delivery with the drift in one column."""
    folder = settings.landing / contract.feed / last.business_on.isoformat() / last.number
    raw = readers.read(contract, folder, settings.passwords)
    text = pl.col(column.physical).cast(pl.String)
    raw.frame = raw.frame.with_columns(kind.put(text, column, was).alias(column.physical))
    checked = check(contract, raw, key, last.business_on, settings.reference)
    drifted = replace(
        last, delivered=checked.delivered, accepted=checked.rows.height, quarantined=checked.quarantine.height,
        duplicate=checked.duplicates.height, rules=checked.rule_counts, shape=checked.shape, sha256="drifted",
    )  # fmt: skip
    status = judge(contract, [*before, drifted], [], last.business_on)[-1]
    return status.state, status.reasons


def table(found: list[Tried]) -> str:
    """Kinds of drift with the feeds and formats they were put into, and how many were held."""
    lines = ["| drift | feeds | formats | held, column named |", "|---|---|---|---|"]
    for kind in KINDS:
        mine = [one for one in found if one.kind == kind]
        lines.append(
            f"| {kind} | {len(mine)} | {len({one.format for one in mine})} | {sum(one.held for one in mine)} |"
        )
    lines.append(f"| all | {len({one.feed for one in found})} | | {sum(o.held for o in found)} of {len(found)} |")
    return "\n".join(lines)


def main() -> int:
    """Prints both; 0 where no ordinary delivery is held and every drift is."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("root", type=Path)
    words.add_argument("--feeds", nargs="*", help="only these")
    given = words.parse_args()
    settings = Settings(data=given.root)
    contracts = {f: c for f, c in load_contracts(settings.contracts).items() if not given.feeds or f in given.feeds}
    key = load_key(settings.key_path, must_exist=True)
    judged, held = false_holds(settings, contracts)
    for status in held:
        print(f"held: {status.feed} {status.business_on}/{status.number}: {'; '.join(status.reasons)}")
    found = [one for contract in contracts.values() for one in tried(settings, contract, key)]
    for one in found:
        if not one.held:
            print(f"not held: {one.feed} {one.kind} ({one.column}): {'; '.join(one.reasons) or 'accepted'}")
    print(f"{judged} ordinary deliveries, {len(held)} held\n\n{table(found)}")
    return 1 if held or not all(one.held for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
