"""The schema `tags` as analysts see it, and explanations that say the same as the tables."""

import json
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from worlds import AS_OF, SCHEMA, TAG_RULES, Population, words_by_column, words_of

from pipelines.tags import tables
from pipelines.tags.catalogue import load_catalogue, rule_version, rules_version
from pipelines.tags.evaluate import evaluate_with
from pipelines.tags.explain import UnknownSubjectError, explain, explain_with
from pipelines.tags.listing import list_levels, list_tags

SIZES = {
    "person": 900, "household": 270, "dwelling": 80, "village": 6, "facility": 2, "relief": 150, "disability": 120,
    "disability_restricted": 60, "insurance": 50, "residence_reg": 250, "lease": 90, "person_village": 350,
}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(TAG_RULES, SCHEMA, AS_OF)


@pytest.fixture(scope="module")
def files(catalogue, connection, tmp_path_factory):
    return evaluate_with(connection, catalogue, AS_OF, tmp_path_factory.mktemp("wide"))


@pytest.fixture(scope="module")
def connection(catalogue, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.duckdb"
    made = duckdb.connect(str(path))
    Population(5, SIZES, words_of(), hints=words_by_column(catalogue)).create(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def counted(catalogue, connection, files):
    return tables.create(connection, catalogue, files, AS_OF)


def one(connection, query: str):
    return connection.execute(query).fetchall()[0]


def test_an_analyst_asks_in_chinese(connection, counted):
    named = one(connection, "select count(*) from tags.person_named where 独居老人 and not 持证残疾人")
    coded = one(connection, "select count(*) from tags.person_tags where T07010101 and not T07020301")
    assert named == coded and named[0] > 0


def test_membership_holds_every_statement_once(catalogue, connection, counted, files):
    wanted = sum(
        counted[f"{s}_tags"] * sum(t.subject == s and not t.is_restricted for t in catalogue.tags.values())
        for s in catalogue.subjects()
    )
    assert one(connection, "select count(*) from tags.membership") == (wanted,)
    frame = pl.read_parquet(files["person"])
    for code in frame.columns[1:40:7]:
        found = one(
            connection,
            f"select count(*) filter (where value), count(*) filter (where value is null) from tags.membership "
            f"where subject_type = 'person' and code = '{code}'",
        )
        assert found == (frame[code].sum(), frame[code].null_count())
    number = one(connection, "select max(number) from tags.membership where value is null and number is not null")
    assert isinstance(number[0], Decimal)


def test_no_restricted_tag_is_in_the_schema(catalogue, connection, counted):
    restricted = {c for c, t in catalogue.tags.items() if t.is_restricted}
    assert len(restricted) >= 6
    columns = connection.execute("select column_name from duckdb_columns() where schema_name = 'tags'").fetchall()
    assert not restricted & {c for (c,) in columns}
    assert one(connection, "select count(*) from tags.catalogue where sensitivity = 'restricted'") == (0,)
    for table in ("coverage", "membership", "catalogue"):
        codes = connection.execute(f"select distinct code from tags.{table}").fetchall()
        assert not restricted & {c for (c,) in codes}, table


def test_coverage_adds_up_on_every_level(connection, counted):
    sums = connection.execute(
        "select level, sum(eligible_count), sum(known_count), sum(true_count), sum(unknown_count), sum(tag_count) "
        "from tags.coverage group by level order by level"
    ).fetchall()
    assert [s[0] for s in sums] == [1, 2, 3, 4]
    assert len({s[1:] for s in sums}) == 1
    assert one(
        connection, "select count(*) from tags.coverage where eligible_count <> known_count + unknown_count"
    ) == (0,)
    assert one(connection, "select count(*) from tags.coverage where true_count > known_count") == (0,)
    roles = connection.execute(
        "select distinct c.role, subject from tags.coverage c join tags.catalogue using (code) order by all"
    ).fetchall()
    assert {("res", "household"), ("res", "village"), ("res", "dwelling")} <= set(roles)


def test_coverage_counts_persons_where_they_are_listed(connection, counted):
    row = one(
        connection,
        "select village_code, role, true_count, unknown_count from tags.coverage where code = 'T01010501' "
        "order by true_count desc, village_code, role limit 1",
    )
    found = one(
        connection,
        "select count(*) filter (where T01010501), count(*) filter (where T01010501 is null) from tags.person_tags "
        f"join subjects.person_village using (person_id) where village_code = '{row[0]}' and role = '{row[1]}'",
    )
    assert found == row[2:]


def test_every_table_and_column_has_words(connection, counted):
    bare = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'tags' and comment is null "
        "and table_name in (select table_name from duckdb_tables() where schema_name = 'tags')"
    ).fetchall()
    assert bare == []
    assert one(connection, "select count(*) from duckdb_tables() where schema_name = 'tags' and comment is null") == (
        0,
    )
    assert one(connection, "select count(*) from duckdb_views() where schema_name = 'tags' and comment is null") == (0,)


def test_run_and_parameters(catalogue, connection, counted):
    assert one(connection, "select as_of, rules_version from tags.run") == (AS_OF, rules_version(catalogue))
    age = one(connection, "select value_int, is_in_force, legal from tags.parameters where name = 'elder_age'")
    assert age[:2] == (60, True) and "老年人权益保障法" in age[2]
    assert one(connection, "select value_texts from tags.parameters where name = 'severe_grades'") == (["1", "2"],)
    assert counted["parameters"] == sum(len(p.values) for p in catalogue.parameters.values())


def test_making_the_schema_again_changes_nothing(catalogue, connection, counted, files):
    assert tables.create(connection, catalogue, files, AS_OF) == counted


def test_the_list_has_the_published_shape(catalogue):
    entries = list_tags(catalogue)
    assert len(entries) == len(catalogue.tags)
    keys = {"code", "name", "name_en", "level1", "level2", "level3", "subject", "kind", "state", "sensitivity",
            "purpose", "owner", "feeds", "parameters", "depends_on", "examples"}  # fmt: skip
    assert all(keys <= set(e) for e in entries)
    json.dumps(entries, ensure_ascii=False)
    alone = next(e for e in entries if e["name"] == "独居老人")
    assert (alone["level1"], alone["level2"], alone["level3"]) == ("民政救助", "为老服务", "老人居住状况")
    assert alone["parameters"] == ["collective_tenures", "elder_age"] and {"B01", "F01"} <= set(alone["feeds"])
    assert {e["value"] for e in alone["examples"]} == {True, False, None}
    key = next(e for e in entries if e["name"] == "关爱随访重点独居老人")
    assert {"独居老人", "持证残疾人"} == {e["name"] for e in entries if e["code"] in key["depends_on"]}
    assert {"F08", "B01"} <= set(key["feeds"]) and "oldest_old_age" in key["parameters"]
    assert len(list_levels(catalogue)) == 219


def test_explanations_say_what_the_tables_say(catalogue, connection, counted, files):
    for subject, step in (("person", 23), ("household", 9), ("dwelling", 11), ("village", 5)):
        frame = pl.read_parquet(files[subject])
        for code in frame.columns[1::step]:
            for subject_id, value in frame.select(f"{subject}_id", code).rows()[:4]:
                found = explain_with(connection, catalogue, subject_id, code, AS_OF)
                assert found["value"] == (float(value) if isinstance(value, Decimal) else value), (code, subject_id)
                assert found["parts"][0]["value"] == found["value"]
                json.dumps(found, ensure_ascii=False)


def test_an_explanation_names_parts_inputs_feeds_and_law(catalogue, connection, counted):
    ids = connection.execute("select person_id from tags.person_named where 独居老人 order by all").fetchall()
    found = explain_with(connection, catalogue, ids[0][0], "T07010508", AS_OF)
    assert {"value", "rule", "parts", "inputs", "parameters", "rule_version"} <= set(found)
    assert found["rule_version"] == rule_version(catalogue, "T07010508")
    shown = {p["expression"]: p["value"] for p in found["parts"]}
    assert shown["tag('T07010101')"] is True and shown["household.size = 1"] is True
    inputs = {i["column"]: i for i in found["inputs"]}
    assert inputs["household.size"]["value"] == 1
    assert inputs["birth_on"]["label"] and inputs["birth_on"]["feeds"][0]["is_available"] is True
    assert "disability[].valid_to_on" in inputs
    elder = next(p for p in found["parameters"] if p["name"] == "elder_age")
    assert elder["value"] == 60 and elder["legal"] and elder["valid_from"] == "1996-10-01"


def test_an_unknown_subject_or_tag_is_told(catalogue, connection, counted, tmp_path):
    with pytest.raises(UnknownSubjectError, match="no person nobody"):
        explain_with(connection, catalogue, "nobody", "T01010101", AS_OF)
    with pytest.raises(UnknownSubjectError, match="no tag T99"):
        explain_with(connection, catalogue, "p0001", "T99", AS_OF)
    hidden = next(c for c in catalogue.tags if "disability_restricted" in catalogue.tags[c].rule)
    connection.execute("alter table subjects.disability_restricted rename to elsewhere")
    with pytest.raises(UnknownSubjectError, match="the tag is restricted"):
        explain_with(connection, catalogue, "p0001", hidden, AS_OF)
    connection.execute("alter table subjects.elsewhere rename to disability_restricted")
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as made:
        Population(5, {"person": 2}, ["x"]).create(made)
    assert explain(catalogue, path, "p0001", "T01010101", AS_OF)["subject_id"] == "p0001"
