"""Specifications are read as they look, and every refusal names its line."""

import pytest

from pipelines.indices.document import parse_document, resolve_scalar
from pipelines.indices.problems import SpecError


@pytest.mark.parametrize(
    ("text", "value"),
    [("NO", "NO"), ("yes", "yes"), ("on", "on"), ("12:30", "12:30"), ("1e-3", 0.001), ("007", "007"), ("-1", -1),
     ("0.60", 0.6), ("3/5", "3/5"), ("~", None), ("2026-10-31", "2026-10-31"), ("true", True),
     ("1_000", "1_000"), ("nan", "nan")],
)  # fmt: skip
def test_scalars_mean_what_they_look_like(text, value):
    assert resolve_scalar(text) == value
    assert parse_document(f"key: {text}").value == {"key": value}


def test_quoted_text_stays_text():
    assert parse_document("a: '1'\nb: \"true\"").value == {"a": "1", "b": "true"}


def test_lines_are_kept_for_every_path():
    document = parse_document("a: 1\nrows:\n  - {code: x}\n  - code: y\n    deep:\n      more: 2\n")
    assert document.line(("rows", 1, "deep", "more")) == 6
    assert document.line(("rows", 0, "code")) == 3
    assert document.line(("rows", 1, "unknown")) == 4


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [("a: 1\na: 2", 2, "stands twice"), ("a: &x [1]\nb: *x", 2, "aliases"), ("a: [1", 2, "not valid YAML"),
     ("", 0, "empty"),
     ("? [a]\n: 1", 1, "plain text")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(text, line, words):
    with pytest.raises(SpecError) as caught:
        parse_document(text, "x.yml")
    problem = caught.value.problems[0]
    assert problem.line == line
    assert words in problem.message
