"""Measuring in a fresh process: seconds and peak memory of one call. A child that dies ends its parent.

What is measured is the business of each benchmark.
"""

import multiprocessing
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any


def in_a_process(what: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives in a process of its own; raises what it raises, and SystemExit where the process just died."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(what, *arguments).result()
        except BrokenProcessPool:
            raise SystemExit(f"the process that ran {getattr(what, '__name__', what)} died: memory?") from None


def timed(what: Callable[[], object]) -> tuple[float, float]:
    """Seconds and peak megabytes of a call in a fresh process."""
    return in_a_process(_timed, what)


def _timed(what: Callable[[], object]) -> tuple[float, float]:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start, peak_mb()


def peak_mb() -> float:
    """The most memory this process held. Not `ru_maxrss`, which a child inherits from whoever started it."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
