"""Planted dirt against what became of it: `python benchmarks/quality.py DATA_ROOT --write docs/quality.md`.

DATA_ROOT holds a simulated district whose deliveries are landed (`xfy simulate --earlier 1`, `xfy feeds land`). Rows
are judged by what lies in the lake and the vault; whole deliveries by reading the newest one again with a fault put
into it. Exit 1 where a row's dirt or a delivery's fault was not met as truth and contract say.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines.feeds import readers
from pipelines.feeds.check import check
from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.judge import feed_state, judge
from pipelines.feeds.land import DUPLICATES, ROWS
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.raw import Raw
from pipelines.feeds.receipts import Receipt, read_receipts
from pipelines.identifiers import Key
from pipelines.settings import Settings

PLACE = ["feed", "business_on", "delivery", "file", "line"]
QUARANTINE, DUPLICATE, FLAGGED, READ = "quarantine", "duplicate", "flagged", "read"
PROBE = "quality_probe"


# --- rows -------------------------------------------------------------------------------------------------------------


def fates(settings: Settings) -> pl.DataFrame:
    """What became of every delivered row that was not simply read: its place, its fate and the rules it broke."""
    parts = []
    for path in sorted((settings.vault / "quarantine").rglob("*.parquet")):
        rows = pl.read_parquet(path, columns=["file", "line", "rules"])
        parts.append(_placed(rows, path.parts[-3], path.parts[-2], path.stem, QUARANTINE))
    for path in sorted(settings.lake.glob(f"*/*/*/{DUPLICATES}")):
        rows = pl.read_parquet(path, columns=["file", "line"]).with_columns(rules=pl.lit([], pl.List(pl.String)))
        parts.append(_placed(rows, *path.parts[-4:-1], DUPLICATE))
    for path in sorted(settings.lake.glob(f"*/*/*/{ROWS}")):
        rows = pl.scan_parquet(path).filter(pl.col("_dq").list.len() > 0).select("_file", "_line", "_dq").collect()
        rows = rows.rename({"_file": "file", "_line": "line", "_dq": "rules"})
        parts.append(_placed(rows, *path.parts[-4:-1], FLAGGED))
    return pl.concat(parts)


def _placed(rows: pl.DataFrame, feed: str, day: str, number: str, fate: str) -> pl.DataFrame:
    keys = {"feed": feed, "business_on": day, "delivery": number, "fate": fate}
    return rows.with_columns(*(pl.lit(v).alias(k) for k, v in keys.items())).select(
        *PLACE[:3], "file", pl.col("line").cast(pl.Int64), "fate", "rules"
    )


def planted(settings: Settings) -> pl.DataFrame:
    """The truth: one row a planted defect, with what must become of its row."""
    truth = pl.read_parquet(settings.vault / "truth" / "dirt.parquet")
    return truth.with_columns(pl.col("business_on").cast(pl.String), pl.col("line").cast(pl.Int64))


@dataclass(frozen=True)
class Score:
    """One kind of verdict on a feed's rows: how many truth asks for, how many were given, how many are both."""

    asked: int
    given: int
    right: int

    @property
    def recall(self) -> float:
        """Share of what was asked for that was found."""
        return self.right / self.asked if self.asked else 1.0

    @property
    def precision(self) -> float:
        """Share of what was found that was asked for."""
        return self.right / self.given if self.given else 1.0


def score(dirt: pl.DataFrame, found: pl.DataFrame, verdict: str) -> Score:
    """How the rows of a verdict compare with those truth wants it for."""
    asked = dirt.filter(pl.col("expect") == verdict).select(PLACE).unique()
    given = found.filter(pl.col("fate") == verdict).select(PLACE).unique()
    return Score(asked.height, given.height, asked.join(given, on=PLACE, how="semi").height)


# --- whole deliveries -------------------------------------------------------------------------------------------------


def _nothing(contract: Contract, raw: Raw) -> Raw | None:
    raw.frame, raw.scraps = raw.frame.clear(), raw.scraps.clear()
    raw.cut = {name: flags.clear() for name, flags in raw.cut.items()}
    return _truthful(raw)


