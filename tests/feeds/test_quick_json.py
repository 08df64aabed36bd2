"""What DuckDB reads of regular JSON is what Python reads of it, to the character; what is not regular is left alone."""

import json
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.feeds import readers
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import quick_json
from tests.feeds.making import column, few, make_contract

COLUMNS = [
    column("number", "no"),
    column("state", "archive.status"),
    column("illnesses", "ill[].code", "array", separators="、"),
    column("control", "ill[code=ht|I10].control"),
    column("tags", "tags[]", "array", separators="|"),
]
DELIVERIES = {"lines": {"format": "json_lines", "files": "f.json"}, "array": {"format": "json", "files": "f.json"}}
OBJECT = {
    "no": 123456789012345678,
    "archive": {"status": 'say "ok"\n'},
    "ill": [{"code": "dm"}, {"code": "I10", "control": "good"}],
    "tags": ["a", None, "", "b", True, 1.50],
}

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=4) | st.sampled_from(["true", "null", "1", "[]"])
scalars = (
    st.none() | st.booleans() | texts | st.integers(-(10**25), 10**25) | st.floats() | st.sampled_from([1e22, 1e-5])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
regular = st.fixed_dictionaries(
    {"no": scalars},
    optional={
        "archive": st.none() | st.fixed_dictionaries({}, optional={"status": scalars}),
        "ill": st.lists(
            st.fixed_dictionaries({}, optional={"code": st.sampled_from(["dm", "I10", "ht"]), "control": scalars}),
            max_size=3,
        ),
        "tags": st.none() | st.lists(scalars, max_size=3),
        "more": anything,
    },
)
odd = st.dictionaries(st.sampled_from(["no", "archive", "ill", "tags", "No"]), anything, max_size=4) | anything


def written(objects: list, form: str, change=lambda body: body) -> bytes:
    if form == "array":
        body = json.dumps(objects, ensure_ascii=False)
    else:
        body = "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects)
    return change(body.encode())


def outcome(folder: Path, form: str):
    """Everything a reader says of the file, or the problem it has with it."""
    contract = make_contract(folder / "contract", COLUMNS, DELIVERIES[form])
    try:
        raw = readers.read(contract, folder)
    except DeliveryProblem as problem:
        return problem.kind, problem.file, problem.line, problem.column
    return raw.frame.rows(), raw.scraps.rows(), raw.added, raw.structural


def both(data: bytes, form: str):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "f.json").write_bytes(data)
        with patch.object(quick_json, "WORTH_BYTES", 0):
            quick = outcome(folder, form)
        with patch.object(quick_json, "read", return_value=None):
            return quick, outcome(folder, form)


@few
@given(st.lists(regular, max_size=4), st.sampled_from(["lines", "array"]))
@example([OBJECT, OBJECT | {"archive": None}, {"no": "x"}], "lines")
@example([OBJECT, {"no": -0.0, "tags": []}, {"no": float("inf")}], "array")
def test_regular_files_are_read_alike(objects, form):
    quick, slow = both(written(objects, form), form)
    assert quick == slow


@few
@given(st.lists(regular | odd, max_size=4), st.sampled_from(["lines", "array"]))
@example([OBJECT, None, {}], "array")
@example([OBJECT, {"ill": [[{"code": "I10"}]]}, {"tags": {"a": 1}}], "lines")
def test_odd_objects_are_read_alike(objects, form):
    quick, slow = both(written(objects, form), form)
    assert quick == slow


@few
@given(
    st.lists(regular, min_size=1, max_size=3),
    st.sampled_from(["lines", "array"]),
    st.integers(0, 10_000),
    st.sampled_from(
        [b"", b",", b"}", b"]", b"{", b"\n", b"\n\n", b" ", b'"', b"\\", b"\xff", b"\x00", b"\xef\xbb\xbf"]
    ),
    st.integers(0, 3),
)
def test_damaged_files_are_read_alike(objects, form, at, put, gone):
    def damage(body: bytes) -> bytes:
        place = at % (len(body) + 1)
        return body[:place] + put + body[place + gone :]

    quick, slow = both(written(objects, form, damage), form)
    assert quick == slow


@pytest.mark.parametrize(
    "body",
    [
        b'{"no": "\\ud83d"}\n',
        b'{"no": 1, "beyond": "\\ud83d"}\n',
        b'{"no": 1, "beyond\\ude00": 2}\n',
        b'{"no": NaN}\n',
        b'{"no": -Infinity, "tags": [NaN, 1]}\n',
        b'{"no": 1, "no": 2}\n',
        b'{"no": 1,}\n',
        b'{"no": 1} {"no": 2}\n',
        b'\n{"no": 1}\n',
        b'{"no": 1}\n\n{"no": 2}\n',
        b'{"no": 1}\r\n{"no": 2}\r\n',
        b'{"no": NaN}\n',
        b'{"no": 1e400}\n{"no": -0}\n{"no": 1E2}\n{"no": 1.10}\n',
        b"null\n",
        b"",
    ],
)
def test_what_json_does_not_settle_is_read_alike(body):
    quick, slow = both(body, "lines")
    assert quick == slow


@pytest.mark.parametrize("form", ["lines", "array"])
def test_regular_files_do_not_go_through_python(tmp_path, form, monkeypatch):
    (tmp_path / "f.json").write_bytes(written([OBJECT, OBJECT | {"no": None, "more": 1}], form))
    monkeypatch.setattr(quick_json, "WORTH_BYTES", 0)
    monkeypatch.setattr("pipelines.feeds.readers.nested._read_objects", None)
    rows, scraps, added, _ = outcome(tmp_path, form)
    assert rows[0][:5] == ("123456789012345678", 'say "ok"\n', "dm、I10", "good", "a|b|1|1.5")
    assert [row[-2:] for row in rows] in ([("f.json", 1), ("f.json", 2)], [(1, "f.json"), (2, "f.json")])
    assert scraps == [] and added == ("more",)
