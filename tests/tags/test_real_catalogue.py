"""The declarations of this repository: sound, complete as far as they go, and equal in both engines on real schemas."""

import re
from collections import defaultdict
from dataclasses import replace
from datetime import date

import duckdb
import polars as pl
import pytest
from worlds import AS_OF, REPOSITORY, SCHEMA, TAG_RULES, Population, words_by_column, words_of

from pipelines.tags import tables
from pipelines.tags.catalogue import load_catalogue, rule_version, rules_version
from pipelines.tags.evaluate import RESTRICTED, evaluate_with
from pipelines.tags.functions import FUNCTIONS, ROWS_FUNCTIONS
from pipelines.tags.interpret import Row
from pipelines.tags.registry import id_column, rank
from pipelines.tags.sqltext import spark_query, tag_query

SIZES = {
    "person": 900, "household": 250, "dwelling": 250, "village": 12, "facility": 5, "relief": 500, "disability": 400,
    "disability_restricted": 250, "insurance": 300, "residence_reg": 900, "lease": 400, "person_village": 1100,
}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(TAG_RULES, SCHEMA, AS_OF)


@pytest.fixture(scope="module", params=[(), ("F06", "F08"), ("F01", "F02", "B01")], ids=lambda m: "-".join(m) or "all")
def evaluated(request, catalogue, tmp_path_factory):
    connection = duckdb.connect()
    hints = words_by_column(catalogue)
    hints["person", "hukou_div_code"] = ["310118", "310104", "340123", "320583", "410100", "420106", "510100", "330400"]
    world = Population(7, SIZES, words_of(), hints=hints)
    for row in world.rows["person"]:
        row["hukou_prov_code"] = row["hukou_div_code"] and row["hukou_div_code"][:2]
    for name in ("disability", "disability_restricted"):
        world.rows[name] = list({row["person_id"]: row for row in world.rows[name]}.values())
    world.create(connection, request.param)
    files = evaluate_with(connection, catalogue, AS_OF, tmp_path_factory.mktemp("wide"))
    connection.execute("create schema tags")
    tables.create_context(connection, catalogue, AS_OF)
    yield connection, files
    connection.close()


def test_the_tree_has_the_published_levels(catalogue):
    depths = [level.depth for level in catalogue.levels.values()]
    assert [depths.count(d) for d in (1, 2, 3)] == [12, 52, 155]


def test_breadth_and_words(catalogue):
    tags = catalogue.tags.values()
    assert len(tags) >= 250
    assert len({t.purpose for t in tags}) == len(tags), "every purpose names its own service"
    assert all(t.owner and t.name_en and t.examples for t in tags)
    for tag in tags:
        classes = [catalogue.registry.column(*c).sensitivity for c in catalogue.inputs[tag.code].columns]
        assert all(rank(c) <= rank(tag.sensitivity) for c in classes), tag.code


def test_no_tag_speaks_of_what_must_not_be_known(catalogue):
    forbidden = re.compile("宗教|信仰|民族|党员|政治面貌|信访|上访|矫正|吸毒|刑释")
    for tag in catalogue.tags.values():
        assert not forbidden.search(tag.name + tag.rule), tag.code


def test_no_code_or_threshold_stands_in_python():
    for path in (REPOSITORY / "pipelines" / "tags").glob("*.py"):
        codes = re.findall(r"T\d{8}", path.read_text(encoding="utf-8"))
        assert set(codes) <= {"T01010101", "T00000000"}, path.name


def test_every_tag_has_the_same_values_in_duckdb(catalogue, evaluated):
    connection, files = evaluated
    for code, tag in catalogue.tags.items():
        name = f"{RESTRICTED}{tag.subject}" if tag.is_restricted else tag.subject
        ours = dict(pl.read_parquet(files[name]).select(id_column(tag.subject), code).rows())
        theirs = dict(connection.execute(tag_query(catalogue, code)).fetchall())
        different = {i: (v, theirs.get(i)) for i, v in ours.items() if v != theirs.get(i)}
        assert ours.keys() == theirs.keys() and not different, f"{code}: {different}"


def test_most_tags_are_sometimes_true_and_sometimes_false(catalogue, evaluated, request):
    connection, files = evaluated
    if "all" not in request.node.callspec.id:
        return
    dull = []
    for tag in catalogue.tags.values():
        name = f"{RESTRICTED}{tag.subject}" if tag.is_restricted else tag.subject
        if tag.type.kind == "bool":
            values = set(pl.read_parquet(files[name])[tag.code])
            dull += [tag.code] if not {True, False} <= values else []
    assert len(dull) <= len(catalogue.tags) // 12, dull


def test_at_most_one_tag_of_a_group_is_true(catalogue, evaluated):
    groups = defaultdict(list)
    for tag in catalogue.tags.values():
        if tag.excl_group and not tag.is_restricted:
            groups[tag.subject, tag.excl_group].append(tag.code)
    for (subject, name), codes in groups.items():
        frame = pl.read_parquet(evaluated[1][subject], columns=codes)
        most = frame.select(pl.sum_horizontal(pl.col(c).fill_null(False) for c in codes).max()).item()
        assert most <= 1, (name, codes)


def group(catalogue, name: str) -> list[str]:
    return [t.code for t in catalogue.tags.values() if t.excl_group == name and not t.is_restricted]


