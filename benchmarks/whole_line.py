"""Seconds and peak memory of every noun of one run, children included: `python benchmarks/whole_line.py [DATA_ROOT]`.

Runs `xfy run` on a data root that has deliveries, follows its progress lines, and samples the memory of the process
tree five times a second. Linux only: it reads /proc.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
NOUNS = ("feeds", "subjects", "tags", "indices", "products", "releases")
STEP = re.compile(r"^\S+ (?P<step>[a-z_]+)(?: …| done in (?P<seconds>[\d.]+) s)$")


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in map(int, children.read_text().split()):
                found += tree(child)
        except OSError:
            continue
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process tree without what its members share (proportional set size)."""
    total = 0
    for each in tree(pid):
        try:
            found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:
            continue
        total += int(found[1]) * 1024 if found else 0
    return total


def main(root: str) -> int:
    """Prints the table and returns the run's exit code."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run", "--force"],
        env={**os.environ, "XFY_DATA": root},
        stderr=subprocess.PIPE,
        text=True,
    )
    at = {"noun": "start"}
    peak: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)

    def sample() -> None:
        while process.poll() is None:
            peak[at["noun"]] = max(peak[at["noun"]], resident_bytes(process.pid))
            time.sleep(0.2)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    assert process.stderr is not None
    for line in process.stderr:
        found = STEP.match(line.rstrip())
        if found:
            noun = next((n for n in NOUNS if found["step"].startswith(n)), "start")
            at["noun"] = noun
            seconds[noun] += float(found["seconds"] or 0)
    code = process.wait()
    sampler.join()
    total = time.monotonic() - began
    print(f"{'noun':10} {'seconds':>8} {'peak MB':>8}")
    for noun in NOUNS:
        print(f"{noun:10} {seconds[noun]:8.1f} {peak[noun] / 1e6:8.0f}")
    print(f"{'whole run':10} {total:8.1f} {max(peak.values()) / 1e6:8.0f}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("XFY_DATA", "data")))
