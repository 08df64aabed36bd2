"""Planted dirt against what became of it: `python benchmarks/quality.py DATA_ROOT --write docs/quality.md`.

DATA_ROOT holds a simulated district whose deliveries are landed (`xfy simulate --earlier 1`, `xfy feeds land`). Rows
are judged by what lies in the lake and the vault; whole deliveries by reading the newest one again with a fault put
into it. Exit 1 where a row's dirt or a delivery's fault was not met as truth and contract say, or where a row is
flagged that truth knows nothing of.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import drift
import polars as pl
from quality_faults import SAID, outcomes

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.land import DUPLICATES, ROWS
from pipelines.feeds.receipts import read_receipts
from pipelines.identifiers import load_key
from pipelines.settings import Settings

PLACE = ["feed", "business_on", "delivery", "file", "line"]
QUARANTINE, DUPLICATE, FLAGGED, READ = "quarantine", "duplicate", "flagged", "read"
WORDS = ("held", "rejected", "stale", SAID)


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


def odd(settings: Settings) -> pl.DataFrame:
    """What the truth calls odd by nature: one row an oddity and row, or file (line null)."""
    truth = pl.read_parquet(settings.vault / "truth" / "odd.parquet")
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


# --- the page ---------------------------------------------------------------------------------------------------------


def tables(settings: Settings) -> tuple[list[str], bool]:
    """The page's lines, and whether everything is as truth and contracts say."""
    contracts = load_contracts(settings.contracts)
    dirt, oddities, found = planted(settings), odd(settings), fates(settings)
    known = pl.concat([dirt.select(PLACE), oddities.select(PLACE)])
    lines, good = _by_feed(settings, contracts, dirt, known, found)
    more, kinds_good = _by_kind(dirt, found)
    nature = _by_nature(dirt, oddities, found)
    batch, batch_good = _by_fault(settings, contracts)
    return [*lines, *more, *nature, *batch], good and kinds_good and batch_good


def _row(*cells: object) -> str:
    return "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + " |"


def _head(title: str, words: str, *cells: str) -> list[str]:
    return ["", f"## {title}", "", words, "", _row(*cells), "|" + "---|" * len(cells)]


def _share(value: float) -> str:
    return f"{value:.4f}" if value < 1 else "1.0"


def _by_feed(
    settings: Settings, contracts: dict[str, Contract], dirt: pl.DataFrame, known: pl.DataFrame, found: pl.DataFrame
) -> tuple[list[str], bool]:
    lines = _head(
        "Feed by feed",
        "Rows of all deliveries. P and R: precision and recall of quarantine, then of duplicates, against what was\n"
        "planted. Flagged rows are accepted with a value emptied or a number not usable, and say so in `_dq`;\n"
        "unexplained are those of which truth knows nothing. Dropped values stood in columns that stay at the door.",
        "feed", "dates", "rows", "accepted", "quarantined", "P", "R", "duplicate", "P", "R", "flagged", "unexplained",
        "dropped",
    )  # fmt: skip
    good = True
    totals = [0] * 7
    for feed in contracts:
        receipts = read_receipts(settings.lake, feed)
        mine, fate = dirt.filter(pl.col("feed") == feed), found.filter(pl.col("feed") == feed)
        held, twice = score(mine, fate, QUARANTINE), score(mine, fate, DUPLICATE)
        flags = fate.filter(pl.col("fate") == FLAGGED)
        flagged, unexplained = flags.height, flags.join(known, on=PLACE, how="anti").height
        sums = [
            sum(getattr(r, name) for r in receipts) for name in ("delivered", "accepted", "quarantined", "duplicate")
        ]
        dropped = sum(sum(r.dropped.values()) for r in receipts)
        shares = [held.precision, held.recall, twice.precision, twice.recall]
        good &= all(share == 1 for share in shares) and sums[0] == sum(sums[1:]) and unexplained == 0
        totals = [a + b for a, b in zip(totals, [*sums, flagged, unexplained, dropped], strict=True)]
        words = [_share(s) for s in shares]
        dates = len({r.business_on for r in receipts})
        lines.append(_row(feed, dates, *sums[:3], *words[:2], sums[3], *words[2:], flagged, unexplained, dropped))
    held, twice = score(dirt, found, QUARANTINE), score(dirt, found, DUPLICATE)
    words = [_share(s) for s in (held.precision, held.recall, twice.precision, twice.recall)]
    lines.append(_row("all", "", *totals[:3], *words[:2], totals[3], *words[2:], *totals[4:]))
    return [*lines, "", _unexplained(known, found)], good


