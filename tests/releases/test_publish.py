"""Publishing, pointing, rolling back, retaining: what readers may see at any moment."""

import hashlib
import json
import multiprocessing
import os
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from pipelines.releases import files
from pipelines.releases.layout import Manifest, ReleaseError, current, next_name, release_names, resolve
from pipelines.releases.publish import point_to, publish, retain, roll_back, summary, sweep_staging
from pipelines.releases.verify import verify


def staged(releases: Path, name: str, content: str = "one") -> Path:
    staging = releases / f".staging-{name}"
    (staging / "parquet" / "tags").mkdir(parents=True)
    body = {"release": name, "as_of": name[:10], "code_version": "c", "rules_version": "r", "index_editions": ["e"],
            "duckdb_version": "2.0.0", "feeds": [], "files": [], "tables": []}  # fmt: skip
    for path in ("warehouse.duckdb", "parquet/tags/part-0.parquet"):
        (staging / path).write_text(content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        body["files"].append({"path": path, "sha256": digest, "bytes": len(content), "rows": None})
    (staging / "manifest.json").write_text(json.dumps(body))
    return staging


def release(releases: Path, name: str) -> bool:
    return publish(releases, staged(releases, name), name)


def test_the_pointer_moves_forward_in_as_of_only(tmp_path: Path) -> None:
    assert release(tmp_path, "2026-10-30.1")
    assert release(tmp_path, "2026-10-31.1")
    assert not release(tmp_path, "2026-10-29.1"), "an earlier date is published beside, not in front"
    assert current(tmp_path) == "2026-10-31.1"
    assert resolve(tmp_path, "2026-10-29.1").is_dir()
    assert release(tmp_path, "2026-10-31.2"), "a new release of the same date replaces the old one"
    assert current(tmp_path) == "2026-10-31.2"


def test_numbers_count_up_and_ten_comes_after_nine(tmp_path: Path) -> None:
    for number in (1, 2, 9, 10):
        release(tmp_path, f"2026-10-31.{number}")
    assert next_name(tmp_path, date(2026, 10, 31)) == "2026-10-31.11"
    assert next_name(tmp_path, date(2026, 11, 1)) == "2026-11-01.1"
    assert release_names(tmp_path)[-1] == "2026-10-31.10"


def test_a_release_is_never_overwritten(tmp_path: Path) -> None:
    release(tmp_path, "2026-10-31.1")
    with pytest.raises(ReleaseError, match="never overwritten"):
        publish(tmp_path, staged(tmp_path, "2026-10-31.1", "two"), "2026-10-31.1")
    assert verify(resolve(tmp_path))[1] == []


def test_roll_back_goes_to_the_one_before_and_no_further(tmp_path: Path) -> None:
    release(tmp_path, "2026-10-30.1")
    release(tmp_path, "2026-10-31.1")
    assert roll_back(tmp_path) == ("2026-10-31.1", "2026-10-30.1")
    assert current(tmp_path) == "2026-10-30.1"
    with pytest.raises(ReleaseError, match="oldest"):
        roll_back(tmp_path)
    with pytest.raises(ReleaseError, match="there is no release 2020-01-01.1"):
        roll_back(tmp_path, "2020-01-01.1")
    assert roll_back(tmp_path, "2026-10-31.1")[1] == "2026-10-31.1", "and forward again by name"


def test_hostile_names_are_no_releases(tmp_path: Path) -> None:
    release(tmp_path, "2026-10-31.1")
    for name in ("../../etc", "/etc", "current", "2026-10-31.1/../x", ""):
        with pytest.raises(ReleaseError):
            resolve(tmp_path, name or "..")
        with pytest.raises(ReleaseError):
            point_to(tmp_path, name)


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads any more what was replaced a moment ago."""
    monkeypatch.setattr("pipelines.releases.publish.GRACE_SECONDS", -1)


def test_the_newest_of_each_date_and_of_each_months_end_are_kept(tmp_path: Path, no_grace: None) -> None:
    for name in ("2026-08-31.1", "2026-09-29.1", "2026-09-30.1", "2026-09-30.2", "2026-10-01.1", "2026-10-02.1",
                 "2026-10-02.2", "2026-10-02.3", "2026-10-03.1"):  # fmt: skip
        release(tmp_path, name)
    gone = retain(tmp_path, keep_dates=2, keep_months=2)
    assert release_names(tmp_path) == ["2026-09-30.2", "2026-10-02.3", "2026-10-03.1"]
    assert set(gone) == {"2026-08-31.1", "2026-09-29.1", "2026-09-30.1", "2026-10-01.1", "2026-10-02.1", "2026-10-02.2"}
    assert retain(tmp_path, keep_dates=2, keep_months=2) == []


def test_many_publications_of_one_date_push_no_other_date_out(tmp_path: Path, no_grace: None) -> None:
    release(tmp_path, "2026-10-30.1")
    for number in range(1, 9):
        release(tmp_path, f"2026-10-31.{number}")
        retain(tmp_path, keep_dates=2, keep_months=0)
    assert release_names(tmp_path) == ["2026-10-30.1", "2026-10-31.8"]


def test_the_current_and_the_one_just_made_stay_whatever_their_dates(tmp_path: Path, no_grace: None) -> None:
    for day in (1, 2, 3, 4):
        release(tmp_path, f"2026-10-0{day}.1")
    point_to(tmp_path, "2026-10-01.1")
    release(tmp_path, "2026-10-02.2")
    point_to(tmp_path, "2026-10-01.1")
    retain(tmp_path, 1, 0, "2026-10-02.2")
    assert release_names(tmp_path) == ["2026-10-01.1", "2026-10-02.2", "2026-10-04.1"]
    assert [r["release"] for r in summary(tmp_path) if r["current"]] == ["2026-10-01.1"]


def test_what_a_reader_resolved_within_the_hour_stays(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        release(tmp_path, f"2026-10-0{day}.1")
    reader = resolve(tmp_path, "2026-10-02.1")
    assert retain(tmp_path, 1, 0) == [] and reader.is_dir()
    now = time.time()
    for age, day in ((9000, 1), (8000, 2), (1800, 3)):
        os.utime(tmp_path / f"2026-10-0{day}.1", (now - age, now - age))
    assert retain(tmp_path, 1, 0) == ["2026-10-01.1"], "the second was replaced half an hour ago, the first long before"
    assert reader.is_dir()


def test_what_a_killed_run_left_is_swept_and_releases_are_not(tmp_path: Path) -> None:
    release(tmp_path, "2026-10-30.1")
    staged(tmp_path, "2026-10-31.1")
    (tmp_path / ".current-77").symlink_to("2026-10-31.1")
    assert sweep_staging(tmp_path) == [".current-77", ".staging-2026-10-31.1"]
    assert current(tmp_path) == "2026-10-30.1" and verify(resolve(tmp_path))[1] == []


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "add", "manifest", "link"])
def test_verify_sees_every_kind_of_damage(tmp_path: Path, damage: str) -> None:
    release(tmp_path, "2026-10-31.1")
    folder = resolve(tmp_path)
    assert verify(folder)[1] == []
    victim = folder / "parquet/tags/part-0.parquet"
    match damage:
        case "flip":
            victim.write_text("onf")
        case "cut":
            victim.write_text("on")
        case "remove":
            victim.unlink()
        case "add":
            (folder / "parquet/tags/part-1.parquet").write_text("one")
        case "manifest":
            (folder / "manifest.json").write_text("{")
        case "link":
            victim.unlink()
            victim.symlink_to("/etc/hostname")
    assert verify(folder)[1], damage


def test_a_release_under_another_name_is_found_out(tmp_path: Path) -> None:
    release(tmp_path, "2026-10-31.1")
    (tmp_path / "2026-10-31.1").rename(tmp_path / "2026-10-31.2")
    assert "says it is release" in verify(tmp_path / "2026-10-31.2")[1][0].problem


def _publish_for_ever(releases: str) -> None:
    for number in range(1, 10_000):
        name = f"2026-10-31.{number}"
        publish(Path(releases), staged(Path(releases), name, str(number)), name)
        retain(Path(releases), 3, 0)


def test_readers_never_see_half_a_version_while_a_writer_is_killed(tmp_path: Path) -> None:
    """A reader resolves once and reads: every read is whole, whenever the writer dies; and what is left is swept."""
    seen = []
    for attempt in range(6):
        releases = tmp_path / str(attempt)
        releases.mkdir()
        writer = multiprocessing.get_context("fork").Process(target=_publish_for_ever, args=(str(releases),))
        writer.start()
        until = time.monotonic() + 0.25 + attempt / 20
        while time.monotonic() < until:
            if current(releases) is None:
                continue
            folder = releases / str(current(releases))
            try:
                texts = {(folder / p).read_text() for p in ("warehouse.duckdb", "parquet/tags/part-0.parquet")}
            except FileNotFoundError:
                assert not folder.exists() or not (folder / "manifest.json").exists(), "retention may take a whole one"
                continue
            assert texts == {folder.name.rpartition(".")[2]}
            seen.append(folder.name)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        sweep_staging(releases)
        name = current(releases)
        assert name is not None and verify(releases / name)[1] == []
        assert all(verify(releases / n)[1] == [] for n in release_names(releases))
    assert len(seen) > 50


def test_links_in_a_release_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="is a link"):
        files.regular_files(tmp_path)


def test_manifest_survives_its_own_round_trip(tmp_path: Path) -> None:
    staging = staged(tmp_path, "2026-10-31.1")
    before = Manifest.read(staging)
    before.write(staging / "manifest.json")
    assert Manifest.read(staging) == before
