"""Tag files to Tag declarations: fields, defaults of the file, and the rule's tree. One file holds one group."""

from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.tags import values
from pipelines.tags.declarations import CADENCES, KINDS, NO_EXPORT, Example, Tag
from pipelines.tags.examples import read_examples
from pipelines.tags.fields import Fields
from pipelines.tags.located import Located, YamlProblem, load
from pipelines.tags.parse import Names, parse_rule
from pipelines.tags.problems import Problem, nearest
from pipelines.tags.registry import CLASSES, Registry
from pipelines.tags.taxonomy import DIGITS, TAG_LENGTH, Level
from pipelines.tags.tree import Literal, Node
from pipelines.tags.values import BOOL, INT, Type

FILE_FIELDS = ("group", "subject", "owner", "cadence", "as_of", "tags")
TAG_FIELDS = (
    "code", "name", "name_en", "level", "kind", "rule", "purpose", "owner", "cadence", "sensitivity", "min_cell",
    "legal", "excl_group", "state", "valid_from", "valid_to", "value", "digits", "unit", "note", "examples",
)  # fmt: skip
SHORTEST_PURPOSE = 8


@dataclass(frozen=True)
class RawTag:
    """A tag whose rule is not parsed yet, with what is needed to do so."""

    tag: Tag
    body: Fields
    file_fields: Fields


def read_files(root: Path, registry: Registry, levels: dict[str, Level], problems: list[Problem]) -> list[RawTag]:
    """Every tag of every file below `root/<subject>/`, rules unparsed, in order of file and line."""
    found: list[RawTag] = []
    for subject in sorted(registry.subjects):
        for path in sorted((root / subject).glob("*.yml")):
            file = path.relative_to(root).as_posix()
            try:
                document = load(path)
            except YamlProblem as error:
                problems.append(Problem(file, error.line, "", "yaml", error.reason))
                continue
            found += _read_file(document, file, subject, levels, problems)
    return found


def _read_file(
    document: Located, file: str, folder: str, levels: dict[str, Level], problems: list[Problem]
) -> list[RawTag]:
    fields = Fields(document, file, "", problems)
    fields.only(FILE_FIELDS)
    group, subject = fields.text("group"), fields.text("subject")
    if group and (group not in levels or levels[group].depth != 2):
        groups = [c for c, level in levels.items() if level.depth == 2]
        fields.problem(fields.line_of("group"), "level", f"there is no group {group}", nearest(group, groups))
    if subject and subject != folder:
        fields.problem(
            fields.line_of("subject"), "subject", f"subject '{subject}' stands in the folder {folder}/", folder
        )
    return [
        RawTag(*_read_tag(t, fields, file, folder, group, levels, problems), fields) for t in fields.entries("tags")
    ]


def _read_tag(
    body: Located, outer: Fields, file: str, subject: str, group: str, levels: dict[str, Level], problems: list[Problem]
) -> tuple[Tag, Fields]:
    code_value = body.value.get("code") if isinstance(body.value, dict) else None
    fields = Fields(body, file, str(code_value.value) if code_value else "", problems)
    fields.only(TAG_FIELDS)
    code, level = fields.text("code"), fields.text("level")
    _check_code(fields, code, level, group, levels)
    state = fields.choice("state", ("active", "retired"), "active")
    end = fields.date("valid_to")
    if state == "retired" and end is None:
        fields.problem(fields.line_of("state"), "missing", "a retired tag needs valid_to, its last day")
    rule = fields.values.get("rule")
    tag = Tag(
        code=code,
        name=fields.text("name"),
        name_en=fields.text("name_en"),
        level=level,
        subject=subject,
        kind=fields.choice("kind", KINDS),
        rule=fields.text("rule", lines=True),
        purpose=_purpose(fields),
        owner=fields.text("owner", outer.text("owner", need=False) or None),
        cadence=fields.choice("cadence", CADENCES, outer.text("cadence", need=False) or None),
        sensitivity=fields.choice("sensitivity", CLASSES),
        min_cell=_min_cell(fields),
        legal=fields.text("legal", need=False, lines=True),
        excl_group=fields.text("excl_group", need=False),
        state=state,
        valid_from=fields.date("valid_from"),
        valid_to=end,
        type=_type(fields),
        unit=fields.text("unit", need=False),
        note=fields.text("note", need=False, lines=True),
        file=file,
        line=body.line,
        rule_line=rule.text_line if rule else body.line,
    )
    return tag, fields


def _check_code(fields: Fields, code: str, level: str, group: str, levels: dict[str, Level]) -> None:
    if code and not (len(code) == TAG_LENGTH and code[0] == "T" and code[1:].isdecimal() and code.isascii()):
        fields.problem(fields.line_of("code"), "level", f"code '{code}' is not T and eight digits")
    elif code and not code.startswith(level or code):
        fields.problem(fields.line_of("level"), "level", f"level {level} is not that of {code}", code[: DIGITS[3]])
    if level and (level not in levels or levels[level].depth != 3):
        thirds = [c for c, found in levels.items() if found.depth == 3]
        fields.problem(fields.line_of("level"), "level", f"there is no level {level}", nearest(level, thirds))
    elif level and group and not level.startswith(group):
        fields.problem(
            fields.line_of("level"), "level", f"level {level} does not belong to the group {group} of the file"
        )


def _purpose(fields: Fields) -> str:
    purpose = fields.text("purpose", lines=True)
    if purpose and len(purpose) < SHORTEST_PURPOSE:
        fields.problem(fields.line_of("purpose"), "missing", "purpose does not name a service or a safety aim")
    return purpose


def _min_cell(fields: Fields) -> int | str:
    found = fields.values.get("min_cell")
    if found is not None and found.value == NO_EXPORT:
        return NO_EXPORT
    return fields.whole("min_cell")


def _type(fields: Fields) -> Type:
    if fields.choice("value", ("bool", "number"), "bool") == "bool":
        return BOOL
    digits = fields.whole("digits")
    return values.decimal(digits) if digits else INT


def parse_tags(raw: list[RawTag], names: Names, registry: Registry) -> list[Tag]:
    """The tags with trees and examples; a tag whose rule is faulty keeps an empty tree."""
    return [_parse(entry, names, registry) for entry in raw]


def _parse(entry: RawTag, names: Names, registry: Registry) -> Tag:
    tag, fields = entry.tag, entry.body
    tree: Node = Literal(None, BOOL)
    if tag.rule:
        parsed = parse_rule(tag.rule, tag.subject, names)
        for finding in parsed.findings:
            fields.problem(tag.rule_line + finding.line - 1, finding.kind, finding.message, finding.near)
        if parsed.tree is not None and parsed.tree.type != tag.type:
            fields.problem(tag.rule_line, "type", f"the rule gives a {parsed.tree.type}, the tag declares a {tag.type}")
        elif parsed.tree is not None:
            tree = parsed.tree
    examples: tuple[Example, ...] = ()
    if "examples" in fields.values:
        default = entry.file_fields.date("as_of")
        subject = registry.subjects[tag.subject]
        examples = read_examples(fields.values["examples"], fields, subject, registry, default)
    return replace(tag, tree=tree, examples=examples)
