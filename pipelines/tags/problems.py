"""What is wrong with a declaration, where, and what was probably meant."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches

from pipelines.refusal import Refusal


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of a declaration: file, 1-based line, the code it concerns, what is wrong, the nearest valid name."""

    file: str
    line: int
    code: str
    kind: str
    message: str
    nearest: str = ""

    def __str__(self) -> str:
        hint = f" (nearest: {self.nearest})" if self.nearest else ""
        about = f" {self.code}:" if self.code else ""
        return f"{self.file}:{self.line}:{about} {self.message}{hint}"

    def as_json(self) -> dict[str, object]:
        """The problem as plain data."""
        return asdict(self)


class CatalogueError(Refusal):
    """Declarations that cannot be used; carries every problem found, in order of file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = sorted(set(problems))
        lines = "\n".join(str(p) for p in self.problems)
        super().__init__(f"{len(self.problems)} problem(s) in the tag declarations:\n{lines}")


def nearest(name: str, valid: Iterable[str]) -> str:
    """The valid name closest to `name`, empty if none is near."""
    found = get_close_matches(name, sorted(valid), n=1, cutoff=0.5)
    return found[0] if found else ""
