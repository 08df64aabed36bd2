import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds import readers
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.nested import steps
from tests.feeds.making import column, few, make_contract

COLUMNS = [
    column("number", "no"),
    column("state", "archive.status"),
    column("illnesses", "ill[].code", "array", separators="、"),
    column("control", "ill[code=ht|I10].control"),
    column("tags", "tags[]", "array", separators="|"),
]
LINES = {"format": "json_lines", "files": "f.jsonl"}
ARRAY = {"format": "json", "files": "*.json"}
OBJECT = {
    "no": 123456789012345678,
    "archive": {"status": "ok"},
    "ill": [{"code": "dm"}, {"code": "I10", "control": "good"}],
    "tags": ["a", None, "b"],
}


def read(folder, delivery, files):
    contract = make_contract(folder / "contract", COLUMNS, delivery)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return readers.read(contract, folder)


def lines(*objects) -> bytes:
    return "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects).encode()


def test_paths_reach_objects_lists_and_the_entry_asked_for(tmp_path):
    raw = read(tmp_path, LINES, {"f.jsonl": lines(OBJECT)})
    row = raw.frame.row(0, named=True)
    assert (row["no"], row["archive.status"], row["tags[]"]) == ("123456789012345678", "ok", "a|b")
    assert (row["ill[].code"], row["ill[code=ht|I10].control"]) == ("dm、I10", "good")


def test_what_is_missing_on_the_way_is_empty_and_a_broken_line_is_a_scrap(tmp_path):
    odd = {"no": None, "archive": "x", "ill": None, "tags": "alone"}
    body = lines(OBJECT, odd) + b'{"no": 1, "arch\n' + b"[1]\n" + b"\n" + lines(OBJECT)
    raw = read(tmp_path, LINES, {"f.jsonl": body})
    assert raw.frame["_line"].to_list() == [1, 2, 6]
    assert raw.frame.row(1, named=True)["tags[]"] == "alone"
    assert raw.frame.select("no", "archive.status", "ill[].code").row(1) == (None, None, None)
    assert raw.scraps.select("_line", "rule").rows() == [(3, "object"), (4, "object")]
    assert raw.delivered == 5


def test_arrays_count_their_objects_file_by_file(tmp_path):
    files = {"a.json": json.dumps([OBJECT, OBJECT, 7]).encode(), "b.json": json.dumps([OBJECT]).encode()}
    raw = read(tmp_path, ARRAY, files)
    assert raw.frame.select("_file", "_line").rows() == [("a.json", 1), ("a.json", 2), ("b.json", 1)]
    assert raw.scraps.select("_file", "_line").rows() == [("a.json", 3)]


@pytest.mark.parametrize(
    ("delivery", "content", "kind"),
    [
        (LINES, lines({**OBJECT, "tagz": 1} | {}).replace(b'"archive"', b'"archiv"'), "header_missing"),
        (LINES, lines(OBJECT)[:-5], "truncated"),
        (LINES, b"\xff\xfe{}\n", "encoding"),
        (ARRAY, json.dumps([OBJECT]).encode()[:-9], "truncated"),
        (ARRAY, b"[" * 100_000, "truncated"),
        (ARRAY, b'{"no": 1}', "damaged"),
    ],
)
def test_files_that_cannot_be_used_say_why(tmp_path, delivery, content, kind):
    name = "f.jsonl" if delivery is LINES else "f.json"
    with pytest.raises(DeliveryProblem) as caught:
        read(tmp_path, delivery, {name: content})
    assert caught.value.kind == kind


def test_names_beyond_the_contract_are_told(tmp_path):
    assert read(tmp_path, LINES, {"f.jsonl": lines(OBJECT | {"more": 1})}).added == ("more",)


@few
@given(st.text(alphabet="ab.[]=|", max_size=12))
def test_a_path_is_read_whole_or_refused(path):
    try:
        found = steps(path)
    except ValueError:
        return
    assert (found == []) == (path == "")
    assert all(name and name in path for name, *_ in found)


def test_compressed_parts_are_read_as_one_and_damage_is_met(tmp_path):
    delivery = {"format": "delimited", "files": "p*.csv.gz", "compression": "gzip"}
    contract = make_contract(tmp_path / "contract", [column("a", "A")], delivery)
    (tmp_path / "p1.csv.gz").write_bytes(gzip.compress(b"A\n1\n"))
    (tmp_path / "p2.csv.gz").write_bytes(gzip.compress(b"A\n2\n3\n"))
    raw = readers.read(contract, tmp_path)
    assert raw.frame.select("A", "_file", "_line").rows() == [
        ("1", "p1.csv.gz", 2), ("2", "p2.csv.gz", 2), ("3", "p2.csv.gz", 3)
    ]  # fmt: skip
    for content, kind in ((gzip.compress(b"A\n2\n")[:-9], "truncated"), (b"A\n1\n", "other_format")):
        (tmp_path / "p2.csv.gz").write_bytes(content)
        with pytest.raises(DeliveryProblem) as caught:
            readers.read(contract, tmp_path)
        assert caught.value.kind == kind


def test_delimiters_in_the_last_column_stay_there(tmp_path):
    delivery = {"format": "delimited", "files": "f.txt", "delimiter": "|", "surplus_to_last": True}
    contract = make_contract(tmp_path / "contract", [column("a", "A"), column("b", "B")], delivery)
    (tmp_path / "f.txt").write_bytes("\ufeffA|B\n1|x|y|z\n2|\n3\n".encode())
    raw = readers.read(contract, tmp_path)
    assert raw.frame.select("A", "B").rows() == [("1", "x｜y｜z"), ("2", "")]
    assert raw.scraps["_line"].to_list() == [4]
