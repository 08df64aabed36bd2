"""Seconds of identity and survivorship, date by date: `python benchmarks/identity.py DATA_ROOT [--again]`.

The data root must be landed (`benchmarks/feeds.py` does it); the replayed dates are deleted first. Every date goes on
from the one before, so the last line is what a new day costs. With `--again` two things more must hold: the dates,
replayed a second time in a process of their own, come out the same, table by table; and what the last date says of
everybody, reached by looking at differences, is what reading everything of that date at once says (but for since when).
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
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
from pipelines.subjects.day import make_day
from pipelines.subjects.identity_assets import STEPS
from pipelines.subjects.replay import replay
from pipelines.subjects.survivorship import layers
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.people import KEY, MENTION, MENTION_ROW
from pipelines.subjects.survivorship.step import CLAIMS, CONFLICTS, NAMED, PEOPLE, survive

TOLD = (PEOPLE, CONFLICTS)
SINCE = ("_known_on", "_from_on", "_learnt_on")


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


def content(frame: pl.DataFrame) -> tuple[int, int]:
    """Rows and sum of row hashes, whatever the order of rows."""
    return frame.height, int(frame.hash_rows(seed=7).cast(pl.UInt64).sum() or 0)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """The content of every file of a date."""
    return {str(p.relative_to(folder)): content(pl.read_parquet(p)) for p in sorted(folder.rglob("*.parquet"))}


def survived(folder: Path) -> dict[str, tuple[int, int]]:
    """The content of what survivorship says on a date, without the columns that tell since when."""
    names = [str(p.relative_to(folder))[: -len(".parquet")] for p in folder.rglob("*.parquet") if p.stem in TOLD]
    names += [f"{room}/{p.stem}" for room in (CLAIMS, NAMED) for p in (folder / room).glob("*.parquet")]
    tables = {
        name: layers.scan(folder, name).collect() for name in sorted(names) if not name.endswith((".who", ".now"))
    }
    undated = {name: rows.select(c for c in rows.columns if not c.endswith(SINCE)) for name, rows in tables.items()}
    return {name: content(rows) for name, rows in undated.items()}


def read_at_once(settings: Settings, last: Path) -> list[str]:
    """The tables of the last date that differ from those made as if no date had been before it."""
    contracts = load_contracts(settings.contracts)
    key = load_key(settings.key_path, must_exist=True)
    day = make_day(settings, contracts, judged(settings, contracts), [], key, date.fromisoformat(last.name), None)
    with tempfile.TemporaryDirectory(dir=settings.root / "tmp") as place:
        for name in (KEY, MENTION, MENTION_ROW):
            shutil.copy(last / name, place)
        survive(load_rules(settings, contracts), None, day, Path(place))
        whole, followed = survived(Path(place)), survived(last)
    return sorted(name for name in whole.keys() | followed.keys() if whole.get(name) != followed.get(name))


def main() -> int:
    """Prints the table; 1 where a second replay, or reading the last date at once, gives something else."""
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
    print("replayed again: the same" if not differing else f"replayed again, other: {', '.join(differing)}")
    unlike = read_at_once(settings, last)
    print("read at once: the same" if not unlike else f"read at once, other: {', '.join(unlike)}")
    return int(bool(differing or unlike))


if __name__ == "__main__":
    sys.exit(main())
