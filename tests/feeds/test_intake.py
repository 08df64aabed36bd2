"""Taking in all feeds: side by side or one after another, the lake is the same."""

import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from pipelines.feeds import intake
from pipelines.feeds.deliveries import Delivery
from pipelines.feeds.land import reading_mark
from pipelines.feeds.receipts import read_receipts
from pipelines.settings import Settings
from tests.feeds.dying import DEADLY, land_or_die
from tests.feeds.making import DAY, column, deliver, make_contract

FEEDS = ("T01", "T02", "T03")


@pytest.fixture
def contracts(tmp_path):
    delivery = {"format": "delimited", "files": "f.csv"}
    return {feed: make_contract(tmp_path / "contracts", [column("a", "A")], delivery, feed=feed) for feed in FEEDS}


@pytest.fixture
def house(tmp_path):
    """Makes a data root with a delivery of each of three feeds, one of them of no use, and a stray."""

    def make(name: str) -> Settings:
        settings = Settings(data=tmp_path / name)
        settings.vault.mkdir(parents=True, mode=0o700)
        settings.key_path.write_bytes(b"k" * 32)
        settings.key_path.chmod(0o600)
        for feed in FEEDS:
            content = b"B\n1\n" if feed == "T02" else f"A\n{feed}\n\n2\n".encode()
            deliver(settings, feed, DAY, "001", {"f.csv": content})
        (settings.landing / "X99").mkdir()
        return settings

    return make


def content(lake: Path) -> dict[str, bytes]:
    return {
        p.relative_to(lake).as_posix(): p.read_bytes()
        for p in sorted(lake.rglob("*"))
        if p.is_file() and p.name != "seen.json"
    }


def test_side_by_side_or_one_after_another_the_lake_is_the_same(house, contracts, monkeypatch):
    one, two = house("one"), house("two")
    said: dict[str, list[str]] = {"one": [], "two": []}
    first = intake.land_all(one, contracts, DAY, said["one"].append)
    monkeypatch.setattr(intake, "WORTH_PROCESSES_BYTES", 0)
    second = intake.land_all(two, contracts, DAY, said["two"].append)
    assert first == second and [stray.path for stray in first] == ["X99"]
    assert content(one.lake) == content(two.lake) and len(content(one.lake)) == 9
    assert sorted(said["one"]) == sorted(said["two"]) and len(said["one"]) == 3


def test_what_is_landed_starts_no_process(house, contracts, monkeypatch):
    settings = house("one")
    intake.land_all(settings, contracts, DAY)
    monkeypatch.setattr(intake, "WORTH_PROCESSES_BYTES", 0)
    monkeypatch.setattr(intake, "_side_by_side", None)
    intake.land_all(settings, contracts, DAY)


def test_a_process_that_is_killed_is_told_and_nothing_is_half_landed(house, contracts, monkeypatch):
    class Deadly(ProcessPoolExecutor):
        def submit(self, *_):
            return super().submit(signal.raise_signal, signal.SIGKILL)

    settings = house("one")
    monkeypatch.setattr(intake, "WORTH_PROCESSES_BYTES", 0)
    monkeypatch.setattr(intake, "ProcessPoolExecutor", Deadly)
    with pytest.raises(RuntimeError, match="ended from outside"):
        intake.land_all(settings, contracts, DAY)
    assert not any(read_receipts(settings.lake, feed) for feed in FEEDS)


def test_a_delivery_that_ends_its_process_is_rejected_and_the_others_are_landed(house, contracts, monkeypatch):
    settings = house("one")
    del contracts["T03"]
    deliver(settings, "T02", DAY, "001", {"f.csv": DEADLY})
    deliver(settings, "T02", DAY, "002", {"f.csv": b"A\n1\n"})
    monkeypatch.setattr(intake, "_land", land_or_die)
    monkeypatch.setattr(intake, "WORTH_PROCESSES_BYTES", 0)
    said: list[str] = []
    intake.land_all(settings, contracts, DAY, said.append)
    assert {feed: [r.accepted for r in read_receipts(settings.lake, feed)] for feed in contracts} == {
        "T01": [2],
        "T02": [0, 1],
    }
    assert read_receipts(settings.lake, "T02")[0].problem.kind == "died"
    assert any("T02 2026-10-30/001" in line for line in said)
    assert not list(settings.lake.rglob("*.reading"))
    # It is tried again, apart from the others, and read where it does no harm any more.
    monkeypatch.undo()
    intake.land_all(settings, contracts, DAY)
    assert [r.accepted for r in read_receipts(settings.lake, "T02")] == [1, 1]


def test_a_delivery_a_process_ended_on_is_read_apart_from_the_others(house, contracts, monkeypatch):
    settings = house("one")
    folder = settings.landing / "T02" / DAY.isoformat() / "001"
    mark = reading_mark(settings, Delivery("T02", DAY, "001", folder))
    mark.parent.mkdir(parents=True)
    mark.touch()
    alone: list[str] = []
    monkeypatch.setattr(intake, "_land_alone", lambda task, report: alone.append(task.contract.feed))
    intake.land_all(settings, contracts, DAY)
    assert alone == ["T02"] and not read_receipts(settings.lake, "T02") and read_receipts(settings.lake, "T03")
