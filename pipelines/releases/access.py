"""Who of the machine's users may open which part of a release: modes and groups, by `data/access/audiences.yml`.

What a file may hold for its audience is decided before it is written; here stands only who can open it. Closed by
default: a path under no audience is its owner's alone, and nothing is readable by everybody.
"""

import grp
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipelines.declared import Line, read_yaml
from pipelines.releases.files import regular_files
from pipelines.releases.layout import ReleaseError
from pipelines.releases.signing import SIGNATURE

# Members of other groups may pass through a folder to their own part, and list nothing on the way.
PASSAGE = 0o711
OWNER, GROUP = (0o700, 0o600), (0o750, 0o640)
"""Modes of folders and files."""


class Audience(BaseModel):
    """A group of readers and the parts of a release that are theirs."""

    model_config = ConfigDict(extra="forbid")
    label: Line
    group: str = Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
    paths: list[str] = Field(min_length=1)
    owner_only: bool = False


def read_audiences(path: Path) -> dict[str, Audience]:
    """The audiences by name. Raises ReleaseError and DeclarationFault, which name the file and the key."""
    try:
        body = read_yaml(path)
        audiences = TypeAdapter(dict[str, Audience]).validate_python(body)
    except OSError as error:
        raise ReleaseError(f"{path} does not say who may read what ({type(error).__name__}); restore it") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ReleaseError(f"{path}: {told}") from None
    taken: dict[str, str] = {}
    for name, audience in audiences.items():
        for inside in audience.paths:
            if PurePosixPath(inside).is_absolute() or ".." in PurePosixPath(inside).parts:
                raise ReleaseError(f"{path}: {name}: {inside!r} lies outside a release")
            other = taken.setdefault(inside, name)
            if other != name:
                raise ReleaseError(f"{path}: {inside!r} belongs to {other} and to {name}; give it to one of them")
    return audiences


def close(folder: Path, audiences: Mapping[str, Audience], report: Callable[[str], None], beside: str = "") -> None:
    """Gives every file and folder of a release the mode and the group of its audience. Raises OSError.

    The file called `beside` next to the release is opened to whom the signature is open. `report` hears of groups
    that cannot be given. Call it before the release gets its name.
    """
    by_path = {inside: audience for audience in audiences.values() for inside in audience.paths}
    groups = {a.group: _group_id(a.group) for a in audiences.values()}
    if absent := sorted(name for name, group_id in groups.items() if group_id is None):
        report(f"{', '.join(absent)}: no such groups, or not this user's; their files keep the group of this user")
    files = regular_files(folder)
    folders = {parent for file in files for parent in file.parents if parent.is_relative_to(folder)}
    for path in [*folders, *files]:
        audience = _audience_of(path.relative_to(folder).as_posix(), by_path)
        if audience is not None:
            _give(path, audience, groups[audience.group])
        else:
            path.chmod(PASSAGE if _is_passage(path, folder, by_path) else OWNER[path.is_file()])
    if beside and (audience := by_path.get(SIGNATURE)):
        _give(folder.parent / beside, audience, groups[audience.group])


def _give(path: Path, audience: Audience, group_id: int | None) -> None:
    if group_id is not None:
        os.chown(path, -1, group_id)
    path.chmod((OWNER if audience.owner_only else GROUP)[path.is_file()])


def _audience_of(inside: str, by_path: Mapping[str, Audience]) -> Audience | None:
    """The audience of the longest declared path that is this one or lies above it."""
    above = [inside, *(p.as_posix() for p in PurePosixPath(inside).parents)]
    return next((by_path[p] for p in above if p in by_path), None)


def _is_passage(path: Path, folder: Path, by_path: Mapping[str, Audience]) -> bool:
    """Whether a folder of nobody's leads to somebody's part."""
    return path.is_dir() and any((folder / inside).is_relative_to(path) for inside in by_path)


def _group_id(name: str) -> int | None:
    """The number of a group that exists and that this process may give files to, or None."""
    try:
        found = grp.getgrnam(name).gr_gid
    except KeyError:
        return None
    return found if os.geteuid() == 0 or found in os.getgroups() else None
