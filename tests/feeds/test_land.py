import itertools
import json
import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.feeds.contracts import Contract
from pipelines.feeds.deliveries import find
from pipelines.feeds.judge import in_use, judge
from pipelines.feeds.land import land_feed
from pipelines.feeds.receipts import read_receipts
from pipelines.identifiers import Key
from tests.feeds.making import DAY, citizen, column, deliver, make_contract

CSV = {"format": "delimited", "files": "f.csv", "volume": {"slack_rows": 1}}
COLUMNS = [
    column("thing", "编号", required=True, primaryKey=True),
    column("person", "证号", role="identity"),
    column("name", "姓名", role="name", classification="sensitive"),
    column("word", "话"),
]
HEADER = "编号,证号,姓名,话\n"


@pytest.fixture
def contract(tmp_path) -> Contract:
    return make_contract(tmp_path / "contracts", COLUMNS, CSV)


def csv(*rows: tuple) -> dict[str, bytes]:
    return {"f.csv": (HEADER + "".join(",".join(row) + "\n" for row in rows)).encode()}


def good(count: int, word: str = "w") -> dict[str, bytes]:
    return csv(*((str(i), citizen(i + 1), "李明", word) for i in range(count)))


def lake_files(settings) -> dict[str, bytes]:
    return {p.relative_to(settings.lake).as_posix(): p.read_bytes() for p in settings.lake.rglob("*") if p.is_file()}


def test_rows_receipt_and_quarantine_are_stored_where_they_belong(settings, contract, key):
    wrong = citizen(3)[:-1] + ("0" if citizen(3)[-1] != "0" else "1")
    deliver(settings, "T01", DAY, "001", csv(("1", citizen(1), "李明", "w"), ("2", wrong, "张三", "w")))
    (receipt,) = land_feed(settings, contract, key, DAY)
    assert (receipt.delivered, receipt.accepted, receipt.quarantined, receipt.duplicate) == (2, 1, 1, 0)
    place = settings.lake / "T01" / DAY.isoformat() / "001"
    assert pl.read_parquet(place / "rows.parquet").height == 1
    told = json.loads((place / "receipt.json").read_text("utf-8"))
    assert {"feed", "date", "delivery", "sha256", "contract_version", "contract_sha256", "key_id", "rules"} <= set(told)
    vault = settings.vault / "quarantine" / "T01" / DAY.isoformat() / "001.parquet"
    held = pl.read_parquet(vault)
    assert held.select("feed", "date", "delivery", "file", "line").row(0) == ("T01", DAY, "001", "f.csv", 3)
    assert vault.stat().st_mode & 0o777 == 0o600 and settings.vault.stat().st_mode & 0o777 == 0o700
    assert settings.lake.stat().st_mode & 0o777 == 0o700


def test_no_number_leaves_the_vault(settings, contract, key, capfd):
    wrong = citizen(3)[:-1] + ("0" if citizen(3)[-1] != "0" else "1")
    rows = csv(
        ("1", citizen(1), citizen(2), f"住{citizen(4)}处"), ("2", wrong, "张三", "w"), ("1", citizen(1), "李", "w")
    )
    deliver(settings, "T01", DAY, "001", rows)
    said: list[str] = []
    land_feed(settings, contract, key, DAY, said.append)
    outside = b"".join(lake_files(settings).values()) + "".join(said).encode() + "".join(capfd.readouterr()).encode()
    rows_text = pl.read_parquet(settings.lake / "T01" / DAY.isoformat() / "001" / "rows.parquet").write_json().encode()
    for number in (citizen(1), citizen(2), citizen(4), wrong):
        assert number.encode() not in outside + rows_text


def test_landing_again_changes_nothing(settings, contract, key):
    deliver(settings, "T01", DAY, "001", good(3))
    first = land_feed(settings, contract, key, DAY)
    before = lake_files(settings)
    marks = {p: p.stat().st_mtime_ns for p in settings.lake.rglob("*.parquet")}
    assert land_feed(settings, contract, key, DAY) == first
    assert lake_files(settings) == before
    assert {p: p.stat().st_mtime_ns for p in settings.lake.rglob("*.parquet")} == marks, "nothing is written again"


