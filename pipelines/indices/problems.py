"""What can be wrong with a specification or a table, and how it is said.

Belongs here: the two error classes, the `Problem` with its file and line, and the search for the nearest valid name.
Not here: any rule about what is valid (`load`, `table`, `build`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

_QUOTED = re.compile(r"(?:indicator|node|weights of|roll-up of) '([^']*)'")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a specification: file, line (1-based; 0 if it concerns the whole file) and sentence."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"


class IndexFault(ValueError):
    """Anything this package refuses to compute."""


class SpecError(IndexFault):
    """A specification that cannot be used; carries all problems found, not only the first."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(IndexFault):
    """A table, or a value in it, for which the specified method has no number to give."""

    def at(self, places: Mapping[str, tuple[str, int]]) -> "DataError":
        """Return the error led by file and line of the indicator or node it speaks of first, if it names one."""
        for code in _QUOTED.findall(str(self)):
            if code in places:
                return DataError(str(Problem(*places[code], str(self))))
        return self


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the closest of `names`, or an empty string if none is close."""
    # The word itself is no suggestion: where it is valid elsewhere, the caller says where.
    known = [str(known) for known in names if str(known) != str(name)]
    found = get_close_matches(str(name), known, n=1, cutoff=0.6)
    if not found:
        by_lower = {known_name.lower(): known_name for known_name in known}
        match = by_lower.get(str(name).lower())
        found = [match] if match else []
    return f" (did you mean '{found[0]}'?)" if found else ""


def some(items: Iterable[object], limit: int = 5) -> str:
    """List the first `limit` items as text and say how many more there are."""
    listed = [str(item) for item in items]
    shown = ", ".join(listed[:limit])
    return shown if len(listed) <= limit else f"{shown} and {len(listed) - limit} more"
