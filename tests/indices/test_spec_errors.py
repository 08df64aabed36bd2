"""A wrong specification is refused with file, line and the nearest valid name, all problems at once."""

import pytest

from pipelines.indices.load import load_spec, parse_spec
from pipelines.indices.problems import SpecError
from tests.indices.conftest import CASES

GOOD = """index: t
edition: '1'
nodes:
  - {code: ROOT}
  - {code: A, parent: ROOT}
indicators:
  - {code: x, parent: A, direction: more, goalposts: [0, 10]}
  - {code: y, parent: A, direction: less, denominator: pop, value: y}
"""


A_NODE = "{code: A, parent: ROOT}"
NODE = "{code: A, parent: ROOT, %s}"
FACTORS = "edition: '1'\nuncertainty: {factors: [{factor: normalise, choices: [declared, zscor]}]}"


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "t.yml")
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_the_sample_is_good():
    assert parse_spec(GOOD).children("A") == ("x", "y")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("edition: '1'", "edition: '1'\npublish: {open: [ROOT]}", 3, "unknown indicator 'ROOT'"),
        ("[0, 10]", "[low, 10]", 7, "'goalposts': 'low' is no number in indicator 'x'"),
        ("[0, 10]", "[{percentile: 101}, 10]", 7, "'percentile': Input should be less than or equal to 100"),
        ("[0, 10]", "[0]", 7, "'goalposts' has too few values in indicator 'x'"),
        ("direction: more", "dirction: more", 7, "unknown key 'dirction' (did you mean 'direction'?)"),
        ("direction: more, ", "", 7, "'direction' is missing in indicator 'x'"),
        ("direction: more", "direction: up", 7, "is no direction"),
        ("parent: A, direction: less", "parent: B, direction: less", 8, "unknown parent 'B'"),
        ("{code: A, parent: ROOT}", "{code: A, parent: A}", 4, "node 'ROOT' has no children"),
        ("code: y", "code: x", 8, "code 'x' is already used"),
        ("goalposts: [0, 10]", "goalposts: [10, 0]", 7, "not below the high one"),
        ("goalposts: [0, 10]", "goalposts: [0, 10], transform: ln", 7, "has no logarithm"),
        ("goalposts: [0, 10]", "normalise: goalposts", 7, "needs goalposts"),
        ("goalposts: [0, 10]", "normalise: minmx", 7, "unknown method 'minmx' (did you mean 'minmax'?)"),
        ("goalposts: [0, 10]", "goalposts: [0, 10], normalise: minmax", 7, "beside normalise"),
        ("goalposts: [0, 10]", "shrink: {towards: town}", 7, "shrunk"),
        ("goalposts: [0, 10]", "rollup: ratio", 7, "no denominator"),
        ("{code: ROOT}", "{code: ROOT, aggregate: {method: formula, formula: A / B}}", 4, "names 'B', which is no"),
        ("{code: ROOT}", "{code: ROOT, aggregate: {method: power, p: 0}}", 4, "write geometric"),
        ("{code: A, parent: ROOT}", NODE % "weights: {method: given, values: {x: 1, z: 1}}", 5, "'z' is no child"),
        ("{code: A, parent: ROOT}", "{code: A, parent: ROOT, availability: 3/0}", 5, "neither a number nor a fraction"),
        ("{code: A, parent: ROOT}", "{code: A, parent: ROOT, availability: 1.2}", 5, "between 0 and 1"),
        (A_NODE, NODE % "aggregate: {method: bod, bound: share_of_score, low: 0.6}", 5, "cannot each"),
        ("{code: A, parent: ROOT}", NODE % "weights: {method: ahp, comparisons: {x by y: 3}}", 5, "write 'A over B'"),
        ("goalposts: [0, 10]", "weight: 1/2", 5, "'y' has no weight"),
        ("edition: '1'", "edition: '1'\nuncertainty: {draws: 1000}", 3, "power of two"),
        ("edition: '1'", FACTORS, 3, "zscor"),
        ("edition: '1'", "edition: '1'\nstages: [treat, impute]", 1, "once each"),
        ("edition: '1'", "edition: '1'\nlevels: [{level: town}]", 3, "either 'by'"),
    ],
)  # fmt: skip
def test_each_fault_is_found_at_its_line(old, new, line, words):
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(at == line and words in message for at, message in found), found


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("A / C", "formula of 'F' names 'C', which is no code"),
        ("F / 2", "'F' reads itself through its formula"),
        ("ROOT + A", "'F' reads itself through its formula"),
    ],
)
def test_a_formula_reads_codes_but_never_itself(formula, words):
    text = (
        "index: t\nedition: '1'\nnodes:\n  - {code: ROOT}\n  - {code: A, parent: ROOT}\n"
        f"  - {{code: F, parent: ROOT, aggregate: {{method: formula, formula: {formula}}}}}\n"
        "indicators:\n  - {code: a, parent: A, direction: more}\n"
    )
    with pytest.raises(SpecError, match=f":6: {words}"):
        parse_spec(text, "s.yml")
    # Beside the index it may read the index.
    if formula == "ROOT + A":
        assert list(parse_spec(text.replace("code: F,", "code: F, headline: false,")).leaves("F")) == ["a"]


