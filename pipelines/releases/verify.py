"""A consumer's check of a release. It needs the manifest and nothing else of this project's state."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.releases import files
from pipelines.releases.layout import MANIFEST, Manifest, ReleaseError


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a release."""

    path: str
    problem: str


def verify(folder: Path) -> tuple[Manifest | None, list[Finding]]:
    """Compares every file of a release with its manifest: none missing, none changed, none too many."""
    folder = folder.resolve()
    try:
        manifest = Manifest.read(folder)
        present = {p.relative_to(folder).as_posix(): p for p in files.regular_files(folder)}
    except (ReleaseError, OSError) as error:
        return None, [Finding(MANIFEST, str(error))]
    present.pop(MANIFEST)
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
        elif files.sha256_of(path) != entry.sha256:
            findings.append(Finding(entry.path, "has other content than the manifest's sha256"))
    findings += [Finding(name, "is not in the manifest") for name in sorted(present)]
    return manifest, findings
