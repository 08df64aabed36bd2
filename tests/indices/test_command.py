"""`xfy index`: answers, files written, exit codes."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.indices.command import app
from tests.indices.conftest import CASES

TAI, DATA = str(CASES / "tai" / "tai.yml"), str(CASES / "tai" / "input_raw.csv")
HDI, HDI_DATA = str(CASES / "hdi" / "hdi.yml"), str(CASES / "hdi" / "hdr2024.parquet")


def run(*arguments: str, code: int = 0):
    found = CliRunner().invoke(app, list(arguments))
    assert found.exit_code == code, found.output
    return found


def answer(*arguments: str):
    return json.loads(run(*arguments, "--json").stdout)


def test_check_tells_what_a_specification_is_or_where_it_is_wrong(tmp_path):
    assert answer("check", TAI)["indicators"] == 8
    broken = tmp_path / "broken.yml"
    broken.write_text("index: x\nedition: '1'\nnodes: [{code: R}]\nindicators: [{code: a, parent: R}]\n")
    assert "broken.yml:4: 'direction' is missing" in run("check", str(broken), code=1).stderr.replace("\n", "")


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_build_writes_scores_and_whatever_else_is_asked_for(tmp_path, ending):
    out = tmp_path / f"o.{ending}"
    extras = [f"--{name}={tmp_path / name}.csv" for name in ("cells", "weights", "parameters", "explanation")]
    run("build", TAI, "--data", DATA, "--out", str(out), *extras)
    assert out.stat().st_size > 0
    if ending == "csv":
        scores = pl.read_csv(out)
        assert scores.filter((pl.col("area_code") == "Finland") & (pl.col("node") == "TAI"))["rank"].to_list() == [1.0]
    assert pl.read_csv(tmp_path / "cells.csv").height == 23 * 8
    assert pl.read_csv(tmp_path / "parameters.csv").filter(pl.col("stage") == "convention").height > 5


def test_build_may_be_wide():
    assert set(answer("build", TAI, "--data", DATA, "--wide")[0]) == {
        "area_code",
        "period",
        "TAI",
        "CREATION",
        "RECENT",
        "OLD",
        "SKILLS",
    }


def test_explain_adds_up_on_paper_and_for_machines():
    found = answer("explain", TAI, "Japan", "--data", DATA)
    assert sum(part["contribution"] for part in found["parts"]) == pytest.approx(found["score"], abs=1e-9)
    assert f"sum of contributions {found['score']:.10f}" in run("explain", TAI, "Japan", "--data", DATA).stdout
    assert "no area 'Jpan' (did you mean 'Japan'?)" in run("explain", TAI, "Jpan", "--data", DATA, code=1).stderr


def test_explain_shows_the_value_in_its_unit_beside_what_was_scored():
    """Income is scored by its logarithm, but nobody reads logarithms of dollars."""
    line = next(line for line in run("explain", HDI, "NOR", "--data", HDI_DATA).stdout.splitlines() if "gnipc" in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[1:5] == ["GNI per head", "69189.8", "2017 PPP $", "11.1446"]


def test_compare_shows_the_greatest_shifts_first_whichever_way_they_go():
    geometric = str(CASES / "tai" / "tai_geometric.yml")
    shown = run("compare", TAI, geometric, "--data", DATA).stdout
    found = answer("compare", TAI, geometric, "--data", DATA)["table"]
    by_shift = sorted(found, key=lambda row: -abs(row["rank_change"] or 0))
    places = [shown.index(f"│ {row['area_code']} ") for row in (by_shift[0], by_shift[-1])]
    assert places[0] < places[1]


def test_sensitivity_compare_series_and_associations(tmp_path):
    found = answer("sensitivity", TAI, "--data", DATA, "--draws", "16")
    assert found["runs"] == 16 * 5 and len(found["ranks"]) == 23
    out = tmp_path / "bands.csv"
    run("sensitivity", TAI, "--data", DATA, "--draws", "16", "--out", str(out))
    assert pl.read_csv(out).height == 23
    compared = answer("compare", TAI, str(CASES / "tai" / "tai_geometric.yml"), "--data", DATA)
    assert compared["summary"]["units"] == 23
    assert len(answer("series", HDI, "--data", HDI_DATA)) > 20_000
    assert answer("associations", TAI, "--data", DATA, "--what", "weights")[0]["effective_weight"] == 1.0
    run("associations", TAI, "--data", DATA, "--what", "nothing", code=2)


def test_refused_data_is_exit_code_1_and_wrong_use_2(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(pl.read_csv(DATA).with_columns(patents=pl.lit("many")).write_csv())
    assert "'many' is not a number" in run("build", TAI, "--data", str(table), code=1).stderr
    run("build", TAI, code=2)


def test_names_are_no_markup_and_move_no_cursor(tmp_path):
    """Brackets, colons, control characters and file names with brackets come out as they are, or replaced."""
    spec, data = tmp_path / "s.yml", tmp_path / "[d].csv"
    spec.write_text(
        'index: t\nedition: "1"\nnodes: [{code: "R[/b]"}]\nindicators:\n'
        '  - {code: "a[/x]", parent: "R[/b]", direction: more, name: "[link=http://x]n[/zz]", goalposts: [0, 10]}\n'
        '  - {code: b, parent: "R[/b]", direction: more, name: ":bomb:", goalposts: [0, 10]}\n',
        encoding="utf-8",
    )
    data.write_text("unit,a[/x],b\n[/u],1,2\n=1+1,3,4\nq\x1b[31mred,5,9\n", encoding="utf-8")
    shown = run("build", str(spec), "--data", str(data)).stdout
    assert "[/u]" in shown and "=1+1" in shown and "\x1b" not in shown and "q\N{REPLACEMENT CHARACTER}[31mred" in shown
    told = run("explain", str(spec), "[/u]", "--data", str(data)).stdout
    assert told.startswith("[/u]") and "[link=http://x]n[/zz]" in told and ":bomb:" in told
    assert "'[/v]' (did you mean '[/u]'?)" in run("explain", str(spec), "[/v]", "--data", str(data), code=1).stderr
    for command in (("sensitivity", str(spec), "--draws", "8"), ("compare", str(spec), str(spec))):
        assert "[/u]" in run(*command, "--data", str(data)).stdout
    out = tmp_path / "[o].xlsx"
    assert "[o].xlsx: 3 rows" in run("build", str(spec), "--data", str(data), "--out", str(out)).stdout
