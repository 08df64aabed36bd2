import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds import readers
from pipelines.feeds.land import land_feed
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.nested import steps
from tests.feeds.making import DAY, column, deliver, few, make_contract

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


# ---------------------------------------------------------------- what apps and exporters write that is no JSON, quite

HALVES = {
    r"H\ud83d": "H\ufffd",
    r"\ude00H": "\ufffdH",
    r"\ud83d\ud83d\ude00": "\ufffd😀",
    r"\ude00\ud83d": "\ufffd\ufffd",
    r"\uD83D\uDE00": "😀",
    r"\\ud83d": r"\ud83d",
    r"\\\ud83d": "\\\ufffd",
    r"\n\ud83dA": "\n\ufffdA",
    r"\ud83d\u4e00": "\ufffd一",
}


@pytest.mark.parametrize("form", ["lines", "array"])
@pytest.mark.parametrize("written", HALVES)
def test_half_a_character_is_replaced_and_the_rest_is_read(tmp_path, form, written):
    whole, half = json.dumps(OBJECT), json.dumps(OBJECT).replace('"ok"', f'"{written}"')
    if form == "lines":
        raw = read(tmp_path, LINES, {"f.jsonl": f"{whole}\n{half}\n".encode()})
    else:
        raw = read(tmp_path, ARRAY, {"f.json": f"[{whole},\n{half}]".encode()})
    assert raw.frame["archive.status"].to_list() == ["ok", HALVES[written]]
    assert raw.mended == ("\ufffd" in HALVES[written])


@pytest.mark.parametrize("place", ["name", "list", "beyond", "key beyond", "no object"])
def test_half_a_character_anywhere_in_an_object(tmp_path, place):
    line = {
        "name": json.dumps(OBJECT | {"tags": ["@"]}),
        "list": json.dumps(OBJECT | {"tags": ["a", "@", "b"]}),
        "beyond": json.dumps(OBJECT | {"new": {"deep": ["@"]}}),
        "key beyond": json.dumps(OBJECT | {"@": 1}),
        "no object": '["@"]',
    }[place].replace("@", r"\ud83d")
    raw = read(tmp_path, LINES, {"f.jsonl": lines(OBJECT) + line.encode() + b"\n"})
    assert raw.delivered == 2 and raw.scraps.height == (place == "no object")
    # Strangers' names are told as they can be printed.
    assert "".join(raw.added).isprintable()
    json.dumps(raw.added, ensure_ascii=False).encode()


def test_a_row_with_half_a_character_is_flagged_or_held(tmp_path, settings, key):
    columns = [column("number", "no"), column("state", "archive.status"), column("name", "name", role="name")]
    columns[0] |= {"required": True, "primaryKey": True}
    contract = make_contract(tmp_path / "c", columns, LINES)
    objects = [
        {"no": "1", "archive": {"status": "ok"}, "name": "王芳"},
        {"no": "2", "archive": {"status": "o@"}, "name": "王芳"},
        {"no": "3", "archive": {"status": "ok"}, "name": "王@"},
        {"no": "4@", "archive": {"status": "ok"}, "name": "王芳"},
    ]
    deliver(settings, "T01", DAY, "001", {"f.jsonl": lines(*objects).replace(b"@", rb"\ud840")})
    (receipt,) = land_feed(settings, contract, key, DAY)
    assert (receipt.accepted, receipt.quarantined) == (3, 1)
    assert receipt.rules == {"T01.number.rare_char": 1, "T01.state.rare_char": 1, "T01.name.rare_char": 1}


@pytest.mark.parametrize("form", ["lines", "array"])
def test_documents_too_deep_cost_their_row_or_file_and_no_more(tmp_path, form):
    outcomes = set()
    for depth in (3, 400, 900, 960, 990, 1_100, 100_000):
        folder = tmp_path / f"{form}{depth}"
        deep = json.dumps(OBJECT | {"archive": {"status": "@"}}).replace('"@"', "[" * depth + "]" * depth)
        many = {"f.jsonl": lines(OBJECT) + deep.encode() + b"\n"}
        files = many if form == "lines" else {"f.json": f"[{deep}]".encode()}
        folder.mkdir()
        try:
            raw = read(folder, LINES if form == "lines" else ARRAY, files)
            outcomes.add(raw.scraps.height)
            assert raw.delivered == (2 if form == "lines" else 1)
        except DeliveryProblem as problem:
            outcomes.add(problem.kind)
    assert outcomes <= {0, 1, "truncated"} and len(outcomes) > 1


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("NaN", None),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e999", "Infinity"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-0", "0"),
        ("1E400", "Infinity"),
        ('{"a": NaN}', '{"a": NaN}'),
    ],
)
def test_numbers_that_are_none_in_the_standard(tmp_path, written, read_as):
    line = json.dumps(OBJECT).replace('"ok"', written)
    raw = read(tmp_path, LINES, {"f.jsonl": line.encode() + b"\n"})
    assert raw.frame["archive.status"].to_list() == [read_as]


def test_numbers_of_thousands_of_digits_cost_their_row(tmp_path):
    line = json.dumps(OBJECT).replace('"ok"', "9" * 5_000)
    raw = read(tmp_path, LINES, {"f.jsonl": lines(OBJECT) + line.encode() + b"\n"})
    assert (raw.frame.height, raw.scraps["rule"].to_list()) == (1, ["object"])


def test_of_a_key_said_twice_the_last_counts(tmp_path):
    line = json.dumps(OBJECT).replace('"no"', '"no": "first", "no"')
    assert read(tmp_path, LINES, {"f.jsonl": line.encode() + b"\n"}).frame["no"].to_list() == ["123456789012345678"]


@pytest.mark.parametrize("ends", ["\r", "\r\n"])
def test_lines_may_end_in_cr(tmp_path, ends):
    body = (lines(OBJECT) * 2).decode().replace("\n", ends)
    assert read(tmp_path, LINES, {"f.jsonl": body.encode()}).frame["_line"].to_list() == [1, 2]


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html><body>login</body></html>\n", b"PK\x03\x04rest\n"])
def test_another_format_is_told(tmp_path, content):
    with pytest.raises(DeliveryProblem) as caught:
        read(tmp_path, LINES, {"f.jsonl": content})
    assert caught.value.kind == "other_format"
