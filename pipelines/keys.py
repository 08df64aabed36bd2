"""The keys of a house: which there are, when a new one may be made, and whether the one in place is the right one.

A house has three: the pseudonym key, the key of pseudonyms in `restricted/`, and the key that signs releases. Each is
made once, in a new house; later a missing or another key is refused, because it would turn every pseudonym into a
stranger's or every signature into nobody's. How a key file is read is the business of `identifiers`, what is
signed that of the releases' room.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines import chain
from pipelines.identifiers import Key
from pipelines.key_file import KeyProblem, secret_bytes
from pipelines.settings import Settings

PSEUDONYM, RESTRICTED, SIGNING = "pseudonym", "restricted", "signing"
"""Their names in `Settings.keys`."""
LOG = "keys.jsonl"
_MEANS = {
    PSEUDONYM: "With another key every pseudonym changes.",
    RESTRICTED: "With another key every pseudonym in restricted/ changes.",
    SIGNING: "Consumers trust the key they know.",
}
# What of a release shows that it was made with the key.
_MARK = {RESTRICTED: "restricted/*", SIGNING: "manifest.sig"}
# Made with the pseudonym key, and made again from landing/ with another.
MADE_WITH = ("lake", "identity", "warehouse", "quality")


@dataclass(frozen=True)
class Rotation:
    """What rotating a key does: files it sets aside, folders it empties, and what keeps the old key's mark."""

    key: str
    old_id: str
    set_aside: Path
    emptied: list[str]
    keeps_old: list[str]
    done: bool

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**vars(self), "set_aside": str(self.set_aside)}


def state(settings: Settings) -> list[dict[str, str]]:
    """Each key with its id, file and what is wrong with it; makes none."""
    rows = []
    for name, path in settings.keys.items():
        row = {"key": name, "id": "", "file": str(path), "problem": ""}
        try:
            row["id"] = opened(settings, name).key_id if path.exists() else ""
            if not path.exists() and _known_ids(settings, name):
                row["problem"] = "missing, but data made with it exist"
        except KeyProblem as problem:
            row["problem"] = str(problem)
        rows.append(row)
    return rows


def opened(settings: Settings, name: str) -> Key:
    """One of the house's keys, compared with what was made with it; made where nothing was. Raises KeyProblem."""
    path, known = settings.keys[name], _known_ids(settings, name)
    key = Key(secret_bytes(path, bool(known), f"{name} key"))
    others = sorted(where for where, key_id in known.items() if key_id and key_id != key.key_id)
    if others:
        more = f" (and so were {len(others) - 1} others)" if len(others) > 1 else ""
        raise KeyProblem(
            f"{path}: this is {name} key {key.key_id}, but {others[0]} was made with key {known[others[0]]}{more}. "
            f"{_MEANS[name]} Restore the right key from its backup; `xfy key rotate {name}` says what a change on "
            "purpose does."
        )
    return key


def ids(settings: Settings) -> dict[str, str]:
    """The ids of all three keys, for the manifest: they name a key and tell nothing of it. Raises KeyProblem."""
    return {name: opened(settings, name).key_id for name in settings.keys}


def _known_ids(settings: Settings, name: str) -> dict[str, str]:
    """By place, the ids of the keys that data at hand were made with: one receipt a feed, and the newest release.

    Empty where the place does not say. Ids that were rotated away are left out: what bears them was kept on purpose.
    """
    found: dict[str, str] = {}
    if name == PSEUDONYM:
        for feed in sorted(settings.lake.glob("*")):
            receipt = next(iter(sorted(feed.glob("*/*/receipt.json"), reverse=True)), None)
            if receipt:
                found[f"lake/{feed.name}"] = str(_read(receipt).get("key_id", ""))
    newest = max(settings.releases.glob("[0-9]*/manifest.json"), key=lambda p: p.stat().st_mtime_ns, default=None)
    if newest and (name == PSEUDONYM or any(newest.parent.glob(_MARK[name]))):
        found[f"releases/{newest.parent.name}"] = str((_read(newest).get("keys") or {}).get(name, ""))
    retired = {entry.get("old") for entry in chain.entries(settings.vault / LOG) if entry.get("key") == name}
    return {where: key_id for where, key_id in found.items() if key_id not in retired}


def _read(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def rotate(settings: Settings, key: str, who: str, reason: str, dry_run: bool) -> Rotation:
    """Sets a key aside under its id, empties what was made with it, and writes that down. The next run makes a new one.

    Releases that are kept keep their pseudonyms and signatures. Decisions on persons name people by the old pseudonyms
    and must be taken anew. Raises KeyProblem.
    """
    path = settings.keys[key]
    secret = secret_bytes(path, True, f"{key} key")
    old_id = Key(secret).key_id
    aside = path.with_name(f"{path.name}.retired-{old_id}")
    emptied = [n for n in MADE_WITH if (settings.root / n).exists()] if key == PSEUDONYM else []
    kept = [f"releases/{p.parent.name}" for p in sorted(settings.releases.glob("[0-9]*/manifest.json"))]
    if key == PSEUDONYM:
        kept += [f"landing/decisions/{p.name}" for p in _names_persons(settings.landing / "decisions")]
    if not dry_run:
        chain.append(
            settings.vault / LOG,
            {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "key": key,
                "old": old_id,
                "name": who,
                "reason": reason,
            },
        )
        path.rename(aside)
        for name in emptied:
            shutil.rmtree(settings.root / name)
    return Rotation(key, old_id, aside, emptied, kept, not dry_run)


def _names_persons(decisions: Path) -> list[Path]:
    """Decision files that name people by pseudonyms."""
    words = ("decision: merge", "decision: split")
    return [p for p in sorted(decisions.glob("*.y*ml")) if any(w in p.read_text("utf-8", "replace") for w in words)]
