"""Reading and checking `data/survivorship/person.yml` against itself and the contracts.

Every problem is told with its line, feed and attribute and the nearest right name. What the declaration can say stands
in `rules`.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.declared import compose, parse_yaml, read_text
from pipelines.feeds.contracts import Contract
from pipelines.refusal import Refusal
from pipelines.settings import Settings
from pipelines.subjects.survivorship.claims import binding_problem, comparison_problem
from pipelines.subjects.survivorship.rules import Group, Rules

FILE = Path("survivorship") / "person.yml"
Line = tuple[str | int, ...]


class SurvivorshipProblem(Refusal):
    """The declaration is wrong; the message lists every problem with its line."""


def load_rules(settings: Settings, contracts: Mapping[str, Contract]) -> Rules:
    """The declaration below `settings.declarations`, checked. Raises SurvivorshipProblem with all that is wrong."""
    return read_rules(settings.declarations / FILE, contracts)


def read_rules(path: Path, contracts: Mapping[str, Contract]) -> Rules:
    """A declaration from a file, checked. Raises SurvivorshipProblem with all that is wrong."""
    try:
        text = read_text(path)
        node = compose(text, path)
        rules = Rules.model_validate(parse_yaml(text, path) or {})
    except FileNotFoundError as error:
        raise SurvivorshipProblem(f"{path.name} is missing: nothing says whose word counts") from error
    except yaml.YAMLError as error:
        raise SurvivorshipProblem(f"{path.name}: not readable as YAML: {error}") from error
    except ValidationError as error:
        told = [f"line {_line(node, e['loc'])}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SurvivorshipProblem("\n".join(f"{path.name}, {line}" for line in told)) from error
    found = [f"{path.name}, line {_line(node, place)}: {message}" for place, message in problems(rules, contracts)]
    if found:
        raise SurvivorshipProblem("\n".join(found))
    return rules


def problems(rules: Rules, contracts: Mapping[str, Contract]) -> Iterator[tuple[Line, str]]:
    """What contradicts itself or the contracts, with its place in the file."""
    yield from _group_problems(rules)
    yield from _claim_problems(rules, contracts)
    speaking = {c.feed for c in rules.claims}
    for place, feed in enumerate(rules.base):
        if feed not in speaking:
            yield ("base", place), f"{feed} makes no claims{_near(feed, speaking)}"
    for feed in rules.silent:
        if feed in speaking:
            yield ("silent", feed), f"{feed} is silent and makes claims"
        elif feed not in contracts:
            yield ("silent", feed), f"there is no feed {feed}{_near(feed, contracts)}"


def unspoken(rules: Rules, contracts: Mapping[str, Contract]) -> list[str]:
    """Feeds that name people and of which the declaration says neither what they claim nor why they are silent.

    They count as silent, so that a feed is added by its contract alone; what is committed should say which it is.
    """
    speaking = {claim.feed for claim in rules.claims}
    return [f for f, c in contracts.items() if c.people and f not in speaking and f not in rules.silent]


def _group_problems(rules: Rules) -> Iterator[tuple[Line, str]]:
    grouped: dict[str, str] = {}
    for place, group in enumerate(rules.groups):
        here: Line = ("groups", place)
        for attribute in group.attributes:
            if attribute not in rules.attributes:
                yield here, f"{group.name}: there is no attribute {attribute}{_near(attribute, rules.attributes)}"
            elif attribute in grouped:
                yield here, f"{group.name}: {attribute} belongs to {grouped[attribute]} already"
            grouped[attribute] = group.name
        for message in (*_order_problems(rules, group), *_confirm_problems(group)):
            yield here, f"{group.name}: {message}"
    for name, declared in rules.attributes.items():
        if name not in grouped:
            yield ("attributes", name), f"{name} belongs to no group"
        problem = comparison_problem(name, declared)
        if problem:
            yield ("attributes", name), f"{name} cannot be compared: {problem}"


def _order_problems(rules: Rules, group: Group) -> Iterator[str]:
    """Every feed of a group must state something of it, by one claim, and what the rule decides by."""
    claims = [c for c in rules.claims if set(c.names) & set(group.attributes)]
    for feed in group.feeds:
        speakers = [c for c in claims if c.feed == feed]
        if not speakers:
            yield f"{feed} claims none of its attributes{_near(feed, {c.feed for c in claims})}"
            continue
        for claim in speakers[1:]:
            yield f"{feed} speaks twice, by {speakers[0].name} and {claim.name}"
        asked = [group.by, group.agree if feed in group.confirms else None]
        for helper in (h for h in dict.fromkeys(asked) if h and h not in speakers[0].names):
            yield f"{feed} does not state {helper}{_near(helper, speakers[0].names)}"


def _confirm_problems(group: Group) -> Iterator[str]:
    for feed in group.confirms:
        if feed not in group.feeds:
            yield f"{feed} confirms but is not among its feeds{_near(feed, group.feeds)}"
    if bool(group.confirms) != bool(group.agree):
        yield "`confirms` and `agree` need each other"
    if group.agree and not group.by:
        yield "feeds can confirm only a group that is taken whole"


def _claim_problems(rules: Rules, contracts: Mapping[str, Contract]) -> Iterator[tuple[Line, str]]:
    order = {feed: {a for g in rules.groups if feed in g.feeds for a in g.attributes} for feed in contracts}
    seen: set[str] = set()
    for place, claim in enumerate(rules.claims):
        here: Line = ("claims", place)
        if claim.name in seen:
            yield here, f"{claim.name}: a second claim of the feed needs a name of its own"
        seen.add(claim.name)
        if claim.feed not in contracts:
            yield here, f"there is no feed {claim.feed}{_near(claim.feed, contracts)}"
            continue
        for name in claim.names:
            where: Line = (*here, "state", name) if name in claim.state else here
            if name not in rules.types:
                yield where, f"{claim.name}: {name} is neither an attribute nor asked for{_near(name, rules.types)}"
            elif name in rules.attributes and name not in order[claim.feed]:
                yield where, f"{claim.name}: {name} is claimed, but its group does not list {claim.feed}"
        known = {f"{slot.id}_id" for slot in contracts[claim.feed].people if slot.id}
        for who in claim.people:
            if who.person not in known:
                yield here, f"{claim.name}: {who.person} is nobody's id{_near(who.person, known)}"
        if all(name in rules.types for name in claim.names) and all(who.person in known for who in claim.people):
            problem = binding_problem(claim, contracts[claim.feed], rules.types)
            if problem:
                yield (*here, *problem[0]), f"{claim.name}: {problem[1]}"


def _near(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, as an end of a sentence."""
    found = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def _line(node: yaml.Node | None, place: Iterable[str | int]) -> int:
    """The line on which a place of the document begins, or the last line on the way to it."""
    line = 1
    for step in place:
        child = _child(node, step)
        if child is None:
            break
        node = child[1]
        line = child[0].start_mark.line + 1
    return line


def _child(node: yaml.Node | None, step: Any) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None
