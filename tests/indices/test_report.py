"""The report: what stands on its pages, that small cells cannot be read or computed from it, and hostile names."""

import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.indices.command import app
from pipelines.indices.problems import DataError
from pipelines.indices.published import explain_published
from pipelines.indices.report import write_report
from pipelines.indices.report.facts import read_facts
from pipelines.indices.report.hiding import hide, is_small, small_cells
from pipelines.indices.report.pages import HIDDEN, district_page, status_words, unknown_words
from pipelines.indices.warehouse import run, write
from tests.indices.conftest import SPECS

HOSTILE = "=cmd|' /C calc'!A0<script>alert(1)</script>"
VILLAGES = [
    ("v1", "甲村委会", "t1", "东镇", 800),
    ("v2", HOSTILE, "t1", "东镇", 600),
    ("v3", "丙居委会", "t2", "西镇", 900),
    ("v4", "丁村委会", "t2", "西镇", 12),
]
SMALL = {("v1", "EDU01"): (2, 5), ("v2", "HOU02"): (297, 300), ("v3", "HOU05"): (3, 700)}


def _database(path: Path, as_of: date, share: float = 0.6) -> Path:
    """A run's database with every core indicator observed, some of them resting on few cases."""
    from pipelines.indices.load import load_spec

    spec = load_spec(SPECS / "happiness-extended.yml")
    rows = []
    for number, indicator in enumerate(spec.indicators):
        low, high = indicator.goalposts
        for place, (code, *_rest, people) in enumerate(VILLAGES):
            rate = (low + (high - low) * (share - 0.1 * ((place + number) % 4))) / indicator.scale
            top, bottom = SMALL.get((code, indicator.code), (rate * people, people))
            rows.append(
                (indicator.code, code, float(top), float(bottom), float(bottom), 0.0, 20.0 * bottom, "observed")
            )
    names = ["part_code", "village_code", "numerator", "denominator", "n", "n_unknown", "sum_of_squares", "status"]
    columns = ["village_code", "name", "town_code", "town_name", "n_res"]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema indices; create schema subjects").fetchall()
        for table, frame in (
            ("indices.indicator_value", pl.DataFrame(rows, schema=names, orient="row")),
            ("subjects.village", pl.DataFrame(VILLAGES, schema=columns, orient="row")),
        ):
            connection.register("incoming", frame.to_arrow())
            connection.execute(f"create table {table} as select * from incoming").fetchall()
            connection.unregister("incoming")
    found = run(path, SPECS, as_of)
    with duckdb.connect(str(path)) as connection:
        write(connection, found)
    return path


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    return _database(tmp_path_factory.mktemp("report") / "now.duckdb", date(2026, 10, 31))


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    return _database(tmp_path_factory.mktemp("report") / "before.duckdb", date(2025, 10, 31), share=0.5)


