"""The catalogue: every tag, parameter and level, read from files and checked as a whole.

`check` finds all problems at once; `load_catalogue` returns a catalogue only if there is none.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from pipelines.tags import checks, graph, parameters, reading
from pipelines.tags.declarations import ParameterInfo, Tag
from pipelines.tags.graph import Inputs
from pipelines.tags.parse import Names
from pipelines.tags.problems import CatalogueError, Problem
from pipelines.tags.registry import Registry, load_registry
from pipelines.tags.rule_text import to_text, value_text
from pipelines.tags.taxonomy import Level, read_taxonomy
from pipelines.tags.tree import Literal, Node
from pipelines.tags.values import BOOL, Value

EMPTY = Literal(None, BOOL)


@dataclass
class Catalogue:
    """All declarations, each by its code or name, tags in order of code."""

    registry: Registry
    levels: dict[str, Level]
    parameters: dict[str, ParameterInfo]
    tags: dict[str, Tag]
    duplicates: list[Tag] = field(default_factory=list)

    @cached_property
    def trees(self) -> dict[str, Node]:
        """The trees of tags whose rules are sound."""
        return {c: t.tree for c, t in self.tags.items() if t.tree != EMPTY}

    @cached_property
    def inputs(self) -> dict[str, Inputs]:
        """What each rule reads itself."""
        return {c: graph.inputs(tree, self.tags[c].subject, self.registry) for c, tree in self.trees.items()}

    @cached_property
    def edges(self) -> dict[str, frozenset[str]]:
        """The tags each rule refers to."""
        return {c: found.tags for c, found in self.inputs.items()}

    @cached_property
    def order(self) -> list[str]:
        """Codes so that each follows those it refers to."""
        return graph.order(self.edges)[0]

    def needs(self, code: str) -> list[str]:
        """A tag and every tag its value comes from, dependencies first."""
        return graph.closure(code, self.edges)

    def parameters_of(self, code: str) -> list[str]:
        """The parameters a tag's value depends on, those of tags it refers to included."""
        return sorted({p for c in self.needs(code) if c in self.inputs for p in self.inputs[c].parameters})

    def columns_of(self, code: str) -> list[tuple[str, str]]:
        """The (table, column) pairs a tag's value comes from, those of tags it refers to included."""
        return sorted({p for c in self.needs(code) if c in self.inputs for p in self.inputs[c].columns})

    def feeds_of(self, code: str) -> list[str]:
        """The feeds a tag's value comes from."""
        feeds = {f for table, column in self.columns_of(code) for f in self.registry.column(table, column).feeds}
        rows = {f for c in self.needs(code) if c in self.inputs for f in self.inputs[c].row_feeds}
        return sorted(feeds | rows)

    def parameters_on(self, day: date) -> dict[str, Value]:
        """The parameters that have a value on a day."""
        found = {name: p.on(day) for name, p in self.parameters.items()}
        return {name: dated.value for name, dated in found.items() if dated is not None}

    def in_force(self, day: date) -> dict[str, Tag]:
        """The tags that are computed on a day."""
        return {c: t for c, t in self.tags.items() if t.in_force(day)}

    def subjects(self) -> list[str]:
        """The subjects that have tags."""
        return sorted({t.subject for t in self.tags.values()})


def read_catalogue(tag_rules: Path, schema_dir: Path, as_of: date | None = None) -> tuple[Catalogue, list[Problem]]:
    """Reads and checks every declaration. Returns what could be read, and all problems in order of file and line."""
    problems: list[Problem] = []
    registry = load_registry(schema_dir)
    levels = read_taxonomy(tag_rules / "taxonomy.yml", tag_rules, problems)
    dated = parameters.read_parameters(tag_rules / "parameters", tag_rules, problems)
    raw = reading.read_files(tag_rules, registry, levels, problems)
    kinds = {r.tag.code: (r.tag.subject, r.tag.type) for r in raw}
    tags = reading.parse_tags(raw, Names(registry, parameters.names(dated.values()), kinds), registry)
    unique: dict[str, Tag] = {}
    duplicates = []
    for tag in tags:
        if tag.code in unique:
            duplicates.append(tag)
        else:
            unique[tag.code] = tag
    catalogue = Catalogue(registry, levels, dated, dict(sorted(unique.items())), duplicates)
    problems += checks.check_catalogue(catalogue, as_of)
    return catalogue, sorted(set(problems))


def check(tag_rules: Path, schema_dir: Path, as_of: date | None = None) -> list[Problem]:
    """All problems of the declarations; none if they can be used (on `as_of`, where it is given)."""
    return read_catalogue(tag_rules, schema_dir, as_of)[1]


def load_catalogue(tag_rules: Path, schema_dir: Path, as_of: date | None = None) -> Catalogue:
    """The checked catalogue. Raises CatalogueError, which lists every problem with file, line and nearest name."""
    catalogue, problems = read_catalogue(tag_rules, schema_dir, as_of)
    if problems:
        raise CatalogueError(problems)
    return catalogue


def rules_version(catalogue: Catalogue) -> str:
    """A hash of everything that decides a tag's value or meaning; wording of comments and examples is no part of it."""
    body = {
        "tags": {c: _meaning(t) for c, t in catalogue.tags.items()},
        "parameters": {n: _dated(p) for n, p in sorted(catalogue.parameters.items())},
        "levels": {c: [level.name, level.name_en] for c, level in sorted(catalogue.levels.items())},
    }
    return _hash(body)


def rule_version(catalogue: Catalogue, code: str) -> str:
    """A hash of one tag's rule with everything it refers to, so that it changes only if the value may."""
    needed = catalogue.needs(code)
    rules = {c: to_text(catalogue.trees[c]) for c in needed}
    return _hash(
        {"rules": rules, "parameters": {n: _dated(catalogue.parameters[n]) for n in catalogue.parameters_of(code)}}
    )


def _meaning(tag: Tag) -> Mapping[str, object]:
    shown = (
        "name", "name_en", "level", "subject", "kind", "purpose", "owner", "cadence", "sensitivity", "min_cell",
        "legal", "excl_group", "state", "unit",
    )  # fmt: skip
    days = [str(tag.valid_from), str(tag.valid_to)]
    return {"rule": to_text(tag.tree), "type": str(tag.type), "days": days} | {n: getattr(tag, n) for n in shown}


def _dated(info: ParameterInfo) -> list[list[str]]:
    return [[value_text(v.value), str(v.valid_from), str(v.valid_to), v.legal] for v in info.values]


def _hash(body: object) -> str:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
