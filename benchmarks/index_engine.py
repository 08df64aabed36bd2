"""Seconds of the index engine: 355 units x 66 indicators, and 51 x 49 beside COINr's published 0.097 s a draw.

    python benchmarks/index_engine.py

Prints the best of several builds, a Monte Carlo of at least 5,000 draws with Sobol' effects, and the ratio of seconds a
draw: seconds on the clock, and seconds of the processor, which another job on the machine does not lengthen. COINr's
figure (51 units, 49 indicators, version 1.1.14) was measured elsewhere; ours is measured here, on the machine that runs
this.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from pipelines.indices.build import build
from pipelines.indices.explain import explanations
from pipelines.indices.load import parse_spec
from pipelines.indices.result import Result
from pipelines.indices.sensitivity import sensitivity

COINR_SECONDS_A_DRAW = 0.097


def make(units: int, sizes: list[int], seed: int = 1) -> tuple[str, pl.DataFrame]:
    """Return a specification of one dimension a size and a table with 2 % of its cells missing."""
    rng = np.random.default_rng(seed)
    nodes = "".join(f"  - {{code: D{number}, parent: ROOT}}\n" for number in range(len(sizes)))
    codes = [(f"i{number}", dimension) for number, dimension in enumerate(np.repeat(range(len(sizes)), sizes))]
    rows = "".join(
        f"  - {{code: {code}, parent: D{dimension}, direction: {'less' if number % 5 == 0 else 'more'}}}\n"
        for number, (code, dimension) in enumerate(codes)
    )
    text = (
        "index: bench\nedition: '1'\nnode_defaults: {availability: 3/5}\n"
        "defaults: {normalise: {method: minmax, range: [1, 100]}}\n"
        "uncertainty:\n  factors:\n"
        "    - {factor: normalise, choices: [declared, {method: zscore, centre: 50, spread: 16, clip: [1, 100]},"
        " {method: percentile_rank, definition: less_one, scale: 99, offset: 1}]}\n"
        "    - {factor: treat, choices: [declared, winsorise]}\n"
        "    - {factor: aggregate, choices: [declared, arithmetic]}\n"
        "    - {factor: weight_noise, spread: 0.25}\n"
        f"nodes:\n  - {{code: ROOT, aggregate: geometric}}\n{nodes}indicators:\n{rows}"
    )
    values = rng.normal(50, 15, (units, len(codes))) + rng.normal(0, 10, (units, 1))
    holes = rng.random(values.shape) < 0.02
    columns = {
        code: [None if hole else float(v) for v, hole in zip(values[:, n], holes[:, n], strict=True)]
        for n, (code, _) in enumerate(codes)
    }
    return text, pl.DataFrame({"unit": [f"u{n:04d}" for n in range(units)], **columns})


Seconds = tuple[float, float]


def timed(function: Callable[[], object]) -> Seconds:
    """Return seconds on the clock and of the processor (all threads)."""
    start, worked = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - worked


def best(function: Callable[[], object], repeats: int) -> Seconds:
    """Return the run with the least seconds on the clock of several."""
    return min(timed(function) for _ in range(repeats))


def shown(seconds: Seconds) -> str:
    """Write both kinds of seconds."""
    return f"{seconds[0]:.3f} s (processor {seconds[1]:.3f} s)"


def frames(result: Result) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write scores and cells out as frames."""
    return result.scores(), result.lineage()


def judge(result: Result, draws: int) -> tuple[Seconds, int]:
    """Return seconds and runs of one Monte Carlo."""
    runs: list[int] = []
    seconds = timed(lambda: runs.append(sensitivity(result, draws=draws).runs))
    return seconds, runs[0]


def main(is_smallest: bool) -> None:
    """Measure and print; the smallest size only shows that it runs."""
    sizes_of = ((12, [3] * 2),) if is_smallest else ((355, [7] * 6 + [6] * 4), (51, [6] * 8 + [1]))
    for units, sizes in sizes_of:
        text, table = make(units, sizes)
        spec = parse_spec(text)
        name = f"{units} x {sum(sizes)}"
        print(f"{name}: build {shown(best(partial(build, spec, table), 7))}")
        result = build(spec, table)
        print(f"{name}: scores and cells as frames {shown(best(partial(frames, result), 5))}")
        print(f"{name}: explanation of every unit {shown(best(partial(explanations, result), 3))}")
        for draws in (16,) if is_smallest else (1024, 4096):
            seconds, runs = judge(result, draws)
            clock, worked = (each / runs for each in seconds)
            ratio, by_processor = (COINR_SECONDS_A_DRAW / each for each in (clock, worked))
            print(
                f"{name}: {runs} draws with effects {shown(seconds)}, {clock * 1e3:.3f} ms a draw, "
                f"{ratio:.0f} x COINr ({by_processor:.0f} x by the processor)"
            )
    print(f"load of the last minute {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main("--smallest" in sys.argv)
