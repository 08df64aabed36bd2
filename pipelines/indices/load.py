"""From files to a checked specification: reading, `extends`, validation with file, line and the nearest valid name.

Not here: the shape itself (`spec`, `column_methods`, `node_methods`) and rules about the tree and its codes (`rules`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from pipelines.indices.document import Document, Path_, parse_document, read_document
from pipelines.indices.problems import Problem, SpecError, nearest
from pipelines.indices.rules import find_faults
from pipelines.indices.spec import IndexSpec

_ROWS = ("nodes", "indicators")
_APPENDED = ("adjustments", "levels")
# How the validator names the branches of "a number or a mapping" in the path of an error.
_SCALARS = ("float", "int", "str", "bool")


@dataclass
class _Merged:
    """A value put together from several files, with the place of each path."""

    value: Any
    places: dict[Path_, tuple[str, int]] = field(default_factory=dict)

    def place(self, path: Path_) -> tuple[str, int]:
        kept: Path_ = ()
        for step in path:
            if (*kept, step) in self.places:
                kept = (*kept, step)
        return self.places.get(kept, ("", 0))


def load_spec(path: Path | str) -> IndexSpec:
    """Read and check a specification; raises `SpecError` listing every problem found."""
    merged = _read(Path(path), ())
    return _validated(merged)


def parse_spec(text: str, file: str = "<text>") -> IndexSpec:
    """Check a specification given as text; `extends` is not available here."""
    return _validated(_plain(parse_document(text, file)))


def _read(path: Path, seen: tuple[Path, ...]) -> _Merged:
    resolved = path.resolve()
    document = read_document(path)
    if resolved in seen:
        raise SpecError([Problem(str(path), 1, "extends itself")])
    merged = _plain(document)
    if not isinstance(merged.value, dict) or "extends" not in merged.value:
        return merged
    base_name = merged.value.pop("extends")
    if not isinstance(base_name, str) or Path(base_name).is_absolute():
        raise SpecError([Problem(document.file, document.line(("extends",)), "extends takes a relative file name")])
    base_path = path.parent / base_name
    if not base_path.is_file():
        siblings = [other.name for other in path.parent.glob("*.yml")]
        hint = nearest(base_name, siblings)
        problem = Problem(document.file, document.line(("extends",)), f"there is no file '{base_name}'{hint}")
        raise SpecError([problem])
    base = _read(base_path, (*seen, resolved))
    return _extend(base, merged)


def _plain(document: Document) -> _Merged:
    return _Merged(document.value, {path: (document.file, line) for path, line in document.lines.items()})


def _copy_places(source: _Merged, old: Path_, target: _Merged, new: Path_) -> None:
    for path, place in list(source.places.items()):
        if path[: len(old)] == old:
            target.places[(*new, *path[len(old) :])] = place


def _extend(base: _Merged, own: _Merged) -> _Merged:
    """Lay `own` over `base`: rows with a known code change that row, new rows are added, other keys are merged."""
    if not isinstance(base.value, dict):
        return own
    result = _Merged(dict(base.value), dict(base.places))
    result.places[()] = own.place(())
    for key, value in own.value.items():
        if key in _ROWS and isinstance(value, list) and isinstance(base.value.get(key), list):
            _extend_rows(result, own, key)
        elif key in _APPENDED and isinstance(value, list) and isinstance(base.value.get(key), list):
            start = len(base.value[key])
            result.value[key] = [*base.value[key], *value]
            for number in range(len(value)):
                _copy_places(own, (key, number), result, (key, start + number))
        else:
            old = result.value.get(key)
            both = isinstance(value, dict) and isinstance(old, dict) and "method" not in value
            result.value[key] = {**old, **value} if both else value
            _copy_places(own, (key,), result, (key,))
    return result


def _extend_rows(result: _Merged, own: _Merged, key: str) -> None:
    rows = list(result.value[key])
    position = {row.get("code"): number for number, row in enumerate(rows) if isinstance(row, dict)}
    for number, row in enumerate(own.value[key]):
        code = row.get("code") if isinstance(row, dict) else None
        if code in position:
            target = position[code]
            rows[target] = {**rows[target], **row}
        else:
            target = len(rows)
            rows.append(row)
        _copy_places(own, (key, number), result, (key, target))
    result.value[key] = rows


def _validated(merged: _Merged) -> IndexSpec:
    try:
        spec = IndexSpec.model_validate(merged.value)
    except ValidationError as fault:
        raise SpecError([_problem(merged, error) for error in _own_errors(fault)]) from fault
    found = find_faults(spec)
    if found:
        raise SpecError([Problem(*merged.place(path), message) for path, message in found])
    for key in _ROWS:
        for number, row in enumerate(merged.value[key]):
            spec.places[str(row["code"])] = merged.place((key, number))
    return spec


def _own_errors(fault: ValidationError) -> list[Any]:
    """Leave out what only follows from another error: a list of rows is called too short when its rows are wrong."""
    errors = _of_one_branch(fault.errors())
    paths = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(len(path) > len(error["loc"]) and path[: len(error["loc"])] == error["loc"] for path in paths)
    ]


def _of_one_branch(errors: list[Any]) -> list[Any]:
    """Where a number or a mapping may stand, keep what is wrong with the one that was written."""
    scalars = {(*error["loc"][:-1],) for error in errors if error["loc"] and error["loc"][-1] in _SCALARS}
    kept = []
    for error in errors:
        path = error["loc"]
        if path and path[:-1] in scalars and len(errors) > 1:
            is_scalar = path[-1] in _SCALARS
            if is_scalar == isinstance(error["input"], dict):
                continue
        kept.append(error)
    return kept


@cache
def _homes() -> dict[str, set[str]]:
    """Every key a specification may have, with the keys under which it may stand (empty text: at the top)."""
    found: dict[str, set[str]] = {"extends": {""}}

    def visit(model: type[BaseModel], under: str, above: tuple[type[BaseModel], ...]) -> None:
        for name, about in model.model_fields.items():
            found.setdefault(name, set()).add(under)
            for part in _models(about.annotation):
                if part not in above:
                    visit(part, name, (*above, part))

    visit(IndexSpec, "", (IndexSpec,))
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that may stand where a type is asked for."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _unknown(name: str) -> str:
    """What to do with a key that is not known where it stands: where it belongs, or the nearest one."""
    homes = _homes().get(name)
    if homes is None:
        return nearest(name, _homes())
    places = [f"under '{home}'" if home else "at the top level" for home in sorted(homes)]
    return f" here; it stands {' or '.join(places)}"


def _problem(merged: _Merged, error: Mapping[str, Any]) -> Problem:
    """Turn one pydantic error into a sentence at a line."""
    loc: Path_ = tuple(error["loc"])
    file, line = merged.place(loc)
    where = _label(merged, loc)
    kind = error["type"]
    # A row as a whole has no key to name; a branch of alternatives is named by the key it belongs to.
    keys = [part for part in loc[2:] or loc if isinstance(part, str) and part.isidentifier() and part not in _SCALARS]
    last = keys[-1] if keys and not (len(loc) == 2 and isinstance(loc[1], int)) else ""
    if kind == "extra_forbidden":
        message = f"unknown key '{last}'{_unknown(last)}{where}"
    elif kind == "missing" and isinstance(loc[-1], int):
        message = f"'{last}' has too few values{where}"
    elif kind == "missing":
        message = f"'{last}' is missing{where}"
    elif kind == "union_tag_invalid":
        tag = str(error["ctx"]["tag"])
        expected = [name.strip(" '") for name in str(error["ctx"]["expected_tags"]).split(",")]
        message = f"unknown method '{tag}'{nearest(tag, expected)}{where}; known: {', '.join(expected)}"
    elif kind == "literal_error":
        given = str(error["input"])
        expected = [name.strip(" '") for name in str(error["ctx"]["expected"]).replace(" or ", ",").split(",")]
        message = f"'{last}' cannot be '{given}'{nearest(given, expected)}{where}; allowed: {', '.join(expected)}"
    else:
        text = str(error["msg"]).removeprefix("Value error, ")
        if kind in ("float_parsing", "float_type", "finite_number"):
            text = f"'{error['input']}' is no number"
        message = f"'{last}': {text}{where}" if last else f"{text}{where}"
    return Problem(file, line, message)


def _label(merged: _Merged, loc: Path_) -> str:
    """Return ` in indicators 'X'` for a path into a row with a code."""
    if len(loc) >= 2 and isinstance(loc[1], int) and isinstance(merged.value, dict):
        rows = merged.value.get(loc[0])
        if isinstance(rows, list) and loc[1] < len(rows) and isinstance(rows[loc[1]], dict):
            code = rows[loc[1]].get("code")
            if code is not None:
                return f" in {str(loc[0]).removesuffix('s')} '{code}'"
    return ""
