"""Panel 观: levels add up, small cells and what follows from them are gone, and the dictionary says so."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import yaml

from pipelines.products import declarations, dictionary
from pipelines.products.extract import extract, write_panel
from pipelines.products.panel import Panel, PanelError, PanelItem, PanelMeasure, load_panel
from pipelines.settings import REPOSITORY
from tests.products.conftest import AS_OF, EAST, WEST, Products

PANEL = load_panel(REPOSITORY / "dbt_project", "guan")


@pytest.fixture(scope="module")
def frame(products: Products) -> pl.DataFrame:
    with products.open() as connection:
        return extract(connection, PANEL)


def cell(frame: pl.DataFrame, area: str, measure: str) -> tuple:
    row = frame.filter((pl.col("area_code") == area) & (pl.col("measure_cn") == measure))
    assert row.height == 1, (area, measure)
    return row.select("value", "is_suppressed").row(0)


def test_exact_measures_count_the_living_residents(products: Products) -> None:
    exact = {
        (area, measure): float(value)
        for area, measure, value in products.rows("select area_code, measure, value from products.int_dashboard_guan")
        if value is not None
    }
    assert (exact[EAST, "实有人口"], exact[WEST, "实有人口"], exact["310118", "实有人口"]) == (3, 1, 4)
    assert exact[EAST, "来沪人员"] == 1 and exact[WEST, "类别不详"] == 1
    assert exact[EAST, "女 65-69岁"] == 1 and exact[EAST, "男 30-34岁"] == 1 and exact[EAST, "女 5-9岁"] == 1
    assert exact["310118", "60岁及以上人口"] == 1 and exact["310118", "年龄不详"] == 1
    assert exact["310118", "小学"] == 1 and (WEST, "小学") not in exact
    assert exact["310118", "村居数"] == 2 and exact[EAST[:9], "网格数"] == 2


def test_small_cells_are_hidden_and_cannot_be_had_from_a_town_of_one_village(frame: pl.DataFrame) -> None:
    assert cell(frame, EAST, "实有人口") == (None, True)
    assert cell(frame, EAST[:9], "实有人口") == (None, True), "a town with one village is that village"
    assert cell(frame, "310118", "村居数")[0] == 2
    assert cell(frame, EAST, "境外人员") == (0, False), "nobody is nobody's secret"


def test_ratios_go_with_what_they_are_made_of(frame: pl.DataFrame) -> None:
    assert cell(frame, EAST, "60岁以上占比") == (None, True)
    assert cell(frame, EAST, "出租率") == (30, False)
    assert cell(frame, EAST, "户均人数") == (None, True)


def test_levels_come_in_order_and_every_measure_is_described(frame: pl.DataFrame) -> None:
    assert frame["level"].unique(maintain_order=True).to_list() == ["区", "镇", "村"]
    assert frame.select(pl.col("item_cn", "measure_cn", "unit_cn").null_count()).row(0) == (0, 0, 0)
    assert frame.filter(pl.col("is_suppressed") & pl.col("value").is_not_null()).height == 0


def test_extract_is_a_table_with_words_and_equal_bytes(products: Products, tmp_path: Path) -> None:
    with products.open() as connection:
        first = write_panel(connection, PANEL, tmp_path / "a").read_bytes()
        second = write_panel(connection, PANEL, tmp_path / "b").read_bytes()
        assert first == second
        comments = connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'dashboard_guan'"
        ).fetchall()
        assert all(words for _, words in comments) and len(comments) == 10
        stored = connection.execute("select count(*) from products.dashboard_guan").fetchall()[0][0]
    assert stored == pl.read_parquet(tmp_path / "a/dashboards/guan.parquet").height


def test_scores_of_the_newest_edition_join_the_panel_where_the_indices_are_built(products: Products) -> None:
    with products.open() as connection:
        before = extract(connection, PANEL)
        connection.execute("create schema indices")
        connection.execute(
            "create table indices.index_score as select * from (values "
            "('happiness', '2026.1', 'village', '310118001001', '东社区居委会', 'EDU', 61.237), "
            "('happiness', '2026.1', 'district', '310118', '青浦区', 'HAPPY', null), "
            "('happiness', '2025.1', 'village', '310118001001', '东社区居委会', 'EDU', 1.0), "
            "('other', '2026.1', 'village', '310118001001', '东社区居委会', 'EDU', 2.0), "
            "('happiness', '2026.1', 'village', '310118001001', '东社区居委会', 'EDU01', 3.0)"
            ") t(index, edition, level, area_code, area_name, part_code, score)"
        )
        after = extract(connection, PANEL)
        connection.execute("drop schema indices cascade")
    new = after.filter(pl.col("item_cn") == "综合幸福指数与分维")
    assert after.height == before.height + 2 and not before["item_cn"].str.contains("幸福").any()
    assert new.select("level", "measure_cn", "value", "is_suppressed").rows() == [
        ("区", "综合幸福指数", None, False),
        ("村", "教育幸福指数", Decimal("61.24"), False),
    ]


def test_a_panel_that_does_not_hang_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match="declares a panel 'fang'"):
        load_panel(REPOSITORY / "dbt_project", "fang")
    text = (REPOSITORY / "dbt_project/models/products/dashboard_guan.yml").read_text(encoding="utf-8")
    for old, new, told in (
        ("ratio: [出租房屋数, 房屋总数]", "ratio: [出租房屋数, 房屋总量]", "出租率 refers to 房屋总量"),
        ("sums: {dwelling: [rented]}", "sums: {dwelling: [let]}", "出租房屋数 sums let, not in dwelling"),
    ):
        folder = tmp_path / told[:3] / "models" / "products"
        folder.mkdir(parents=True)
        assert old in text
        (folder / "panel.yml").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(PanelError, match=told):
            load_panel(folder.parent.parent, "guan")


def test_only_families_with_something_to_hide_are_searched() -> None:
    families, measures = PANEL.protected()
    assert set(families) == {"class", "age_sex", "household", "household_person", "dwelling"}
    assert "网格数" not in [m.name for _, m in measures]
    none = replace(PANEL, items=(PanelItem(1, "x", "", "", (), (PanelMeasure("n", "个", {"grid": ("grid",)}),)),))
    assert isinstance(none, Panel) and none.protected() == ({}, [])


def test_dictionaries_say_where_each_column_comes_from(products: Products, tmp_path: Path) -> None:
    declared = declarations.load(REPOSITORY / "dbt_project")
    with products.open() as connection:
        files = dictionary.write(connection, declared, [PANEL], tmp_path, AS_OF, {"T02010102": "来沪人员"})
    assert [f.name for f in files] == ["ledgers.md", "ledgers.xlsx", "dashboards.md", "dashboards.xlsx"]
    text = files[0].read_text(encoding="utf-8")
    registered = yaml.safe_load((REPOSITORY / "dbt_project/models/subjects/person.yml").read_text(encoding="utf-8"))
    name = next(c for c in registered["models"][0]["columns"] if c["name"] == "name")
    feeds = "、".join(sorted(name["config"]["meta"]["feeds"]))
    assert f"| 姓名 | name | 文本 | 自动填充 | 人员.姓名 | {feeds} |" in text
    assert "| 党员类别 | party_kind | 文本 | 待接入 |  | F20 | F20 未接入 |" in text
    assert "B01 2026-10-31" in text and "- 入账条件：具有标签 来沪人员（T02010102）" in text
    assert "| 备注 | remarks | 文本 | 村居填写 |" in text
    assert "- 行数：7" in text
    assert openpyxl.load_workbook(files[1]).sheetnames[0] == "L01 实有人口总台账"
    assert "| 60岁以上占比 | 60岁以上占比 | % | 60岁及以上人口 ÷ 实有人口 |" in files[2].read_text(encoding="utf-8")
