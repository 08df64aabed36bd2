"""Parquet, SQLite and GeoJSON."""

import json
import os
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.feeds.land import land_feed
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import columnar, read
from pipelines.feeds.readers import database as reader_of_databases
from tests.feeds.making import DAY, column, deliver, make_contract

COLUMNS = [column("a", "甲"), column("b", "B")]


def kind_of(contract, folder: Path) -> str:
    with pytest.raises(DeliveryProblem) as caught:
        read(contract, folder)
    return caught.value.kind


# ---------------------------------------------------------------- Parquet


def test_partitions_are_read_in_order_and_values_become_text(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, {"format": "parquet", "files": "ym=*/part-*.parquet"})
    for month, rows in (("202610", [3, None]), ("202609", [1])):
        (tmp_path / f"ym={month}").mkdir()
        frame = pl.DataFrame({"B": rows, "甲": ["x"] * len(rows)}).with_columns(pl.col("甲").cast(pl.Categorical))
        frame.write_parquet(tmp_path / f"ym={month}" / "part-0.parquet")
    raw = read(contract, tmp_path)
    assert raw.frame.select("甲", "B", "_file", "_line").rows() == [
        ("x", "1", "ym=202609/part-0.parquet", 1),
        ("x", "3", "ym=202610/part-0.parquet", 1),
        ("x", None, "ym=202610/part-0.parquet", 2),
    ]
    assert raw.added == ()


def test_a_partition_may_be_a_column_of_the_contract(tmp_path):
    contract = make_contract(tmp_path, [column("ym", "ym"), COLUMNS[0]], {"format": "parquet", "files": "*/*.parquet"})
    (tmp_path / "ym=202610").mkdir()
    pl.DataFrame({"甲": ["x"], "新": [1]}).write_parquet(tmp_path / "ym=202610" / "p.parquet")
    raw = read(contract, tmp_path)
    assert raw.frame["ym"].to_list() == ["202610"] and raw.added == ("新",)


@pytest.mark.parametrize("cut", [1, 8, 60])
def test_a_damaged_parquet_is_refused(tmp_path, cut):
    contract = make_contract(tmp_path, COLUMNS, {"format": "parquet", "files": "p.parquet"})
    path = tmp_path / "p.parquet"
    pl.DataFrame({"甲": ["x"] * 99, "B": ["y"] * 99}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert kind_of(contract, tmp_path) == "damaged"


def test_a_parquet_without_a_column_is_refused(tmp_path):
    contract = make_contract(tmp_path, COLUMNS, {"format": "parquet", "files": "p.parquet"})
    pl.DataFrame({"甲": ["x"]}).write_parquet(tmp_path / "p.parquet")
    assert kind_of(contract, tmp_path) == "header_missing"


NO_TEXT = {
    "bytes": pa.array(["甲公司".encode("gbk"), b"b", None], pa.binary()),
    "bytes of a fixed size": pa.array([b"\xb1\xb2", b"ab", None], pa.binary(2)),
    "list": pa.array([["甲"], ["乙"], None], pa.list_(pa.string())),
    "list of a fixed size": pa.array([["甲"], ["乙"], None], pa.list_(pa.string(), 1)),
    "struct": pa.array([{"a": 1}, None, {"a": 2}], pa.struct([("a", pa.int32())])),
    "map": pa.array([[("a", "b")], [], None], pa.map_(pa.string(), pa.string())),
    "duration": pa.array([1, 2, None], pa.duration("us")),
}


def parquet(folder: Path, column_b: pa.Array, *columns):
    contract = make_contract(
        folder, [COLUMNS[0], *(columns or COLUMNS[1:])], {"format": "parquet", "files": "p.parquet"}
    )
    pq.write_table(pa.table({"甲": pa.array(["x"] * len(column_b)), "B": column_b}), folder / "p.parquet")
    return contract


@pytest.mark.parametrize("kind", NO_TEXT)
def test_a_parquet_column_that_is_no_text_refuses_the_file_by_its_name(tmp_path, kind):
    contract = parquet(tmp_path, NO_TEXT[kind])
    with pytest.raises(DeliveryProblem) as caught:
        read(contract, tmp_path)
    assert (caught.value.kind, caught.value.file, caught.value.column) == ("column_type", "p.parquet", "B")
    assert "B" in caught.value.message.zh and "甲公司" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "read_as"),
    [
        (pa.array(["甲".encode(), b"", None], pa.binary()), ["甲", "", None]),
        (pa.array(["甲", "乙", None], pa.large_string()), ["甲", "乙", None]),
        (pa.array(["甲", "乙", None]).dictionary_encode(), ["甲", "乙", None]),
        (pa.array([None, None], pa.null()), [None, None]),
        (pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)), ["1.50", None]),
        (pa.array([True, None], pa.bool_()), ["true", None]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([], pa.list_(pa.string())), None),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_other_types_become_text(tmp_path, values, read_as):
    contract = parquet(tmp_path, values)
    if read_as is None:
        assert kind_of(contract, tmp_path) == "column_type"
    else:
        assert read(contract, tmp_path).frame["B"].to_list() == read_as


