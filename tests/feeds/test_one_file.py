"""One file never stops the others: whatever fails while a delivery is read is that delivery's rejection."""

import errno
import json
import os
import stat
from pathlib import Path

import polars as pl
import pytest

from pipelines.feeds import land, readers, status
from pipelines.feeds.confine import confined
from pipelines.feeds.deliveries import combined_sha256, find, measure
from pipelines.feeds.intake import land_all
from pipelines.feeds.land import land_feed
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.receipts import read_receipts
from pipelines.feeds.trial import try_delivery
from pipelines.refusal import Refusal
from tests.feeds.making import DAY, column, deliver, make_contract

COLUMNS = [column("a", "甲"), column("b", "乙")]
CSV = {"format": "delimited", "files": "f.csv", "volume": None}
GOOD = {"f.csv": "甲,乙\n1,2\n3,4\n".encode()}


@pytest.fixture
def contracts(tmp_path):
    return {feed: make_contract(tmp_path / "c", COLUMNS, CSV, feed=feed) for feed in ("T01", "T02", "T03")}


class Panic(BaseException):
    """What a library written in Rust raises."""


Panic.__name__ = "PanicException"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), "failed"),
        (RecursionError(), "failed"),
        (MemoryError(), "failed"),
        (AssertionError("T02: 3 rows delivered, 2 accounted for"), "failed"),
        (pl.exceptions.ComputeError("invalid utf8"), "failed"),
        (Panic("index out of bounds"), "failed"),
        (PermissionError(errno.EACCES, "Permission denied"), "unreadable"),
        (OSError(errno.EIO, "Input/output error"), "unreadable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_any_failure_of_a_reader_is_its_delivery_s_alone(settings, contracts, key, monkeypatch, error, kind):
    for feed in contracts:
        deliver(settings, feed, DAY, "001", GOOD)
    whole = readers.read

    def read(contract, *rest):
        if contract.feed == "T02":
            raise error
        return whole(contract, *rest)

    monkeypatch.setattr(readers, "read", read)
    said: list[str] = []
    land_all(settings, contracts, DAY, said.append)
    states = {s.feed: s.state for s in status.judged(settings, contracts)}
    assert states == {"T01": "accepted", "T02": "rejected", "T03": "accepted"}
    (receipt,) = read_receipts(settings.lake, "T02")
    assert receipt.problem.kind == kind and "T02 2026-10-30/001" in receipt.problem.message
    assert any("T02 2026-10-30/001" in line for line in said)
    # How it failed is kept for whoever mends it, out of others' sight, and no longer than it is so.
    notes = list((settings.vault / "failures").glob("*"))
    assert [stat.S_IMODE(note.stat().st_mode) for note in notes] == ([0o600] if kind == "failed" else [])
    monkeypatch.setattr(readers, "read", whole)
    assert [r.accepted for r in land_feed(settings, contracts["T02"], key, DAY)] == [2]
    assert not list((settings.vault / "failures").glob("*"))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/reference/codes.csv"),
        Refusal("the lock is lost"),
        KeyboardInterrupt(),
        SystemExit(1),
    ],
    ids=lambda error: str(error) or type(error).__name__,
)
def test_what_is_the_run_s_own_stops_the_run(settings, contracts, key, monkeypatch, error):
    deliver(settings, "T01", DAY, "001", GOOD)

    def read(*_):
        raise error

    monkeypatch.setattr(readers, "read", read)
    with pytest.raises(type(error)):
        land_feed(settings, contracts["T01"], key, DAY)
    assert read_receipts(settings.lake, "T01") == []


def test_a_failure_names_the_file_it_is_about(tmp_path):
    with pytest.raises(DeliveryProblem) as caught, confined(tmp_path, "十月.csv"):
        raise IndexError("of a row: 31990119700102001X")
    assert caught.value.file == "十月.csv" and "3199" not in caught.value.describe("T01", "2026-10-30", "001")


# ---------------------------------------------------------------- names


GBK = "报送说明.txt".encode("gbk")


def put(folder: Path, name: bytes, content: bytes = b"x") -> None:
    with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(content)


@pytest.mark.parametrize("name", [GBK, b"\xff\xfe.bak", b"a\nb", "😀.txt".encode(), b"\xed\xa0\xbd"])
def test_a_file_beside_the_delivery_may_be_called_anything(settings, contracts, key, name):
    folder = deliver(settings, "T01", DAY, "001", GOOD)
    put(folder, name)
    (receipt,) = land_feed(settings, contracts["T01"], key, DAY)
    assert (receipt.problem, receipt.accepted, receipt.structural["ignored_files"]) == (None, 2, 1)
    assert land_feed(settings, contracts["T01"], key, DAY) == [receipt]
    json.dumps([status.as_json(s) for s in status.judged(settings, contracts)], ensure_ascii=False).encode()


def test_a_name_in_gbk_is_told_in_its_letters_and_changes_the_hash(settings):
    folder = deliver(settings, "T01", DAY, "001", GOOD)
    (delivery,), _ = find(settings.landing, ["T01"])
    before = combined_sha256(measure(delivery))
    put(folder, GBK)
    marks = measure(delivery)
    assert [mark.path for mark in marks] == ["f.csv", "报送说明.txt"] and combined_sha256(marks) != before


@pytest.mark.parametrize("pattern", ["十月.csv", "*.csv"])
def test_the_delivery_s_own_file_may_have_its_name_in_gbk(settings, tmp_path, key, pattern):
    contract = make_contract(tmp_path / "c", COLUMNS, CSV | {"files": pattern})
    put(deliver(settings, "T01", DAY, "001", {}), "十月.csv".encode("gbk"), GOOD["f.csv"])
    (receipt,) = land_feed(settings, contract, key, DAY)
    rows = pl.read_parquet(settings.lake / "T01" / DAY.isoformat() / "001" / land.ROWS)
    assert receipt.accepted == 2 and rows["_file"].unique().to_list() == ["十月.csv"]