def _half(contract: Contract, raw: Raw) -> Raw | None:
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
    asked = contract.columns[0].model_copy(update={"name": PROBE, "physical": PROBE, "logic": None, "required": False})
    if contract.delivery.format != "fixed_width" and not any(part.columns for part in contract.delivery.parts):
        more = contract.model_copy(update={"columns": (*contract.columns, asked)})
        for name in ("read_columns", "physicals", "by_name", "outputs"):
            more.__dict__.pop(name, None)
        try:
            readers.read(more, folder, settings.passwords)
            state = "accepted"
        except DeliveryProblem:
            state = "rejected"
        yield Outcome(contract.feed, "a column missing", "rejected", state)
    statuses = judge(contract, receipts, [], date.max)
    days = contract.cadence_days
    late = feed_state(contract, statuses, receipts[-1].business_on + timedelta(days=2 * (days or 1) + 1))
    yield Outcome(contract.feed, "nothing for two cadences", "stale" if days else "accepted", _word(late.is_stale))


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
    holds = [
        is_snapshot and rows == 0,
        faulty.declared is not None and faulty.declared != rows,
        faulty.quarantined > delivery.quarantine_slack_rows
        and 100 * faulty.quarantined > delivery.quarantine_pct * rows,
    ]
    if is_snapshot and delivery.volume is not None and before and before[-1].delivered and rows:
        was, band = before[-1].delivered, delivery.volume
        low, high = was * (1 - band.down_pct / 100), was * (1 + band.up_pct / 100)
        holds.append(abs(rows - was) > band.slack_rows and not low <= rows <= high)
    return "held" if any(holds) else "accepted"


# --- the page ---------------------------------------------------------------------------------------------------------


def tables(settings: Settings) -> tuple[list[str], bool]:
    """The page's lines, and whether everything is as truth and contracts say."""
    contracts = load_contracts(settings.contracts)
    dirt, found = planted(settings), fates(settings)
    lines, good = _by_feed(settings, contracts, dirt, found)
    more, kinds_good = _by_kind(dirt, found)
    batch, batch_good = _by_fault(settings, contracts)
    return [*lines, *more, *batch], good and kinds_good and batch_good


def _row(*cells: object) -> str:
    return "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + " |"


def _head(title: str, words: str, *cells: str) -> list[str]:
    return ["", f"## {title}", "", words, "", _row(*cells), "|" + "---|" * len(cells)]


def _share(value: float) -> str:
    return f"{value:.4f}" if value < 1 else "1.0"


def _by_feed(
    settings: Settings, contracts: dict[str, Contract], dirt: pl.DataFrame, found: pl.DataFrame
) -> tuple[list[str], bool]:
    lines = _head(
        "Feed by feed",
        "Rows of all deliveries. P and R: precision and recall of quarantine, then of duplicates, against what was\n"
        "planted. Flagged rows are accepted with a value emptied or a number not usable, and say so in `_dq`;\n"
        "clean are those of them in which nothing was planted. Dropped values stood in columns that stay at the door.",
        "feed", "dates", "rows", "accepted", "quarantined", "P", "R", "duplicate", "P", "R", "flagged", "clean",
        "dropped",
    )  # fmt: skip
    good = True
    totals = [0] * 7
    for feed in contracts:
        receipts = read_receipts(settings.lake, feed)
        mine, fate = dirt.filter(pl.col("feed") == feed), found.filter(pl.col("feed") == feed)
        held, twice = score(mine, fate, QUARANTINE), score(mine, fate, DUPLICATE)
        flags = fate.filter(pl.col("fate") == FLAGGED)
        flagged, clean = flags.height, flags.join(mine, on=PLACE, how="anti").height
        sums = [
            sum(getattr(r, name) for r in receipts) for name in ("delivered", "accepted", "quarantined", "duplicate")
        ]
        dropped = sum(sum(r.dropped.values()) for r in receipts)
        shares = [held.precision, held.recall, twice.precision, twice.recall]
        good &= all(share == 1 for share in shares) and sums[0] == sum(sums[1:])
        totals = [a + b for a, b in zip(totals, [*sums, flagged, clean, dropped], strict=True)]
        words = [_share(s) for s in shares]
        dates = len({r.business_on for r in receipts})
        lines.append(_row(feed, dates, *sums[:3], *words[:2], sums[3], *words[2:], flagged, clean, dropped))
    held, twice = score(dirt, found, QUARANTINE), score(dirt, found, DUPLICATE)
    words = [_share(s) for s in (held.precision, held.recall, twice.precision, twice.recall)]
    lines.append(_row("all", "", *totals[:3], *words[:2], totals[3], *words[2:], *totals[4:]))
    return [*lines, "", _clean_flags(dirt, found)], good


