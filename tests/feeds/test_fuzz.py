"""Deliveries of every feed, damaged at random and landed: every row accounted for, or refused with a reason.

A few of each feed here; `make test-fuzz` lands two thousand (`--fuzz-rounds`).
"""

import random
import shutil
import time
import zlib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.land import DUPLICATES, ROWS, land_feed
from pipelines.feeds.quarantine import quarantine_path
from pipelines.feeds.readers.raw import FILE, LINE
from pipelines.feeds.receipts import Receipt
from pipelines.identifiers import Key
from pipelines.settings import Settings
from pipelines.simulate import simulate
from tests.feeds.mutations import TEXT_FORMATS, damage
from tests.feeds.oddities import Damage

AS_OF = date(2026, 10, 31)
FEEDS = sorted(load_contracts(Settings().contracts))
SECONDS_A_FEED = 60
SHIFTED = 2
"""Lines before the damage whose fate it may still change: the end of the line and a quote left open."""


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("fuzz")
    simulate(scale=0.001, seed=5, as_of=AS_OF, days=1, out=root)
    return root / "landing"


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--fuzz-rounds"))


def land(root: Path, contract: Contract, key: Key, source: Path) -> tuple[Settings, Path]:
    settings = Settings(data=root)
    folder = settings.landing / contract.feed / AS_OF.isoformat() / "001"
    shutil.copytree(source, folder)
    return settings, folder


def outcome(settings: Settings, contract: Contract, key: Key) -> tuple[Receipt, pl.DataFrame, pl.DataFrame]:
    """Receipt, accepted rows, and the place of every row whatever became of it."""
    (receipt,) = land_feed(settings, contract, key, AS_OF)
    lake = settings.lake / contract.feed / AS_OF.isoformat() / "001"
    rows = pl.read_parquet(lake / ROWS)
    held = quarantine_path(settings, contract.feed, AS_OF, "001")
    places = [rows.select(pl.col(FILE).alias("file"), pl.col(LINE).alias("line"))]
    places.append(pl.read_parquet(lake / DUPLICATES).select("file", "line"))
    if held.exists():
        places.append(pl.read_parquet(held).select("file", "line"))
    for frame, counted in zip(places, (receipt.accepted, receipt.duplicate, receipt.quarantined), strict=False):
        assert frame.height == counted
    return receipt, rows, pl.concat(places)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("feed", FEEDS)
def test_damage_is_met_row_by_row_or_refused_whole(feed, landing, contracts, key, tmp_path, rounds):
    contract = contracts[feed]
    (source,) = (landing / feed).glob("*/001")
    passwords = landing.parent / "vault" / "passwords"
    settings, _ = land(tmp_path / "clean", contract, key, source)
    settings.password_dir = passwords
    clean, clean_rows, clean_places = outcome(settings, contract, key)
    assert clean.problem is None
    for turn in range(rounds):
        chance = random.Random(zlib.crc32(f"{feed}/{turn}".encode()))
        settings, folder = land(tmp_path / str(turn), contract, key, source)
        settings.password_dir = passwords
        done = damage(contract, folder, chance)
        began = time.monotonic()
        receipt, rows, places = outcome(settings, contract, key)
        told = f"{feed} turn {turn}: {done}"
        assert time.monotonic() - began < SECONDS_A_FEED, told
        assert receipt.delivered == receipt.accepted + receipt.quarantined + receipt.duplicate, told
        if receipt.problem is not None:
            assert receipt.delivered == 0 and rows.is_empty(), told
            assert receipt.problem.kind and receipt.problem.message and receipt.problem.message_zh, told
            # A failure nobody foresaw is the delivery's alone, and a defect of the reader all the same.
            assert receipt.problem.kind not in ("failed", "died"), f"{told}: {receipt.problem.message}"
            assert not done.keeps_content, f"{told}: {receipt.problem.message}"
            continue
        assert not places.is_duplicated().any(), told
        if done.keeps_content:
            assert receipt.delivered == clean.delivered, told
            assert rows.sort(FILE, LINE).equals(clean_rows.sort(FILE, LINE)), told
        elif done.first_line is not None and contract.delivery.format in TEXT_FORMATS:
            assert_untouched_before(done, (clean_rows, clean_places), (rows, places), told)
        shutil.rmtree(settings.root)


def assert_untouched_before(
    done: Damage,
    clean: tuple[pl.DataFrame, pl.DataFrame],
    damaged: tuple[pl.DataFrame, pl.DataFrame],
    told: str,
) -> None:
    """Lines before the damage, and other files, keep their rows, and a row accepted both times says the same."""
    before = (pl.col("file") != done.file) | (pl.col("line") < done.first_line - SHIFTED)
    missing = clean[1].filter(before).join(damaged[1], on=["file", "line"], how="anti")
    assert missing.is_empty(), f"{told}: {missing.height} rows lost"
    invented = damaged[1].filter(before).join(clean[1], on=["file", "line"], how="anti")
    assert invented.is_empty(), f"{told}: {invented.height} rows invented"
    kept = clean[0].rename({FILE: "file", LINE: "line"}).filter(before).drop("_dq")
    both = kept.join(damaged[0].rename({FILE: "file", LINE: "line"}).drop("_dq"), on=["file", "line"], how="semi")
    again = damaged[0].rename({FILE: "file", LINE: "line"}).drop("_dq").join(both, on=["file", "line"], how="semi")
    assert again.sort("file", "line").equals(both.sort("file", "line")), f"{told}: contents differ"
