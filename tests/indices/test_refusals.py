"""Bad input, by the command: an error that names the line and what is wrong, or a documented value; never a number."""

import polars as pl
import pytest

from tests.indices.outside import build_outside, refusal, scores

SPEC = """index: t
edition: "1"
table: {unit: u}
nodes:
  - {code: R%(node)s}
indicators:
  - {code: a, parent: R, direction: more%(leaf)s}
  - {code: b, parent: R, direction: less}
"""
TABLE = "u,a,b\nx,1,4\ny,2,3\nz,3,5\nw,5,1\n"


def spec(node: str = "", leaf: str = "") -> str:
    return SPEC % {"node": node, "leaf": leaf}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (spec(leaf=", value: aa"), "index.yml:7: indicator 'a': the table has no column 'aa' (did you mean 'a'?)"),
        (spec().replace("b, parent: R", "b, parent: RR"), "index.yml:8: 'b': unknown parent 'RR' (did you mean 'R'?)"),
        (spec().replace(", direction: less", ""), "index.yml:8: 'direction' is missing in indicator 'b'"),
        (spec().replace("less", "lower"), "index.yml:8: 'direction': 'lower' is no direction"),
        (spec(leaf=", goalposts: [5, 1]"), "index.yml:7: 'a': the low goalpost 5 is not below the high one 1"),
        (spec(leaf=", goalposts: [5, 5]"), "index.yml:7: 'a': the low goalpost 5 is not below the high one 5"),
        (spec(", weights: {method: given, values: {a: 0, b: 0}}"), "index.yml:5: weights of 'R' must not be negative"),
        (spec(", weights: {method: given, values: {a: 2, b: -1}}"), "index.yml:5: weights of 'R' must not be negative"),
        (spec(leaf=", weight: 1"), "index.yml:5: 'R' uses given weights, but 'b' has no weight"),
        (spec(leaf=", weight: -1"), "index.yml:7: a weight cannot be negative in indicator 'a'"),
        (spec(leaf=", weight: 50%"), "index.yml:7: 'weight': '50%' is neither a number nor a fraction"),
        (spec(", aggregate: geometrc"), "index.yml:5: unknown method 'geometrc' (did you mean 'geometric'?)"),
        (spec(", weights: entropi"), "index.yml:5: unknown method 'entropi' (did you mean 'entropy'?)"),
        (spec(leaf=", normalise: min-max"), "index.yml:7: unknown method 'min-max' (did you mean 'minmax'?)"),
        (spec(leaf=", treat: winsorize"), "index.yml:7: unknown method 'winsorize' (did you mean 'winsorise'?)"),
        (spec(leaf=", impute: avarage"), "index.yml:7: unknown method 'avarage'"),
        (spec(", availability: 60"), "index.yml:5: 'availability': the threshold lies between 0 and 1"),
        (spec(", aggregate: {method: formula, formula: a / c}"), "index.yml:5: formula of 'R' names 'c', which is no"),
        (spec(", aggregate: geometric"), "index.yml:5: node 'R': geometric needs values above zero, but 'a' of x is 0"),
        (spec(", aggregate: harmonic", ", normalise: zscore"), "index.yml:5: node 'R': harmonic needs values above"),
        (spec(leaf=", normalise: {method: ampi, reference: {value: 3, period: 2018}}"), "a number has no period"),
        (
            spec(leaf=", normalise: {method: ampi, reference: {statistic: mean, period: '2018'}}"),
            "period '2018' is not",
        ),
        (
            spec(leaf=", value: 'lag(a)'"),
            "index.yml:7: indicator 'a': the table has no column 'lag(a)', and 'lag' takes",
        ),
        (
            spec(leaf=", value: 'lag(a, 1)'"),
            "index.yml:7: indicator 'a': earlier values of 'a' need a table with periods",
        ),
    ],
)
def test_a_specification_that_cannot_be_meant(tmp_path, text, words):
    assert words in refusal(tmp_path, text, TABLE)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("u,a,b\nx,1,4\ny,1,3\nz,1,5\n", "index.yml:7: indicator 'a' is constant (1): minmax would divide by zero"),
        ("u,a,b\nx,,4\ny,,3\nz,,5\n", "index.yml:7: indicator 'a' has no value"),
        (TABLE + "q,,\n", "no indicator has a value for q; units.all_missing"),
        (TABLE + "q,NaN,3\n", "index.yml:7: indicator 'a': column 'a' holds NaN or infinity at q"),
        (TABLE + "q,-inf,3\n", "index.yml:7: indicator 'a': column 'a' holds NaN or infinity at q"),
        (TABLE + "q,1e999,3\n", "column 'a' holds NaN or infinity at q"),
        (TABLE + "x,1,2\n", "two rows for x"),
        (TABLE + " x ,1,2\n", "two rows for x"),
        (TABLE + ",1,2\n", "column 'u' is empty in some rows"),
        ("u,a,b\n", "the table has no rows"),
        ("", "'table.csv' cannot be read: empty CSV"),
        ("u,a,b\nx,good,4\ny,bad,3\n", "index.yml:7: indicator 'a': column 'a', x: 'good' is not a number"),
        ("u,a,b\nx,12%,4\ny,13,3\n", "column 'a', x: '12%' is not a number"),
        ('u,a,b\nx,"1,200",4\ny,13,3\n', "column 'a', x: '1,200' is not a number"),
        ("u;a;b\nx;1,2;4\ny;13;3\n", "column 'a', x: '1,2' is not a number"),
        ("u,a,a,b\nx,1,2,4\n", "'table.csv' has two columns 'a'"),
        ("u,a,b\nx,1,2\ny,1\n", "'table.csv' line 3: 2 fields, the header has 3"),
        ("u,a,b\nx,1,2,3\n", "'table.csv' line 2: 4 fields, the header has 3"),
        ("iso,a,b\nx,1,2\n", "the table has no column 'u'"),
        (b"u,a,b\nx\xe9,1,2\n", "'table.csv' cannot be read: 'utf-8' codec"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path, table, words):
    assert words in refusal(tmp_path, spec(), table)


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_a_file_that_is_not_what_its_name_says(tmp_path, ending):
    assert f"'table.{ending}' cannot be read" in refusal(tmp_path, spec(), "u,a,b\n", ending)


