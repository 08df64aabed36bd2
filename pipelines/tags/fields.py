"""Reads declared fields one by one: what is missing, unknown or ill-typed becomes a Problem, nothing stops the rest."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pipelines.tags.located import Located
from pipelines.tags.problems import Problem, nearest


class Fields:
    """A mapping of a declaration file, read field by field. Problems go to the shared list it was given."""

    def __init__(self, source: Located, file: str, code: str, problems: list[Problem]) -> None:
        self.values: Mapping[str, Located] = source.value if isinstance(source.value, dict) else {}
        self.line = source.line
        self.file = file
        self.code = code
        self.problems = problems
        if not isinstance(source.value, dict):
            self.problem(source.line, "shape", "fields of the form 'name: value' are expected here")

    def problem(self, line: int, kind: str, message: str, near: str = "") -> None:
        """Notes a problem of this declaration."""
        self.problems.append(Problem(self.file, line, self.code, kind, message, near))

    def only(self, allowed: Iterable[str]) -> None:
        """Notes every field that is not among the allowed ones."""
        names = list(allowed)
        for name, value in self.values.items():
            if name not in names:
                self.problem(value.line, "field", f"'{name}' is not a field here", nearest(name, names))

    def line_of(self, name: str) -> int:
        """The line of a field, or of the whole declaration if it is absent."""
        return self.values[name].line if name in self.values else self.line

    def text(self, name: str, default: str | None = None, need: bool = True, lines: bool = False) -> str:
        """A text field, of one line unless `lines`; blank counts as missing."""
        value = self._get(name, default)
        if isinstance(value, str) and value.strip():
            if not lines and len(value.strip().splitlines()) > 1:
                self.problem(self.line_of(name), "value", f"{name} must be one line")
            return value.strip()
        if need or value not in (None, ""):
            self._wrong(name, value, "text")
        return ""

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """A text field with a fixed set of values; the default's first value stands in for a wrong one."""
        value = self._get(name, default)
        if isinstance(value, str) and value in allowed:
            return value
        if value is None:
            self._wrong(name, value, "")
        else:
            near = nearest(str(value), allowed)
            self.problem(self.line_of(name), "value", f"{name} '{value}' is none of {', '.join(allowed)}", near)
        return allowed[0]

    def date(self, name: str, need: bool = False, default: date | None = None) -> date | None:
        """A date field of the form 2026-01-31."""
        value = self._get(name, default)
        if isinstance(value, date):
            return value
        if need or value is not None:
            self._wrong(name, value, "a date such as 2026-01-31")
        return None

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number, not below 0."""
        value = self._get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._wrong(name, value, "a whole number")
        return 0

    def entries(self, name: str) -> list[Located]:
        """The entries of a list field; empty if absent."""
        found = self.values.get(name)
        if found is None or found.value is None:
            return []
        if isinstance(found.value, list):
            return found.value
        self._wrong(name, found.value, "a list")
        return []

    def _get(self, name: str, default: Any) -> Any:
        found = self.values.get(name)
        return default if found is None or found.value is None else found.value

    def _wrong(self, name: str, value: Any, wanted: str) -> None:
        if value is None or value == "":
            self.problem(self.line_of(name), "missing", f"{name} is missing")
        else:
            self.problem(self.line_of(name), "value", f"{name} must be {wanted}")