@pytest.fixture(scope="module")
def out(database, before, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    write_report(database, folder, history=[before])
    return folder


def test_what_to_improve_first_is_what_the_index_gains_most_from(database):
    facts = read_facts(database, "happiness")
    hide(facts)
    found = facts.first_to_improve(facts.areas["village"]["v3"])
    gains = [row["whole"] for row in found]
    assert len(found) > 10 and gains == sorted(gains, reverse=True) and min(gains) >= 0
    assert not {row["part_code"] for row in found} & facts.areas["village"]["v3"].hidden


def test_there_is_a_page_for_the_district_each_town_and_each_village(out):
    names = {path.name for path in out.iterdir()}
    assert names == {
        "index.html",
        "report.xlsx",
        "town-t1.html",
        "town-t2.html",
        *(f"village-v{n}.html" for n in range(1, 5)),
    }


def test_pages_say_the_four_facts_and_what_to_improve_first(out):
    text = (out / "village-v3.html").read_text(encoding="utf-8")
    for words in (
        "数据日期 2026-10-31",
        "方法版本 2026.2",
        "数据覆盖（已有指标占维度权重）：教育 100%",
        "与上期相比：幸福指数 +",
        "先改什么",
        "得分有多可靠",
        "走势",
        "抽样误差",
    ):
        assert words in text
    town = (out / "town-t2.html").read_text(encoding="utf-8")
    assert 'href="village-v3.html"' in town and "全区位次与换方法的区间" in town
    district = (out / "index.html").read_text(encoding="utf-8")
    assert 'href="town-t1.html"' in district and "位次取决于哪些方法选择" in district
    assert "<h1>青浦区　幸福指数</h1>" in district and '<a href="index.html">青浦区</a>' in town
    assert "合成方法（幸福指数）" in district and "合成方法（各维度内）" in district


def test_plots_are_well_formed_and_nothing_is_loaded_from_elsewhere(out):
    for path in out.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
        assert drawn
        for svg in drawn:
            ElementTree.fromstring(svg)
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and "<script" not in text


def test_names_stay_text_on_pages_and_in_the_workbook(out):
    assert "&lt;script&gt;" in (out / "village-v2.html").read_text(encoding="utf-8")
    book = openpyxl.load_workbook(out / "report.xlsx")
    assert book.sheetnames == ["说明", "得分", "指标", "先改什么", "可靠程度", "方法敏感性"]
    cells = [cell for row in book["得分"].iter_rows() for cell in row if cell.value == HOSTILE]
    assert cells and all(cell.data_type == "s" for cell in cells)


def test_the_workbook_speaks_chinese_and_shows_its_columns(out):
    book = openpyxl.load_workbook(out / "report.xlsx")
    choices = {row[2].value for row in book["方法敏感性"].iter_rows(min_row=2)}
    assert "现行做法、最小最大值、标准分、百分位" in choices
    assert not any(re.search("[a-z]{4}", text or "") for text in choices)
    names = book["得分"]
    widest = max(len(str(cell.value)) for cell in names["C"] if cell.value != HOSTILE)
    assert names.column_dimensions["C"].width > widest and names.freeze_panes == "A2"
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_small_cells_are_hidden_everywhere_and_never_alone(out, database):
    book = openpyxl.load_workbook(out / "report.xlsx")
    rows = [[cell.value for cell in row] for row in book["指标"].iter_rows(min_row=2)]
    by_cell = {(row[1], row[4]): row for row in rows}
    for (village, indicator), _ in SMALL.items():
        row = by_cell[village, indicator]
        assert row[6] == row[7] == row[9] == row[10] == HIDDEN and not row[13]
        hidden = [r for r in rows if r[1] == village and r[3] == row[3] and r[6] == HIDDEN]
        assert len(hidden) >= 2
    named = {(row[1].value, row[4].value) for row in book["先改什么"].iter_rows(min_row=2)}
    assert ("v1", "幼儿园可达率") not in named
    page = (out / "village-v1.html").read_text(encoding="utf-8")
    line = re.search(r"<tr><td>EDU01</td>.*?</tr>", page).group(0)
    assert line.count(HIDDEN) == 5 and "40.0" not in line


def test_observed_used_and_score_stand_side_by_side_with_the_reason(out):
    """v4 has twelve residents: what was observed there is far from what it is scored by, and the page says why."""
    page = (out / "village-v4.html").read_text(encoding="utf-8")
    assert "<th>采用值、得分为何与实测值不同</th>" in page
    line = re.search(r"<tr><td>ENV07</td>.*?</tr>", page).group(0)
    told = re.findall(r"<td[^>]*>(.*?)</td>", line)
    assert told[2] != told[3] and "本地 12 次检查与全区水平" in told[-1] and "按 12∶6 合计" in told[-1]
    # Of what counts people the page tells tenths, not the count.
    people = re.findall(r"本地数量不多，与全区水平 [\d.]+\D*合计：本地占约 (\d+)%", page)
    assert people and all(int(share) % 10 == 0 for share in people)


def test_what_is_small():
    def cell(top, bottom):
        return {"numerator": top, "denominator": bottom}

    assert is_small(cell(5, 9), 10, 5) and is_small(cell(4, 100), 10, 5) and is_small(cell(96, 100), 10, 5)
    assert (
        not is_small(cell(0, 100), 10, 5) and not is_small(cell(100, 100), 10, 5) and not is_small(cell(5, 100), 10, 5)
    )
    # More than one a head (places, square metres) has no exceptions to count.
    assert not is_small(cell(3000, 100), 10, 5) and not is_small(cell(None, None), 10, 5)


def test_a_single_hidden_indicator_takes_the_next_smallest_along(database):
    facts = read_facts(database, "happiness")
    area = facts.areas["village"]["v3"]
    assert "HOU05" in small_cells(facts, area)
    hide(facts)
    assert "HOU05" in area.hidden and len(area.hidden & set(facts.indicators("HOU"))) >= 2


def test_no_hidden_value_stands_alone_in_its_dimension_or_among_the_parts_of_an_area(database):
    facts = read_facts(database, "happiness")
    hide(facts)
    some = 0
    for areas in facts.areas.values():
        for area in areas.values():
            for node in facts.dimensions:
                assert len(area.hidden & set(facts.indicators(node))) != 1
    district = next(iter(facts.areas["district"].values()))
    families = [(district, list(facts.areas["town"].values()))]
    families += [(town, facts.villages_of(town.code)) for town in facts.areas["town"].values()]
    for whole, parts in families:
        for code in facts.parts:
            hidden = sum(code in part.hidden for part in parts)
            some += hidden
            assert hidden >= 1 if code in whole.hidden else hidden != 1, (whole.code, code)
    assert some > 0


def test_what_counts_no_people_is_not_small(database):
    facts = read_facts(database, "happiness")
    area = facts.areas["village"]["v1"]
    for code in ("HOU09", "HOU07"):
        area.cells[code] |= {"numerator": 1.0, "denominator": 2.0}
    assert "HOU07" in small_cells(facts, area) and "HOU09" not in small_cells(facts, area)


def test_a_hidden_zero_does_not_say_that_it_is_zero_and_few_unknown_stay_few(database):
    facts = read_facts(database, "happiness")
    cell = {"status": "zero", "n_unknown": 3}
    assert status_words(cell, secret=True) == "有数据" and status_words(cell, secret=False) == "零值"
    assert unknown_words(facts, cell, secret=True) == HIDDEN and unknown_words(facts, cell, secret=False) == "<5"
    assert [unknown_words(facts, {"n_unknown": n}, secret=False) for n in (None, 0, 5)] == ["—", "0", "5"]


def test_a_village_without_a_rank_is_in_no_ranking(out):
    page = (out / "index.html").read_text(encoding="utf-8")
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "丙居委会" in drawn and "丁村委会" not in drawn
    assert "丁村委会" in (out / "town-t2.html").read_text(encoding="utf-8")


def test_the_same_database_gives_the_same_pages(database, before, out, tmp_path):
    write_report(database, tmp_path, history=[before])
    for path in out.glob("*.html"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_a_published_score_is_taken_apart_like_a_built_one(database):
    found = explain_published(database, "v1", "happiness")
    assert sum(part["contribution"] for part in found["parts"]) == pytest.approx(found["score"], abs=1e-9)
    assert len(found["parts"]) == 36 and found["gaps"] == [] and found["status"] == "computed"
    dimension = explain_published(database, "甲村委会", "happiness", "HOU")
    assert dimension["area"] == "v1" and {part["part"][:3] for part in dimension["parts"]} == {"HOU"}
    for arguments, words in (
        (("v9", "happiness"), "no area 'v9'"),
        (("甲村委", "happiness"), "did you mean '甲村委会'"),
        (("v1", "hapiness"), "did you mean 'happiness'"),
        (("v1", "happiness", "HUO"), "did you mean 'HOU'"),
    ):
        with pytest.raises(DataError, match=words):
            explain_published(database, *arguments)
    with pytest.raises(DataError, match="there is no database"):
        explain_published(database.with_name("none.duckdb"), "v1", "happiness")


def test_a_name_that_two_areas_bear_is_refused(database, tmp_path):
    path = tmp_path / "twins.duckdb"
    path.write_bytes(database.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update indices.index_score set area_name = '建新村委会' where area_code in ('v1', 'v3')"
        ).fetchall()
    with pytest.raises(DataError, match="'建新村委会' is the name of v1, v3: give the code"):
        explain_published(path, "建新村委会", "happiness")
    assert explain_published(path, "v1", "happiness")["area"] == "v1"


def test_consistency_is_published_with_the_score(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.sql("select * from indices.index_consistency where index = 'happiness'").pl()
    assert set(found["part_code"]) == {"HAPPY", "EDU", "MKT", "ENV", "HOU"} and "alpha" in found.columns


def test_the_command_explains_the_published_index(database):
    result = CliRunner().invoke(app, ["explain", "v1", "--database", str(database), "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout)["node"] == "HAPPY"
    assert CliRunner().invoke(app, ["explain", "a", "b", "--database", str(database)]).exit_code == 2


def test_an_index_the_database_lacks_is_refused(database, tmp_path):
    with pytest.raises(DataError, match="no index 'hapiness' .did you mean 'happiness'"):
        write_report(database, tmp_path, "hapiness")


def test_indicators_that_tell_nobody_apart_are_named_on_the_district_page(database, out, tmp_path):
    with duckdb.connect(str(database), read_only=True) as connection:
        flagged = connection.sql(
            "select part_code from indices.index_spread where index = 'happiness' and flag = 'low'"
        )
        assert flagged.fetchall() == []
    assert "不能区分村居的指标" not in (out / "index.html").read_text(encoding="utf-8")
    facts = read_facts(database, "happiness")
    facts.spread = [
        {"part_code": "EDU01", "units": 300, "at_low": 150, "at_high": 0, "flag": "low"},
        {"part_code": "EDU02", "units": 9, "at_low": 0, "at_high": 0, "flag": None},
    ]
    page = district_page(facts, None)
    line = re.search(r"<tr><td>EDU01</td><td>幼儿园可达率</td>.*?</tr>", page).group(0)
    assert "300" in line and "50% 在最低分" in line and "<tr><td>EDU02</td>" not in page


def test_pages_and_plots_have_colours_for_dark_screens():
    """Every colour a plot may have is said again for the dark, and ink and ground differ as much as reading needs."""
    from pipelines import svg, webpage

    dark = webpage.STYLE.split("prefers-color-scheme:dark")[1]
    ground, ink = re.findall(r"body\{background:(#\w{6});color:(#\w{6})\}", dark)[0]
    assert _contrast(ground, ink) > 7
    for colour in (svg.INK, svg.GREY, svg.PALE, svg.BLUE, svg.BAND, svg.WARM):
        for what in ("fill", "stroke"):
            shown = re.findall(rf'svg \[{what}="{colour}"\]\{{{what}:(#\w{{6}})\}}', svg.STYLE)
            assert len(shown) == 1
            assert _contrast(ground, shown[0]) > (4.5 if colour in (svg.INK, svg.GREY) else 1.5)
    for colour in re.findall(r"(?<!border-)color:(#\w{6})", dark):
        assert _contrast(ground, colour) > 4.5


def _contrast(one: str, other: str) -> float:
    """As WCAG measures it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
