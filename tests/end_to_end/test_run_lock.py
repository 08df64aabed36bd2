"""The lock that makes a run exclusive: it waits, refuses, survives its holder's child and dies with its holder."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from pipelines.run import DiskSpaceError, RunBusyError, exclusive, locate, require_space, sweep
from pipelines.settings import Settings

HOLDER = """
import subprocess, sys, time
from datetime import date
from pathlib import Path
from pipelines.run import exclusive
from pipelines.settings import Settings
with exclusive(Settings(data=Path(sys.argv[1])), date(2026, 10, 31)):
    if sys.argv[2] == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, flush=True)
    else:
        print("held", flush=True)
    time.sleep(60)
"""


def hold(settings: Settings, how: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.data), how],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_a_second_run_is_refused_and_told_who_runs(settings: Settings) -> None:
    process, _ = hold(settings, "alone")
    with (
        pytest.raises(RunBusyError, match=f"process {process.pid}, as of 2026-10-31"),
        exclusive(settings, date(2026, 11, 1)),
    ):
        pass
    process.kill()
    process.wait()


def test_a_second_run_waits_for_the_first_to_end(settings: Settings) -> None:
    process, _ = hold(settings, "alone")
    said: list[str] = []
    os.kill(process.pid, signal.SIGSTOP)
    subprocess.Popen([sys.executable, "-c", f"import time, os; time.sleep(1); os.kill({process.pid}, 9)"])
    began = time.monotonic()
    with exclusive(settings, date(2026, 11, 1), wait_s=20, report=said.append):
        assert time.monotonic() - began > 0.8
    process.wait()
    assert len(said) == 1 and "waiting" in said[0]


def test_a_killed_run_frees_the_lock_at_once(settings: Settings) -> None:
    process, _ = hold(settings, "alone")
    process.kill()
    process.wait()
    with exclusive(settings, date(2026, 11, 1)):
        assert settings.run_lock.read_text().startswith('{"pid"')


def test_a_child_that_outlives_a_killed_run_keeps_the_lock(settings: Settings) -> None:
    process, child = hold(settings, "child")
    process.kill()
    process.wait()
    with pytest.raises(RunBusyError), exclusive(settings, date(2026, 11, 1)):
        pass
    os.kill(int(child), signal.SIGKILL)
    with exclusive(settings, date(2026, 11, 1), wait_s=5):
        pass


POOL = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from pipelines.run import exclusive, begin_worker
from pipelines.settings import Settings
if __name__ == "__main__":
    with exclusive(Settings(data=Path(sys.argv[1])), date(2026, 10, 31)):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, context, begin_worker, (os.getpid(),)) as pool:
            list(pool.map(abs, range(8)))
            print(*(p.pid for p in multiprocessing.active_children()), flush=True)
            time.sleep(60)
"""


def test_idle_workers_of_a_killed_run_do_not_keep_the_lock(settings: Settings, tmp_path: Path) -> None:
    """Waiting for their next task they would hold it for ever: each holds the other's end of the queue."""
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workers = [int(word) for word in process.stdout.readline().split()]
    assert workers and all(Path(f"/proc/{pid}").exists() for pid in workers)
    process.kill()
    process.wait()
    with exclusive(settings, date(2026, 11, 1), wait_s=10):
        pass


def test_standard_input_is_given_back(settings: Settings) -> None:
    before = os.fstat(0)
    with exclusive(settings, date(2026, 11, 1)):
        assert os.fstat(0).st_ino == settings.run_lock.stat().st_ino
    assert os.fstat(0) == before


def test_a_disk_too_small_is_refused_with_numbers(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(DiskSpaceError, match=r"needs about 1,125,899,906,842,624"):
        require_space(tmp_path, 1 << 50)


def test_old_run_databases_go_but_the_newest_stay(settings: Settings) -> None:
    settings.warehouse.mkdir(parents=True)
    runs = [locate(settings, f"{n:08x}", date(2026, 10, n + 1)) for n in range(4)]
    for age, run in enumerate(runs):
        run.database.write_text("x")
        run.folder.mkdir()
        os.utime(run.database, (1000 + age, 1000 + age))
        os.utime(run.folder, (1000 + age, 1000 + age))
    sweep(settings, runs[3])
    assert [r.database.exists() for r in runs] == [False, False, True, True]
    assert [r.folder.exists() for r in runs] == [False, False, True, True]
