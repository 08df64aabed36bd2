"""The dictionary's three forms, tried with words that want to be something else. What it covers: tests/end_to_end."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
from markdown_it import MarkdownIt

from pipelines.releases.datasets import Dataset, Field
from pipelines.releases.dictionary import HERE, column_row, dataset_row, write

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "a|b\nc",
    "[x](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "&lt;b&gt;",
    "`code` **bold** _it_ ~~gone~~",
    "\\",
    "</td></table>",
    "<https://example.org>",
    "https://example.org",
]


def made_of(word: str) -> Dataset:
    """A data set all of whose words are one."""
    field = Field(word, word, word, word + "!", "internal", True, (word,), word, word, word, word)
    return Dataset(
        name=word,
        contract="",
        **dict.fromkeys(("title", "description", "purpose", "legal_basis", "owner", "audience", "cadence"), word),
        freshness_hours=1,
        sensitivity="internal",
        fields=(field,),
        schema="subjects",
        kind="view",
    )


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


@pytest.fixture(scope="module", params=HOSTILE)
def made(request, tmp_path_factory) -> tuple[Dataset, Path]:
    folder = tmp_path_factory.mktemp("dictionary")
    dataset = made_of(request.param)
    write([dataset], [(request.param,) * 4], folder)
    return dataset, folder / "dictionary"


def test_words_stay_words_on_the_page(made):
    dataset, folder = made
    seen, plain = _Seen(), _Seen()
    seen.feed((folder / "index.html").read_text("utf-8"))
    write([made_of("plain")], [("plain",) * 4], folder.parent / "plain")
    plain.feed((folder.parent / "plain" / "dictionary" / "index.html").read_text("utf-8"))
    assert seen.tags == plain.tags and seen.attributes == plain.attributes
    assert seen.addresses == ["#d0"]
    assert {*dataset_row(dataset), *column_row(dataset, dataset.fields[0])} - {""} <= set(seen.cells)


def test_words_stay_words_in_markdown(made):
    dataset, folder = made
    text = (folder / "dictionary.md").read_text("utf-8")
    rendered = _Seen()
    rendered.feed(MarkdownIt("commonmark").enable("table").render(text))
    assert not {"script", "img", "a", "code", "strong", "em"} & set(rendered.tags)
    # Three tables, and every row as many cells as its head.
    assert rendered.tags.count("table") == 3
    assert rendered.tags.count("td") == len(dataset_row(dataset)) + len(column_row(dataset, dataset.fields[0])) + 4
    told = " ".join("".join(rendered.cells).split())
    assert " ".join(dataset.title.split()) in told


def test_words_stay_words_in_the_workbook(made):
    dataset, folder = made
    book = openpyxl.load_workbook(folder / "dictionary.xlsx")
    assert book.sheetnames == ["数据集", "字段", "代码表"]
    rows = list(book["字段"].iter_rows(min_row=2))
    assert [cell.value or "" for cell in rows[0]] == [dataset.name, *column_row(dataset, dataset.fields[0])]
    assert all(cell.data_type == "s" for sheet in book for row in sheet.iter_rows() for cell in row if cell.value)
    assert not any(cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row)


def test_what_is_restricted_is_left_out(tmp_path):
    hidden = replace(made_of("t99"), sensitivity="restricted")
    write([hidden, made_of("plain")], [], tmp_path)
    for name in ("index.html", "dictionary.md"):
        assert "t99" not in (tmp_path / "dictionary" / name).read_text("utf-8")
    assert openpyxl.load_workbook(tmp_path / "dictionary" / "dictionary.xlsx")["字段"].max_row == 2


def test_what_comes_from_no_feed_says_so():
    dataset = replace(made_of("x"), fields=(replace(made_of("x").fields[0], feeds=()),))
    assert HERE in column_row(dataset, dataset.fields[0]) and HERE in dataset_row(dataset)
    indirect = replace(dataset, also_from=("F02", "F01"))
    assert "F01 F02" in column_row(indirect, indirect.fields[0]) and "F01 F02" in dataset_row(indirect)
