"""What a release is on disk: names, manifest, pointer. Building, checking and publishing live beside it.

releases/
  2026-10-31.1/            one release: <as_of>.<number>, immutable once it has this name
    manifest.json          every file but itself and its signature, every table
    warehouse.duckdb       pseudonymous, native tables
    parquet/<schema>/<table>/part-0.parquet
    products/…             ledgers (their audiences' folders, 0700), dashboards, dictionaries
    restricted/            restricted tags under a key of their own (0700)
  .staging-<id>/           a release being built; readers never look here
    manifest.sig           the house's signature over the manifest (`signing.py`)
  signing-key.pub          the public half of the key that signs
  current -> 2026-10-31.1  the one pointer
"""

import json
import re
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipelines.refusal import Refusal, did_you_mean

MANIFEST = "manifest.json"
CURRENT = "current"
STAGING_PREFIX = ".staging-"
RELEASE_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.(\d+)")


class ReleaseError(Refusal):
    """A release that cannot be built, found or trusted; the message says which file and what to do."""


class FileEntry(BaseModel):
    """One file of a release. `rows` is null for files that are not tables."""

    model_config = ConfigDict(extra="forbid")
    path: str
    sha256: str
    bytes: int
    rows: int | None = None


class TableEntry(BaseModel):
    """One published table. `content_hash` does not depend on row order; see `content.py`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    schema_name: str
    name: str
    rows: int
    content_hash: str
    columns: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """The published shape: `schema` is the reader's word, but pydantic's models own that name."""
        body = self.model_dump(exclude={"schema_name"})
        return {"schema": self.schema_name, **body}


class StaleFeed(BaseModel):
    """A feed whose word is old: the date in use, what waits in its place and why, the data sets that come of it."""

    model_config = ConfigDict(extra="forbid")
    feed: str
    system: str
    in_use_on: date | None
    waiting: list[str]
    reasons: list[str] = []
    used_in: list[str]


class LogHead(BaseModel):
    """The last entry of a log when the release was made: its number, from 1, and its hash."""

    model_config = ConfigDict(extra="forbid")
    entries: int
    hash: str


class Anchors(BaseModel):
    """Heads of the vault's logs by path below the vault, and one hash over every receipt in the lake."""

    model_config = ConfigDict(extra="forbid")
    logs: dict[str, LogHead] = {}
    receipts: int = 0
    receipts_sha256: str = ""


class Manifest(BaseModel):
    """What a consumer needs to check a release, and nothing about when or where it was built."""

    model_config = ConfigDict(extra="forbid")
    release: str
    as_of: date
    code_version: str
    rules_version: str
    index_editions: list[str]
    duckdb_version: str
    feeds: list[dict[str, object]]
    stale: list[StaleFeed] = []
    files: list[FileEntry]
    tables: list[TableEntry]
    # What it was made from, as one fingerprint (`standing.py`); empty where the run was not started by `xfy run`.
    made_of: str = ""
    # Ids of the keys it was made and signed with, and what the house's records were when it was made (`anchors.py`).
    keys: dict[str, str] = {}
    anchors: Anchors = Anchors()

    def as_json(self) -> dict[str, object]:
        """The published shape."""
        body = self.model_dump(mode="json", exclude={"tables"})
        return {**body, "tables": [t.as_json() for t in self.tables]}

    def write(self, path: Path) -> None:
        """Writes the manifest as stable, readable JSON."""
        path.write_text(json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Reads `folder/manifest.json`; raises ReleaseError when it is not there or not a manifest."""
        path = folder / MANIFEST
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            for table in body["tables"]:
                table["schema_name"] = table.pop("schema")
            return cls.model_validate(body)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ReleaseError(
                f"{path} is no readable manifest ({type(error).__name__}): do not use this folder"
            ) from error


def release_names(releases: Path) -> list[str]:
    """Published releases, oldest first (by as_of, then number)."""
    if not releases.exists():
        return []
    return sorted((p.name for p in releases.iterdir() if RELEASE_NAME.fullmatch(p.name)), key=order)


def order(name: str) -> tuple[str, int]:
    """Sort key of a release name."""
    match = RELEASE_NAME.fullmatch(name)
    if not match:
        raise ReleaseError(f"{name!r} is no release name; releases are called <as_of>.<number>, as 2026-10-31.1")
    return match[1], int(match[2])


def next_name(releases: Path, as_of: date) -> str:
    """The name the next release of `as_of` gets: a counter, so a clock that goes back does no harm."""
    taken = [order(n)[1] for n in release_names(releases) if order(n)[0] == as_of.isoformat()]
    return f"{as_of.isoformat()}.{max(taken, default=0) + 1}"


def current(releases: Path) -> str | None:
    """The release that `current` points to, or None before the first one.

    Raises ReleaseError where it leads anywhere but to a release beside it.
    """
    pointer = releases / CURRENT
    if not pointer.is_symlink():
        return None
    target = str(pointer.readlink())
    if not RELEASE_NAME.fullmatch(target):
        raise ReleaseError(
            f"{pointer} points to {target!r}, which is no release beside it: somebody moved it. "
            "Do not use it; `ls -l` says when, `xfy release list` which releases there are"
        )
    return target


def resolve(releases: Path, name: str | None = None) -> Path:
    """The folder of a release by name, or of the current one. Readers resolve once and stay in that folder."""
    chosen = name or current(releases)
    if chosen is None:
        raise ReleaseError(f"no release is published under {releases.name}/ yet: run `xfy run --as-of DATE` first")
    order(chosen)
    folder = releases / chosen
    if not folder.is_dir():
        names = release_names(releases)
        known = did_you_mean(chosen, names) if names else ": none is published yet"
        raise ReleaseError(f"there is no release {chosen}{known}")
    return folder
