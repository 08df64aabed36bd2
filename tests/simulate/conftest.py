"""One small simulation for all tests of this folder: seven days over a month's end and a Monday."""

from datetime import date

import polars as pl
import pytest

from pipelines.simulate import simulate
from tests.simulate.reading import READERS

AS_OF = date(2026, 11, 3)
DAYS = 7


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """(folder, summary) of a simulation at scale 0.002."""
    out = tmp_path_factory.mktemp("simulated")
    return out, simulate(0.002, 7, AS_OF, DAYS, out)


@pytest.fixture(scope="session")
def landing(small):
    return small[0] / "landing"


@pytest.fixture(scope="session")
def truth(small):
    """The truth's tables by name."""
    return {path.stem: pl.read_parquet(path) for path in (small[0] / "vault" / "truth").iterdir()}


@pytest.fixture(scope="session")
def files(landing):
    """{(feed, day, file): {line: row}} of all deliveries."""
    result = {}
    for folder in sorted(landing.glob("*/*/001")):
        feed, day = folder.parts[-3], date.fromisoformat(folder.parts[-2])
        for file, rows in READERS[feed](folder).items():
            result[feed, day, file] = rows
    return result
