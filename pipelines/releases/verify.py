"""A consumer's check of a release: files against manifest, manifest against signature, the house's logs against both.

`verify` needs the folder and nothing else of this project's state; `examine` adds what else is at hand.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.disk import sha256_of
from pipelines.releases import files
from pipelines.releases.anchors import broken_logs
from pipelines.releases.layout import MANIFEST, Manifest, ReleaseError
from pipelines.releases.signing import (
    PUBLIC_KEY,
    SIGNATURE,
    fingerprint,
    read_public_key,
    signature_problem,
    signing_key,
)
from pipelines.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a release."""

    path: str
    problem: str


@dataclass(frozen=True)
class Examined:
    """What was found of a release, and whose signature was looked for."""

    manifest: Manifest | None
    findings: list[Finding]
    signed_by: str
    trusted_from: str

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "release": self.manifest.release if self.manifest else None,
            "signed_by": self.signed_by,
            "trusted_from": self.trusted_from,
            "findings": [asdict(f) for f in self.findings],
        }


def verify(folder: Path) -> tuple[Manifest | None, list[Finding]]:
    """Compares every file of a release with its manifest: none missing, none changed, none too many."""
    folder = folder.resolve()
    try:
        manifest = Manifest.read(folder)
        present = {p.relative_to(folder).as_posix(): p for p in files.regular_files(folder)}
    except (ReleaseError, OSError) as error:
        return None, [Finding(MANIFEST, str(error))]
    present.pop(MANIFEST)
    present.pop(SIGNATURE, None)
    findings = []
    if manifest.release != folder.name:
        findings.append(Finding(MANIFEST, f"says it is release {manifest.release}, but the folder is {folder.name}"))
    for entry in manifest.files:
        path = present.pop(entry.path, None)
        if path is None:
            findings.append(Finding(entry.path, "is missing"))
        elif path.stat().st_size != entry.bytes:
            findings.append(
                Finding(entry.path, f"has {path.stat().st_size:,} bytes, the manifest says {entry.bytes:,}")
            )
        elif sha256_of(path) != entry.sha256:
            findings.append(Finding(entry.path, "has other content than the manifest's sha256"))
    findings += [Finding(name, "is not in the manifest") for name in sorted(present)]
    return manifest, findings


def examine(settings: Settings, folder: Path, key: Path | None = None) -> Examined:
    """`verify`, the signature by the key that is trusted, and, in the house itself, the logs the manifest speaks of.

    The key trusted is the one given, else this house's own, else the one that lies beside the release, which proves
    only that the release is whole: the answer says which. Raises ReleaseError where there is none, and KeyProblem.
    """
    folder = folder.resolve()
    manifest, findings = verify(folder)
    if key is not None:
        trusted, source = read_public_key(key), f"given in {key.name}"
    elif settings.signing_key_path.exists():
        trusted, source = signing_key(settings).public_key(), "this house's own"
    else:
        beside = folder.parent / PUBLIC_KEY
        trusted, source = read_public_key(beside), f"{PUBLIC_KEY} beside it: compare it with what you were told"
    problem = signature_problem(folder, trusted)
    if problem:
        findings.append(Finding(SIGNATURE, problem))
    elif manifest is not None and settings.vault.exists() and folder.parent == settings.releases.resolve():
        findings += [Finding(*broken) for broken in broken_logs(settings, manifest.anchors)]
    return Examined(manifest, findings, fingerprint(trusted), source)