@pytest.mark.parametrize(
    ("lies", "told"),
    [
        ({"F(1).CSV": b"x"}, "F(1).CSV"),
        ({"sub/f.csv": b"x"}, "sub/f.csv"),
        ({"f.csv.txt": b"x"}, "f.csv.txt"),
        ({"319901197001020014.csv": b"x"}, "#.csv"),
    ],
)
def test_a_file_under_another_name_is_told(settings, contracts, key, lies, told):
    deliver(settings, "T01", DAY, "001", lies)
    (receipt,) = land_feed(settings, contracts["T01"], key, DAY)
    assert receipt.problem.kind == "misnamed" and told in receipt.problem.message_zh
    assert "f.csv" in receipt.problem.message and "3199" not in receipt.problem.message


def test_of_many_files_the_likeliest_are_told(settings, contracts, key):
    deliver(settings, "T01", DAY, "001", {f"{i}.txt": b"x" for i in range(9)} | {"F.CSV": b"x"})
    assert land_feed(settings, contracts["T01"], key, DAY)[0].problem.file == "F.CSV"


def test_a_folder_called_like_the_file_is_told(settings, contracts, key):
    deliver(settings, "T01", DAY, "001", {"f.csv/part-0.csv": GOOD["f.csv"]})
    assert land_feed(settings, contracts["T01"], key, DAY)[0].problem.kind == "no_file"


def test_a_hidden_file_is_one_on_its_way(settings, tmp_path, key):
    contract = make_contract(tmp_path / "c", COLUMNS, CSV | {"files": "*.csv"})
    deliver(settings, "T01", DAY, "001", GOOD | {".g.csv": "甲,乙\n5,6".encode()})
    (receipt,) = land_feed(settings, contract, key, DAY)
    assert receipt.accepted == 2 and "ignored_files" not in receipt.structural


# ---------------------------------------------------------------- rights, and files that do not hold still


@pytest.fixture
def locked(monkeypatch):
    """Files and folders by this name cannot be opened, whoever runs the tests."""
    names = {"f.csv"}
    opened, listed = Path.open, Path.iterdir

    def open_(path, *args, **more):
        if path.name in names:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *args, **more)

    def iterdir(path):
        if path.name in names:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "open", open_)
    monkeypatch.setattr(Path, "iterdir", iterdir)
    return names


def test_a_file_nobody_may_read_is_tried_again(settings, contracts, key, locked):
    locked.clear()
    deliver(settings, "T01", DAY, "001", GOOD)
    deliver(settings, "T02", DAY, "001", GOOD)
    locked.add("f.csv")
    (receipt,) = land_feed(settings, contracts["T01"], key, DAY)
    assert (receipt.problem.kind, receipt.problem.file) == ("unreadable", "f.csv")
    locked.clear()
    assert [r.accepted for r in land_feed(settings, contracts["T01"], key, DAY)] == [2]


def test_a_folder_nobody_may_open_is_told_and_takes_nothing_back(settings, contracts, key, locked):
    locked.clear()
    deliver(settings, "T01", DAY, "001", GOOD)
    land_feed(settings, contracts["T01"], key, DAY)
    deliver(settings, "T01", DAY.replace(day=29), "001", GOOD)
    locked.add(DAY.isoformat())
    _, strays = find(settings.landing, contracts)
    assert [(s.path, "cannot be opened" in s.reason) for s in strays] == [("T01/2026-10-30", True)]
    land_feed(settings, contracts["T01"], key, DAY)
    assert len(read_receipts(settings.lake, "T01")) == 2


def test_a_folder_that_can_be_listed_and_not_entered_stops_nobody(settings, contracts, key, monkeypatch):
    deliver(settings, "T01", DAY, "001", GOOD)
    deliver(settings, "T02", DAY, "001", GOOD | {"sub/g.csv": b"x"})
    stated = Path.lstat

    def lstat(path):
        if path.name == "sub":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stated(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    land_all(settings, contracts, DAY)
    kinds = {feed: [r.problem and r.problem.kind for r in read_receipts(settings.lake, feed)] for feed in contracts}
    assert kinds == {"T01": [None], "T02": ["unreadable"], "T03": []}


def test_a_trial_of_a_file_says_what_a_delivery_would(settings, contracts, monkeypatch, tmp_path):
    def read(*_):
        raise IndexError("of a row")

    monkeypatch.setattr(readers, "read", read)
    path = tmp_path / "f.csv"
    path.write_bytes(GOOD["f.csv"])
    said = try_delivery(settings, contracts["T01"], path, DAY)
    assert said["state"] == "rejected" and "IndexError" in said["reasons"][0]


@pytest.mark.parametrize("change", ["grows", "goes"])
def test_a_file_that_changes_while_it_is_read_is_tried_again(settings, contracts, key, monkeypatch, change):
    path = deliver(settings, "T01", DAY, "001", GOOD) / "f.csv"
    whole = readers.read

    def read(*args):
        raw = whole(*args)
        path.write_bytes(path.read_bytes() + b"5,6\n") if change == "grows" else path.unlink()
        return raw

    monkeypatch.setattr(readers, "read", read)
    (receipt,) = land_feed(settings, contracts["T01"], key, DAY)
    assert (receipt.problem.kind, receipt.problem.file) == ("changing", "f.csv")
    monkeypatch.setattr(readers, "read", whole)
    path.write_bytes(GOOD["f.csv"])
    assert [r.accepted for r in land_feed(settings, contracts["T01"], key, DAY)] == [2]
