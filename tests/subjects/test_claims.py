"""The declaration of whose word counts: what is wrong with it is told with line, feed, attribute and the right name."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipelines.feeds.contracts import Contract
from pipelines.settings import Settings
from pipelines.subjects.survivorship.checks import FILE, SurvivorshipProblem, load_rules, read_rules

TEXT = (Settings().declarations / FILE).read_text("utf-8")


@pytest.fixture
def refused(tmp_path: Path, contracts: Mapping[str, Contract]) -> Callable[[str, str], list[str]]:
    """The problems told after one piece of the committed declaration was replaced by another."""

    def ask(old: str, new: str) -> list[str]:
        assert TEXT.count(old) == 1, f"{TEXT.count(old)} times: {old}"
        path = tmp_path / "person.yml"
        path.write_text(TEXT.replace(old, new), "utf-8")
        with pytest.raises(SurvivorshipProblem) as refusal:
            read_rules(path, contracts)
        return str(refusal.value).split("\n")

    return ask


def line_of(text: str) -> int:
    return TEXT[: TEXT.index(text)].count("\n") + 1


def test_the_committed_declaration_is_right_and_asks_every_feed_that_names_people(
    contracts: Mapping[str, Contract],
) -> None:
    rules = load_rules(Settings(), contracts)
    naming = {feed for feed, contract in contracts.items() if contract.people}
    assert {claim.feed for claim in rules.claims} | set(rules.silent) == naming
    assert [c.name for c in rules.claims if c.is_dated] == ["F01"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("      cert_kind: person_cert_kind\n      cert_masked: person_cert_masked\n      name: coalesce",
         "      cert_kind: person_cert_knid\n      cert_masked: person_cert_masked\n      name: coalesce",
         ["F03", "person_cert_knid", "person_cert_kind"]),
        ("  - feed: F13\n", "  - feed: F99\n", ["no feed F99"]),
        ("    feeds: [F17, B01]", "    feeds: [F17, B01, F09]", ["education", "F09 claims none of its attributes"]),
        ("    attributes: [entry_on]", "    attributes: [entry_no]", ["entry_no", "did you mean entry_on?"]),
        ("    attributes: [edu_code]", "    attributes: [edu_code, tenure]", ["status: tenure belongs to education"]),
        ("    people: [{person: landlord_id}]", "    people: [{person: landlord}]", ["F02", "mean landlord_id?"]),
        ("    rule: {newest: verified_on}", "    rule: {newest: seen_on}", ["verification", "does not state seen_on"]),
        ("    where: source = '走访' and is_confirmed", "    where: source = '走访' and confirmed",
         ["I01", "confirmed", "is_confirmed"]),
        ("base: [B01, F01]", "base: [B01, F16]", ["F16 makes no claims"]),
        ("  I13: says nothing of a person but the number\n",
         "  I13: says nothing of a person but the number\n  F13: names nobody\n", ["F13 is silent and makes claims"]),
        ("    confirms: [F17]\n", "", ["`confirms` and `agree` need each other"]),
        ("compare: 'left(edu_code, 1)'", "compare: 'left(edu, 1)'", ["edu_code cannot be compared", "edu"]),
        ("    time: {seen: residence_seen_on}", "    time: {heard: residence_seen_on}", ["time"]),
        ("  - feed: F22\n", "  - feed: F22\n    wear: x\n", ["wear", "Extra inputs"]),
        ("      died_on: event_on", "      died_no: event_on", ["F07.death", "died_no", "did you mean died_on?"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_nearest_right_name(
    refused: Callable[[str, str], list[str]], old: str, new: str, told: list[str]
) -> None:
    problems = refused(old, new)
    assert any(all(part in problem for part in told) for problem in problems), problems


def test_a_problem_names_its_line(refused: Callable[[str, str], list[str]]) -> None:
    problems = refused("      pop_subtype_code: nullif(permit_type_code, '0000')",
                       "      pop_subtype_code: nullif(permit_type, 0000, 1)")  # fmt: skip
    assert problems[0].startswith(f"person.yml, line {line_of('      pop_subtype_code: nullif')}: F01: ")


def test_a_missing_or_unreadable_declaration_is_refused(tmp_path: Path, contracts: Mapping[str, Contract]) -> None:
    with pytest.raises(SurvivorshipProblem, match="missing"):
        read_rules(tmp_path / "person.yml", contracts)
    (tmp_path / "person.yml").write_text("base: [", "utf-8")
    with pytest.raises(SurvivorshipProblem, match="not readable"):
        read_rules(tmp_path / "person.yml", contracts)
