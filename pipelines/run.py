"""One run: exclusive, with a database file of its own.

Holds the lock that makes a run exclusive, the name and life of the run's database, and how DuckDB is opened. What a run
computes is the business of the six rooms; this module knows none of them.
"""

import atexit
import fcntl
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipelines.refusal import Refusal
from pipelines.settings import Settings
from pipelines.sql import sealed

STORAGE_VERSION = "v1.5.0"
"""Files stay readable by DuckDB 1.5, so that a retreat from 2.0 is open."""

KEEP_RUN_DATABASES = 2


class RunBusyError(Refusal):
    """Another run holds the lock; the message names its process and its date."""


class DiskSpaceError(Refusal):
    """Too little room for a run; the message names the path, the bytes needed and the bytes free."""


@dataclass(frozen=True)
class Run:
    """One run's identity: the date it speaks about and where its own files are."""

    run_id: str
    as_of: date
    database: Path
    folder: Path

    @property
    def products(self) -> Path:
        """Where product writers put files until the release takes them."""
        return self.folder / "products"

    @property
    def restricted(self) -> Path:
        """Where restricted tags wait for the release (0700)."""
        return self.folder / "restricted"

    @property
    def tags(self) -> Path:
        """Where the tag evaluator puts its Parquet files."""
        return self.folder / "tags"


def locate(settings: Settings, run_id: str, as_of: date) -> Run:
    """Names the files of a run; makes none."""
    stem = f"{as_of:%Y%m%d}-{run_id[:8]}"
    return Run(run_id, as_of, settings.warehouse / f"{stem}.duckdb", settings.warehouse / stem)


@contextmanager
def exclusive(
    settings: Settings, as_of: date, wait_s: float = 0.0, report: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Holds the data root's one lock for the length of a run.

    The lock is a `flock`, which the kernel frees when its last holder dies, so a killed run never blocks the next. Its
    descriptor also becomes standard input for the length of the run: a child process inherits standard input whatever
    else it closes, so a dbt child that outlives a killed run keeps the lock until it has ended too.

    Raises RunBusyError when the lock is still held after `wait_s` seconds.
    """
    settings.root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(settings.run_lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, settings.run_lock, wait_s, report)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "as_of": as_of.isoformat()}).encode(), 0)
        with _as_standard_input(descriptor):
            yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait_s: float, report: Callable[[str], None] | None) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            message = f"another run holds {path.name}: {_holder(path)}"
            if time.monotonic() >= deadline:
                raise RunBusyError(f"{message}. Wait for it to end, or stop that process, then start again.") from None
            if report and not told:
                report(f"{message}; waiting up to {wait_s:.0f} s")
                told = True
            time.sleep(0.5)


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text())
        return f"process {known['pid']}, as of {known['as_of']}"
    return "a process that has not yet said who it is"


@contextmanager
def _as_standard_input(descriptor: int) -> Iterator[None]:
    saved = os.dup(0)
    os.set_inheritable(saved, False)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def begin_worker(parent: int) -> None:
    """First thing in a worker process: it ends soon after `parent` has died, at once at Ctrl-C, and without noise.

    A worker that waits for its next task would wait for ever when its parent is killed, because its sibling holds the
    other end of the queue; and as a child of the run it would hold the run's lock for as long. Ending at once spares
    the reader DuckDB's page on references leaked while the interpreter is torn down, which means nothing.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    signal.signal(signal.SIGINT, lambda *_: os._exit(1))
    threading.Thread(target=watch, daemon=True).start()
    atexit.register(os._exit, 0)


def require_space(path: Path, bytes_needed: int) -> None:
    """Refuses to start what the disk cannot hold; better at the start than in the middle."""
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free
    if free < bytes_needed:
        raise DiskSpaceError(
            f"{path} has {free:,} bytes free, this run needs about {bytes_needed:,}. Free space there, "
            "lower keep_releases, or set XFY_DATA to a larger disk."
        )


def sweep(settings: Settings, current: Run) -> list[Path]:
    """Deletes databases of runs that are over, but for the newest few; returns what went. Call it under the lock."""
    settings.warehouse.mkdir(parents=True, exist_ok=True)
    stems = {p.name.split(".")[0]: p.stat().st_mtime for p in settings.warehouse.iterdir()}
    stems.pop(current.database.stem, None)
    gone = sorted(stems, key=lambda s: stems[s], reverse=True)[KEEP_RUN_DATABASES - 1 :]
    removed = []
    for stem in gone:
        for path in settings.warehouse.glob(f"{stem}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            removed.append(path)
    return removed


@contextmanager
def connect(path: Path, settings: Settings, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens a DuckDB file with this installation's limits and closes it whatever happens.

    Its queries reach what a run works on and nothing else of the machine: not the vault, not landing/.
    """
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    spill = settings.root / "tmp"
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(spill),
        "storage_compatibility_version": STORAGE_VERSION,
    }
    connection = duckdb.connect(str(path), read_only=read_only, config=config)
    try:
        yield sealed(connection, (settings.lake, settings.identity, settings.warehouse, settings.releases))
    finally:
        connection.close()
