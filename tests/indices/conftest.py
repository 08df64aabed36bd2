"""Shared by the tests of indices: the case folder and short ways to write specifications and tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipelines.indices.load import parse_spec
from pipelines.indices.spec import IndexSpec

CASES = Path(__file__).parent / "cases"
SPECS = Path(__file__).parents[2] / "tag_rules" / "indices"


def spec(indicators: str, nodes: str = "  - {code: ROOT}\n", head: str = "") -> IndexSpec:
    """A specification of one node unless `nodes` says otherwise; every line of `indicators` is one row's inside."""
    rows = "".join(f"  - {{{line.strip()}}}\n" for line in indicators.strip().splitlines())
    return parse_spec(f"index: test\nedition: '1'\n{head}\nnodes:\n{nodes}indicators:\n{rows}")


def flat(
    codes: str, normalise: str = "none", aggregate: str = "arithmetic", head: str = "", extra: str = ""
) -> IndexSpec:
    """One node over columns named by single letters or words."""
    rows = "\n".join(f"code: {code}, parent: ROOT, direction: more{extra}" for code in codes.split())
    return spec(rows, f"  - {{code: ROOT, aggregate: {aggregate}}}\n", f"defaults: {{normalise: {normalise}}}\n{head}")


def table(**columns: Sequence[object]) -> pl.DataFrame:
    """A wide table; units u0, u1, … unless a column `unit` is given."""
    size = len(next(iter(columns.values())))
    units: Mapping[str, Sequence[object]] = {"unit": [f"u{n}" if size <= 10 else f"u{n:03d}" for n in range(size)]}
    return pl.DataFrame({**units, **columns}, strict=False)


def column(result, node: str = "ROOT") -> list[float | None]:
    """A node's scores in the order of units."""
    return result.scores(result.spec.units.level).filter(pl.col("node") == node).sort("area_code")["score"].to_list()
