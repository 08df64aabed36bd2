"""The dictionary of a release: every table, view and file with every column, and every code table, in two languages.

One content in three forms: a page and Markdown to read, a workbook to sort and filter. Belongs here: how it is laid
out. Not here: the words (`datasets`), and the dictionaries of what ledgers and panels mean (`products.dictionary`).
Restricted data sets are left out: what their columns are called may not be told. Their contracts lie beside them.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import duckdb
import xlsxwriter

from pipelines.products.workbooks import WRITTEN_AS
from pipelines.releases.datasets import Dataset, Field
from pipelines.tags.registry import CLASSES
from pipelines.webpage import page, table

FOLDER = "dictionary"
_RESTRICTED = CLASSES[-1]
HERE = "本平台 made here"
TITLE = "数据字典 Data dictionary"
_KINDS = {"table": "表 table", "view": "视图 view", "file": "文件 file", "ledger": "台账 ledger"}
_CLASS_WORDS = dict(zip(CLASSES, ("公开", "内部", "敏感", "限制"), strict=True))
_DATASET_HEAD = (
    "数据集 Data set", "名称 Title", "种类 Kind", "级别 Class", "范围 Audience", "来源 Feeds", "说明 Description",
    "用途 Purpose", "位置 Where",
)  # fmt: skip
_COLUMN_HEAD = (
    "字段 Column", "类型 Type", "中文名 Chinese name", "英文 English", "说明 Description", "级别 Class", "来源 Feeds",
    "代码表或引用 Code table or key",
)  # fmt: skip
_CODE_HEAD = ("代码表 Code table", "代码 Code", "名称 Name", "标准 Standard")

Row = tuple[str, ...]


def write(datasets: Iterable[Dataset], codes: Iterable[Row], release: Path) -> list[Path]:
    """Writes `dictionary/{index.html,dictionary.md,dictionary.xlsx}` below a staged release; returns the files.

    `codes` are rows of code table, code, name and standard (`code_tables`).
    """
    shown = [dataset for dataset in datasets if dataset.sensitivity != _RESTRICTED]
    listed = list(codes)
    folder = release / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"index.html": _page(shown, listed), "dictionary.md": _markdown(shown, listed)}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    _workbook(folder / "dictionary.xlsx", shown, listed)
    return [folder / name for name in (*pages, "dictionary.xlsx")]


def code_tables(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every code in force, of the database a release is being made in."""
    query = "select code_table, code, name, coalesce(standard, '') from subjects.code order by all"
    return [tuple(map(str, row)) for row in connection.execute(query).fetchall()]


def dataset_row(dataset: Dataset) -> Row:
    """What is said of a data set as a whole."""
    place = f"warehouse.duckdb; {dataset.parquet}" if dataset.schema and dataset.parquet else dataset.parquet
    return (
        dataset.name,
        dataset.title,
        _KINDS[dataset.kind],
        _class(dataset.sensitivity),
        dataset.audience,
        " ".join(sorted(dataset.feeds)) or HERE,
        dataset.description,
        dataset.purpose,
        place or "warehouse.duckdb",
    )


def column_row(dataset: Dataset, field: Field) -> Row:
    """What is said of a column; one of no feed of its own comes from those of the data set, or from this house."""
    said = "" if field.description in (field.english, field.label) else field.description
    key = "主键 key" if field.is_key else ""
    code = f"subjects.code: {field.code_table}" if field.code_table else ""
    return (
        field.name,
        field.kind,
        field.label,
        field.english,
        said,
        _class(field.sensitivity),
        " ".join(field.feeds or sorted(dataset.also_from)) or HERE,
        "; ".join(word for word in (key, code, field.references, field.standard) if word),
    )


def _class(name: str) -> str:
    return f"{_CLASS_WORDS[name]} {name}"


def _page(datasets: Sequence[Dataset], codes: Sequence[Row]) -> str:
    numbered = {dataset.name: f"d{number}" for number, dataset in enumerate(datasets)}
    overview = [
        [f'<a href="#{numbered[d.name]}">{escape(d.name)}</a>', *map(escape, dataset_row(d)[1:])] for d in datasets
    ]
    body = ["<h2>数据集 Data sets</h2>", _html_table(_DATASET_HEAD, overview)]
    for dataset in datasets:
        body.append(
            f'<h2 id="{numbered[dataset.name]}">{escape(dataset.name)} {escape(dataset.title)}</h2>'
            f"<p>{escape(dataset.description)}</p>"
        )
        body.append(
            _html_table(_COLUMN_HEAD, [list(map(escape, column_row(dataset, field))) for field in dataset.fields])
        )
    body += ["<h2>代码表 Code tables</h2>", _html_table(_CODE_HEAD, [list(map(escape, row)) for row in codes])]
    return page(TITLE, body, style="body{max-width:none}td{overflow-wrap:anywhere}")


def _html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return table([(word, False) for word in head], rows)


def _markdown(datasets: Sequence[Dataset], codes: Sequence[Row]) -> str:
    lines = [f"# {TITLE}", "", "## 数据集 Data sets", "", *_markdown_table(_DATASET_HEAD, map(dataset_row, datasets))]
    for dataset in datasets:
        lines += ["", f"## {_plain(dataset.name)} {_plain(dataset.title)}", "", _plain(dataset.description), ""]
        lines += _markdown_table(_COLUMN_HEAD, [column_row(dataset, field) for field in dataset.fields])
    lines += ["", "## 代码表 Code tables", "", *_markdown_table(_CODE_HEAD, codes)]
    return "\n".join(lines) + "\n"


def _markdown_table(head: Row, rows: Iterable[Row]) -> list[str]:
    return [f"| {' | '.join(map(_plain, row))} |" for row in (head, ("---",) * len(head), *rows)]


def _plain(text: str) -> str:
    """Words that stay words in Markdown: in their cell, and no markup of it or of HTML."""
    for sign in ("\\", "|", "`", "*", "_", "[", "]"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())


def _workbook(path: Path, datasets: Sequence[Dataset], codes: Sequence[Row]) -> None:
    columns = [(dataset.name, *column_row(dataset, field)) for dataset in datasets for field in dataset.fields]
    sheets = {
        "数据集": (_DATASET_HEAD, list(map(dataset_row, datasets))),
        "字段": (("数据集 Data set", *_COLUMN_HEAD), columns),
        "代码表": (_CODE_HEAD, list(codes)),
    }
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": TITLE, "created": WRITTEN_AS})
        bold = book.add_format({"bold": True, "bg_color": "#BFBFBF", "border": 1})
        for name, (head, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 1)
            sheet.set_column(0, len(head) - 1, 24)
            sheet.autofilter(0, 0, max(len(rows), 1), len(head) - 1)
            for number, row in enumerate((head, *rows)):
                for place, cell in enumerate(row):
                    sheet.write_string(number, place, cell, bold if number == 0 else None)
