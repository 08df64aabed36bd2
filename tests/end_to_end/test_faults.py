"""Kills, overlapping runs and full disks, each against the hashes of a run nobody disturbed. `make test-faults`."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.support import hashes, xfy

pytestmark = pytest.mark.faults
KILLS = 20


def start(root: Path, *words: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XFY_", "DAGSTER_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run", "--force", *words],
        env={**environment, "XFY_DATA": str(root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def children(pid: int) -> list[int]:
    """Processes below one, in /proc's words."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


@pytest.fixture(scope="module")
def copies(district: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The run district's deliveries and key, without anything computed."""
    root = tmp_path_factory.mktemp("faults") / "data"
    shutil.copytree(district / "landing", root / "landing")
    shutil.copytree(district / "vault", root / "vault", ignore=shutil.ignore_patterns("quarantine"))
    yield root
    shutil.rmtree(root)


def test_killed_runs_leave_a_whole_release_and_no_obstacle(copies: Path, district: Path) -> None:
    """Every other kill takes the run alone and leaves its dbt child, if there is one, to itself."""
    clean = hashes(district)
    began = time.monotonic()
    xfy(copies, "run", "--force")
    length = time.monotonic() - began
    assert hashes(copies) == clean
    dice = random.Random(20)
    orphans = 0
    for attempt in range(KILLS):
        moment = dice.uniform(0.02, 0.98) * length
        shutil.rmtree(copies / "lake", ignore_errors=attempt % 2 == 0)
        process = start(copies)
        time.sleep(moment)
        below = children(process.pid)
        process.kill()
        if attempt % 2:
            for child in below:
                os.kill(child, signal.SIGKILL) if Path(f"/proc/{child}").exists() else None
        orphans += any(Path(f"/proc/{child}").exists() for child in below)
        process.wait()
        verified = xfy(copies, "release", "verify", "--json")
        assert json.loads(verified.stdout)["findings"] == []
        after = json.loads(xfy(copies, "run", "--force", "--json").stdout)
        assert after["success"], f"blocked after a kill at {moment:.1f} s"
        assert hashes(copies) == clean, f"other content after a kill at {moment:.1f} s"
        assert not list((copies / "releases").glob(".*")), "the next run sweeps what the dead one left"
    assert orphans, "no kill met a running child: the moments prove less than they should"


def test_two_runs_for_two_dates_never_mix(copies: Path) -> None:
    alone = {}
    for day in ("2026-10-30", "2026-10-31"):
        xfy(copies, "run", "--force", "--as-of", day)
        newest = json.loads(xfy(copies, "release", "list", "--json").stdout)
        name = next(r["release"] for r in newest if r["as_of"] == day)
        alone[day] = content(copies, name)
    together = [start(copies, "--as-of", day, "--json") for day in alone]
    for process, day in zip(together, alone, strict=True):
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        body = json.loads(output[output.index("\n{") :]) if not output.startswith("{") else json.loads(output)
        assert body["as_of"] == day
        assert content(copies, body["release"]) == alone[day]


def content(root: Path, release: str) -> dict[str, str]:
    manifest = json.loads((root / "releases" / release / "manifest.json").read_text())
    return {f"{t['schema']}.{t['name']}": t["content_hash"] for t in manifest["tables"]}


def test_a_second_run_refuses_when_told_not_to_wait(copies: Path) -> None:
    first = start(copies)
    time.sleep(8)
    second = xfy(copies, "run", "--force", "--wait", "0", check=False)
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stdout + second.stderr
    first.communicate(timeout=600)
    assert first.returncode == 0


FULL_DISK = """
set -eu
mount -t tmpfs -o size=$4 full "$2"
cp -a "$1/." "$2/"
XFY_DATA="$2" "$3" -m pipelines.cli run --force > "$2.first.log" 2>&1
before=$(readlink "$2/releases/current")
( while [ "$(find "$2/warehouse" -name '*.duckdb' | wc -l)" -lt 2 ]; do sleep 0.2; done
  sleep "$5"; dd if=/dev/zero of="$2/filler" bs=1M 2>/dev/null || true ) &
if XFY_DATA="$2" "$3" -m pipelines.cli run --force > "$2.full.log" 2>&1; then echo "the disk was never full"; exit 3; fi
wait
[ "$(readlink "$2/releases/current")" = "$before" ]
XFY_DATA="$2" "$3" -m pipelines.cli release verify
rm "$2/filler"
XFY_DATA="$2" "$3" -m pipelines.cli run --force > "$2.after.log" 2>&1
XFY_DATA="$2" "$3" -m pipelines.cli release verify
cp "$2/releases/current/manifest.json" "$2.manifest.json"
"""


@pytest.mark.parametrize("seconds", [1, 6])
def test_a_disk_that_fills_up_in_the_middle(copies: Path, district: Path, tmp_path: Path, seconds: int) -> None:
    """On a real small disk in a mount namespace of its own: the run fails, the pointer stays, space heals it."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.fail("this test needs Linux user namespaces (unshare -rm), to make a disk that is really full")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", FULL_DISK, "x", str(copies), str(disk), sys.executable, "1g", str(seconds)],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    logs = "\n".join(p.read_text()[-3000:] for p in sorted(tmp_path.glob("disk.*.log")))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{logs}"
    said = (tmp_path / "disk.full.log").read_text()
    # Which write meets the full disk first is chance; Dagster's event store says it in SQLite's words.
    assert any(words in said for words in ("No space left", "ENOSPC", "bytes free", "disk is full")), said[-2000:]
    manifest = json.loads((tmp_path / "disk.manifest.json").read_text())
    assert {f"{t['schema']}.{t['name']}": t["content_hash"] for t in manifest["tables"]} == hashes(district)


def test_a_disk_too_small_is_refused_before_anything_is_written(copies: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=60m s "$1" && mkdir "$1/landing" && cp -a "$3/landing/B03" "$1/landing/" '
        '&& XFY_DATA="$1" "$2" -m pipelines.cli run'
    )
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", script, "x", str(disk), sys.executable, str(copies)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert "bytes free" in done.stdout + done.stderr