def _unexplained(known: pl.DataFrame, found: pl.DataFrame) -> str:
    """By which rules rows were flagged of which truth knows nothing."""
    rows = found.filter(pl.col("fate") == FLAGGED).join(known, on=PLACE, how="anti").explode("rules")
    counted = rows.group_by("rules").len().sort(["len", "rules"], descending=[True, False])
    told = ", ".join(f"`{rule}` {rows:,}" for rule, rows in counted.iter_rows()) or "none"
    return f"Rules by which rows are flagged that truth knows nothing of, with their rows: {told}."


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


def _by_nature(dirt: pl.DataFrame, oddities: pl.DataFrame, found: pl.DataFrame) -> list[str]:
    lines = _head(
        "Odd by nature",
        "What nobody planted: it comes of the world, or of the system that exports. Of rows in which nothing was\n"
        "planted beside it, what became of them; of what all rows have, or rows that are not there, only the files.",
        "feed", "oddity", "column", "files", "rows", QUARANTINE, DUPLICATE, FLAGGED, READ,
    )  # fmt: skip
    rows = oddities.join(dirt, on=PLACE, how="anti").join(
        found.select(*PLACE, "fate").unique(PLACE, keep="first"), on=PLACE, how="left"
    )
    is_row = pl.col("line").is_not_null()
    counted = rows.group_by("feed", "oddity", "column").agg(
        pl.struct(PLACE[:4]).n_unique().alias("files"),
        is_row.sum().alias("rows"),
        *((pl.col("fate") == fate).sum().alias(fate) for fate in (QUARANTINE, DUPLICATE, FLAGGED)),
        (is_row & pl.col("fate").is_null()).sum().alias(READ),
    )
    for feed, name, column, files, size, *became in counted.sort("feed", "oddity").iter_rows():
        cells = [size, *became] if size else [""] * 5
        lines.append(_row(feed, f"`{name}`", column, files, *cells))
    return lines


def _by_fault(settings: Settings, contracts: dict[str, Contract]) -> tuple[list[str], bool]:
    found = [o for contract in contracts.values() for o in outcomes(settings, contract)]
    lines = _head(
        "What only a whole delivery can show",
        "The newest delivery of each feed, read again with one fault put into it, and judged against the one before.\n"
        "What is asked for is computed from the contract's own numbers: increments may be empty and of any size, and\n"
        "small feeds may change by some rows. Said: accepted, and told in the reasons of its state.",
        "fault", "feeds", *WORDS, "passes, as the contract lets it", "not as the contract says",
    )  # fmt: skip
    for fault in dict.fromkeys(o.fault for o in found):
        mine = [o for o in found if o.fault == fault]
        wrong = [o.feed for o in mine if o.state != o.wanted]
        counts = [sum(o.state == state for o in mine if o.state == o.wanted) for state in WORDS]
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
    moved, held = drift_lines(settings)
    return "\n".join([*top, *lines, *moved]) + "\n", good and held


def drift_lines(settings: Settings) -> tuple[list[str], bool]:
    """Columns that drift (`drift.py`): whether each is held, and no ordinary delivery is."""
    contracts = load_contracts(settings.contracts)
    key = load_key(settings.key_path, must_exist=True)
    judged, held = drift.false_holds(settings, contracts)
    found = [one for contract in contracts.values() for one in drift.tried(settings, contract, key)]
    text = [
        "",
        "## What a column can show",
        "",
        "The newest delivery of each feed, read again with a drift in one column, where 40 rows can show it.",
        f"Of the {judged} deliveries as they came, which are ordinary, {len(held)} are held. Ten months of them:",
        "[measurements](measurements.md#feeds).",
        "",
        *drift.table(found).splitlines(),
    ]
    return text, not held and all(one.held for one in found)


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