def test_landing_from_nothing_gives_the_same_bytes(settings, contract, key):
    deliver(settings, "T01", DAY, "001", good(40))
    land_feed(settings, contract, key, DAY)
    before = {n: b for n, b in lake_files(settings).items() if not n.endswith("seen.json")}
    shutil.rmtree(settings.lake)
    land_feed(settings, contract, key, DAY)
    assert {n: b for n, b in lake_files(settings).items() if not n.endswith("seen.json")} == before


def test_later_deliveries_wait_for_their_day(settings, contract, key):
    deliver(settings, "T01", DAY + timedelta(days=1), "001", good(3))
    assert land_feed(settings, contract, key, DAY) == []


def test_the_same_content_under_another_number_is_all_duplicate(settings, contract, key):
    deliver(settings, "T01", DAY, "001", good(3))
    deliver(settings, "T01", DAY, "002", good(3))
    receipts = land_feed(settings, contract, key, DAY)
    assert [(r.accepted, r.duplicate, r.same_as) for r in receipts] == [(3, 0, None), (0, 3, "001")]
    statuses = judge(contract, receipts, [], DAY)
    assert [s.number for s in in_use(statuses)] == ["001"] and "same content as 001" in statuses[1].reasons[0]


def test_files_changed_under_a_landed_number_are_refused(settings, contract, key):
    folder = deliver(settings, "T01", DAY, "001", good(3))
    kept = (folder / "f.csv").read_bytes()
    land_feed(settings, contract, key, DAY)
    deliver(settings, "T01", DAY, "001", good(4))
    (refused,) = land_feed(settings, contract, key, DAY)
    assert refused.problem.kind == "changed_in_place" and "higher number" in refused.problem.message
    (status,) = judge(contract, read_receipts(settings.lake, "T01"), [], DAY)
    assert status.state == "rejected" and not status.is_in_use, "a run after this one must know it too"
    (folder / "f.csv").write_bytes(kept)
    (restored,) = land_feed(settings, contract, key, DAY)
    assert restored.problem is None and restored.accepted == 3
    assert read_receipts(settings.lake, "T01") == [restored]


def test_a_rejected_delivery_may_still_be_completed(settings, contract, key):
    folder = deliver(settings, "T01", DAY, "001", {})
    (receipt,) = land_feed(settings, contract, key, DAY)
    assert receipt.problem.kind == "missing_file" and "T01 2026-10-30/001" in receipt.problem.message
    (folder / "f.csv").write_bytes(good(2)["f.csv"])
    assert land_feed(settings, contract, key, DAY)[0].accepted == 2


def test_another_contract_or_key_lands_everything_anew(settings, contract, key, tmp_path):
    deliver(settings, "T01", DAY, "001", good(3))
    first = land_feed(settings, contract, key, DAY)[0]
    other_key = land_feed(settings, contract, Key(b"x" * 32), DAY)[0]
    assert other_key.key_id != first.key_id
    changed = make_contract(tmp_path / "again", COLUMNS[:3], CSV)
    receipt = land_feed(settings, changed, key, DAY)[0]
    assert receipt.added_columns == ("话",) and receipt.contract_sha256 != first.contract_sha256
    assert "word" not in pl.read_parquet_schema(settings.lake / "T01" / DAY.isoformat() / "001" / "rows.parquet")


def test_quarantine_of_a_former_contract_does_not_stay(settings, tmp_path, key):
    strict = make_contract(tmp_path / "a", [column("thing", "编号", "integer", on_invalid="error")], CSV)
    mild = make_contract(tmp_path / "b", [column("thing", "编号", "integer")], CSV)
    deliver(settings, "T01", DAY, "001", {"f.csv": "编号\nx\n".encode()})
    assert land_feed(settings, strict, key, DAY)[0].quarantined == 1
    assert land_feed(settings, mild, key, DAY)[0].quarantined == 0
    assert not list(settings.vault.rglob("*.parquet"))


def test_a_whole_file_problem_leaves_a_receipt_and_no_rows(settings, contract, key):
    deliver(settings, "T01", DAY, "001", {"f.csv": HEADER.encode() + b"1,2"})
    said: list[str] = []
    (receipt,) = land_feed(settings, contract, key, DAY, said.append)
    assert receipt.problem.kind == "truncated" and (receipt.problem.file, receipt.problem.line) == ("f.csv", 2)
    assert receipt.delivered == receipt.accepted == 0
    assert said == [receipt.problem.message] and "deliver it under a new number" in said[0]


