"""The dictionary covers all that is published, by what DuckDB and Parquet readers themselves see of a release."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import openpyxl
import pytest
import yaml

from pipelines.products.declarations import CLASSES
from pipelines.settings import Settings
from pipelines.tags.catalogue import load_catalogue

CHINESE = re.compile("[一-鿿]")


@pytest.fixture(scope="module")
def release(district: Path) -> Path:
    return (district / "releases" / "current").resolve()


@cache
def sheet(release: Path, name: str) -> list[tuple[str, ...]]:
    book = openpyxl.load_workbook(release / "dictionary" / "dictionary.xlsx", read_only=True)
    return [tuple(cell or "" for cell in row) for row in book[name].iter_rows(min_row=2, values_only=True)]


def query(release: Path, text: str) -> list[tuple]:
    with duckdb.connect(str(release / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(text).fetchall()


def in_database(release: Path) -> dict[tuple[str, str], str]:
    """Every column of every table and view with its type."""
    text = "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() where not internal"
    return {(table, column): kind for table, column, kind in query(release, text)}


def in_files(release: Path) -> dict[tuple[str, str], str]:
    """Every column of every Parquet file but the copies of tables and what is restricted."""
    found = {}
    for path in release.rglob("*.parquet"):
        inside = path.relative_to(release)
        if inside.parts[0] not in ("parquet", "restricted"):
            name = inside.with_suffix("").as_posix().replace("/", ".")
            kinds = duckdb.sql(f"describe from read_parquet('{path}')").fetchall()
            found |= {(name, kind[0]): kind[1] for kind in kinds}
    return found


def test_every_table_view_file_and_column_is_told_with_its_type_and_nothing_else(release):
    expected = in_database(release) | in_files(release)
    told = {(row[0], row[1]): row[2] for row in sheet(release, "字段")}
    assert told == expected and len(expected) > 1000
    assert {row[0] for row in sheet(release, "数据集")} == {table for table, _ in expected}
    kinds = {row[0]: row[2].split()[-1] for row in sheet(release, "数据集")}
    views = query(release, "select schema_name || '.' || view_name from duckdb_views() where not internal")
    assert {name for name, kind in kinds.items() if kind == "view"} == {name for (name,) in views} != set()
    assert {kind for kind in kinds.values()} == {"table", "view", "file", "ledger"}


def test_nothing_lacks_its_words_type_class_or_feeds(release):
    for row in sheet(release, "字段"):
        table, column, kind, label, english, _, sensitivity, feeds, _ = row
        assert kind and feeds and CHINESE.search(label) and re.search("[A-Za-z0-9]", english) and english != label, row
        assert sensitivity.split()[-1] in CLASSES and sensitivity.split()[-1] != "restricted", row
        assert label != column or CHINESE.search(column), (table, column)
    for row in sheet(release, "数据集"):
        assert all(row) and CHINESE.search(row[1]), row


def test_codes_and_keys_say_where_their_words_are(release):
    tables = {table for (table,) in query(release, "select distinct code_table from subjects.code")}
    known = in_database(release)
    for table, column, *_, where in sheet(release, "字段"):
        parts = where.split("; ") if where else []
        if re.search(r"(^|_)code$", column):
            assert parts, f"{table}.{column} says neither its code table nor its key nor its standard"
        for part in parts:
            if part.startswith("subjects.code: "):
                code_table = part.removeprefix("subjects.code: ")
                assert code_table in tables, part
                wrong = query(
                    release,
                    f"select count(*) from {table} where {column} is not null and {column} not in "
                    f"(select code from subjects.code where code_table = '{code_table}')",
                )
                assert wrong == [(0,)], f"{table}.{column} holds {wrong[0][0]} values that are no code of {code_table}"
            elif re.fullmatch(r"(subjects|indices|tags)\.\w+\.\w+", part):
                schema, name, key = part.split(".")
                assert (f"{schema}.{name}", key) in known, part
    assert {row[0] for row in sheet(release, "代码表")} == tables
    assert len(sheet(release, "代码表")) == query(release, "select count(*) from subjects.code")[0][0]


def test_keys_are_keys(release):
    keys: dict[str, list[str]] = {}
    for table, column, *_, where in sheet(release, "字段"):
        if "主键 key" in where:
            keys.setdefault(table, []).append(column)
    for table, columns in keys.items():
        names = ", ".join(f'"{column}"' for column in columns)
        rows, distinct, least = query(
            release,
            f"select count(*), count(distinct ({names})), "
            f"least({', '.join(f'count({chr(34)}{column}{chr(34)})' for column in columns)}) from {table}",
        )[0]
        assert rows == distinct == least, f"{columns} is no key of {table}"
    assert {"subjects.person", "subjects.code", "indices.index_part", "indices.index_cell", "tags.catalogue"} <= set(
        keys
    )


def test_references_lead_somewhere(release):
    """Most values of a column that names another table's key are keys of it; all would ask too much of the sources."""
    tried = 0
    for table, column, *_, where in sheet(release, "字段"):
        target = next((p for p in where.split("; ") if re.fullmatch(r"(subjects|indices|tags)\.\w+\.\w+", p)), "")
        if not target or (table, column) not in in_database(release):
            continue
        schema, name, key = target.split(".")
        rows, found = query(
            release,
            f"select count({column}), count(*) filter ({column} in (select {key} from {schema}.{name})) from {table}",
        )[0]
        assert found >= 0.9 * rows, f"{table}.{column}: {found} of {rows} are a {target}"
        tried += rows > 0
    assert tried > 80


