"""Seconds of identity and survivorship, date by date: `python benchmarks/identity.py DATA_ROOT [--again]`.

The data root must be landed (`benchmarks/feeds.py` does it); the replayed dates are deleted first. Every date goes on
from the one before, so the last line is what a new day costs. With `--again` the dates are replayed a second time in a
process of their own and must come out the same, table by table.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import polars as pl
from whole_line import resident_bytes

from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.status import judged
from pipelines.identifiers import load_key
from pipelines.settings import Settings
from pipelines.subjects.identity_assets import STEPS
from pipelines.subjects.replay import replay


def processor_seconds() -> float:
    """Seconds this process has computed, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def replay_all(settings: Settings) -> None:
    """Replays every date anew and prints a line for each."""
    contracts = load_contracts(settings.contracts)
    key = load_key(settings.key_path, must_exist=True)
    statuses = judged(settings, contracts)
    shutil.rmtree(settings.identity, ignore_errors=True)
    (settings.root / "tmp").mkdir(exist_ok=True)
    peak = [0]

    def sample() -> None:
        while True:
            peak[0] = max(peak[0], resident_bytes(os.getpid()))
            time.sleep(0.5)

    threading.Thread(target=sample, daemon=True).start()
    print(f"{'date':10} {'seconds':>8} {'processor':>9} {'peak MB':>8}")
    for as_of in sorted({s.business_on for s in statuses}):
        began, used, peak[0] = time.monotonic(), processor_seconds(), 0
        replay(settings, contracts, statuses, key, as_of, STEPS)
        seconds, computed = time.monotonic() - began, processor_seconds() - used
        print(f"{as_of} {seconds:8.1f} {computed:9.1f} {peak[0] / 1e6:8.0f}", flush=True)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Rows and sum of row hashes of every table of a date, whatever the order of rows."""
    return {
        path.name: (frame.height, int(frame.hash_rows(seed=7).cast(pl.UInt64).sum() or 0))
        for path in sorted(folder.glob("*.parquet"))
        for frame in [pl.read_parquet(path)]
    }


def main() -> int:
    """Prints the table; 1 where a second replay differs from the first."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("root", type=Path)
    words.add_argument("--again", action="store_true")
    said = words.parse_args()
    settings = Settings(data=said.root)
    replay_all(settings)
    if not said.again:
        return 0
    last = max(p for p in settings.identity.iterdir() if date.fromisoformat(p.name))
    first = contents(last)
    subprocess.run([sys.executable, __file__, str(said.root)], check=True)
    differing = [name for name, content in contents(last).items() if first.get(name) != content]
    print("the same again" if not differing else f"differs: {', '.join(differing)}")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
