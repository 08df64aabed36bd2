"""What stands in the ledgers, over hand-made subjects."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import yaml

from pipelines.products import declarations, gate
from pipelines.settings import REPOSITORY
from pipelines.subjects.addresses import match, parse
from tests.products.conftest import EAST, WEST, Products

DECLARED = declarations.load(REPOSITORY / "dbt_project")


def test_l01_has_everyone_alive_once_a_village_and_role_in_words(products: Products) -> None:
    rows = products.rows("select person_id, village_code, role from products.ledger_l01 order by all")
    assert rows == [
        ("a", EAST, "居住"), ("a", EAST, "户籍"), ("b", EAST, "居住"), ("b", WEST, "户籍"), ("c", EAST, "居住"),
        ("e", WEST, "户籍"), ("f", WEST, "居住"),
    ]  # fmt: skip
    row = products.rows(
        "select distinct name, sex, birth_month, cert_masked, hukou_address, res_address, mobile, edu, pop_type, "
        "rel_head, marital, party_kind, visited_on, remarks from products.ledger_l01 where person_id = 'a'"
    )
    assert row == [
        ("a名", "女性", "1960-02", "****************1X", "甲路9001号", "乙路9002号", "10012345678", "初中毕业",
         "户籍人口", "户主", "已婚", None, None, None)
    ]  # fmt: skip


def test_l02_takes_the_tagged_with_their_open_registration_and_newest_lease(products: Products) -> None:
    rows = products.rows(
        "select person_id, reason, permit_type, arrive_on, permit_valid_to_on, landlord_name from products.ledger_l02 "
        "where person_id = 'c'"
    )
    assert rows == [("c", "随迁投靠", "居住证", date(2019, 5, 1), date(2027, 1, 1), "房东")]
    assert {k for (k,) in products.rows("select person_id from products.ledger_l02")} == {"a", "c", "e"}


def test_l06_has_a_row_for_each_open_lease_and_one_for_a_dwelling_without(products: Products) -> None:
    rows = products.rows(
        "select dwelling_id, lease_id, landlord_name, filed, tenant_count, gross_area_m2 "
        "from products.ledger_l06 order by 1, 2"
    )
    assert rows == [
        ("d2", "z1", "旧房东", None, None, Decimal("50.00")),
        ("d2", "z2", "房东", "未备案", 3, Decimal("50.00")),
        ("d3", "", None, None, None, None),
    ]


def test_l17_keeps_the_living_where_they_live_or_are_registered(products: Products) -> None:
    rows = products.rows(
        "select person_id, village_code, role, kind, grade, subsidies from products.ledger_l17 order by person_id"
    )
    assert rows == [
        ("a", EAST, "居住", "肢体残疾", "二级", "护理补贴、生活补贴"),
        ("e", WEST, "户籍", "智力、精神或多重残疾", None, None),
    ]


def test_l17_does_not_tell_the_withheld_kind_by_what_is_missing(products: Products) -> None:
    """A kind that is withheld reads like a kind that is not, so nobody can be told from the list."""
    with products.open() as connection:
        connection.execute("update subjects.disability set kind_code = null where person_id = 'a'")
        made = connection.execute(products.compiled("ledger_l17")).fetchall()
        connection.execute("update subjects.disability set kind_code = '4' where person_id = 'a'")
    assert {row[1]: row[11] for row in made} == {"a": "智力、精神或多重残疾", "e": "智力、精神或多重残疾"}


def test_l19_joins_the_cases_now_paid_in_one_row_a_household(products: Products) -> None:
    rows = products.rows(
        "select household_id, head_name, std_address, size, items, amount_cny, review_due_on, n_disabled "
        "from products.ledger_l19"
    )
    assert rows == [("ha", "a名", "丙路9003号", 2, "低保", Decimal("2120.50"), date(2027, 1, 1), 1)]


def test_l63_says_what_to_verify_who_says_so_and_since_when(products: Products) -> None:
    rows = products.rows(
        "select verification_id, village_code, item, name, address, question, other_person, kept_from, other_from, "
        "since_on from products.ledger_l63 order by 1"
    )
    base = "区公安分局人口办（实有人口库 人基本信息）"
    others = "区残疾人联合会（残疾人证管理系统）；区教育局（学籍及适龄儿童入学登记系统）"
    lease = "区公安分局治安支队（出租房屋治安管理系统）"
    assert rows[0] == (
        "q1",
        EAST,
        "各部门信息不一致",
        "a名",
        "乙路9002号",
        "性别",
        None,
        base,
        others,
        date(2026, 10, 1),
    )
    assert rows[1][2:7] == ("疑似一人多号", "a名", "乙路9002号", None, "e名 ****************1X")
    assert rows[2][2:8] == (
        "登记地址未对应到标准房屋", None, "戊路9006号", "标准地址库中没有", None, lease,
    )  # fmt: skip
    assert rows[3][2:5] == ("部门有记录、人口库查无此人", "g名", None)
    assert {r for (r,) in products.rows("select to_do is not null from products.ledger_l63")} == {True}


def test_l63_has_words_for_everything_that_may_be_asked(products: Products) -> None:
    """A kind or reason without words would stand in the sheet as nothing."""
    kinds = yaml.safe_load((REPOSITORY / "dbt_project/dbt_project.yml").read_text("utf-8"))["vars"]["words"]
    said = (REPOSITORY / "dbt_project/models/subjects/verification.sql").read_text("utf-8")
    asked = set(re.findall(r"'(\w+)' as kind", said)) | {
        "one_person_two_numbers", "one_number_two_people", "perhaps_known",
    }  # fmt: skip
    assert set(kinds["verification"]) == set(kinds["ask"]) == asked
    reasons = {match.AMBIGUOUS, match.NEAR, match.UNKNOWN, match.CONTRADICTED, match.NO_PLACE}
    reasons |= {parse.OUTSIDE, parse.EMPTY, parse.UNREADABLE}
    assert set(kinds["address_reason"]) == reasons


@pytest.mark.parametrize("ledger", DECLARED.ledgers, ids=lambda ledger: ledger.code)
def test_a_ledger_draws_on_what_it_declares_and_nothing_else(products: Products, ledger: declarations.Ledger) -> None:
    tables: dict[str, dict[str, str]] = {}
    for name in DECLARED.attributes:
        table, column = name.split(".")
        tables.setdefault(table, {})[column] = "varchar"
    for subject in ("person", "household", "dwelling"):
        tables[f"{subject}_tags"] = {f"{subject}_id": "varchar", **dict.fromkeys(ledger.selection, "boolean")}
    sql = products.compiled(ledger.model)
    assert gate.undeclared_sources(ledger, sql, tables) == []
    silent = replace(ledger, columns=tuple(replace(c, sources=()) for c in ledger.columns))
    declared = {c.name for c in ledger.columns if c.sources}
    found = {line.split(":")[0].split(".")[1] for line in gate.undeclared_sources(silent, sql, tables)}
    assert found == declared, "the reader of SQL would not have noticed"


def test_every_ledger_has_the_columns_and_titles_of_the_list(products: Products) -> None:
    """Titles by hand and by machine as the departments list them."""
    titles = {
        x.code: tuple([c.label for c in x.shown if (c.role == "manual") is by_hand] for by_hand in (False, True))
        for x in DECLARED.ledgers
    }
    assert titles["L01"][1] == ["走访核实日期", "实际居住情况", "紧急联系人", "备注"]
    assert titles["L02"][1] == ["就业单位核实", "随行子女核实", "宣传告知签收"]
    assert titles["L06"] == (
        ["门牌地址", "房东", "承租人数", "备案情况", "起租日期", "到期日期", "建筑面积"],
        ["安全告知书签订", "用电用气检查", "隐患照片", "整改情况"],
    )
    assert titles["L17"][1] == ["监护照料情况", "康复需求", "就业意愿", "走访记录"]
    assert titles["L19"] == (
        ["户主", "门牌地址", "家庭人口", "救助编号", "类别", "金额", "复审日期", "残疾成员"],
        ["致困原因", "入户核查", "结对帮扶", "公示情况"],
    )
    for ledger in DECLARED.ledgers:
        stored = [r[0] for r in products.rows(f"select column_name from (describe products.{ledger.model})")]
        assert stored == [c.name for c in ledger.columns]


def test_no_pseudonym_leaves_with_a_name() -> None:
    for ledger in DECLARED.ledgers:
        assert not [c.name for c in ledger.shown if c.name.endswith("_id")], ledger.code
