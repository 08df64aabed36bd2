"""The first three levels of the tag tree: domains, groups and sub-groups with their names. Tags are the fourth."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.tags.fields import Fields
from pipelines.tags.located import Located, YamlProblem, load
from pipelines.tags.problems import Problem

DIGITS = {1: 3, 2: 5, 3: 7}
"""How long a code is on each level; tags have nine characters."""

TAG_LENGTH = 9


@dataclass(frozen=True)
class Level:
    """A node above the tags: its code contains its parent's."""

    code: str
    name: str
    name_en: str
    depth: int

    @property
    def parent(self) -> str:
        """The code one level up, empty for a domain."""
        return self.code[:-2] if self.depth > 1 else ""


def read_taxonomy(path: Path, root: Path, problems: list[Problem]) -> dict[str, Level]:
    """All levels by code, in the order they are declared."""
    found: dict[str, Level] = {}
    file = path.relative_to(root).as_posix()
    if not path.exists():
        problems.append(Problem(file, 1, "", "missing", "the taxonomy is missing"))
        return found
    try:
        _read(load(path), 1, "T", found, file, problems)
    except YamlProblem as error:
        problems.append(Problem(file, error.line, "", "yaml", error.reason))
    return found


def _read(body: Located, depth: int, parent: str, found: dict[str, Level], file: str, problems: list[Problem]) -> None:
    for code, entry in body.items():
        fields = Fields(entry, file, code, problems)
        fields.only(("name", "name_en", "levels") if depth < max(DIGITS) else ("name", "name_en"))
        if len(code) != DIGITS[depth] or not code.startswith(parent) or not (code[1:].isdecimal() and code.isascii()):
            fields.problem(entry.line, "level", f"'{code}' is no code of level {depth} below '{parent}'")
        found[code] = Level(code, fields.text("name"), fields.text("name_en"), depth)
        if "levels" in fields.values:
            _read(fields.values["levels"], depth + 1, code, found, file, problems)


def ancestors(code: str) -> tuple[str, str, str]:
    """The codes of the three levels above a tag, top first."""
    return code[: DIGITS[1]], code[: DIGITS[2]], code[: DIGITS[3]]
