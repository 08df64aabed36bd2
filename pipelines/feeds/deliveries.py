"""What lies in `landing/`: deliveries by feed, business date and number, and strays that are none.

Looks, names and measures; reads no content beyond its hash and follows no symbolic link.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DECISIONS = "decisions"
_NUMBER = re.compile(r"^\d{3}$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, order=True)
class Delivery:
    """One delivery's folder: `landing/<feed>/<business date>/<number>/`."""

    feed: str
    business_on: date
    number: str
    folder: Path

    @property
    def label(self) -> str:
        """How people call it."""
        return f"{self.feed} {self.business_on}/{self.number}"


@dataclass(frozen=True)
class Stray:
    """Something in landing that is no delivery, with the reason and what to do."""

    path: str
    reason: str


@dataclass(frozen=True)
class FileMark:
    """A file of a delivery: path inside its folder, content hash, size, and the time mark that spares rehashing."""

    path: str
    sha256: str
    bytes: int
    mtime_ns: int


def find(landing: Path, feeds: Collection[str]) -> tuple[list[Delivery], list[Stray]]:
    """Every delivery in order of feed, date and number, and everything that is none.

    `feeds` are the ids that have a contract; folders of other names are strays.
    """
    deliveries: list[Delivery] = []
    strays: list[Stray] = []
    for feed_folder in _entries(landing):
        if feed_folder.name == DECISIONS:
            continue
        if feed_folder.name not in feeds:
            strays.append(_stray(landing, feed_folder, "no contract bears this name; write one or move the files away"))
            continue
        if not _plain_folder(landing, feed_folder, strays):
            continue
        for date_folder in _entries(feed_folder):
            if not _plain_folder(landing, date_folder, strays):
                continue
            business_on = _as_date(date_folder.name)
            if business_on is None:
                strays.append(_stray(landing, date_folder, "not a date; name the folder YYYY-MM-DD"))
                continue
            for number_folder in _entries(date_folder):
                if not _plain_folder(landing, number_folder, strays):
                    continue
                if not _NUMBER.match(number_folder.name):
                    strays.append(_stray(landing, number_folder, "not a delivery number; use 001, 002, …"))
                    continue
                found = Delivery(feed_folder.name, business_on, number_folder.name, number_folder)
                strays += _links_inside(landing, number_folder)
                deliveries.append(found)
    return sorted(deliveries), strays


def measure(delivery: Delivery, known: Collection[FileMark] = ()) -> list[FileMark]:
    """Hash every plain file of a delivery, in order of path. A file with unchanged size and time is not read again."""
    before = {mark.path: mark for mark in known}
    marks: list[FileMark] = []
    for path in sorted(_files(delivery.folder)):
        name = path.relative_to(delivery.folder).as_posix()
        status = path.stat()
        old = before.get(name)
        if old and (old.bytes, old.mtime_ns) == (status.st_size, status.st_mtime_ns):
            marks.append(old)
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        marks.append(FileMark(name, digest, status.st_size, status.st_mtime_ns))
    return marks


def combined_sha256(marks: Collection[FileMark]) -> str:
    """One hash for a delivery: over names and contents of its files."""
    digest = hashlib.sha256()
    for mark in sorted(marks, key=lambda mark: mark.path):
        digest.update(f"{mark.path}\0{mark.sha256}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for entry in _entries(folder):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            found += _files(entry)
        elif entry.is_file():
            found.append(entry)
    return found


def _links_inside(landing: Path, folder: Path) -> list[Stray]:
    strays: list[Stray] = []
    for entry in _entries(folder):
        if entry.is_symlink():
            strays.append(_stray(landing, entry, "a symbolic link, not followed; deliver the file itself"))
        elif entry.is_dir():
            strays += _links_inside(landing, entry)
        elif not entry.is_file():
            strays.append(_stray(landing, entry, "neither file nor folder; remove it"))
    return strays


def _plain_folder(landing: Path, path: Path, strays: list[Stray]) -> bool:
    if path.is_symlink():
        strays.append(_stray(landing, path, "a symbolic link, not followed; deliver the folder itself"))
        return False
    if not path.is_dir():
        strays.append(_stray(landing, path, "a file where a folder belongs; use <feed>/<YYYY-MM-DD>/<001>/"))
        return False
    return True


def _stray(landing: Path, path: Path, reason: str) -> Stray:
    # A hostile name must not break the line, the terminal or the page it is shown on.
    name = path.relative_to(landing).as_posix()
    return Stray("".join(c if c.isprintable() else "?" for c in name)[:200], reason)


def _entries(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []


def _as_date(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if _DATE.match(name) else None
    except ValueError:
        return None
