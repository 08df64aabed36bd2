"""From a checked staging folder to the version readers see, and back.

The order of steps is the guarantee: staging is complete and audited, then synced, then renamed to its final name, then
the pointer moves by one atomic replace. A kill between any two of them leaves `current` on a whole release.
"""

import os
import shutil
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pipelines.disk import sync
from pipelines.releases import files
from pipelines.releases.layout import CURRENT, STAGING_PREFIX, ReleaseError, current, order, release_names, resolve

GRACE_SECONDS = 3600
"""How long a release outlives the one that took its place, for readers who had resolved the pointer before."""


def sweep_staging(releases: Path) -> list[str]:
    """Removes what a killed run left behind. Call it under the run's lock: nobody else is building."""
    gone = []
    if releases.exists():
        for path in sorted(releases.iterdir()):
            if path.name.startswith((STAGING_PREFIX, f".{CURRENT}-")):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                gone.append(path.name)
    return gone


def publish(releases: Path, staging: Path, name: str) -> bool:
    """Gives a staged release its name and, unless a later `as_of` is current, moves the pointer to it.

    Returns whether `current` moved.
    """
    files.sync_tree(staging)
    target = releases / name
    if target.exists():
        raise ReleaseError(f"release {name} exists already; releases are never overwritten")
    staging.rename(target)
    sync(releases)
    now = current(releases)
    if now is not None and order(now)[0] > order(name)[0]:
        return False
    point_to(releases, name)
    return True


def point_to(releases: Path, name: str) -> None:
    """Moves `current` to a release by one atomic replace."""
    order(name)
    temporary = releases / f".{CURRENT}-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.replace(releases / CURRENT)
    sync(releases)


def roll_back_target(releases: Path, to: str | None = None) -> str:
    """The release a roll back would make current: the one named, or the one before the current."""
    now = current(releases)
    if now is None:
        raise ReleaseError("nothing is published yet, so there is nothing to roll back")
    if to is None:
        earlier = [n for n in release_names(releases) if order(n) < order(now)]
        if not earlier:
            raise ReleaseError(f"{now} is the oldest release kept: there is none to roll back to")
        to = earlier[-1]
    resolve(releases, to)
    if to == now:
        raise ReleaseError(f"{to} is current already")
    return to


def roll_back(releases: Path, to: str | None = None) -> tuple[str, str]:
    """Moves `current` to an earlier release. Returns (from, to)."""
    target, now = roll_back_target(releases, to), current(releases)
    point_to(releases, target)
    return str(now), target


def retain(releases: Path, keep_dates: int, keep_months: int, made: str = "") -> list[str]:
    """Deletes releases nobody needs any more; returns what went.

    Kept are the newest release of each of the latest `keep_dates` dates and of the last date of each of the latest
    `keep_months` months, the current one, the one just `made`, and whatever another took the place of within the last
    hour: a reader who resolved the pointer before may be reading still. A release is renamed out of sight first, so
    that a kill in the middle leaves no half release under a release's name.
    """
    kept = {current(releases), made, *_kept(release_names(releases), keep_dates, keep_months)}
    spare = [n for n in release_names(releases) if n not in kept and not _was_just_read(releases, n)]
    for name in spare:
        doomed = releases / f"{STAGING_PREFIX}gone-{name}"
        (releases / name).rename(doomed)
        shutil.rmtree(doomed)
    return spare


def _kept(names: Sequence[str], keep_dates: int, keep_months: int) -> set[str]:
    """The newest release of each of the latest dates and month ends; `names` are in order."""
    of_date = {order(name)[0]: name for name in names}
    of_month = {day[:7]: name for day, name in sorted(of_date.items())}
    return {*list(of_date.values())[-keep_dates:], *list(of_month.values())[-keep_months:]}


def _was_just_read(releases: Path, name: str) -> bool:
    """Whether no release that could take its place is older than an hour."""
    made = (releases / name).stat().st_mtime
    later = [(releases / n).stat().st_mtime for n in release_names(releases)]
    replaced = min((at for at in later if at > made), default=None)
    return replaced is None or time.time() - replaced < GRACE_SECONDS


def summary(releases: Path) -> list[dict[str, str | bool]]:
    """The releases kept, newest first."""
    now = current(releases)
    return [
        {"release": n, "as_of": date.fromisoformat(order(n)[0]).isoformat(), "current": n == now}
        for n in reversed(release_names(releases))
    ]