MORNING = datetime(2026, 1, 31, 10, 30)
UTC_MORNING = pa.array([MORNING.replace(tzinfo=UTC)], pa.timestamp("ms", "UTC"))


@pytest.mark.parametrize(
    ("values", "kind", "dates", "read_as"),
    [
        (pa.array([date(2026, 1, 31)]), "date", ["ymd"], "20260131"),
        (pa.array([date(2026, 1, 31)], pa.date64()), "date", ["ymd"], "20260131"),
        (pa.array([date(2026, 1, 31)]), "date", ["dashed", "ymd"], "2026-01-31"),
        (pa.array([date(2026, 1, 31)]), "date", ["excel", "dotted"], "2026.01.31"),
        (pa.array([date(2026, 1, 31)]), "timestamp", ["datetime"], "2026-01-31 00:00:00"),
        (pa.array([MORNING], pa.timestamp("ns")), "date", ["ymd"], "20260131"),
        (pa.array([MORNING], pa.timestamp("us")), "timestamp", ["datetime"], "2026-01-31 10:30:00"),
        (pa.array([MORNING], pa.timestamp("us")), "timestamp", ["timestamp"], "20260131103000"),
        (UTC_MORNING, "timestamp", ["datetime"], "2026-01-31 18:30:00"),
        (UTC_MORNING, "timestamp", ["offset"], "2026-01-31T18:30:00+08:00"),
        (pa.array([date(2026, 1, 31)]), "string", [], "2026-01-31"),
    ],
)
def test_dates_of_the_file_s_own_type_are_read_whatever_the_contract_s_form(tmp_path, values, kind, dates, read_as):
    options = {"dates": dates} if dates else {}
    contract = parquet(tmp_path, values, column("b", "B", kind, **options))
    assert read(contract, tmp_path).frame["B"].to_list() == [read_as]


def test_native_dates_reach_the_lake_as_dates(tmp_path, settings, key):
    contract = parquet(tmp_path, pa.array([date(2026, 1, 31), None]), column("b", "B", "date", dates=["ymd"]))
    deliver(settings, "T01", DAY, "001", {"p.parquet": (tmp_path / "p.parquet").read_bytes()})
    (receipt,) = land_feed(settings, contract, key, DAY)
    rows = pl.read_parquet(settings.lake / "T01" / DAY.isoformat() / "001" / "rows.parquet")
    assert rows["b"].to_list() == [date(2026, 1, 31), None] and receipt.rules == {}


def test_a_parquet_that_claims_more_rows_than_can_be_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(columnar, "MAX_VALUES", 10_000)
    contract = make_contract(tmp_path, COLUMNS, {"format": "parquet", "files": "p.parquet"})
    pl.select(pl.repeat("x", 10_000).alias("甲"), pl.repeat("y", 10_000).alias("B")).write_parquet(
        tmp_path / "p.parquet"
    )
    assert kind_of(contract, tmp_path) == "too_large"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty_file"),
        (bytes(4000), "empty_file"),
        ("甲,B\nx,1\n".encode("gbk"), "other_format"),
        (b"PK\x03\x04", "other_format"),
        (b"PARE" + bytes(50), "other_format"),
        (b"\x00\x01\x02PAR1", "damaged"),
    ],
)
@pytest.mark.parametrize("form", ["parquet", "sqlite"])
def test_what_is_another_format_is_told(tmp_path, form, content, kind):
    contract = make_contract(tmp_path / "c", COLUMNS, {"format": form, "files": "d", "table": "V"})
    (tmp_path / "d").write_bytes(content)
    assert kind_of(contract, tmp_path) == kind


