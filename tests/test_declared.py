"""Declaration files: what would stop a run, fill the memory or hide from a reader is refused with its file and line."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipelines.declared import DeclarationFault, Line, parse_yaml, read_yaml, unseen

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (BOMB, 2, "aliases"),
        ("a:\n  " + "[" * 500 + "]" * 500, 2, "nested"),
        ("\n".join(f"{' ' * n}k:" for n in range(60)), 41, "nested"),
        ("a: 1\nb: 2\na: 3\n", 3, "stands twice"),
        ("a: 1\nb:\n  - x: 1\n    x: 2\n", 4, "stands twice"),
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("name: 独居\u202e老人\n", 1, "U+202E"),
        ("a: 1\nname: 独居\u200b老人\n", 2, "U+200B"),
        ("a: 1\nname: x\x1b[2J\n", 2, "U+001B"),
        ("a: 1\nname: x\u2028y\n", 2, "U+2028"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() and len(value) < 20 else "",
)
def test_a_hostile_file_is_refused_at_its_line(tmp_path: Path, text: str, line: int, told: str) -> None:
    path = tmp_path / "a.yml"
    path.write_text(text, encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(DeclarationFault, match=r"a\.yml, line") as caught:
        read_yaml(path)
    assert caught.value.line == line and told in str(caught.value)
    assert time.monotonic() - began < 5


def test_what_is_no_plain_file_of_text_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe, folder, large, bytes_ = (tmp_path / name for name in ("pipe", "folder", "large", "bytes"))
    os.mkfifo(pipe)
    folder.mkdir()
    with large.open("wb") as file:
        file.truncate(40_000_000_000)
    bytes_.write_bytes("a: 1\nb: 中".encode("gb18030"))
    for path, told in ((pipe, "no plain file"), (folder, "no plain file"), (large, "at most"), (bytes_, "UTF-8")):
        with pytest.raises(DeclarationFault, match=told):
            read_yaml(path)
    with pytest.raises(FileNotFoundError):
        read_yaml(tmp_path / "nothing")


def test_what_is_right_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes("\ufeff名: [1, 二]\n说明: |\n  一行\n  两行\t尾\n".encode())
    assert read_yaml(path) == {"名": [1, "二"], "说明": "一行\n两行\t尾\n"}
    path.write_text("")
    assert read_yaml(path) is None


@given(st.text(max_size=20))
def test_whatever_text_comes_it_is_read_or_refused(text: str) -> None:
    try:
        parse_yaml(text, Path("x.yml"))
    except DeclarationFault as fault:
        assert fault.line >= 1 and "x.yml" in str(fault)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\tb", "a\u200db", "a\u2066b", "\ufeffa", "a\x00", "a\u0085b"])
def test_a_line_is_one_line_that_shows_what_it_is(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Line).validate_python(text)
    assert TypeAdapter(Line).validate_python("独居老人 A（1）·") and not unseen("𠮷㐂䶮")