def test_the_database_itself_says_what_everything_is(release):
    text = (
        "select schema_name || '.' || table_name from duckdb_tables() where comment is null union all "
        "select schema_name || '.' || view_name from duckdb_views() where not internal and comment is null union all "
        "select schema_name || '.' || table_name || '.' || column_name from duckdb_columns() "
        "where not internal and comment is null"
    )
    assert query(release, text) == []
    of_score = "schema_name = 'indices' and table_name = 'index_score' and column_name = 'part_code'"
    assert query(release, f"select comment from duckdb_columns() where {of_score}")[0][0].startswith("节点代码 — Node")


def test_index_tables_have_one_name_for_one_key(release):
    columns = {column for table, column in in_database(release) if table.startswith("indices.")}
    assert not columns & {"node", "part", "code", "indicator", "child", "parent", "second", "raw", "denominated"}
    parts = {
        table
        for table, column, *_, where in sheet(release, "字段")
        if column == "part_code" and (where.endswith("indices.index_part.part_code") or table == "indices.index_part")
    }
    tables = {table for table, _ in in_database(release) if table.startswith("indices.")}
    assert parts == tables - {"indices.index_edition"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def test_the_page_and_the_markdown_say_the_same(release):
    html = (release / "dictionary" / "index.html").read_text("utf-8")
    text = (release / "dictionary" / "dictionary.md").read_text("utf-8")
    reader = _Text()
    reader.feed(html)
    shown = set(reader.cells)
    plain = re.sub(r"\\([\\|`*_\[\]])", r"\1", text)
    for row in [*sheet(release, "字段"), *sheet(release, "数据集")]:
        for cell in row:
            assert not cell or cell in shown, cell
        assert all(" ".join(cell.replace("&", "&amp;").replace("<", "&lt;").split()) in plain for cell in row), row
    assert "http" not in html


def test_restricted_names_are_nowhere_in_it(release):
    installation = Settings()
    catalogue = load_catalogue(installation.tag_rules, installation.dbt_project / "models" / "subjects")
    restricted = {word for tag in catalogue.tags.values() if tag.is_restricted for word in (tag.code, tag.name)}
    assert restricted
    told = {cell for name in ("数据集", "字段") for row in sheet(release, name) for cell in row}
    assert not told & restricted and not any(row[0].startswith("restricted") for row in sheet(release, "字段"))
    texts = "".join(p.read_text("utf-8") for p in (release / "dictionary").iterdir() if p.suffix != ".xlsx")
    # Names are words of public code tables too: there they may stand.
    assert not {word for word in restricted if word.startswith("T") and word in texts}


def test_contracts_and_dictionary_agree(release):
    rows = {(row[0], row[1]): row for row in sheet(release, "字段")}
    for path in (release / "contracts").rglob("*.yaml"):
        body = yaml.safe_load(path.read_text("utf-8"))
        for column in body["schema"][0]["properties"]:
            row = rows[body["id"], column["name"]]
            assert row[3] == column["businessName"] and row[6].split()[-1] == column["classification"]
            custom = {p["property"]: p["value"] for p in column.get("customProperties", [])}
            assert custom.get("codeTable", "") in row[8] and custom.get("references", "") in row[8]


def test_analysts_may_open_it(release):
    audiences = yaml.safe_load((Settings().declarations / "access" / "audiences.yml").read_text("utf-8"))
    assert "dictionary" in audiences["analysts"]["paths"]
    assert (release / "dictionary").stat().st_mode & 0o777 == 0o750
