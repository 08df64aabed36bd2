"""Faulty declarations are refused with file, line and the nearest valid name, all at once."""

from datetime import date

import pytest
from declared import FILE, NAME, PARAMETERS, RULE_LINE, SECOND_LINE, problems, write
from worlds import SCHEMA

from pipelines.tags.catalogue import load_catalogue
from pipelines.tags.problems import CatalogueError

RULE = "rule: sex_code = '1'"


def test_the_small_set_is_sound(tmp_path):
    assert problems(tmp_path, as_of=date(2026, 10, 31)) == []


@pytest.mark.parametrize(
    ("rule", "kind", "said", "nearest"),
    [
        ("sex_cod = '1'", "column", "person has no column 'sex_cod'", "sex_code"),
        ("naem = '1'", "column", "person has no column 'naem'", ""),
        ("name = '1'", "column", "identifies people or homes", ""),
        ("household.sise = 1", "column", "household has no column 'sise'", "size"),
        ("houshold.size = 1", "name", "has no link 'houshold'", "household"),
        ("household.village.kind = '村'", "name", "more than one step", ""),
        ("any_of(relif, item = '低保')", "name", "no rows of 'relif'", "relief"),
        ("any_of(relief, household.size = 1)", "name", "columns of relief only", ""),
        ("any_of(relief, any_of(relief, true))", "syntax", "cannot stand inside", ""),
        ("years_since(birth_on) >= $elder_ag", "parameter", "there is no parameter $elder_ag", "$elder_age"),
        ("tag('T01010502')", "tag", "there is no tag T01010502", "T01010501"),
        ("household.tag('T01010501')", "tag", "is a tag of a person", ""),
        ("year_since(birth_on) = 1", "function", "year_since() is not on the white list", "years_since"),
        ("md5(sex_code) = '1'", "function", "md5() is not on the white list", ""),
        ("read_csv('x') = '1'", "function", "read_csv() is not on the white list", ""),
        ("lower(sex_code) = '1'", "function", "lower() is not on the white list", ""),
        ("now() > birth_on", "function", "not on the white list", ""),
        ("current_date > birth_on", "function", "not on the white list", ""),
        ("random() > 1", "function", "not on the white list", ""),
        ("case when is_separated then true end", "function", "case() is not on the white list", ""),
        ("sex_code = 1", "type", "'=' compares a text with a whole number", ""),
        ("birth_on > '2026-01-01'", "type", "write a date as date '2026-01-31'", ""),
        ("sex_code", "type", "the rule gives a text", ""),
        ("is_separated > false", "type", "does not apply to true/false", ""),
        ("is_separated and sex_code", "type", "this part is a text", ""),
        ("age / 2 > 1", "type", "ratio_at_least", ""),
        ("age % 2 = 1", "type", "'%' does not work", ""),
        ("sex_code in (1, 2)", "type", "'in' compares", ""),
        ("age in $married", "type", "looks for a whole number in a list of text", ""),
        ("years_since(sex_code) > 1", "type", "is written years_since(date)", ""),
        ("age > null", "syntax", "not part of the language", ""),
        ("age > 1e3", "syntax", "exponent", ""),
        ("age::text = '1'", "syntax", "casts are not part", ""),
        ("sex_code like '1%'", "syntax", "not part of the language", ""),
        ("sex_code is distinct from '1'", "syntax", "not part of the language", ""),
        ("select 1", "statement", "a statement is not allowed", ""),
        ("drop table person", "statement", "a statement is not allowed", ""),
        ("delete from person", "statement", "a statement is not allowed", ""),
        ("attach 'x'", "statement", "a statement is not allowed", ""),
        ("copy person to 'x'", "statement", "a statement is not allowed", ""),
        ("pragma version", "statement", "a statement is not allowed", ""),
        ("set x = 1", "statement", "a statement is not allowed", ""),
        ("sex_code = '1'; drop table x", "statement", "here are 2 statements", ""),
        ("sex_code = (select '1')", "statement", "subquery", ""),
        ("exists (select 1)", "statement", "subquery", ""),
        ("sex_code in (select '1')", "statement", "subquery", ""),
        ("{{ ref('x') }} = '1'", "jinja", "template language", ""),
        ("sex_code = ", "syntax", "not an expression", ""),
        ("(" * 80 + "true" + ")" * 80, "syntax", "nested deeper", ""),
        ("marital_code = '10'", "sensitivity", "person.marital_code is sensitive", "sensitive"),
        ("any_of(disability, true)", "sensitivity", "disability.person_id is sensitive", "sensitive"),
    ],
)
def test_a_faulty_rule_is_refused_where_it_stands(tmp_path, rule, kind, said, nearest):
    found = problems(tmp_path, (RULE, f'rule: "{rule}"'))
    hits = [p for p in found if p.kind == kind and said in p.message]
    assert hits, [str(p) for p in found]
    assert hits[0].file == NAME
    assert hits[0].line in (RULE_LINE, RULE_LINE - 7)
    assert hits[0].code == "T01010101"
    if nearest:
        assert hits[0].nearest == nearest
        assert f"nearest: {nearest}" in str(hits[0])


