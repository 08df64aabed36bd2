"""Lands everything in a data root's landing/ and tells where seconds and memory went, feed by feed.

    python benchmarks/feeds.py [data root] [--as-of DATE] [--one-by-one] [--json]

The lake of the data root must be empty: what is landed already costs nothing and tells nothing. As it is, feeds are
landed as a run lands them, by processes side by side; seconds and processor seconds are then of the whole. With
`--one-by-one` each feed gets a process of its own, one after another, with its seconds, processor seconds and peak
memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from datetime import date

from whole_line import resident_bytes

from pipelines import keys
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.deliveries import find
from pipelines.feeds.intake import land_all
from pipelines.feeds.land import land_feed
from pipelines.feeds.receipts import read_receipts
from pipelines.settings import Settings

_EVERYBODY = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def processor_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in _EVERYBODY]
    return sum(each.ru_utime + each.ru_stime for each in used)


def land_one(feed: str, as_of: date) -> None:
    """Land one feed in this process and print what it took, as JSON."""
    settings = Settings()
    contract = load_contracts(settings.contracts)[feed]
    key = keys.opened(settings, keys.PSEUDONYM)
    began, spent = time.monotonic(), processor_seconds()
    receipts = land_feed(settings, contract, key, as_of)
    row = {
        "feed": feed,
        "format": contract.delivery.format,
        "deliveries": len(receipts),
        "delivered": sum(r.delivered for r in receipts),
        "seconds": round(time.monotonic() - began, 2),
        "processor_seconds": round(processor_seconds() - spent, 2),
        "peak_mb": max(resource.getrusage(who).ru_maxrss for who in _EVERYBODY) // 1024,
    }
    sys.stdout.write(json.dumps(row) + "\n")


def one_by_one(feeds: list[str], as_of: date) -> list[dict[str, object]]:
    """What each feed took in a process of its own."""
    rows = []
    for feed in feeds:
        command = [sys.executable, __file__, "--as-of", as_of.isoformat(), "--feed", feed]
        done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def whole(settings: Settings, as_of: date) -> dict[str, object]:
    """What landing everything takes as a run does it, with the peak memory of the process and its children."""
    contracts = load_contracts(settings.contracts)
    peak, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(0.2):
            peak[0] = max(peak[0], resident_bytes(os.getpid()))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    began, spent = time.monotonic(), processor_seconds()
    land_all(settings, contracts, as_of)
    seconds, processor = time.monotonic() - began, processor_seconds() - spent
    over.set()
    sampler.join()
    receipts = [r for feed in contracts for r in read_receipts(settings.lake, feed)]
    return {
        "feeds": len({r.feed for r in receipts}),
        "deliveries": len(receipts),
        "delivered": sum(r.delivered for r in receipts),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "peak_mb": peak[0] // 2**20,
        "load_average": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    """Prints the table; exit 2 where the lake is not empty."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default=os.environ.get("XFY_DATA", "data"))
    parser.add_argument("--as-of", type=date.fromisoformat)
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--feed")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    os.environ["XFY_DATA"] = asked.root if asked.feed is None else os.environ["XFY_DATA"]
    settings = Settings()
    if asked.feed:
        land_one(asked.feed, asked.as_of)
        return 0
    if any(settings.lake.glob("*/*/*/receipt.json")):
        print(f"{settings.lake} is not empty: give a fresh data root", file=sys.stderr)
        return 2
    found, _ = find(settings.landing, load_contracts(settings.contracts))
    as_of = asked.as_of or max(d.business_on for d in found)
    rows = one_by_one(sorted({d.feed for d in found}), as_of) if asked.one_by_one else [whole(settings, as_of)]
    if asked.json:
        print(json.dumps(rows, indent=1))
        return 0
    names = list(rows[0])
    print("  ".join(f"{name:>17}" for name in names))
    for row in rows:
        print("  ".join(f"{row[name]!s:>17}" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