def _clean_flags(dirt: pl.DataFrame, found: pl.DataFrame) -> str:
    """By which rules rows were flagged though nothing was planted in them."""
    clean = found.filter(pl.col("fate") == FLAGGED).join(dirt, on=PLACE, how="anti").explode("rules")
    counted = clean.group_by("rules").len().sort(["len", "rules"], descending=[True, False])
    told = ", ".join(f"`{rule}` {rows:,}" for rule, rows in counted.iter_rows()) or "none"
    return f"Rules by which clean rows are flagged, with their rows: {told}."


def _by_kind(dirt: pl.DataFrame, found: pl.DataFrame) -> tuple[list[str], bool]:
    lines = _head(
        "Kind by kind",
        "What became of the rows that carry each kind of planted dirt. Of kinds to live with (`accept`), a row is read "
        "where the\nspelling is known, and flagged where the value is emptied.",
        "feed", "dirt", "must be", "planted", QUARANTINE, DUPLICATE, FLAGGED, READ, "as it must",
    )  # fmt: skip
    joined = dirt.join(found.select(*PLACE, "fate").unique(PLACE, keep="first"), on=PLACE, how="left")
    counted = joined.group_by("feed", "dirt", "expect").agg(
        pl.len().alias("planted"),
        *((pl.col("fate") == fate).sum().alias(fate) for fate in (QUARANTINE, DUPLICATE, FLAGGED)),
        pl.col("fate").is_null().sum().alias(READ),
    )
    good = True
    for feed, kind, expect, rows, *became in counted.sort("feed", "expect", "dirt").iter_rows():
        by_fate = dict(zip((QUARANTINE, DUPLICATE, FLAGGED, READ), became, strict=True))
        right = by_fate[expect] if expect in by_fate else by_fate[FLAGGED] + by_fate[READ]
        good &= right == rows
        lines.append(_row(feed, f"`{kind}`", expect, rows, *became, "yes" if right == rows else f"{right} of {rows}"))
    return lines, good


def _by_fault(settings: Settings, contracts: dict[str, Contract]) -> tuple[list[str], bool]:
    found = [o for contract in contracts.values() for o in outcomes(settings, contract)]
    lines = _head(
        "What only a whole delivery can show",
        "The newest delivery of each feed, read again with one fault put into it, and judged against the one before.\n"
        "What is asked for is computed from the contract's own numbers: increments may be empty and of any size, and\n"
        "small feeds may change by some rows.",
        "fault", "feeds", "held", "rejected", "stale", "passes, as the contract lets it", "not as the contract says",
    )  # fmt: skip
    for fault in dict.fromkeys(o.fault for o in found):
        mine = [o for o in found if o.fault == fault]
        wrong = [o.feed for o in mine if o.state != o.wanted]
        counts = [sum(o.state == state for o in mine if o.state == o.wanted) for state in ("held", "rejected", "stale")]
        passes = sorted(o.feed for o in mine if o.state == o.wanted == "accepted")
        lines.append(_row(fault, len(mine), *counts, " ".join(passes) or "none", " ".join(wrong) or "none"))
    return lines, all(o.state == o.wanted for o in found)


def page(settings: Settings, made_with: str) -> tuple[str, bool]:
    """The whole page as Markdown, and whether everything is as it must be."""
    lines, good = tables(settings)
    top = [
        "# Quality",
        "",
        "Made by `benchmarks/quality.py`; change nothing here by hand. To make it again:",
        "",
        "```",
        *made_with.splitlines(),
        "```",
        "",
        "Dirt that a row can show goes to quarantine, or is a recorded duplicate, or is read or flagged; truth says",
        "which, and the simulator planted it.",
    ]
    return "\n".join([*top, *lines]) + "\n", good


COMMAND = """xfy simulate --scale 0.05 --earlier 1 --out ROOT
XFY_DATA=ROOT xfy feeds land
python benchmarks/quality.py ROOT --write docs/quality.md"""


def main() -> int:
    """Prints or writes the page; 0 when everything is as truth and contracts say."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("root", type=Path)
    words.add_argument("--write", type=Path, help="the page's file; printed where not given")
    given = words.parse_args()
    text, good = page(Settings(data=given.root), COMMAND)
    if given.write:
        given.write.write_text(text, encoding="utf-8")
        print("as truth and contracts say" if good else f"something differs: see {given.write}")
    else:
        print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
