"""Same arguments, same bytes; a longer span begins like a shorter one; nothing is overwritten."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from pipelines.simulate import next_day, simulate
from tests.simulate.reading import READERS


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    def run(name: str, seed: int, as_of: date, days: int) -> dict[str, str]:
        out = tmp_path_factory.mktemp(name)
        simulate(0.001, seed, as_of, days, out)
        return digests(out)

    return run


def test_same_seed_same_bytes(runs):
    first = runs("first", 1, date(2026, 10, 31), 2)
    assert first == runs("again", 1, date(2026, 10, 31), 2)
    assert {path.split("/")[1] for path in first if path.startswith("landing")} == set(READERS)


def test_another_seed_gives_another_district(runs):
    first, second = runs("one", 1, date(2026, 10, 31), 1), runs("two", 2, date(2026, 10, 31), 1)
    same = {path for path in first if first[path] == second.get(path)}
    assert same == {path for path in first if "/B03/" in path or "/B05/" in path}


def test_a_longer_span_begins_with_the_same_deliveries(runs):
    short, long = runs("short", 4, date(2026, 10, 31), 1), runs("long", 4, date(2026, 11, 3), 4)
    landing = {path: digest for path, digest in short.items() if path.startswith("landing")}
    assert landing.items() <= long.items()
    assert len(long) > len(short)


def test_deliveries_already_there_are_not_overwritten(tmp_path):
    kept = tmp_path / "landing" / "B01" / "2026-10-31" / "001"
    kept.mkdir(parents=True)
    with pytest.raises(FileExistsError, match="already there"):
        simulate(0.001, 1, date(2026, 10, 31), 1, tmp_path)
    assert list(kept.iterdir()) == [] and not (tmp_path / "vault").exists()


@pytest.mark.parametrize(("scale", "days"), [(0, 1), (1.5, 1), (0.01, 0)])
def test_impossible_arguments_are_refused(tmp_path, scale, days):
    with pytest.raises(ValueError):
        simulate(scale, 1, date(2026, 10, 31), days, tmp_path)


def test_the_next_day_in_place_is_what_a_longer_span_would_have_written(tmp_path):
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    simulate(0.001, 4, date(2026, 10, 30), 1, grown, earlier=1)
    before = digests(grown / "landing")
    mark = next((grown / "landing").rglob("*.csv"))
    changed = mark.stat().st_mtime_ns
    summary = next_day(grown)
    assert summary.as_of == date(2026, 10, 31) and {d.business_on for d in summary.deliveries} == {summary.as_of}
    assert mark.stat().st_mtime_ns == changed and before.items() <= digests(grown / "landing").items()
    simulate(0.001, 4, date(2026, 10, 31), 2, whole, earlier=1)
    assert digests(grown) == digests(whole)
    assert not (grown / ".next").exists()


def test_a_next_day_of_nothing_or_of_a_day_that_is_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not say how"):
        next_day(tmp_path)
    simulate(0.001, 4, date(2026, 10, 30), 1, tmp_path)
    (tmp_path / "landing" / "B01" / "2026-10-31" / "001").mkdir(parents=True)
    before = digests(tmp_path)
    with pytest.raises(ValueError, match="there already"):
        next_day(tmp_path)
    assert digests(tmp_path) == before