def test_a_spark_folder_named_like_the_file_is_told(tmp_path):
    contract = make_contract(tmp_path / "c", COLUMNS, {"format": "parquet", "files": "p.parquet"})
    (tmp_path / "p.parquet").mkdir()
    pl.DataFrame({"甲": ["x"], "B": [1]}).write_parquet(tmp_path / "p.parquet" / "part-00000.parquet")
    assert kind_of(contract, tmp_path) == "no_file"


@pytest.mark.parametrize("form", ["parquet", "sqlite"])
def test_a_table_whose_name_is_in_gbk_is_read(tmp_path, form):
    contract = make_contract(tmp_path / "c", COLUMNS, {"format": form, "files": "企业?.*", "table": "V"})
    plain = tmp_path / "plain"
    if form == "parquet":
        pl.DataFrame({"甲": ["x"], "B": [1]}).write_parquet(plain)
    else:
        connection = sqlite3.connect(plain)
        connection.execute('create table V as select 1 as "甲", 2 as B')
        connection.commit()
        connection.close()
    os.rename(os.fsencode(plain), os.fsencode(tmp_path) + b"/" + "企业%.db".encode("gbk"))  # noqa: PTH104
    assert read(contract, tmp_path).frame["_file"].to_list() == ["企业%.db"]


# ---------------------------------------------------------------- SQLite


def database(folder: Path, create: str, rows: list[tuple]):
    contract = make_contract(folder, COLUMNS, {"format": "sqlite", "files": "d.db", "table": "V"})
    connection = sqlite3.connect(folder / "d.db")
    connection.execute(create)
    connection.executemany(f"insert into V values ({','.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return contract


def test_a_table_is_read_whole_whatever_its_values_hold(tmp_path):
    values = [("x", "1"), (None, ""), ("a\x1fb", "2\n3"), ("𠮷'\"", 4), ("y", 0.5)]
    contract = database(tmp_path, 'create table V ("甲" text, B)', values)
    raw = read(contract, tmp_path)
    assert raw.frame.select("甲", "B", "_line").rows() == [
        ("x", "1", 1), ("", "", 2), ("a\x1fb", "2\n3", 3), ("𠮷'\"", "4", 4), ("y", "0.5", 5)
    ]  # fmt: skip
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("d.db")] == ["d.db"], "no journal beside a delivery"


def test_tables_and_columns_must_be_there(tmp_path):
    contract = database(tmp_path, 'create table V ("甲" text, C)', [("x", "1")])
    assert kind_of(contract, tmp_path) == "header_missing"
    connection = sqlite3.connect(tmp_path / "d.db")
    connection.execute("drop table V")
    connection.commit()
    connection.close()
    assert kind_of(contract, tmp_path) == "sheet_missing"


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_damaged_database_is_refused(tmp_path, damage):
    contract = database(tmp_path, 'create table V ("甲" text, B)', [("x" * 50, "1")] * 2000)
    path = tmp_path / "d.db"
    path.write_bytes(b"not a database " * 400 if damage == "text" else path.read_bytes()[: path.stat().st_size // 2])
    assert kind_of(contract, tmp_path) == ("other_format" if damage == "text" else "damaged")


def test_bytes_that_are_no_text_cost_their_row(tmp_path):
    values = [("x", "1"), ("甲".encode("gbk"), "2"), (b"\x00\x01", "3"), ("a\x1fb", "4"), ("y\x00z", "5")]
    contract = database(tmp_path, 'create table V ("甲" text, B)', values)
    raw = read(contract, tmp_path)
    assert raw.frame.select("甲", "B", "_line").rows() == [
        ("x", "1", 1), ("\x00\x01", "3", 3), ("a\x1fb", "4", 4), ("y\x00z", "5", 5)
    ]  # fmt: skip
    assert raw.scraps.select("_line", "rule").rows() == [(2, "encoding")] and raw.delivered == 5


def test_tables_without_row_numbers_and_views_are_read(tmp_path):
    contract = database(tmp_path, 'create table V ("甲" text primary key, B) without rowid', [("b", 1), ("a", 2)])
    assert read(contract, tmp_path).frame["甲"].to_list() == ["a", "b"]
    connection = sqlite3.connect(tmp_path / "d.db")
    connection.execute("alter table V rename to T")
    connection.execute("create view V as select * from T")
    connection.commit()
    connection.close()
    assert read(contract, tmp_path).frame["甲"].to_list() == ["a", "b"]


def test_a_view_without_end_is_stopped(tmp_path, monkeypatch):
    contract = database(tmp_path, 'create table T ("甲" text, B)'.replace("T ", "V "), [("b", 1)])
    connection = sqlite3.connect(tmp_path / "d.db")
    connection.execute("drop table V")
    connection.execute(
        'create view V as with recursive n("甲", B) as (select 1, 1 union all select "甲" + 1, 1 from n) '
        'select * from n where "甲" < 0'
    )
    connection.commit()
    connection.close()
    monkeypatch.setattr(reader_of_databases, "SECONDS", 0.05)
    monkeypatch.setattr(reader_of_databases, "_STEPS", 1_000)
    assert kind_of(contract, tmp_path) == "limits"


# ---------------------------------------------------------------- GeoJSON

POINTS = [column("id", "id"), column("lon", "geometry[0]"), column("lat", "geometry[1]")]


def feature(identity: str, point, **properties):
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": point},
        "properties": {"id": identity, **properties},
    }


def features(folder: Path, content: bytes):
    contract = make_contract(folder, POINTS, {"format": "geojson", "files": "f.geojson"})
    (folder / "f.geojson").write_bytes(content)
    return contract


def collection(*items) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(items)}, ensure_ascii=False).encode()


