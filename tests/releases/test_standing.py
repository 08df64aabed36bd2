"""Nothing new: a release stands for what it was made from, and for nothing else."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.disk import sha256_of
from pipelines.feeds.receipts import Receipt
from pipelines.key_file import KeyProblem
from pipelines.releases.anchors import anchors
from pipelines.releases.layout import CURRENT, FileEntry, Manifest
from pipelines.releases.signing import sign, signing_key
from pipelines.releases.standing import ensure_keys, made_of, standing
from pipelines.settings import Settings
from pipelines.subjects.folders import make

DAY = date(2026, 10, 30)
RECEIPT_OF_NOTHING = Receipt(
    feed="B01", business_on=DAY, number="001", delivered=0, accepted=0, quarantined=0, duplicate=0, sha256="", files=(),
    contract_version="1", contract_sha256="", key_id="",
)  # fmt: skip


@pytest.fixture
def house(tmp_path) -> Settings:
    """A data root with one delivery, a decision, a password and a key; declarations of its own."""
    installed = Settings()
    declared = tmp_path / "declared"
    shutil.copytree(installed.contracts, declared / "contracts")
    (declared / "reference").mkdir()
    (declared / "reference" / "codes.csv").write_text("code\n1\n")
    (tmp_path / "tag_rules").mkdir()
    (tmp_path / "tag_rules" / "a.yml").write_text("a: 1\n")
    (tmp_path / "dbt" / "target").mkdir(parents=True)
    (tmp_path / "dbt" / "m.sql").write_text("select 1\n")
    house = Settings(
        data=tmp_path / "data", contracts=declared / "contracts", reference=declared / "reference",
        declarations=declared, tag_rules=tmp_path / "tag_rules", dbt_project=tmp_path / "dbt",
    )  # fmt: skip
    for path, content in {
        house.vault / "key": "k" * 32,
        house.passwords / "F16": "made up",
        house.landing / "B01" / "2026-10-30" / "001" / "f.csv": "A\n1\n",
        house.landing / "B01" / "2026-10-31" / "001" / "f.csv": "A\n2\n",
        house.landing / "decisions" / "a.yaml": "[]\n",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return house


def release(settings: Settings, name: str, fingerprint: str) -> Path:
    folder = settings.releases / name
    folder.mkdir(parents=True)
    (folder / "x.parquet").write_bytes(b"12345")
    Manifest(
        release=name, as_of=date.fromisoformat(name[:10]), code_version="", rules_version="", index_editions=[],
        duckdb_version="", feeds=[], tables=[], made_of=fingerprint,
        files=[FileEntry(path="x.parquet", sha256=sha256_of(folder / "x.parquet"), bytes=5)],
        anchors=anchors(settings, date.fromisoformat(name[:10])),
    ).write(folder / "manifest.json")  # fmt: skip
    sign(folder, signing_key(settings))
    (settings.releases / CURRENT).unlink(missing_ok=True)
    (settings.releases / CURRENT).symlink_to(name)
    return folder


def test_the_fingerprint_is_letters_and_the_same_for_the_same(house):
    first = made_of(house, DAY)
    assert first.isalpha() and len(first) == 64 and first == made_of(house, DAY)
    (house.dbt_project / "target" / "manifest.json").write_text("made by dbt")
    (house.landing / "B01" / "2026-10-31" / "001" / "f.csv").write_text("A\nlater\n")
    (house.vault / "quarantine").mkdir()
    (house.vault / "quarantine" / "x").write_text("x")
    assert first == made_of(house, DAY), "what no release of the day is made from changes nothing"


@pytest.mark.parametrize(
    "change",
    [
        lambda h: (h.landing / "B01" / "2026-10-30" / "001" / "f.csv").write_text("A\n9\n"),
        lambda h: (h.landing / "B01" / "2026-10-30" / "002").mkdir(),
        lambda h: (h.landing / "decisions" / "b.yaml").write_text("[]\n"),
        lambda h: (h.contracts / "B01.yaml").write_text((h.contracts / "B01.yaml").read_text() + "# more\n"),
        lambda h: (h.reference / "codes.csv").write_text("code\n2\n"),
        lambda h: (h.tag_rules / "a.yml").unlink(),
        lambda h: (h.dbt_project / "m.sql").rename(h.dbt_project / "n.sql"),
        lambda h: (h.vault / "key").write_text("l" * 32),
        lambda h: (h.passwords / "F16").write_text("another"),
    ],
    ids=["delivery", "number", "decision", "contract", "reference", "rule", "model", "key", "password"],
)
def test_whatever_goes_into_a_release_changes_its_fingerprint(house, change):
    before = made_of(house, DAY)
    change(house)
    assert made_of(house, DAY) != before


def test_another_date_or_other_code_is_another_release(house, monkeypatch):
    before = made_of(house, DAY)
    assert made_of(house, date(2026, 10, 31)) != before
    monkeypatch.setattr("pipelines.releases.standing.code_version", lambda: "other")
    assert made_of(house, DAY) != before


def test_a_release_stands_while_it_is_whole_newest_and_read(house):
    mark = made_of(house, DAY)
    assert standing(house, DAY, mark) is None
    folder = release(house, "2026-10-30.1", mark)
    assert standing(house, DAY, mark) == "2026-10-30.1"
    assert standing(house, DAY, mark[::-1]) is None and standing(house, date(2026, 10, 29), mark) is None
    (folder / "x.parquet").write_bytes(b"12344")
    assert standing(house, DAY, mark) is None, "a flipped bit is nothing that stands"
    (folder / "x.parquet").write_bytes(b"1234")
    assert standing(house, DAY, mark) is None
    (folder / "x.parquet").unlink()
    assert standing(house, DAY, mark) is None


def test_a_release_beside_a_later_one_stands_and_one_rolled_back_does_not(house):
    mark = made_of(house, DAY)
    release(house, "2026-10-30.1", "")
    release(house, "2026-10-30.2", mark)
    release(house, "2026-10-31.1", "")
    assert standing(house, DAY, mark) == "2026-10-30.2"
    (house.releases / CURRENT).unlink()
    (house.releases / CURRENT).symlink_to("2026-10-30.1")
    assert standing(house, DAY, mark) is None


def test_the_keys_of_a_new_house_are_there_before_its_first_release(tmp_path):
    house = Settings(data=tmp_path / "data")
    ensure_keys(house, DAY, 0, print)
    keys = [path.read_bytes() for path in (house.key_path, house.restricted_key_path)]
    assert keys[0] != keys[1] and house.vault.stat().st_mode & 0o077 == 0
    ensure_keys(house, DAY, 0, print)
    assert keys == [path.read_bytes() for path in (house.key_path, house.restricted_key_path)]
    house.key_path.unlink()
    (house.lake / "B01" / "2026-10-30" / "001").mkdir(parents=True)
    (house.lake / "B01" / "2026-10-30" / "001" / "receipt.json").write_text("{}")
    with pytest.raises(KeyProblem):
        ensure_keys(house, DAY, 0, print)


def test_without_a_key_and_of_runs_without_a_fingerprint_nothing_stands(house):
    release(house, "2026-10-30.1", "")
    assert standing(house, DAY, "") is None
    (house.vault / "key").unlink()
    assert made_of(house, DAY) == ""


@pytest.mark.parametrize("where", ["lake", "receipt", "signature", "identity"])
def test_nothing_stands_on_what_is_not_as_it_was_written(house, where):
    place = house.lake / "B01" / "2026-10-30" / "001"
    place.mkdir(parents=True)
    names = ("rows.parquet", "duplicates.parquet")
    for name in names:
        (place / name).write_bytes(b"rows")
    receipt = replace(RECEIPT_OF_NOTHING, written={name: sha256_of(place / name) for name in names})
    (place / "receipt.json").write_text(receipt.to_json())
    day = house.identity / "2026-10-30"
    house.identity.mkdir()
    make(day, "x", None, None, [lambda _, __, folder: (folder / "people.parquet").write_bytes(b"people")])
    mark = made_of(house, DAY)
    folder = release(house, "2026-10-30.1", mark)
    assert standing(house, DAY, mark) == "2026-10-30.1"
    path = {
        "lake": place / "rows.parquet",
        "receipt": place / "receipt.json",
        "signature": folder / "manifest.sig",
        "identity": day / "people.parquet",
    }[where]
    path.write_bytes(path.read_bytes().replace(b"o", b"0", 1))
    assert standing(house, DAY, mark) is None
