"""A key as a file: 32 random bytes that only their owner can read. A leaf; what a key is for is said by `keys`."""

import os
import secrets
import stat
from pathlib import Path

from pipelines.disk import write_private
from pipelines.refusal import Refusal


class KeyProblem(Refusal):
    """A key is missing, another than data were made with, or its file is not fit for a key; says what to do."""


def secret_bytes(path: Path, must_exist: bool, what: str) -> bytes:
    """Read a key file, or make one (32 random bytes, mode 0600) where none exists and none is required.

    `must_exist` is true where data made with a key is present: a new key would make every pseudonym a stranger.
    Raises KeyProblem when the key is missing, is not a regular file, can be read by others or has another size.
    """
    try:
        # Not waiting: a pipe in the key's place would be waited for without end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        if must_exist:
            raise KeyProblem(
                f"{path}: the {what} is missing, but data made with it exists. Restore the key file from its "
                "backup. A new key is never made over existing data; `xfy key rotate` says what a new one would mean."
            ) from None
        return _make_secret(path)
    except OSError as error:
        raise KeyProblem(f"{path}: cannot be read as a key file ({error.strerror}); it must be a plain file.") from None
    status = os.fstat(handle)
    try:
        secret = os.read(handle, 65) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(handle)
    if len(secret) != 32:
        raise KeyProblem(f"{path}: a key file is a plain file of exactly 32 bytes; this is something else.")
    if status.st_mode & 0o077:
        raise KeyProblem(f"{path}: others may read the key (mode {status.st_mode & 0o777:o}); run: chmod 600 {path}")
    return secret


def _make_secret(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    write_private(path, secret)
    return secret
