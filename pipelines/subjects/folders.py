"""A folder of results that a later run takes over: what it was made of, and the hashes of what was written into it.

It stands where both still fit: another input makes it again, and so does a file that is no longer what was written.
What the steps write is their own business.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.disk import sha256_of
from pipelines.feeds.receipts import write_synced
from pipelines.subjects.day import Day

Step = Callable[[Path | None, Day, Path], None]
"""Writes its files for a day into a folder, from the folder of the date before (None on the first)."""

Report = Callable[[str], None]
MADE_OF, WRITTEN = "made_of", "written.json"


def made_of(folder: Path) -> str | None:
    """What a folder was made of; None where it is not there or not whole."""
    path = folder / MADE_OF
    return path.read_text("utf-8") if path.exists() else None


def stands(folder: Path, fingerprint: str, report: Report | None = None) -> bool:
    """Whether a folder was made of this and holds what was written; damage is told, and is none of it."""
    if made_of(folder) != fingerprint:
        return False
    wrong = damaged(folder)
    if wrong and report:
        report(f"identity/{folder.name}: {wrong[0]} is not what was written there; the date is made again")
    return not wrong


def damaged(folder: Path) -> list[str]:
    """Names of what is missing, other than written, or was never written."""
    try:
        written = json.loads((folder / WRITTEN).read_text("utf-8"))
        now = _hashes(folder)
    except (OSError, ValueError):
        return [WRITTEN]
    return sorted(name for name in {*written, *now} if written.get(name) != now.get(name))


def make(place: Path, fingerprint: str, before: Path | None, day: Day, steps: Sequence[Step]) -> Path:
    """Run the steps of a date in a folder beside its place and move it there whole."""
    making = place.with_name(f".making-{place.name.removeprefix('.')}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    for step in steps:
        step(before, day, making)
    write_synced(making / WRITTEN, json.dumps(_hashes(making), indent=1, sort_keys=True))
    write_synced(making / MADE_OF, fingerprint)
    if place.exists():
        old = place.with_name(f".old-{place.name.removeprefix('.')}")
        shutil.rmtree(old, ignore_errors=True)
        place.replace(old)
        making.replace(place)
        shutil.rmtree(old)
    else:
        making.replace(place)
    return place


def _hashes(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder but the two this module writes."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in (MADE_OF, WRITTEN))
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in found}
