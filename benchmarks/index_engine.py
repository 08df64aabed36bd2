"""Seconds of the index engine: 355 units x 66 indicators, and 51 x 49 beside COINr's published 0.097 s a draw.

    python benchmarks/index_engine.py

Prints the best of several builds, a Monte Carlo of at least 5,000 draws with Sobol' effects, sampling error, and the
ratio of seconds a draw. COINr's figure (51 units, 49 indicators, version 1.1.14) was measured elsewhere; ours is
measured here, on the machine that runs this.
"""

import time
from collections.abc import Callable

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


def best(function: Callable[[], object], repeats: int) -> float:
    """Return the least seconds of several runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def judge(result: Result, draws: int) -> tuple[float, int]:
    """Return seconds and runs of one Monte Carlo."""
    start = time.perf_counter()
    runs = sensitivity(result, draws=draws).runs
    return time.perf_counter() - start, runs


def main() -> None:
    """Measure and print."""
    for units, sizes in ((355, [7] * 6 + [6] * 4), (51, [6] * 8 + [1])):
        text, table = make(units, sizes)
        spec = parse_spec(text)
        name = f"{units} x {sum(sizes)}"
        print(f"{name}: build {best(lambda s=spec, t=table: build(s, t), 7):.3f} s")
        result = build(spec, table)
        print(f"{name}: scores and cells as frames {best(lambda r=result: (r.scores(), r.lineage()), 5):.3f} s")
        print(f"{name}: explanation of every unit {best(lambda r=result: explanations(r), 3):.3f} s")
        for draws in (1024, 4096):
            seconds, runs = judge(result, draws)
            ratio = COINR_SECONDS_A_DRAW / (seconds / runs)
            each = seconds / runs * 1e3
            print(f"{name}: {runs} draws with effects {seconds:.2f} s, {each:.3f} ms a draw, {ratio:.0f} x")


if __name__ == "__main__":
    main()
