"""What a manifest says of records that live outside the release: how long each log was, and what the receipts were.

A log whose hashes are all computed anew, or whose tail is cut off, fits itself; it does not fit what a signed manifest
said of it. The logs' form is `pipelines.chain`'s business, the receipts' that of the feeds' room.
"""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pipelines import chain
from pipelines.feeds.receipts import RECEIPT
from pipelines.releases.layout import Anchors, LogHead
from pipelines.settings import Settings


def anchors(settings: Settings, as_of: date) -> Anchors:
    """What the records of a release of `as_of` are now. Raises ChainBroken where a log does not fit its own head."""
    logs = {}
    for record in _logs(settings.vault):
        entries, last = chain.head(record)
        if entries:
            logs[record.relative_to(settings.vault).as_posix()] = LogHead(entries=entries, hash=last)
    count, digest = receipts_sha256(settings.lake, as_of)
    return Anchors(logs=logs, receipts=count, receipts_sha256=digest)


def receipts_up_to(lake: Path, as_of: date) -> list[Path]:
    """Receipts of deliveries dated up to `as_of`, in order; a release is made of no others."""
    return [p for p in sorted(lake.glob(f"*/*/*/{RECEIPT}")) if p.parts[-3] <= as_of.isoformat()]


def receipts_sha256(lake: Path, as_of: date) -> tuple[int, str]:
    """How many receipts there are up to `as_of`, and one sha256 over their paths and bytes."""
    found, digest = receipts_up_to(lake, as_of), hashlib.sha256()
    for path in found:
        of_receipt = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(lake).as_posix()}\0{of_receipt}\n".encode())
    return len(found), digest.hexdigest()


def broken_logs(settings: Settings, anchored: Anchors) -> Iterator[tuple[str, str]]:
    """Logs (path below the data root, what is wrong) that are not what a release made earlier says they were."""
    for name, said in anchored.logs.items():
        record = settings.vault / name
        problem = chain.verify(record)[1]
        if problem is None and not chain.holds(record, said.entries, said.hash):
            problem = (
                f"is not the log this release was made beside: entry {said.entries} is gone or another. "
                "Compare it with the backup of that day"
            )
        if problem:
            yield f"vault/{name}", problem


def _logs(vault: Path) -> list[Path]:
    return sorted(p for p in vault.rglob("*.jsonl") if p.with_suffix(".head").exists() and not p.is_symlink())