def test_the_line_of_a_missing_part_is_told(tmp_path):
    found = problems(tmp_path, ("and alive <> 'dead'", "and alive <>"))
    assert [p.kind for p in found] == ["syntax"]
    assert found[0].line in (SECOND_LINE + 8, SECOND_LINE + 9) and "a part is missing" in found[0].message


def test_the_line_within_a_rule_of_many_lines_is_told(tmp_path):
    found = problems(tmp_path, ("and alive <> 'dead'", "and aliv <> 'dead'"))
    line = next(i for i, text in enumerate(FILE.split("\n"), 1) if "and alive" in text)
    assert [(p.line, p.nearest) for p in found] == [(line, "alive")]


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("    purpose: offers men their health check\n", "", "missing", "purpose is missing"),
        ("purpose: offers men their health check", "purpose: ''", "missing", "purpose is missing"),
        ("purpose: offers men their health check", "purpose: aid", "missing", "does not name a service"),
        ("level: T010101", "level: T010199", "level", "there is no level T010199"),
        ("level: T010101", "level: T010105", "level", "is not that of T01010101"),
        ("code: T01010101", "code: T0101", "level", "is not T and eight digits"),
        ("group: T0101", "group: T0199", "level", "there is no group T0199"),
        ("subject: person", "subject: household", "subject", "stands in the folder person/"),
        ("code: T01010501", "code: T01010101", "duplicate", "the code T01010101 is also declared in"),
        ("name: 老年人", "name: 男性", "duplicate", "name '男性' is also that of T01010101"),
        ("kind: fact", "kind: guess", "value", "none of fact, rule"),
        ("sensitivity: internal", "sensitivity: secret", "value", "none of public, internal"),
        ("    sensitivity: internal\n", "", "missing", "sensitivity is missing"),
        ("    min_cell: 5\n", "", "missing", "min_cell is missing"),
        ("min_cell: 5", "min_cell: few", "value", "min_cell must be a whole number"),
        (
            "    kind: fact\n",
            "    kind: fact\n    lowering: it is harmless\n",
            "field",
            "'lowering' is not a field here",
        ),
        ("    kind: fact\n", "    kind: fact\n    kind: fact\n", "yaml", "'kind' is given twice"),
        ("    kind: fact\n", "    kind: fact\n    state: retired\n", "missing", "a retired tag needs valid_to"),
        ("has: [{sex_code: '1'}]", "has: []", "example", "no example of the sort 'has'"),
        ("lacks: [{sex_code: '2'}]", "lacks: []", "example", "no example of the sort 'lacks'"),
        ("unknown: [{}]", "unknown: []", "example", "no example of the sort 'unknown'"),
        ("has: [{sex_code: '1'}]", "has: [{sex_code: '2'}]", "example", "should be true but the rule gives false"),
        ("unknown: [{}]", "unknown: [{sex_code: '2'}]", "example", "should be unknown but the rule gives false"),
        ("has: [{sex_code: '1'}]", "has: [{sex: '1'}]", "example", "has no 'sex' to give"),
        ("has: [{sex_code: '1'}]", "has: [{sex_code: 1}]", "example", "is text: put 1 in quotes"),
        ("birth_on: 1966-10-31", "birth_on: 1966-10-32", "yaml", "not a usable timestamp"),
        ("birth_on: 1966-10-31", "birth_on: yesterday", "example", "must be a date"),
        ("  - code: T01010101", "  - kode: T01010101", "field", "'kode' is not a field here"),
    ],
)
def test_a_faulty_declaration_is_refused(tmp_path, old, new, kind, said):
    found = problems(tmp_path, (old, new))
    assert any(p.kind == kind and said in p.message and p.file == NAME and p.line > 0 for p in found), found