def test_an_unknown_level_is_refused_with_the_nearest(tmp_path):
    from typer.testing import CliRunner

    from pipelines.indices.command import app

    build_outside(tmp_path, spec(), pl.read_csv(TABLE.encode()))
    files = [str(tmp_path / "index.yml"), "--data", str(tmp_path / "table.csv")]
    found = CliRunner().invoke(app, ["build", *files, "--level", "units"])
    assert found.exit_code == 1 and "unknown level 'units' (did you mean 'unit'?)" in found.stderr


def test_one_fault_is_told_once(tmp_path):
    assert refusal(tmp_path, spec(", aggregate: geometrc"), TABLE).count("index.yml") == 1


def test_documented_values(tmp_path):
    """Ties at the winsorisation limit move together, weights are scaled to 1, an empty column is missing."""
    rows = "u,a,b\n" + "".join(f"u{n:02d},{900 if n > 36 else n % 7},{n}\n" for n in range(40))
    text = spec(leaf=", treat: {method: winsorise, points: 2}")
    build_outside(tmp_path, text, pl.read_csv(rows.encode()), "--parameters", str(tmp_path / "p.csv"))
    told = pl.read_csv(tmp_path / "p.csv").filter((pl.col("name") == "points") & (pl.col("code") == "a"))
    assert told["value"].cast(float).to_list() == [3.0]
    text = spec(", weights: {method: given, values: {a: 0.5, b: 0.4}}")
    build_outside(tmp_path, text, pl.read_csv(TABLE.encode()), "--weights", str(tmp_path / "w.csv"))
    assert pl.read_csv(tmp_path / "w.csv")["weight_exact"].to_list() == ["5/9", "4/9"]
    empty = pl.read_csv(b"u,a,b\nx,,4\ny,,3\nz,,5\n")
    found = scores(build_outside(tmp_path, spec(leaf=", goalposts: [0, 5]"), empty), "R")
    assert found == {("x", ""): 50.0, ("y", ""): 100.0, ("z", ""): 0.0}