def test_age_bands_and_sexes_are_partitions(catalogue, evaluated):
    connection, files = evaluated
    frame = pl.read_parquet(files["person"])
    bands, sexes = group(catalogue, "age_band5"), group(catalogue, "sex")
    assert len(bands) == 18 and len(sexes) == 3
    born = connection.execute("select count(*) from subjects.person where birth_on <= ?", [AS_OF]).fetchall()[0][0]
    assert sum(frame[c].sum() for c in bands) == born
    drawn = connection.execute("select count(*) from subjects.person where sex_code in ('0', '1', '2', '9')").fetchall()
    unsaid = connection.execute("select count(*) from subjects.person where sex_code is null").fetchall()
    assert sum(frame[c].sum() for c in sexes) == drawn[0][0] + unsaid[0][0]


def test_a_missing_feed_makes_unknown_not_false(catalogue, evaluated, request):
    if "F06" not in request.node.callspec.id:
        return
    frame = pl.read_parquet(evaluated[1]["person"])
    rests = [c for c, t in catalogue.tags.items() if t.subject == "person" and "any_of(relief" in t.rule]
    rests = [
        c for c in rests if not catalogue.tags[c].is_restricted and " and " not in catalogue.tags[c].rule.split("(")[0]
    ]
    simple = [c for c in rests if catalogue.tags[c].rule.strip().startswith("any_of(relief")]
    assert len(simple) >= 8
    assert all(frame[c].null_count() == frame.height for c in simple)


def test_examples_hold_in_the_engine_that_publishes(catalogue, tmp_path):
    """Every example, laid out as rows of a database, comes out of Polars as it is declared."""
    cases = defaultdict(list)
    for tag in catalogue.tags.values():
        for example in tag.examples:
            cases[example.as_of, example.unavailable].append((tag, example))
    checked = 0
    for number, ((day, missing), found) in enumerate(sorted(cases.items(), key=str)):
        checked += check_examples(catalogue, day, missing, found, tmp_path / str(number))
    assert checked == sum(len(t.examples) for t in catalogue.tags.values())


def check_examples(catalogue, day: date, missing: frozenset[str], cases, folder) -> int:
    world = Population(1, {}, ["x"], as_of=day)
    ids = {}
    for number, (tag, example) in enumerate(cases):
        ids[number] = lay_out(world, tag.subject, example.row, f"{number:05d}")
    connection = duckdb.connect()
    world.create(connection)
    connection.execute("update subjects.feed_status set is_available = feed not in (select unnest(?))", [list(missing)])
    files = evaluate_with(connection, replace(catalogue), day, folder)
    frames = {name: pl.read_parquet(path) for name, path in files.items()}
    for number, (tag, example) in enumerate(cases):
        frame = frames[f"{RESTRICTED}{tag.subject}" if tag.is_restricted else tag.subject]
        value = frame.filter(pl.col(id_column(tag.subject)) == ids[number])[tag.code].item()
        assert value == example.expect, (tag.code, example.line, value)
    connection.close()
    return len(cases)


def lay_out(world: Population, subject: str, row: Row, path: str, back: dict[str, str] | None = None) -> str:
    """Writes an example's row, and what it leads to, into the tables; returns its id.

    Ids that an example gives are made its own by the number it begins with; others come from the path to the row.
    """
    table = world.registry.subjects[subject]
    case = path.split(".")[0]
    cells = {c: f"{case}:{v}" if c.endswith("_id") and v else v for c, v in row.values.items()}
    own = cells.setdefault(table.key, path)
    for link, target in row.links.items():
        cells[table.links[link]] = lay_out(world, link, target, f"{path}.{link}") if target else None
    world.rows[subject].append(blank(table, cells | (back or {})))
    for relation, related in row.rows.items():
        other = world.registry.tables[relation]
        key = world.registry.relations(subject)[relation].key
        for number, part in enumerate(related):
            if other.subject:
                lay_out(world, other.subject, part, f"{path}.{number}", {key: own})
            else:
                world.rows[relation].append(blank(other, dict(part.values) | {key: own}))
    return own


def blank(table, cells: dict) -> dict:
    return {c.name: cells.get(c.name) for c in table.columns.values() if c.type is not None}


def test_versions_change_with_what_they_cover(catalogue):
    code = next(c for c, t in catalogue.tags.items() if "$elder_age" in t.rule)
    before = rules_version(catalogue), rule_version(catalogue, code)
    info = catalogue.parameters["elder_age"]
    changed = replace(info, values=(replace(info.values[0], value=61),))
    other = replace(catalogue, parameters=catalogue.parameters | {"elder_age": changed})
    assert rules_version(other) != before[0]
    assert rule_version(other, code) != before[1]
    untouched = next(c for c in catalogue.tags if not catalogue.parameters_of(c))
    assert rule_version(other, untouched) == rule_version(catalogue, untouched)
    assert rules_version(load_catalogue(TAG_RULES, SCHEMA)) == before[0]


def test_every_query_is_text_for_spark_too(catalogue):
    for code in list(catalogue.tags)[::9]:
        text = spark_query(catalogue, code)
        assert "FROM subjects." in text and "LIST_CONTAINS" not in text.upper()


def test_the_language_page_names_every_function():
    page = (REPOSITORY / "docs" / "tag_language.md").read_text(encoding="utf-8")
    missing = [n for n in (*FUNCTIONS, *ROWS_FUNCTIONS) if f"{n}(" not in page]
    assert not missing
