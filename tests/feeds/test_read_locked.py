import io
import stat
import zipfile
import zlib

import pytest
from xlsxwriter import Workbook

from pipelines.feeds import readers
from pipelines.feeds.land import land_feed
from pipelines.feeds.messages import DeliveryProblem
from pipelines.simulate.deliveries.f16 import keep_password
from pipelines.simulate.deliveries.locked import write_locked
from tests.feeds.making import DAY, column, deliver, make_contract

LOCKED = {"format": "workbook", "files": "f.zip", "sheets": ["甲"], "is_password_protected": True}
SECRET = "made-up-1"


def workbook() -> bytes:
    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        page = book.add_worksheet("甲")
        page.write_string(0, 0, "编号")
        page.write_string(1, 0, "一")
        page.write_string(2, 0, "二")
    return content.getvalue()


@pytest.fixture
def contract(tmp_path):
    return make_contract(tmp_path / "contract", [column("a", "编号")], LOCKED)


@pytest.fixture
def passwords(tmp_path):
    folder = tmp_path / "passwords"
    folder.mkdir()
    (folder / "T01").write_text(SECRET + "\n")
    return folder


def test_a_workbook_in_a_locked_archive_is_read_whatever_its_name(tmp_path, contract, passwords):
    write_locked(tmp_path / "f.zip", "患者.xlsx".encode("gbk"), workbook(), SECRET)
    raw = readers.read(contract, tmp_path, passwords)
    assert raw.frame.select("编号", "_file", "_line").rows() == [("一", "f.zip#甲", 2), ("二", "f.zip#甲", 3)]


def test_the_archive_is_one_that_others_can_open(tmp_path):
    write_locked(tmp_path / "f.zip", b"a.bin", b"content" * 99, SECRET)
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        assert archive.read("a.bin", pwd=SECRET.encode()) == b"content" * 99
        with pytest.raises(RuntimeError):
            archive.read("a.bin")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda path: write_locked(path, b"a.xlsx", workbook(), "another"), "wrong_password"),
        (lambda path: write_locked(path, b"a.xlsx", b"no workbook", SECRET), "other_format"),
        (lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "damaged"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "damaged"),
    ],
)
def test_archives_that_do_not_open_say_why(tmp_path, contract, passwords, make, kind):
    make(tmp_path / "f.zip")
    with pytest.raises(DeliveryProblem) as caught:
        readers.read(contract, tmp_path, passwords)
    assert caught.value.kind == kind and SECRET not in str(caught.value)


def archive(path, entries, **how):
    with zipfile.ZipFile(path, "w", **how) as target:
        for name, content in entries.items():
            target.writestr(name, content)


def locked_by(path, at: int, value: bytes):
    """An archive that says of its one entry what stands at a place of its headers: flags at 6, method at 8."""
    write_locked(path, b"a.xlsx", workbook(), SECRET)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[at : at + 2] = data[directory + at + 2 : directory + at + 4] = value
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("make", "kind", "told"),
    [
        (lambda path: locked_by(path, 8, b"\x63\x00"), "other_encryption", "AES"),
        (lambda path: locked_by(path, 6, b"\x41\x00"), "other_encryption", "PKWARE"),
        (lambda path: locked_by(path, 8, b"\x5d\x00"), "other_encryption", "method 93"),
        (lambda path: archive(path, {"a.xlsx": workbook()}), "unlocked", "未加密"),
        (lambda path: archive(path, {"a.xlsx": workbook(), "b.xlsx": b""}), "unlocked", "unprotected"),
        (lambda path: path.write_bytes(workbook()), "unlocked", "unprotected"),
        (lambda path: path.write_bytes(b"Rar!\x1a\x07\x00"), "other_format", "RAR"),
        (lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c"), "other_format", "7-Zip"),
        (lambda path: path.write_bytes(b""), "empty_file", "empty"),
        (lambda path: write_locked(path, b"a.xlsx", b"<html><table>", SECRET), "other_format", "HTML"),
    ],
)
def test_archives_locked_otherwise_or_not_at_all_are_told_so(tmp_path, contract, passwords, make, kind, told):
    make(tmp_path / "f.zip")
    with pytest.raises(DeliveryProblem) as caught:
        readers.read(contract, tmp_path, passwords)
    assert caught.value.kind == kind
    assert told in caught.value.describe("T01", "2026-10-30", "001")


def test_a_wrong_password_is_one_whichever_way_it_shows(tmp_path, contract, passwords):
    write_locked(tmp_path / "f.zip", b"a.xlsx", workbook(), SECRET)
    # One of 256 passes the archive's own check and fails at the content.
    with zipfile.ZipFile(tmp_path / "f.zip") as locked:
        for turn in range(3_000):
            try:
                locked.read("a.xlsx", pwd=f"wrong-{turn}".encode())
            except RuntimeError:
                continue
            except (zlib.error, zipfile.BadZipFile):
                (passwords / "T01").write_text(f"wrong-{turn}")
                break
    assert (passwords / "T01").read_text().startswith("wrong")
    with pytest.raises(DeliveryProblem) as caught:
        readers.read(contract, tmp_path, passwords)
    assert caught.value.kind == "wrong_password"


def test_a_delivery_waits_for_its_password_and_is_read_once_it_is_there(tmp_path, settings, contract, key):
    write_locked(tmp_path / "f.zip", b"a.xlsx", workbook(), SECRET)
    deliver(settings, "T01", DAY, "001", {"f.zip": (tmp_path / "f.zip").read_bytes()})
    assert [r.problem.kind for r in land_feed(settings, contract, key, DAY)] == ["no_password"]
    settings.passwords.mkdir(parents=True)
    (settings.passwords / "T01").write_text(SECRET)
    assert [(r.problem, r.accepted) for r in land_feed(settings, contract, key, DAY)] == [(None, 2)]


def test_the_simulator_s_password_is_its_owner_s_alone(tmp_path):
    keep_password(tmp_path, 1)
    path = tmp_path / "passwords" / "F16"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(path.read_text()) > 16
