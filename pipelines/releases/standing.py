"""Whether there is anything new: a fingerprint of all that a release is made from, and the release that stands for it.

A release is a function of landing/ (decisions included), the declarations, the code, the key and the date. Where all of
them are what they were, another run would make the same release again. Decides nothing about what is published.
"""

import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pipelines import keys
from pipelines.disk import sha256_of
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.deliveries import DECISIONS, combined_sha256, find, measure
from pipelines.feeds.land import seen_marks
from pipelines.feeds.receipts import read_receipt
from pipelines.releases.anchors import receipts_sha256, receipts_up_to
from pipelines.releases.build import code_version
from pipelines.releases.layout import Manifest, ReleaseError, current, order, release_names
from pipelines.releases.signing import signature_problem, signing_key
from pipelines.run import exclusive
from pipelines.settings import Settings
from pipelines.subjects import folders

ENGINES = ("polars", "duckdb", "dbt-core", "dbt-duckdb", "splink", "numpy", "scipy")
# Beside the declarations under data/ lie the folders of a run, where XFY_DATA is not set.
RUN_TIME = frozenset(
    {"landing", "lake", "identity", "warehouse", "releases", "vault", "dagster", "quality", "tmp", "target", "logs"}
)
# A release is searched for runs of digits that read like somebody's number: none must come about by chance.
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def ensure_keys(settings: Settings, as_of: date, wait_s: float, report: Callable[[str], None]) -> None:
    """Make the keys of a new house before its first run, so that the first release is known by them too.

    Raises KeyProblem where one is missing that data were made with, or is another than they were made with.
    """
    if all(path.is_file() for path in settings.keys.values()):
        keys.ids(settings)
        return
    with exclusive(settings, as_of, wait_s, report):
        keys.ids(settings)


def made_of(settings: Settings, as_of: date) -> str:
    """A keyed fingerprint of everything a release of `as_of` is made from; empty where there is no key yet.

    Keyed, because passwords go into it. What was landed before and did not change is not read again.
    """
    if not settings.key_path.is_file():
        return ""
    digest = hmac.new(settings.key_path.read_bytes(), as_of.isoformat().encode(), "sm3")
    for name, content in _parts(settings, as_of):
        digest.update(f"\n{name}\0{content}".encode())
    return digest.hexdigest().translate(_LETTERS)


def stands(settings: Settings, as_of: date) -> str | None:
    """The release that another run of `as_of` would only make again, or None."""
    return standing(settings, as_of, made_of(settings, as_of))


def standing(settings: Settings, as_of: date, fingerprint: str) -> str | None:
    """The newest release of `as_of`, where it was made from the same, is whole and is what readers see; else None."""
    names = [n for n in release_names(settings.releases) if order(n)[0] == as_of.isoformat()]
    now = current(settings.releases)
    if not fingerprint or not names or now is None:
        return None
    if now != names[-1] and order(now)[0] <= as_of.isoformat():
        return None
    folder = settings.releases / names[-1]
    try:
        manifest = Manifest.read(folder)
    except ReleaseError:
        return None
    return names[-1] if manifest.made_of == fingerprint and _is_whole(settings, folder, manifest) else None


def _is_whole(settings: Settings, folder: Path, manifest: Manifest) -> bool:
    """Whether release, lake and identity hold what was written: a run makes good what does not.

    The manifest must be signed with the house's own key, and the receipts must be those it was made from.
    """
    if not settings.signing_key_path.exists() or signature_problem(folder, signing_key(settings).public_key()):
        return False
    if receipts_sha256(settings.lake, manifest.as_of) != (manifest.anchors.receipts, manifest.anchors.receipts_sha256):
        return False
    expected = {folder / entry.path: entry.sha256 for entry in manifest.files}
    for receipt in receipts_up_to(settings.lake, manifest.as_of):
        expected |= {receipt.parent / name: digest for name, digest in read_receipt(receipt).written.items()}
    with ThreadPoolExecutor(settings.threads) as pool:
        if not all(pool.map(lambda item: _has(*item), expected.items())):
            return False
    return not any(folders.damaged(day) for day in settings.identity.glob("*") if folders.made_of(day))


def _has(path: Path, digest: str) -> bool:
    try:
        return sha256_of(path) == digest
    except OSError:
        return False


def _parts(settings: Settings, as_of: date) -> Iterator[tuple[str, str]]:
    yield "code", code_version()
    yield "engines", json.dumps([sys.version, *(version(name) for name in ENGINES)])
    for name in ("declarations", "contracts", "reference", "tag_rules", "dbt_project"):
        yield name, _files(getattr(settings, name))
    yield "decisions", _files(settings.landing / DECISIONS)
    yield "passwords", _files(settings.passwords)
    yield "keys", json.dumps([sha256_of(p) for p in settings.keys.values() if p.is_file()])
    deliveries, _ = find(settings.landing, load_contracts(settings.contracts))
    for delivery in deliveries:
        if delivery.business_on <= as_of:
            yield delivery.label, combined_sha256(measure(delivery, seen_marks(settings, delivery)))


def _files(folder: Path) -> str:
    """One hash over names and contents of a folder's files, but for symbolic links and a run's own folders."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        is_passed_by = RUN_TIME & set(inside.parts) or inside.parts[0].startswith("scale-") or path.suffix == ".lock"
        if path.is_file() and not (is_passed_by or path.is_symlink()):
            digest.update(f"{inside.as_posix()}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()
