import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import read
from tests.feeds.making import column, make_contract, some

WIDTHS = {"ID": 4, "NAME": 6, "PLACE": 8}
COLUMNS = [
    column("id", "ID", first_byte=1, bytes=4),
    column("name", "NAME", first_byte=5, bytes=6),
    column("place", "PLACE", first_byte=11, bytes=8),
]
DELIVERY = {
    "format": "fixed_width",
    "files": "f.txt",
    "encoding": "gb18030",
    "record_bytes": 18,
    "trailer": {"prefix": "TTTT", "digits": 10},
}


def record(*values: str) -> bytes:
    """A record with every value cut to its width in bytes, whatever that does to characters."""
    fields = [v.encode("gb18030")[:w].ljust(w) for v, w in zip(values, WIDTHS.values(), strict=True)]
    return b"".join(fields) + b"\r\n"


def read_bytes(folder, data: bytes, count: int | None):
    contract = make_contract(folder, COLUMNS, DELIVERY)
    trailer = b"" if count is None else f"TTTT{count:010d}\r\n".encode()
    (folder / "f.txt").write_bytes(data + trailer)
    return read(contract, folder)


def rows(raw) -> list[tuple]:
    return raw.frame.select("ID", "NAME", "PLACE", "_line").rows()


def test_widths_are_bytes_and_lines_are_records(tmp_path):
    raw = read_bytes(tmp_path, record("0001", "李小明", "城中路") + record("0002", "JOHN", "a"), 2)
    assert rows(raw) == [("0001", "李小明", "城中路", 1), ("0002", "JOHN", "a", 2)]
    assert raw.declared == raw.delivered == 2 and not raw.cut


@pytest.mark.parametrize("name", ["a李小明", "a𠮷𠮷", "abc𠮷"])
def test_a_character_cut_in_half_is_taken_off_and_told(tmp_path, name):
    raw = read_bytes(tmp_path, record("0001", name, "路") + record("0002", "张三", "路"), 2)
    (_, first, place, _), (_, second, _, _) = rows(raw)
    assert name.startswith(first) and 0 < len(first) < len(name) and "\ufffd" not in first
    assert place == "路" and second == "张三"
    assert raw.cut["NAME"].to_list() == [True, False] and "PLACE" not in raw.cut


def test_bytes_that_mean_nothing_cost_their_row_only(tmp_path):
    bad = b"0002" + b"a\xff\xffb  " + b"place   " + b"\r\n"
    good = b"".join(record(f"{i:04d}", "李", "路") for i in range(3, 6))
    raw = read_bytes(tmp_path, record("0001", "李", "路") + bad + good, 5)
    assert [r[3] for r in rows(raw)] == [1, 3, 4, 5]
    assert raw.scraps.select("_line", "rule").rows() == [(2, "encoding")] and raw.delivered == 5


def test_a_record_of_another_length_costs_itself_only(tmp_path):
    good = b"".join(record(f"{i:04d}", "李", "路") for i in range(3, 6))
    raw = read_bytes(tmp_path, record("0001", "李", "路") + b"0002short\r\n" + good, 5)
    assert raw.scraps.rows() == [("f.txt", 2, "0002short", "record_length")]
    assert [r[0] for r in rows(raw)] == ["0001", "0003", "0004", "0005"]


def test_the_trailer_is_told_as_it_is(tmp_path):
    raw = read_bytes(tmp_path, record("0001", "李", "路"), 2)
    assert (raw.declared, raw.delivered) == (2, 1)


@pytest.mark.parametrize("cut", [1, 10, 17, 25, 40])
def test_a_file_without_its_end_is_refused(tmp_path, cut):
    whole = record("0001", "李", "路") * 3 + b"TTTT0000000003\r\n"
    with pytest.raises(DeliveryProblem) as caught:
        read_bytes(tmp_path, whole[:-cut], None)
    assert caught.value.kind in ("truncated", "trailer_missing")


@pytest.mark.parametrize("end", [b"\r\n", b"\r\n\r\n", b"\x1a", b"\r\n\x1a"])
def test_blank_lines_and_an_old_end_mark_after_the_trailer_are_nothing(tmp_path, end):
    contract = make_contract(tmp_path, COLUMNS, DELIVERY)
    (tmp_path / "f.txt").write_bytes(record("0001", "李", "路") + b"TTTT0000000001\r\n" + end)
    raw = read(contract, tmp_path)
    assert raw.declared == raw.delivered == 1


def test_another_encoding_is_refused_whole(tmp_path):
    data = b"".join(f"{i:04d}李小明城中路一二三\r\n".encode() for i in range(5))
    with pytest.raises(DeliveryProblem) as caught:
        read_bytes(tmp_path, data, 5)
    assert caught.value.kind == "encoding"


def test_no_records_but_a_trailer_is_a_delivery_of_no_rows(tmp_path):
    raw = read_bytes(tmp_path, b"", 0)
    assert raw.delivered == raw.declared == 0


VALUES = st.text(alphabet=st.sampled_from(list("ab1甲乙𠮷䶮")), max_size=8)


@some
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=8))
def test_every_record_comes_back_cut_at_most(tmp_path_factory, values):
    raw = read_bytes(tmp_path_factory.mktemp("d"), b"".join(record(*v) for v in values), len(values))
    assert raw.delivered == len(values) and raw.scraps.is_empty()
    for position, (told, read_back) in enumerate(zip(values, rows(raw), strict=True)):
        for name, text, width, got in zip(WIDTHS, told, WIDTHS.values(), read_back[:3], strict=True):
            fits = len(text.encode("gb18030")) <= width
            assert text.startswith(got) and (got == text or not fits)
            half = not fits and len(got.encode("gb18030")) < width
            assert (name in raw.cut and raw.cut[name][position]) == half


def test_lf_for_cr_lf_is_told_as_line_ends(tmp_path):
    data = (record("0001", "李小明", "城中路") * 3).replace(b"\r\n", b"\n") + b"TTTT0000000003\n"
    with pytest.raises(DeliveryProblem) as caught:
        read_bytes(tmp_path, data, None)
    assert caught.value.kind == "line_ends" and "CR LF" in caught.value.message.en and "LF" in caught.value.message.zh


def test_cr_alone_is_told_as_line_ends(tmp_path):
    data = (record("0001", "李小明", "城中路") * 3).replace(b"\r\n", b"\r")
    for end in (b"", b"\n", b"\r\n"):
        with pytest.raises(DeliveryProblem) as caught:
            read_bytes(tmp_path, data + b"TTTT0000000003\r" + end, None)
        assert caught.value.kind == "line_ends"


def test_some_records_with_lf_alone_are_told_one_by_one(tmp_path):
    one = record("0001", "李小明", "城中路")
    raw = read_bytes(tmp_path, one * 3 + one.replace(b"\r", b""), 4)
    assert len(rows(raw)) == 3 and raw.scraps["rule"].to_list() == ["record_length"]


def test_another_format_is_told(tmp_path):
    with pytest.raises(DeliveryProblem) as caught:
        read_bytes(tmp_path, b"<html><body>\r\n", 0)
    assert caught.value.kind == "other_format"
