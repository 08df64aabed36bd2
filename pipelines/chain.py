"""Records that are only ever added to: JSON lines, each chained to the one before by its hash, with a head beside them.

Changing, removing or reordering an entry breaks the chain; `verify` names the first that does not fit. The head says
how long the record is, so that entries missing at the end are noticed too. A leaf: what is recorded, and what a broken
record means, is the business of the room that keeps it.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipelines.refusal import Refusal

_START = "0" * 64
_LONGEST = 1 << 16
"""Bytes of the longest entry."""


class ChainBroken(Refusal):
    """The record and its head do not fit: entries were taken out or changed. Nothing is added to such a record."""


def append(record: Path, body: Mapping[str, Any]) -> str:
    """Add an entry to a record (mode 0600) and return its hash; it is on the disk when this returns.

    `n`, `before` and `hash` are added to the entry. Raises ChainBroken, and OSError where it cannot be written.
    """
    with _locked(record) as log:
        count, last = head(record)
        entry = {"n": count + 1, **body, "before": last}
        entry["hash"] = _hash(entry)
        _write(log, json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
        _replace(_head_of(record), f"{count + 1} {entry['hash']}\n")
    return str(entry["hash"])


def entries(record: Path) -> list[dict[str, Any]]:
    """All entries, oldest first, as far as they can be read."""
    if not record.exists():
        return []
    return [json.loads(line) for line in _lines(record) if line.startswith("{") and line.endswith("}")]


def verify(record: Path) -> tuple[int, str | None]:
    """How many entries there are, and what is wrong: None where every entry fits the one before and the head."""
    if not record.exists():
        return 0, "the log is gone, but its head is there" if _head_of(record).exists() else None
    last, count = _START, 0
    for count, line in enumerate(_lines(record), 1):
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
        known, ending = head(record)
    except ChainBroken as problem:
        return count, str(problem)
    if (known, ending) != (count, last):
        return count, f"the log has {count} lines, its head knows {known}"
    return count, None


def head(record: Path) -> tuple[int, str]:
    """Length and last hash of the record. Raises ChainBroken where head and record do not fit.

    A record one entry longer than its head was cut off between the two writes, and counts.
    """
    beside = _head_of(record)
    if not beside.exists() and not (record.exists() and record.stat().st_size):
        return 0, _START
    stated = beside.read_text("utf-8").split() if beside.exists() else ["0", _START]
    last = _last_line(record) if record.exists() else b""
    with suppress(ValueError, KeyError, AttributeError, TypeError):
        count, digest = int(stated[0]), stated[1]
        entry = json.loads(last)
        if (entry["n"], entry["hash"]) == (count, digest):
            return count, digest
        if (entry["n"], entry["before"]) == (count + 1, digest):
            return count + 1, str(entry["hash"])
    raise ChainBroken(
        f"{record.name} and its head do not fit: entries were changed or taken out. "
        "Keep both as they are for whoever looks into it, and move them aside to begin anew"
    )


def holds(record: Path, number: int, digest: str) -> bool:
    """Whether entry `number` (from 1) of a record is there and has this hash."""
    found = entries(record)
    return 1 <= number <= len(found) and found[number - 1].get("hash") == digest


def _head_of(record: Path) -> Path:
    return record.with_suffix(".head")


def _lines(record: Path) -> list[str]:
    """The lines of the record; only a line feed ends one, whatever else a name may hold."""
    return record.read_text("utf-8").removesuffix("\n").split("\n") if record.stat().st_size else []


@contextmanager
def _locked(record: Path) -> Iterator[int]:
    log = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(log, fcntl.LOCK_EX)
        yield log
    finally:
        os.close(log)


def _last_line(record: Path) -> bytes:
    with record.open("rb") as stream:
        stream.seek(max(0, record.stat().st_size - _LONGEST))
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