def test_all_problems_are_listed_together():
    found = problems(
        GOOD.replace("direction: more", "dirction: more").replace("direction: less", "direction: sideways")
    )
    assert len(found) >= 3


def test_budgets_and_totals_must_agree():
    weights = "{method: budget, experts: {one: {x: 60, y: 40}, two: {x: 60, y: 50}}}"
    found = problems(GOOD.replace("{code: A, parent: ROOT}", f"{{code: A, parent: ROOT, weights: {weights}}}"))
    assert "different totals" in found[0][1]


def test_comparisons_must_link_all_children():
    more = GOOD + "  - {code: z, parent: A, direction: more}\n"
    weights = "{method: ahp, comparisons: {x over y: 3}}"
    found = problems(more.replace("{code: A, parent: ROOT}", f"{{code: A, parent: ROOT, weights: {weights}}}"))
    assert "'z' is not linked" in found[0][1]


def test_extends_names_the_file_and_line_of_the_part_that_is_wrong(tmp_path):
    (tmp_path / "base.yml").write_text(GOOD)
    own = tmp_path / "own.yml"
    own.write_text(
        "extends: base.yml\n"
        "edition: '2'\n"
        "indicators:\n"
        "  - {code: x, goalposts: [5, 1]}\n"
        "  - {code: w, parent: Z, direction: more}\n"
    )
    with pytest.raises(SpecError) as caught:
        load_spec(own)
    assert [(p.file, p.line) for p in caught.value.problems] == [(str(own), 5)]
    own.write_text("extends: base.yml\nedition: '2'\nindicators:\n  - {code: x, goalposts: [5, 1]}\n")
    with pytest.raises(SpecError) as caught:
        load_spec(own)
    assert caught.value.problems[0].line == 4
    own.write_text("extends: bse.yml\n")
    with pytest.raises(SpecError, match="did you mean 'base.yml'"):
        load_spec(own)
    own.write_text("extends: own.yml\n")
    with pytest.raises(SpecError, match="extends itself"):
        load_spec(own)


def test_extends_changes_a_row_and_adds_rows(tmp_path):
    (tmp_path / "base.yml").write_text(GOOD)
    own = tmp_path / "own.yml"
    own.write_text(
        "extends: base.yml\n"
        "edition: '2'\n"
        "nodes:\n"
        "  - {code: B, parent: ROOT}\n"
        "indicators:\n"
        "  - {code: x, weight: 1}\n"
        "  - {code: y, weight: 3}\n"
        "  - {code: z, parent: B, direction: more}\n"
    )
    found = load_spec(own)
    assert found.edition == "2" and found.children("ROOT") == ("A", "B")
    assert found.part("x").goalposts == (0, 10) and found.part("y").weight == 3


def test_a_published_case_is_valid():
    assert (
        load_spec(CASES / "hdi" / "hdi_rollup.yml")
        .resolved(load_spec(CASES / "hdi" / "hdi_rollup.yml").part("le"))
        .rollup.weight
        == "pop_millions"
    )
