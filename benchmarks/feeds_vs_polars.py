"""Times the landing of the five largest feeds against hand-written Polars that does the same work on the same files.

    python benchmarks/feeds_vs_polars.py ROOT [--as-of 2026-10-30] [--rounds 3] [--feeds B01,F13] [--json]

ROOT is a data root with a landing/ and a key. Both sides read, check, pseudonymise and write to a folder of their own,
each in a fresh process with the libraries loaded before the clock starts, taking turns in being first. Counts of rows
and the content of every column of the lake are compared; a difference ends the program with 1. The ratio is of the
medians: seconds on the wall, and processor seconds, which a loaded machine disturbs less.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import feeds_by_hand
import polars as pl
from feeds_by_hand_parts import Job
from processes import in_a_process, peak_mb

from pipelines.feeds import deliveries
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.land import ROWS, lake_place, land_feed
from pipelines.identifiers import load_key
from pipelines.settings import Settings

# Left out of the comparison: columns whose text says how a rule is called, which is each side's own affair.
NOT_COMPARED = frozenset({"_dq"})


def measured(side: str, root: str, feed: str, day: str, out: str) -> dict[str, Any]:
    """One side's turn, in a process of its own."""
    settings = Settings(data=Path(out))
    contract = load_contracts(settings.contracts)[feed]
    as_of = date.fromisoformat(day)
    key = load_key(Path(root) / "vault" / "key", must_exist=True)
    (delivery,) = [d for d in deliveries.find(settings.landing, [feed])[0] if d.business_on == as_of]
    # What every run of the house has loaded already, and every script too.
    pl.DataFrame({"a": ["x"]}).lazy().select(pl.col("a").str.to_uppercase()).collect()
    began, spent = time.monotonic(), _processor()
    if side == "ours":
        (receipt,) = land_feed(settings, contract, key, as_of)
        counts = {name: getattr(receipt, name) for name in ("accepted", "quarantined", "duplicate")}
    else:
        job = Job(contract, delivery.folder, as_of, settings.reference, Path(out) / "hand", key)
        counts = feeds_by_hand.land(job)
    seconds, processor = time.monotonic() - began, _processor() - spent
    return {"seconds": seconds, "processor": processor, "peak_mb": round(peak_mb()), "counts": counts}


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def turn(side: str, root: Path, feed: str, as_of: date, out: Path) -> dict[str, Any]:
    """Run one side in a fresh process on a fresh folder and return what it said."""
    shutil.rmtree(out, ignore_errors=True)
    source, target = root / "landing" / feed / as_of.isoformat(), out / "landing" / feed / as_of.isoformat()
    shutil.copytree(source, target, copy_function=os.link)
    return in_a_process(measured, side, str(root), feed, as_of.isoformat(), str(out))


def differences(feed: str, as_of: date, house: Path, hand: Path, counts: list[dict[str, int]]) -> list[str]:
    """Where the two sides' rows are not the same: counts, then every column both have."""
    found = [f"{feed}: {counts[0]} against {counts[1]}"] if counts[0] != counts[1] else []
    settings = Settings(data=house)
    (delivery,) = deliveries.find(settings.landing, [feed])[0]
    mine, theirs = (
        pl.read_parquet(lake_place(settings, delivery) / ROWS),
        pl.read_parquet(hand / "hand" / "rows.parquet"),
    )
    if mine.height != theirs.height:
        return found
    mine, theirs = mine.sort("_file", "_line"), theirs.sort("_file", "_line")
    for name in sorted({*mine.columns} & {*theirs.columns} - NOT_COMPARED):
        unequal = int((mine[name].ne_missing(theirs[name])).sum()) if mine[name].dtype == theirs[name].dtype else -1
        if unequal:
            found.append(f"{feed}.{name}: {unequal} rows differ")
    missing = {*mine.columns} - {*theirs.columns} - NOT_COMPARED
    return found + ([f"{feed}: the script does not write {', '.join(sorted(missing))}"] if missing else [])


def main() -> int:
    """Prints the table; exit 1 where the sides do not agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 10, 30))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--feeds", default=",".join(feeds_by_hand.FEEDS))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows, wrong = [], []
    scratch = Path(tempfile.mkdtemp(prefix="feeds-", dir=asked.root))
    try:
        for feed in asked.feeds.split(","):
            runs: dict[str, list[dict[str, Any]]] = {"ours": [], "hand": []}
            for number in range(asked.rounds):
                for side in ("ours", "hand") if number % 2 == 0 else ("hand", "ours"):
                    runs[side].append(turn(side, asked.root.resolve(), feed, asked.as_of, scratch / side))
            counts = [runs[side][-1]["counts"] for side in runs]
            wrong += differences(feed, asked.as_of, scratch / "ours", scratch / "hand", counts)
            row: dict[str, Any] = {"feed": feed, "accepted": counts[0]["accepted"]}
            for what in ("seconds", "processor"):
                middle = {side: statistics.median(run[what] for run in runs[side]) for side in runs}
                row |= {f"{side}_{what}": round(middle[side], 2) for side in runs}
                row[f"ratio_{what}"] = round(middle["ours"] / middle["hand"], 2)
            row |= {f"{side}_peak_mb": max(run["peak_mb"] for run in runs[side]) for side in runs}
            rows.append(row)
            print(json.dumps(row), file=sys.stderr)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    total: dict[str, Any] = {"feed": "all", "accepted": sum(row["accepted"] for row in rows)}
    for what in ("seconds", "processor"):
        sums = {side: sum(row[f"{side}_{what}"] for row in rows) for side in ("ours", "hand")}
        total |= {f"{side}_{what}": round(sums[side], 2) for side in sums}
        total[f"ratio_{what}"] = round(sums["ours"] / sums["hand"], 2)
    rows.append(total)
    if asked.json:
        print(json.dumps({"rows": rows, "differences": wrong, "load_average": os.getloadavg()[0]}, indent=1))
    else:
        names = list(rows[0])
        print("  ".join(f"{name:>15}" for name in names))
        for row in rows:
            print("  ".join(f"{row.get(name, '')!s:>15}" for name in names))
        print("\n".join(wrong) or "both sides wrote the same rows")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
