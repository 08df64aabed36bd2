"""Signatures, keys and anchors: what is changed with all its hashes computed anew is noticed all the same."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipelines import chain, keys
from pipelines.key_file import KeyProblem
from pipelines.releases.anchors import anchors
from pipelines.releases.layout import ReleaseError, current
from pipelines.releases.signing import PUBLIC_KEY, fingerprint, publish_key, sign, signing_key
from pipelines.releases.verify import Examined, examine
from pipelines.settings import Settings

DAY = date(2026, 10, 31)


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path)
    settings.vault.mkdir(mode=0o700)
    return settings


def released(settings: Settings, name: str = "2026-10-31.1") -> Path:
    """A signed release with one file, made beside whatever logs there are."""
    folder = settings.releases / name
    (folder / "restricted").mkdir(parents=True)
    (folder / "restricted" / "a").write_text("a")
    (folder / "a.txt").write_text("one")
    files = [
        {
            "path": p,
            "sha256": hashlib.sha256((folder / p).read_bytes()).hexdigest(),
            "bytes": (folder / p).stat().st_size,
        }
        for p in ("a.txt", "restricted/a")
    ]
    body = {"release": name, "as_of": name[:10], "code_version": "c", "rules_version": "r", "index_editions": ["e"],
            "duckdb_version": "2", "feeds": [{"feed": "F01", "rows": 5}], "tables": [], "files": files,
            "keys": keys.ids(settings), "anchors": anchors(settings, DAY).model_dump()}  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(body))
    key = signing_key(settings)
    sign(folder, key)
    publish_key(settings.releases, key.public_key())
    return folder


def problems(found: Examined) -> list[str]:
    return [f"{f.path} {f.problem}" for f in found.findings]


def test_a_whole_release_says_by_which_key(house: Settings) -> None:
    found = examine(house, released(house))
    assert problems(found) == []
    assert found.signed_by == fingerprint(signing_key(house).public_key()) and "own" in found.trusted_from


def rewrite(folder: Path, change: Callable[[dict], None]) -> None:
    body = json.loads((folder / "manifest.json").read_text())
    change(body)
    (folder / "manifest.json").write_text(json.dumps(body))


def file_and_manifest(folder: Path) -> None:
    (folder / "a.txt").write_text("two")
    digest = hashlib.sha256(b"two").hexdigest()
    rewrite(folder, lambda body: body["files"][0].update(sha256=digest))


@pytest.mark.parametrize(
    "tamper",
    [
        file_and_manifest,
        lambda f: rewrite(f, lambda body: body["feeds"][0].update(rows=6)),
        lambda f: rewrite(f, lambda body: body.update(stale=[])),
        lambda f: rewrite(f, lambda body: body.update(anchors={})),
        lambda f: (f / "manifest.sig").unlink(),
        lambda f: (f / "manifest.sig").write_text("{}"),
        lambda f: (f / "manifest.sig").write_text('{"algorithm": "none", "key": "", "signature": ""}'),
        lambda f: (f / "manifest.sig").write_text('{"algorithm": "ed25519", "key": "0", "signature": "AA=="}'),
    ],
    ids=["file and manifest", "rows", "stale", "anchors", "no signature", "empty", "no algorithm", "another key"],
)
def test_what_is_rewritten_with_its_hashes_is_noticed(house: Settings, tamper: Callable[[Path], None]) -> None:
    folder = released(house)
    tamper(folder)
    assert any(p.startswith("manifest.sig") for p in problems(examine(house, folder)))


def test_a_signature_by_another_house_is_none(house: Settings, tmp_path: Path) -> None:
    folder = released(house)
    other = Settings(data=tmp_path / "other")
    sign(folder, signing_key(other))
    assert "not with" in " ".join(problems(examine(house, folder)))


def test_a_consumer_brings_the_key_it_was_given(house: Settings, tmp_path: Path) -> None:
    folder = released(house)
    elsewhere = Settings(data=tmp_path / "consumer")
    found = examine(elsewhere, folder)
    assert problems(found) == [] and "compare" in found.trusted_from
    given = tmp_path / "given.pem"
    given.write_bytes((house.releases / PUBLIC_KEY).read_bytes())
    assert problems(examine(elsewhere, folder, given)) == []
    given.write_text("no key")
    with pytest.raises(ReleaseError, match="no public key"):
        examine(elsewhere, folder, given)


def forge(record: Path, keep: int) -> None:
    """Rewrites a log as somebody who knows its form would: names changed, tail cut, every hash and the head new."""
    found = chain.entries(record)[:keep]
    record.unlink()
    record.with_suffix(".head").unlink()
    for entry in found:
        chain.append(record, {**{k: v for k, v in entry.items() if k not in ("n", "before", "hash")}, "name": "另一人"})


@pytest.mark.parametrize("keep", [3, 2, 0], ids=["all rewritten", "tail cut", "emptied"])
def test_a_log_whose_hashes_are_all_computed_anew_does_not_fit_the_release(house: Settings, keep: int) -> None:
    record = house.vault / "exports.jsonl"
    for n in range(3):
        chain.append(record, {"name": "张三", "rows": n})
    folder = released(house)
    chain.append(record, {"name": "李四", "rows": 9})
    assert problems(examine(house, folder)) == [], "what is added later is no change"
    forge(record, keep)
    found = problems(examine(house, folder))
    assert [p.split()[0] for p in found] == ["vault/exports.jsonl"]


def test_a_pointer_that_leads_elsewhere_is_refused(house: Settings, tmp_path: Path) -> None:
    released(house)
    pointer = house.releases / "current"
    for target in ("../elsewhere/2026-10-31.1", str(tmp_path / "x" / "2026-10-31.1"), ".staging-2026-10-31.1"):
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(target)
        with pytest.raises(ReleaseError, match="no release beside it"):
            current(house.releases)


@pytest.mark.parametrize("name", ["pseudonym", "restricted", "signing"])
def test_another_or_a_missing_key_is_refused_until_it_is_rotated_on_purpose(house: Settings, name: str) -> None:
    released(house)
    path, before = house.keys[name], keys.ids(house)
    right = path.read_bytes()
    path.unlink()
    with pytest.raises(KeyProblem, match="missing"):
        keys.opened(house, name)
    assert not path.exists()
    path.write_bytes(bytes(32))
    path.chmod(0o600)
    with pytest.raises(KeyProblem, match="was made with key"):
        keys.opened(house, name)
    path.write_bytes(right)
    assert keys.rotate(house, name, "张三", "演练", dry_run=True).done is False and keys.ids(house) == before
    done = keys.rotate(house, name, "张三", "演练", dry_run=False)
    assert done.set_aside.read_bytes() == right and "releases/2026-10-31.1" in done.keeps_old
    after = keys.ids(house)
    assert after[name] != before[name] and {k for k in after if after[k] == before[k]} == {*after} - {name}
    assert chain.verify(house.vault / keys.LOG) == (1, None)


def test_rotating_the_pseudonym_key_empties_what_was_made_with_it(house: Settings) -> None:
    receipt = house.lake / "F08" / "2026-10-31" / "001" / "receipt.json"
    receipt.parent.mkdir(parents=True)
    receipt.write_text(json.dumps({"key_id": keys.opened(house, keys.PSEUDONYM).key_id}))
    house.key_path.rename(house.vault / "kept")
    with pytest.raises(KeyProblem, match="missing"):
        keys.opened(house, keys.PSEUDONYM)
    (house.vault / "kept").rename(house.key_path)
    assert keys.rotate(house, "pseudonym", "张三", "密钥外泄", dry_run=True).emptied == ["lake"]
    assert receipt.exists()
    keys.rotate(house, "pseudonym", "张三", "密钥外泄", dry_run=False)
    assert not house.lake.exists() and keys.opened(house, keys.PSEUDONYM)


@pytest.mark.parametrize("command", [["feeds", "status"], ["tags", "list"], ["release", "list"]])
@pytest.mark.parametrize("kind", ["mode", "pipe"])
def test_a_key_that_is_none_is_refused_whatever_the_command(house: Settings, command: list[str], kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(house.key_path, 0o600)
    else:
        house.key_path.write_bytes(bytes(32))
        house.key_path.chmod(0o644)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XFY_")} | {"XFY_DATA": str(house.root)}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *command], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "key" in done.stderr and "Traceback" not in done.stderr
