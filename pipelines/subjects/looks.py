"""The log of looks at single subjects: append-only, each entry chained to the one before by its hash, in the vault.

Changing, removing or reordering an entry breaks the chain; `verify` names the first that does not fit. A head beside
the log says how long it is, so that entries missing at the end are noticed too.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.refusal import Refusal
from pipelines.settings import Settings

LOG, HEAD = "looks.jsonl", "looks.head"
_START = "0" * 64
_LONGEST = 1 << 16
"""Bytes of the longest entry."""


class LookProblem(Refusal):
    """A look that cannot be logged, and so is not given; or a log that was tampered with."""


@dataclass(frozen=True)
class Look:
    """One look: who, in which role, for what, at whom, and which columns were shown open."""

    who: str
    role: str | None
    purpose: str | None
    subject: str
    subject_id: str
    as_of: str | None
    outcome: str
    columns: list[str] = field(default_factory=list)
    """Names of columns shown as they are; what was masked or hidden is not in it."""


def record(settings: Settings, look: Look) -> str:
    """Append a look and return its hash; it is on the disk when this returns. Raises LookProblem."""
    folder = settings.vault / "looks"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(folder) as log:
            count, last = _head(folder)
            body = {"n": count + 1, "at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(look)}
            entry = {**body, "before": last}
            entry["hash"] = _hash(entry)
            _write(log, json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
            _replace(folder / HEAD, f"{count + 1} {entry['hash']}\n")
    except OSError as error:
        raise LookProblem(
            f"the look cannot be logged in {folder.name}/ ({error.strerror}), so nothing is shown"
        ) from None
    return str(entry["hash"])


def entries(settings: Settings) -> list[dict[str, Any]]:
    """All looks, oldest first, as far as they can be read."""
    path = settings.vault / "looks" / LOG
    if not path.exists():
        return []
    return [json.loads(line) for line in _lines(path) if line.startswith("{") and line.endswith("}")]


def verify(settings: Settings) -> tuple[int, str | None]:
    """How many looks are logged, and what is wrong with the log: None where every entry fits the one before."""
    folder = settings.vault / "looks"
    path = folder / LOG
    if not path.exists():
        return 0, "the log is gone, but its head is there" if (folder / HEAD).exists() else None
    last, count = _START, 0
    for count, line in enumerate(_lines(path), 1):
        try:
            entry = json.loads(line)
            said = entry.pop("hash")
        except (ValueError, KeyError, AttributeError, TypeError):
            return count, f"line {count} is no entry"
        if entry.get("before") != last or entry.get("n") != count:
            return count, f"line {count} does not follow the line before it"
        if _hash(entry) != said:
            return count, f"line {count} was changed"
        last = said
    try:
        known, head = _head(folder)
    except LookProblem as problem:
        return count, str(problem)
    if (known, head) != (count, last):
        return count, f"the log has {count} lines, its head knows {known}"
    return count, None


def _lines(path: Path) -> list[str]:
    """The lines of the log; only a line feed ends one, whatever else a name may hold."""
    return path.read_text("utf-8").removesuffix("\n").split("\n") if path.stat().st_size else []


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(log, fcntl.LOCK_EX)
        yield log
    finally:
        os.close(log)


def _head(folder: Path) -> tuple[int, str]:
    """Length and last hash of the log. Raises LookProblem where head and log do not fit.

    A log one entry longer than its head was cut off between the two writes, and counts.
    """
    head, log = folder / HEAD, folder / LOG
    if not head.exists() and not (log.exists() and log.stat().st_size):
        return 0, _START
    stated = head.read_text("utf-8").split() if head.exists() else ["0", _START]
    last = _last_line(log) if log.exists() else b""
    with suppress(ValueError, KeyError, AttributeError, TypeError):
        count, digest = int(stated[0]), stated[1]
        entry = json.loads(last)
        if (entry["n"], entry["hash"]) == (count, digest):
            return count, digest
        if (entry["n"], entry["before"]) == (count + 1, digest):
            return count + 1, str(entry["hash"])
    raise LookProblem(
        "the log of looks and its head do not fit, so nothing is shown. `xfy subject looks` says what is left; "
        "keep vault/looks as it is, and move it aside to begin a new one"
    )


def _last_line(log: Path) -> bytes:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LONGEST))
        lines = stream.read().split(b"\n")
    # Behind the last whole line stands nothing.
    return lines[-2] if len(lines) > 1 and not lines[-1] else b""


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _write(log: int, line: str) -> None:
    data = line.encode()
    while data:
        data = data[os.write(log, data) :]
    os.fsync(log)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(path)