def test_files_beyond_the_contract_are_told(settings, contract, key):
    deliver(settings, "T01", DAY, "001", {**good(3), "说明.txt": b"x", "sub/f.csv": b"y"})
    receipts = land_feed(settings, contract, key, DAY)
    assert receipts[0].structural["ignored_files"] == 2
    assert "2 files beyond the contract" in judge(contract, receipts, [], DAY)[0].reasons[0]


def test_what_a_killed_run_left_is_swept(settings, contract, key):
    deliver(settings, "T01", DAY, "001", good(3))
    half = settings.lake / "T01" / DAY.isoformat() / ".001.new"
    half.mkdir(parents=True)
    (half / "rows.parquet").write_bytes(b"half")
    vault = settings.vault / "quarantine" / "T01" / DAY.isoformat() / ".001.parquet.tmp"
    vault.parent.mkdir(parents=True)
    vault.write_bytes(b"half")
    assert land_feed(settings, contract, key, DAY)[0].accepted == 3
    assert not half.exists() and not vault.exists()


def test_a_failure_while_storing_leaves_no_half_delivery(settings, contract, key, monkeypatch):
    deliver(settings, "T01", DAY, "001", good(3))

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(pl.DataFrame, "write_parquet", full)
        land_feed(settings, contract, key, DAY)
    assert [p.name for p in settings.lake.rglob("*") if p.is_file()] == []
    assert land_feed(settings, contract, key, DAY)[0].accepted == 3


# ---------------------------------------------------------------- order of arrival

