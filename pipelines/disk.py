"""Getting things onto the disk for certain, for nobody else's eyes, and knowing them again. A leaf."""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Forces one file or folder to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """The same file under a second name where the disk allows it, else a copy: for files nobody changes any more."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file that only its owner can open (0600); it is on the disk when this returns.

    Raises FileExistsError rather than replace a file or follow a link, and OSError.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder that can be seen; what goes away meanwhile, or is shut, counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total
