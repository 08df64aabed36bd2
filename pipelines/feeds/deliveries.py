"""What lies in `landing/`: deliveries by feed, business date and number, and strays that are none.

Looks, names and measures; reads no content beyond its hash and follows no symbolic link.
"""

import hashlib
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines import clock

DECISIONS = "decisions"
_SHUT = "cannot be opened; give the right to read it"
_NUMBER = re.compile("[0-9]{3}")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
    """A file of a delivery: path inside its folder, content hash, size, and the marks that spare rehashing.

    Whoever replaces a file can give it the size and the time of the old one; its number on the disk and the time that
    the kernel notes cannot be given. Without a hash: the file, or the folder it may be in, cannot be opened.
    """

    path: str
    sha256: str
    bytes: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0


def find(landing: Path, feeds: Collection[str]) -> tuple[list[Delivery], list[Stray]]:
    """Every delivery in order of feed, date and number, and everything that is none.

    `feeds` are the ids that have a contract; folders of other names are strays, and so is what is dated after today: a
    slip of one department must not stop the others. No run speaks about a later date, so nothing published hangs on it.
    """
    latest = clock.today()
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
        for date_folder in _opened(landing, feed_folder, strays):
            if not _plain_folder(landing, date_folder, strays):
                continue
            business_on = _as_date(date_folder.name)
            if business_on is None:
                strays.append(_stray(landing, date_folder, "not a date; name the folder YYYY-MM-DD"))
                continue
            if business_on > latest:
                why = f"dated after today ({latest}), so it is set aside; give the folder the date it speaks of"
                strays.append(_stray(landing, date_folder, why))
                continue
            for number_folder in _opened(landing, date_folder, strays):
                if not _plain_folder(landing, number_folder, strays):
                    continue
                if not _NUMBER.fullmatch(number_folder.name):
                    strays.append(_stray(landing, number_folder, "not a delivery number; use 001, 002, …"))
                    continue
                found = Delivery(feed_folder.name, business_on, number_folder.name, number_folder)
                strays += _links_inside(landing, number_folder)
                deliveries.append(found)
    return sorted(deliveries), strays


def measure(delivery: Delivery, known: Collection[FileMark] = ()) -> list[FileMark]:
    """Hash every plain file of a delivery, in order of path. A file with unchanged size and time is not read again.

    What cannot be opened, or is gone before it is read, is there without a hash: no fault of one file is raised.
    """
    before = {mark.path: mark for mark in known if mark.sha256}
    files, closed = _files(delivery.folder)
    marks = [FileMark(shown(folder, delivery.folder), "") for folder in closed]
    for path in files:
        name = shown(path, delivery.folder)
        try:
            status = path.stat()
            now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            old = before.get(name)
            # A name that had to be told in other letters may be told like another's.
            if old and (old.bytes, old.mtime_ns, old.ctime_ns, old.inode) == now and _is_utf8(path.name):
                marks.append(old)
                continue
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            marks.append(FileMark(name, ""))
            continue
        marks.append(FileMark(name, digest, *now))
    return sorted(marks, key=lambda mark: mark.path)


def plain_files(folder: Path) -> list[Path]:
    """Every plain file below a folder that can be seen, in order; hidden ones and links are passed by."""
    return sorted(_files(folder)[0])


def is_closed(folder: Path) -> bool:
    """Whether a folder is there, or may be, and cannot be opened."""
    try:
        next(folder.iterdir(), None)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def shown(path: Path, folder: Path) -> str:
    """A path inside its delivery as it may be told, stored and hashed.

    Chinese Windows uploads names in GBK, which are no text here; what is no GBK either is told by its bytes.
    """
    name = path.relative_to(folder).as_posix()
    if _is_utf8(name):
        return name
    return os.fsencode(name).decode("gb18030", errors="backslashreplace")


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in name)


def combined_sha256(marks: Collection[FileMark]) -> str:
    """One hash for a delivery: over names and contents of its files."""
    digest = hashlib.sha256()
    for mark in sorted(marks, key=lambda mark: mark.path):
        digest.update(f"{mark.path}\0{mark.sha256}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The plain files below a folder, and the folders there that cannot be opened."""
    found: list[Path] = []
    closed: list[Path] = []
    for entry in _entries(folder, closed):
        try:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                more, shut = _files(entry)
                found, closed = found + more, closed + shut
            elif entry.is_file():
                found.append(entry)
        except OSError:
            # A folder may be listed and not entered.
            closed.append(entry)
    return found, closed


def _links_inside(landing: Path, folder: Path) -> list[Stray]:
    strays: list[Stray] = []
    for entry in _entries(folder):
        try:
            if entry.is_symlink():
                strays.append(_stray(landing, entry, "a symbolic link, not followed; deliver the file itself"))
            elif entry.is_dir():
                strays += _links_inside(landing, entry)
            elif not entry.is_file():
                strays.append(_stray(landing, entry, "neither file nor folder; remove it"))
        except OSError:
            strays.append(_stray(landing, entry, _SHUT))
    return strays


def _plain_folder(landing: Path, path: Path, strays: list[Stray]) -> bool:
    try:
        if path.is_symlink():
            strays.append(_stray(landing, path, "a symbolic link, not followed; deliver the folder itself"))
            return False
        if not path.is_dir():
            strays.append(_stray(landing, path, "a file where a folder belongs; use <feed>/<YYYY-MM-DD>/<001>/"))
            return False
    except OSError:
        strays.append(_stray(landing, path, _SHUT))
        return False
    return True


def _opened(landing: Path, folder: Path, strays: list[Stray]) -> list[Path]:
    closed: list[Path] = []
    entries = _entries(folder, closed)
    strays += [_stray(landing, shut, _SHUT) for shut in closed]
    return entries


def _stray(landing: Path, path: Path, reason: str) -> Stray:
    # A hostile name must not break the line, the terminal or the page it is shown on.
    name = path.relative_to(landing).as_posix()
    return Stray("".join(c if c.isprintable() else "?" for c in name)[:200], reason)


def _entries(folder: Path, closed: list[Path] | None = None) -> list[Path]:
    """What a folder holds but for hidden names. One that cannot be opened gives nothing and goes to the `closed`."""
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        if closed is not None:
            closed.append(folder)
        return []


def _as_date(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if _DATE.fullmatch(name) else None
    except ValueError:
        return None
