"""The drawing of the data model: fresh, whole, of what is published only, and in Mermaid's grammar."""

import re
import shutil

import pytest

from pipelines.dbt import ensure_manifest
from pipelines.releases import drawing
from pipelines.releases.publication import may_be_published, meta_of, nodes_of
from pipelines.settings import REPOSITORY, Settings

SETTINGS = Settings()


@pytest.fixture(scope="module")
def nodes():
    return nodes_of(ensure_manifest(SETTINGS))


def test_the_committed_page_is_what_the_declarations_say(nodes, tmp_path):
    page = REPOSITORY / drawing.PAGE
    assert page.read_text("utf-8") == drawing.drawing(nodes), "run `xfy generate`"
    assert drawing.stale(SETTINGS) == []
    elsewhere = tmp_path / "dbt_project"
    shutil.copytree(SETTINGS.dbt_project, elsewhere, ignore=shutil.ignore_patterns("target"))
    model = elsewhere / "models" / "subjects" / "hazard.yml"
    model.write_text(model.read_text("utf-8").replace(", references: subjects.place.place_id", ""), "utf-8")
    other = SETTINGS.model_copy(update={"dbt_project": elsewhere})
    (tmp_path / "docs").mkdir()
    shutil.copy(page, tmp_path / drawing.PAGE)
    assert drawing.stale(other) == [tmp_path / drawing.PAGE]
    drawing.write(other)
    assert drawing.stale(other) == []
    gone = set(page.read_text("utf-8").splitlines()) - set((tmp_path / drawing.PAGE).read_text("utf-8").splitlines())
    assert any('hazard }o--o| place : "place_id"' in line for line in gone)


def test_every_published_table_is_drawn_once_and_nothing_else(nodes):
    drawn = re.findall(r"^    (\w+)\[", drawing.drawing(nodes), re.MULTILINE)
    expected = [name for (schema, name), node in nodes.items() if may_be_published(schema, name, node)]
    assert sorted(drawn) == sorted(expected) and len(set(drawn)) == len(drawn) > 50
    assert "disability_restricted" not in drawn and not any(name.startswith(("int_", "ledger_")) for name in drawn)


def test_what_it_points_to_is_there_and_is_a_key(nodes):
    for (schema, name), node in nodes.items():
        if not may_be_published(schema, name, node):
            continue
        for column, declared in node["columns"].items():
            if reference := meta_of(declared).get("references"):
                where, table, key = reference.split(".")
                target = nodes[where, table]
                assert may_be_published(where, table, target), f"{name}.{column} leads to what is not published"
                keys = meta_of(target)["key"]
                assert key in ([keys] if isinstance(keys, str) else keys), (
                    f"{name}.{column}: {key} is no key of {table}"
                )


def test_columns_that_name_somebody_are_not_drawn(nodes):
    text = drawing.drawing(nodes)
    for (schema, name), node in nodes.items():
        direct = [c for c, declared in node["columns"].items() if meta_of(declared).get("direct")]
        if schema == "subjects" and direct and may_be_published(schema, name, node):
            body = re.search(rf"^    {name}\[.*?^    \}}", text, re.MULTILINE | re.DOTALL)[0]
            lines = [*body.splitlines(), *re.findall(rf"^    {name} }}.*$", text, re.MULTILINE)]
            assert not [c for c in direct for line in lines if re.search(rf"\b{c}\b", line)]


def test_it_is_mermaid_s_grammar(nodes):
    blocks = re.findall(r"```mermaid\n(.*?)```", drawing.drawing(nodes), re.DOTALL)
    assert len(blocks) == 3 or len(blocks) == 4
    edge, head, column = (
        r"    \w+ \}o--o\| \w+ : \"[\w, ]+\"",
        r"    \w+\[\"[^\"\n]+\"\] \{",
        r"        \w+ \w+ (PK|FK|PK, FK) \"[^\"\n]+\"",
    )
    for block in blocks:
        first, *lines = block.splitlines()
        assert first == "erDiagram"
        assert [line for line in lines if not re.fullmatch(rf"{edge}|{head}|{column}|    \}}", line)] == []
