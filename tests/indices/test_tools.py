"""What `check`, `freeze`, `sensitivity` and `associations` say of every kind of specification, formulas among them."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.indices.build import build
from pipelines.indices.command import _REPORTS, app
from pipelines.indices.data_weights import variation
from pipelines.indices.describe import moments, outranking
from pipelines.indices.editions import fingerprint
from pipelines.indices.load import parse_spec
from pipelines.indices.node_methods import Variation
from pipelines.indices.numerics import kurtosis
from pipelines.indices.outrank import copeland
from pipelines.indices.problems import DataError, SpecError
from pipelines.indices.sensitivity import sensitivity

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = (REPOSITORY / "docs" / "index_spec.md").read_text("utf-8")
SPECS = sorted([*(REPOSITORY / "tests" / "indices" / "cases").rglob("*.yml"),
                *(REPOSITORY / "tag_rules" / "indices").glob("happiness*.yml")])  # fmt: skip
RANDOM = np.random.default_rng(5)
TABLE = pl.DataFrame({"u": [f"u{i}" for i in range(14)]}).with_columns(
    *(pl.Series(name, (RANDOM.random(14) * 90 + 5).round(3)) for name in "abcd")
)
FORMULAS = """
index: forms
edition: "1"
table: {unit: u}
defaults: {normalise: {method: minmax, range: [1, 100]}}
nodes:
  - {code: R, aggregate: {method: formula, formula: "A / B"}}
  - {code: A, parent: R, after: "round(x, 3)"}
  - {code: B, parent: R}
indicators:
  - {code: a, parent: A, direction: more, value: "a + lag", missing: {not_applicable_when: "c > 999"}, after: "x * 1"}
  - {code: b, parent: A, direction: more}
  - {code: c, parent: B, direction: more}
  - {code: d, parent: B, direction: less}
