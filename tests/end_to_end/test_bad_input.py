"""What happens when something bad lands: the run goes on, the last good stays in use, people are told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.end_to_end.support import xfy


@pytest.fixture
def root(deliveries: Path, tmp_path: Path) -> Path:
    """A data root with the ten feeds' first deliveries and nothing run."""
    root = tmp_path / "data"
    for feed in ("B03", "F01", "F02", "F06", "F08"):
        day = min((deliveries / "landing" / feed).iterdir())
        shutil.copytree(day, root / "landing" / feed / day.name)
    return root


def delivery(root: Path, feed: str) -> Path:
    return next((root / "landing" / feed).glob("*/001"))


def second(root: Path, feed: str) -> Path:
    first = delivery(root, feed)
    shutil.copytree(first, first.with_name("002"))
    return first.with_name("002")


def one_file(folder: Path) -> Path:
    return next(p for p in folder.rglob("*") if p.is_file())


def cut_in_half(folder: Path) -> None:
    path = one_file(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 7])


def in_another_encoding(folder: Path) -> None:
    path = one_file(folder)
    path.write_bytes(path.read_bytes().decode("gb18030").encode("utf-16"))


def swap_two_headers(folder: Path) -> None:
    path = one_file(folder)
    text = path.read_bytes().decode("gb18030")
    path.write_bytes(text.replace("起租日期,到期日期", "到期日期,起租日期", 1).encode("gb18030"))


def lose_a_header(folder: Path) -> None:
    path = one_file(folder)
    text = path.read_bytes().decode("gb18030")
    path.write_bytes(text.replace("有效期至", "有效期止", 1).encode("gb18030"))


def trailer_off_by_one(folder: Path) -> None:
    path = one_file(folder)
    body, _, count = path.read_bytes().rstrip().rpartition(b"TTTT")
    path.write_bytes(body + b"TTTT" + str(int(count) + 1).zfill(10).encode() + b"\r\n")


def header_only(folder: Path) -> None:
    path = one_file(folder)
    path.write_bytes(b"\r\n".join(path.read_bytes().split(b"\r\n")[:1]) + b"\r\n")


def workbook_that_lies(folder: Path) -> None:
    path = one_file(folder)
    book = openpyxl.load_workbook(path)
    book.worksheets[0].cell(row=1_048_576, column=16_384, value="x")
    book.save(path)


@pytest.mark.parametrize(
    ("feed", "spoil", "state", "word"),
    [
        ("F08", cut_in_half, "rejected", "line"),
        ("F08", in_another_encoding, "rejected", "gb18030"),
        ("F08", lose_a_header, "rejected", "有效期至"),
        ("F08", header_only, "held", "no rows"),
        ("F01", trailer_off_by_one, "held", "trailer"),
        ("F06", workbook_that_lies, "rejected", "shjz.xlsx"),
    ],
)
def test_a_bad_correction_leaves_the_good_delivery_in_use(
    root: Path, feed: str, spoil: Callable[[Path], None], state: str, word: str
) -> None:
    """The bad file is number 002 of the same date: it must not take the place of the good number 001."""
    spoil(second(root, feed))
    tried = xfy(root, "feeds", "check", feed, str(delivery(root, feed).with_name("002")), "--json", check=False)
    assert tried.returncode == 1 and json.loads(tried.stdout)["state"] == state
    xfy(root, "feeds", "land")
    good, bad = json.loads(xfy(root, "feeds", "status", feed, "--json").stdout)
    assert good["state"] == "accepted" and good["is_in_use"]
    assert bad["state"] == state and not bad["is_in_use"]
    assert any(word in reason for reason in bad["reasons"]), bad["reasons"]
    assert bad["delivered"] == bad["accepted"] + bad["quarantined"] + bad["duplicate"]


def test_swapped_headers_are_read_by_name(root: Path) -> None:
    """Two columns of one type that changed places, header and all, would pass every check but their names."""
    before = json.loads(xfy(root, "feeds", "check", "F02", str(delivery(root, "F02")), "--json", check=False).stdout)
    swap_two_headers(second(root, "F02"))
    after = xfy(root, "feeds", "check", "F02", str(delivery(root, "F02").with_name("002")), "--json", check=False)
    body = json.loads(after.stdout)
    assert body["quarantined"] > before["quarantined"], "every lease now ends before it begins"


def test_what_is_no_delivery_is_named_and_left_alone(root: Path) -> None:
    landing = root / "landing"
    (landing / "F99" / "2026-10-30" / "001").mkdir(parents=True)
    (landing / "F08" / "30.10.2026" / "001").mkdir(parents=True)
    (landing / "F08" / "2026-10-30" / "first").mkdir(parents=True)
    (landing / "F06" / "2026-10-29").mkdir()
    (landing / "F06" / "2026-10-29" / "001").symlink_to("/etc")
    hostile = landing / "F08" / "2026-10-30" / "003"
    hostile.mkdir()
    (hostile / "..\\..\\=cmd|'x'!A1\n.csv").write_text("x")
    said = xfy(root, "feeds", "land").stderr
    for name in ("F99", "30.10.2026", "first", "F06/2026-10-29/001"):
        assert name in said, name
    assert not (root / "lake" / "F99").exists()
    assert {s["delivery"] for s in json.loads(xfy(root, "feeds", "status", "F08", "--json").stdout)} == {"001", "003"}


def test_a_person_lets_a_held_delivery_through(root: Path) -> None:
    trailer_off_by_one(second(root, "F01"))
    day = delivery(root, "F01").parent.name
    decisions = root / "landing" / "decisions"
    decisions.mkdir()
    (decisions / "f01.yaml").write_text(
        f"- decision: accept\n  feed: F01\n  date: {day}\n  delivery: '002'\n  name: 张三（区公安分局）\n"
        f"  reason: 导出程序少计一条，内容核对无误\n  decided_on: {day}\n"
    )
    xfy(root, "feeds", "land")
    _, corrected = json.loads(xfy(root, "feeds", "status", "F01", "--json").stdout)
    assert corrected["state"] == "accepted" and any("张三" in r for r in corrected["reasons"])


def test_a_missing_key_over_existing_data_is_refused(root: Path) -> None:
    xfy(root, "feeds", "land")
    (root / "vault" / "key").unlink()
    done = xfy(root, "feeds", "land", check=False)
    assert done.returncode == 2
    assert "key is missing" in done.stderr
    assert not (root / "vault" / "key").exists(), "a new key is never made over existing data"


def test_wrong_use_is_told_from_a_failed_check(root: Path) -> None:
    assert xfy(root, "run", "--as-of", "31.10.2026", check=False).returncode == 2
    assert xfy(root, "run", "--as-of", "2019-01-01", check=False).returncode == 2
    assert xfy(root, "release", "verify", check=False).returncode == 2
    assert xfy(root, "feeds", "status", "F99", check=False).returncode == 2
    assert xfy(root, "tags", "sql", "T99999999", check=False).returncode == 2
    assert xfy(root, "nonsense", check=False).returncode == 2
    assert xfy(root / "empty", "run", check=False).returncode == 2