ARRIVALS = [
    (DAY, "001", good(5, "first")),
    (DAY, "002", good(5, "corrected")),
    (DAY - timedelta(days=7), "001", good(6, "older")),
    (DAY, "003", good(5, "first")),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_deliveries_in_any_order_and_one_twice_end_in_the_same_state(settings, contract, key, order):
    for position in order:
        day, number, files = ARRIVALS[position]
        deliver(settings, "T01", day, number, files)
        land_feed(settings, contract, key, DAY)
    statuses = judge(contract, read_receipts(settings.lake, "T01"), [], DAY)
    assert [(s.business_on, s.number, s.accepted, s.duplicate, s.is_in_use) for s in statuses] == [
        (DAY - timedelta(days=7), "001", 6, 0, False),
        (DAY, "001", 5, 0, False),
        (DAY, "002", 5, 0, True),
        (DAY, "003", 0, 5, False),
    ]
    rows = pl.read_parquet(settings.lake / "T01" / DAY.isoformat() / "002" / "rows.parquet")
    assert set(rows["word"]) == {"corrected"}


# ---------------------------------------------------------------- what lies in landing


def test_strays_are_told_and_never_followed(settings, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "f.csv").write_text("x")
    deliver(settings, "T01", DAY, "001", {"f.csv": b"x", "sub/g.csv": b"y"})
    deliver(settings, "F99", DAY, "001", {"f.csv": b"x"})
    landing = settings.landing
    (landing / "T01" / "2026-13-01" / "001").mkdir(parents=True)
    (landing / "T01" / "20261030" / "001").mkdir(parents=True)
    (landing / "T01" / "note.txt").write_text("x")
    (landing / "T01" / DAY.isoformat() / "1").mkdir()
    (landing / "T01" / DAY.isoformat() / "002").symlink_to(secret)
    (landing / "T01" / DAY.isoformat() / "001" / "link.csv").symlink_to(secret / "f.csv")
    (landing / "T01" / DAY.isoformat() / "001" / "sub" / "up").symlink_to(tmp_path)
    (landing / "T02").symlink_to(secret)
    (landing / "evil..\\\n\x1b[31m").mkdir()
    os.mkfifo(landing / "T01" / DAY.isoformat() / "001" / "pipe")
    (landing / "decisions").mkdir()
    (landing / ".uploading").mkdir()
    found, strays = find(landing, ["T01", "T02"])
    assert [(d.feed, d.business_on, d.number) for d in found] == [("T01", DAY, "001")]
    reasons = {s.path: s.reason for s in strays}
    assert "no contract" in reasons["F99"] and "symbolic link" in reasons["T02"]
    assert "not a date" in reasons["T01/2026-13-01"] and "not a date" in reasons["T01/20261030"]
    day = f"T01/{DAY}"
    assert "delivery number" in reasons[f"{day}/1"] and "symbolic link" in reasons[f"{day}/002"]
    assert "symbolic link" in reasons[f"{day}/001/link.csv"] and "symbolic link" in reasons[f"{day}/001/sub/up"]
    assert "neither" in reasons[f"{day}/001/pipe"] and "folder" in reasons["T01/note.txt"]
    assert len(strays) == 11 and all(s.path.isprintable() for s in strays)


def test_a_linked_file_is_no_part_of_a_delivery(settings, contract, key, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_bytes(good(3)["f.csv"])
    folder = deliver(settings, "T01", DAY, "001", {})
    (folder / "f.csv").symlink_to(outside)
    assert land_feed(settings, contract, key, DAY)[0].problem.kind == "no_file"


@pytest.mark.parametrize("name", ["../../escape.csv", "/abs.csv", "..\\..\\x.csv", "a" * 250 + ".csv", "=cmd()|.csv"])
def test_hostile_file_names_are_data(settings, contract, key, name):
    folder = deliver(settings, "T01", DAY, "001", good(2))
    (folder / name.replace("/", "／")).write_bytes(b"x")
    before = {p for p in Path(settings.root).rglob("*")}
    (receipt,) = land_feed(settings, contract, key, DAY)
    assert receipt.accepted == 2
    # A name that begins with a dot is an upload on its way and no part of the delivery yet.
    assert receipt.structural.get("ignored_files", 0) == (0 if name.startswith(".") else 1)
    made = {p for p in Path(settings.root).rglob("*")} - before
    assert all(p.is_relative_to(settings.lake) for p in made)


def test_landing_may_be_empty(settings, contract, key):
    assert land_feed(settings, contract, key, date(2026, 10, 31)) == []
    assert find(settings.landing, ["T01"]) == ([], [])


@pytest.mark.parametrize("name", ["rows.parquet", "duplicates.parquet"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "another"])
def test_a_lake_file_that_is_not_what_was_written_is_made_again_and_told(settings, contract, key, name, damage):
    deliver(settings, "T01", DAY, "001", good(40))
    land_feed(settings, contract, key, DAY)
    before = lake_files(settings)
    path = next(settings.lake.rglob(name))
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 4
    path.unlink()
    if damage == "another":
        pl.DataFrame({"x": [1]}).write_parquet(path)
    elif damage != "gone":
        path.write_bytes(content[:-9] if damage == "cut" else content)
    told: list[str] = []
    land_feed(settings, contract, key, DAY, told.append)
    assert lake_files(settings) == before
    assert any(name in line and "read again" in line for line in told)


@pytest.mark.parametrize("name", ["００１", "001\n", "٠٠١", "1", "0001", "001 "])
def test_a_number_that_only_looks_like_one_is_told(settings, contract, key, name):
    deliver(settings, "T01", DAY, "001", good(2))
    deliver(settings, "T01", DAY, name, good(3))
    found, strays = find(settings.landing, ["T01"])
    assert [d.number for d in found] == ["001"] and len(strays) == 1
    assert "delivery number" in strays[0].reason and strays[0].path.isprintable()


def test_what_is_dated_after_today_is_set_aside_and_told(settings, contract, key, monkeypatch):
    monkeypatch.setattr("pipelines.clock.today", lambda: DAY)
    deliver(settings, "T01", DAY, "001", good(2))
    deliver(settings, "T01", DAY + timedelta(days=1), "001", good(3))
    found, strays = find(settings.landing, ["T01"])
    assert [d.business_on for d in found] == [DAY] and "after today" in strays[0].reason
    assert [r.business_on for r in land_feed(settings, contract, key, date.max)] == [DAY]


def test_a_file_replaced_under_its_size_and_time_is_noticed(settings, contract, key):
    folder = deliver(settings, "T01", DAY, "001", good(5, "w"))
    land_feed(settings, contract, key, DAY)
    path = settings.landing / "T01" / DAY.isoformat() / "001" / "f.csv"
    status = path.stat()
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes().replace(b",w", b",v"))
    other.replace(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns), folder
    (receipt,) = land_feed(settings, contract, key, DAY)
    assert receipt.problem is not None and receipt.problem.kind == "changed_in_place"