def test_tags_that_refer_to_each_other_are_refused(tmp_path):
    found = problems(tmp_path, (RULE, "rule: tag('T01010501')"), ("and alive <> 'dead'", "and tag('T01010101')"))
    assert [p.message for p in found if p.kind == "cycle"] == [
        "the rule refers to itself: T01010101 → T01010501 → T01010101"
    ]


def test_a_parameter_without_a_value_on_the_day_is_refused(tmp_path):
    changed = ("sex_code = '1'", "age > $short_lived")
    found = problems(tmp_path, changed, as_of=date(2026, 10, 31))
    assert any(p.message == "$short_lived has no value on 2026-10-31" and p.line == RULE_LINE for p in found)
    assert any("the date of this example" in p.message for p in found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: 60", "value: sixty", "value must be a whole number"),
        ("      legal: the law\n", "", "legal is missing"),
        ("valid_from: 1996-10-01", "valid_from: soon", "valid_from must be a date"),
        ("type: int", "type: float", "none of int, decimal"),
        ("      valid_to: 2020-12-31", "      valid_to: 2019-12-31", "valid_to lies before valid_from"),
        (
            "      legal: the law\n",
            "      legal: the law\n    - {value: 65, valid_from: 2020-01-01, legal: x}\n",
            "two values hold on 2020-01-01",
        ),
        ("value: 0.50", "value: half", "value must be a decimal"),
    ],
)
def test_a_faulty_parameter_is_refused(tmp_path, old, new, said):
    assert old in PARAMETERS
    found = problems(tmp_path, parameters=PARAMETERS.replace(old, new, 1))
    assert any(said in p.message and p.file == "parameters/p.yml" for p in found), found


def test_tags_of_a_group_must_not_both_be_true(tmp_path):
    found = problems(
        tmp_path,
        ("    min_cell: 5\n", "    min_cell: 5\n    excl_group: g\n"),
        ("    kind: rule\n", "    kind: rule\n    excl_group: g\n"),
        ("{birth_on: 1966-10-31, alive: alive}", "{birth_on: 1966-10-31, alive: alive, sex_code: '1'}"),
    )
    assert [(p.kind, p.message) for p in found] == [
        ("group", "T01010101 and T01010501 of the group 'g' are both true for this example")
    ]
    assert found[0].line > SECOND_LINE


def test_a_tag_must_not_rest_on_one_that_ends_earlier(tmp_path):
    found = problems(
        tmp_path,
        (RULE, RULE + "\n    state: retired\n    valid_to: 2026-12-31"),
        ("and alive <> 'dead'", "and tag('T01010101')"),
    )
    assert any("refers to T01010101, which ends on 2026-12-31" in p.message for p in found)


def test_all_problems_come_at_once_in_order(tmp_path):
    text = FILE.replace("sex_code = '1'", "sex_cod = '1'", 1).replace("$elder_age", "$elderage")
    text = text.replace("offers elders the lunch club", "''").replace("name_en: Male", "name_en: ''")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(write(tmp_path, text), SCHEMA)
    lines = [p.line for p in caught.value.problems]
    assert {p.kind for p in caught.value.problems} == {"column", "parameter", "missing"}
    assert lines == sorted(lines) and len(lines) == 4
    assert all(f"{NAME}:{line}:" in str(caught.value) for line in lines)
    assert caught.value.problems[0].as_json()["file"] == NAME


def test_a_file_that_is_no_yaml_is_told_with_its_line(tmp_path):
    found = problems(tmp_path, ("    kind: fact", "    kind: [fact"))
    assert [(p.kind, p.file) for p in found] == [("yaml", NAME)]
