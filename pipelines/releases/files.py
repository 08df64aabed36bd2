"""Trees of files that must survive a power cut: listing, syncing, linking. Knows nothing of releases."""

import os
import shutil
from pathlib import Path

from pipelines.disk import link_or_copy, sync


def regular_files(folder: Path) -> list[Path]:
    """Every file below a folder, sorted by path. A link in a release would lead readers out of it: it is an error."""
    found = []
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(root, name)
            if path.is_symlink():
                raise OSError(f"{path} is a link; a release holds plain files only")
        found += [Path(root, name) for name in names]
    return sorted(found)


def sync_tree(folder: Path) -> None:
    """Forces every file and folder below `folder`, and itself, to the disk."""
    for root, _, names in os.walk(folder):
        for name in names:
            sync(Path(root, name))
        sync(Path(root))


def link_tree(source: Path, target: Path) -> None:
    """Puts a folder's files under `target` as hard links where the disk allows it, else as copies; keeps the modes."""
    shutil.copytree(source, target, copy_function=link_or_copy)
