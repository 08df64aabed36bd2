"""Parquet, SQLite and GeoJSON."""

import json
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import read
from tests.feeds.making import column, make_contract

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