""".replace("a + lag", "a + b")


def flat(**more: str) -> str:
    head = "".join(f"{key}: {value}\n" for key, value in more.items())
    rows = "".join(f"  - {{code: {c}, parent: R, direction: more}}\n" for c in "abcd")
    return f'index: flat\nedition: "1"\ntable: {{unit: u}}\n{head}nodes: [{{code: R}}]\nindicators:\n{rows}'


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output + (done.stderr if done.stderr_bytes else "")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_every_specification_of_the_house_checks(path: Path) -> None:
    code, text = said("check", str(path), "--json")
    assert code == 0, text
    assert re.fullmatch("[a-p]{64}", json.loads(text)["fingerprint"])


@pytest.mark.parametrize("text", re.findall(r"```yaml spec\n(.*?)```", GUIDE, re.DOTALL))
def test_every_specification_of_the_guide_checks(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spec.yml"
    path.write_text(text)
    code, told = said("check", str(path))
    assert code == 0, told


def test_formulas_have_fingerprints_that_change_with_them_and_with_nothing_else(tmp_path: Path) -> None:
    marks = {fingerprint(parse_spec(FORMULAS)), fingerprint(parse_spec(FORMULAS.replace("R, agg", "R, name: 词, agg")))}
    assert len(marks) == 1
    for old, new in (("A / B", "B / A"), ("round(x, 3)", "round(x, 2)"), ("c > 999", "c > 998"), ("x * 1", "x * 2"),
                     ("a + b", "a - b")):  # fmt: skip
        marks.add(fingerprint(parse_spec(FORMULAS.replace(old, new))))
    assert len(marks) == 6
    (tmp_path / "forms.yml").write_text(FORMULAS)
    assert said("freeze", str(tmp_path), "forms", "1")[0] == 0 and said("check", str(tmp_path / "forms.yml"))[0] == 0
    (tmp_path / "forms.yml").write_text(FORMULAS.replace("A / B", "B / A"))
    code, text = said("check", str(tmp_path / "forms.yml"))
    assert code == 1 and "frozen" in text and "new edition" in text


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("not_applicable_when: 'a > 1'", "unknown key 'not_applicable_when' here; it stands under 'missing'"),
        ("formula: 'a'", "unknown key 'formula' here; it stands under 'aggregate'"),
        ("unt: km", "unknown key 'unt' (did you mean 'unit'?)"),
        ("edition: 2", "unknown key 'edition' here; it stands at the top level"),
    ],
)
def test_no_message_suggests_the_word_just_written(key: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(flat().replace("code: a,", f"code: a, {key},"))
    assert told in str(caught.value)
    assert all(w != s for w, s in re.findall(r"'([^']*)' \(did you mean '([^']*)'", str(caught.value)))


def test_a_flat_index_with_zeros_is_varied_without_the_geometric_mean() -> None:
    found = sensitivity(build(parse_spec(flat()), TABLE), draws=16)
    assert found.names == ["normalise", "weight_noise"] and "0 or less" in found.left_out["geometric"]
    assert found.shift.max() > 0
    positive = sensitivity(
        build(parse_spec(flat(defaults="{normalise: {method: minmax, range: [1, 100]}}")), TABLE), draws=16
    )
    assert "aggregate" in positive.names and positive.left_out == {}


def test_a_formula_root_says_what_is_varied_and_refuses_what_means_nothing() -> None:
    text = FORMULAS.replace(', after: "round(x, 3)"', "")
    found = sensitivity(build(parse_spec(text), TABLE), draws=16)
    assert "aggregate" not in found.names and "formula" in found.left_out["aggregate"] and found.shift.max() > 0
    declared = "uncertainty: {draws: 16, factors: [{factor: aggregate, choices: [declared, geometric]}]}\n"
    with pytest.raises(DataError, match="'R' is a formula"):
        sensitivity(build(parse_spec(declared + text.lstrip()), TABLE))
    elsewhere = declared.replace("choices:", "nodes: [B], choices:")
    with pytest.raises(DataError, match="node 'A': none of the factors"):
        sensitivity(build(parse_spec(elsewhere + text.lstrip()), TABLE), "A")
    assert sensitivity(build(parse_spec(elsewhere + text.lstrip()), TABLE)).shift.max() > 0


def test_weights_by_spread_are_what_their_names_say() -> None:
    values = TABLE.select("a", "b", "c").to_numpy()
    unit = (values - values.min(0)) / np.ptp(values, axis=0)
    for method, expected in (("std", unit.std(0, ddof=1)), ("cv", values.std(0, ddof=1) / values.mean(0)),
                             ("inverse_sd", 1 / values.std(0, ddof=1))):  # fmt: skip
        found, numbers = variation(values, values, Variation(method=method), 1, ("a", "b", "c"), "w")
        assert found / found.sum() == pytest.approx(expected / expected.sum()) and len(numbers) == 3
    for wrong in (values - 50, np.where(values > 0, 3.0, 0)):
        with pytest.raises(DataError, match="w: "):
            variation(wrong, wrong, Variation(method="cv"), 1, ("a", "b", "c"), "w")
    result = build(parse_spec(flat().replace("{code: R}", "{code: R, weights: std}")), TABLE)
    told = result.parameters().filter(pl.col("name").str.starts_with("sd "))
    assert told.height == 4


def test_moments_and_the_matrix_of_pairs_are_printed() -> None:
    result = build(parse_spec(flat().replace("{code: R}", "{code: R, aggregate: copeland}")), TABLE)
    a = moments(result).filter(indicator="a", stage="treated").row(0, named=True)
    values = TABLE["a"].to_numpy()
    assert a["kurtosis"] == pytest.approx(kurtosis(values)) and a["cv"] == pytest.approx(
        values.std(ddof=1) / values.mean()
    )
    pairs = outranking(result)
    assert pairs.height == 14 * 13
    both = pairs.join(pairs, left_on=["unit", "other"], right_on=["other", "unit"])
    assert (both["support"] + both["support_right"]).to_list() == pytest.approx([1.0] * pairs.height)
    wins = pairs.group_by("unit").agg(pl.col("margin").sign().sum()).sort("unit")["margin"].to_list()
    leaf = result.units.leaves.scores
    expected = dict(zip(result.units.codes, copeland(leaf, np.full(4, 0.25), False), strict=True))
    assert wins == pytest.approx([expected[u] for u in sorted(expected)])
    with pytest.raises(DataError, match="no node compares"):
        outranking(build(parse_spec(flat()), TABLE))


def test_the_guide_names_every_report_with_its_columns(tmp_path: Path) -> None:
    told = dict(
        re.findall(r"^\| `(\w+)` \| `([a-z0-9_, ]+)` \|", GUIDE[GUIDE.index("--what …`, one table") :], re.MULTILINE)
    )
    assert set(told) == set(_REPORTS)
    text = flat(defaults="{impute: mean}")
    table = TABLE.with_columns(a=pl.when(pl.col("u") != "u3").then("a"))
    paired = build(parse_spec(text.replace("{code: R}", "{code: R, aggregate: copeland}")), table)
    for name, columns in told.items():
        result = paired if name == "outranking" else build(parse_spec(text), table)
        assert _REPORTS[name](result).columns == columns.split(", "), name