def test_points_become_rows_and_shapeless_features_are_set_aside(tmp_path):
    content = collection(
        feature("一", [121.1, 31.15]), feature("二", None), {"type": "Feature"}, feature("四", [1, 2, 3], x=[1])
    )
    raw = read(features(tmp_path, content), tmp_path)
    assert raw.frame.select("id", "geometry[0]", "geometry[1]", "_line").rows() == [
        ("一", "121.1", "31.15", 1), ("四", "1", "2", 4)
    ]  # fmt: skip
    assert raw.scraps.select("_line", "rule").rows() == [(2, "feature"), (3, "feature")]
    assert raw.delivered == 4 and raw.added == ("x",)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (collection(feature("一", [1, 2]))[:-3], "truncated"),
        (b"[]", "damaged"),
        (b'{"features": 3}', "damaged"),
        (collection(feature("李小明", [1, 2])).decode().encode("gb18030"), "encoding"),
        (b"[" * 100_000, "truncated"),
    ],
)
def test_what_is_no_collection_is_refused(tmp_path, content, kind):
    assert kind_of(features(tmp_path, content), tmp_path) == kind


def test_an_empty_collection_is_a_delivery_of_no_rows(tmp_path):
    assert read(features(tmp_path, collection()), tmp_path).delivered == 0


@pytest.mark.parametrize(
    ("value", "read_as"),
    [(r'"x\ud83d"', "x\ufffd"), ("NaN", None), ('{"a":1,"a":2}', '{"a": 2}')],
)
def test_odd_properties_cost_their_feature_at_most(tmp_path, value, read_as):
    contract = make_contract(tmp_path, COLUMNS, {"format": "geojson", "files": "f.geojson"})
    point = '{"type":"Feature","geometry":{"type":"Point","coordinates":[121,31]},"properties":{"甲":@,"B":"1"}}'
    body = '{"type":"FeatureCollection","features":[' + ",".join(point.replace("@", v) for v in ('"a"', value)) + "]}"
    (tmp_path / "f.geojson").write_text(body)
    raw = read(contract, tmp_path)
    assert raw.delivered == 2 and raw.frame["甲"][0] == "a"
    assert raw.frame["甲"].to_list() == ["a", read_as] and raw.mended == (read_as == "x\ufffd")


def test_a_partition_in_gbk_is_read(tmp_path):
    delivery = {"format": "parquet", "files": "*/*.parquet"}
    contract = make_contract(tmp_path / "c", [column("ym", "年"), COLUMNS[0]], delivery)
    place = os.fsencode(tmp_path) + "/年=十月".encode("gbk")
    os.mkdir(place)  # noqa: PTH102 - a name that is no text
    pl.DataFrame({"甲": ["x"]}).write_parquet(tmp_path / "p.parquet")
    os.rename(os.fsencode(tmp_path / "p.parquet"), place + b"/p.parquet")  # noqa: PTH104
    assert read(contract, tmp_path).frame.select("年", "_file").rows() == [("十月", "年=十月/p.parquet")]
