import shutil
from datetime import timedelta

import duckdb
import pytest
import yaml

from pipelines.feeds import lake, staging
from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.judge import judge
from pipelines.feeds.land import land_feed
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, deliver, document, make_contract, rule, write_contract

CSV = {"format": "delimited", "files": "f.csv", "volume": {"slack_rows": 100}}
COLUMNS = [
    column("thing_id", "编号", role="key", domain="thing", required=True, primaryKey=True),
    column("person", "证号", role="identity", keep=["id", "masked", "birth_on", "was_15"]),
    column("day_on", "日期", "date"),
    column("size_m2", "面积", "number", digits=10, decimals=2),
    column("count", "数", "integer"),
    column("is_on", "是否", "boolean"),
    column("words", "词", "array", separators="、", codes={"values": ["甲", "乙"]}),
    column("op", "操作", codes={"values": ["A", "U", "D"]}),
]
HEADER = "编号,证号,日期,面积,数,是否,词,操作\n"


def csv(*rows: str) -> dict[str, bytes]:
    return {"f.csv": (HEADER + "".join(row + "\n" for row in rows)).encode()}


def connect(settings: Settings, contract: Contract, statuses, as_of=DAY):
    connection = duckdb.connect()
    lake.register(connection, settings, {contract.feed: contract}, statuses, as_of)
    return connection


def landed(settings: Settings, contract: Contract, key, as_of=DAY):
    return judge(contract, land_feed(settings, contract, key, as_of), [], as_of)


def test_a_feed_without_deliveries_is_an_empty_view_of_the_right_types(settings, tmp_path, key):
    contract = make_contract(tmp_path, COLUMNS, CSV)
    empty = connect(settings, contract, [])
    described = {row[0]: row[1] for row in empty.execute("describe lake.t01").fetchall()}
    assert described == lake.sql_types(contract)
    assert empty.execute("select count(*) from lake.t01").fetchall() == [(0,)]
    assert empty.execute("select * from lake.feed_status").fetchall() == [("T01", False, True, None, 0)]
    assert empty.execute("select * from run.context").fetchall() == [(DAY,)]
    deliver(settings, "T01", DAY, "001", csv(f"1,{citizen(1)},20260101,12.5,3,是,甲、乙,A"))
    full = connect(settings, contract, landed(settings, contract, key))
    assert {row[0]: row[1] for row in full.execute("describe lake.t01").fetchall()} == described


def test_values_arrive_as_they_were_meant(settings, tmp_path, key):
    contract = make_contract(tmp_path, COLUMNS, CSV)
    deliver(settings, "T01", DAY, "001", csv(f"1,{citizen(1)},20260101,12.5,3,是,乙、甲,A", "2,,,,,,,"))
    connection = connect(settings, contract, landed(settings, contract, key))
    rows = connection.execute(
        "select day_on::varchar, size_m2::varchar, count, is_on, words, _line, _file, _delivery, _business_on "
        "from lake.t01 order by _line"
    ).fetchall()
    assert rows[0] == ("2026-01-01", "12.50", 3, True, ["乙", "甲"], 2, "f.csv", "001", DAY)
    assert rows[1][:5] == (None, None, None, None, None)


def test_only_what_is_in_use_is_seen(settings, tmp_path, key):
    contract = make_contract(tmp_path, COLUMNS, CSV)
    for day, number, rows in (
        (-1, "001", ["1,,,,,,,", "2,,,,,,,"]),
        (0, "001", ["1,,,,,,,"]),
        (0, "002", ["3,,,,,,,"] * 1),
    ):
        deliver(settings, "T01", DAY + timedelta(days=day), number, csv(*rows))
    statuses = landed(settings, contract, key)
    connection = connect(settings, contract, statuses)
    assert connection.execute("select _delivery, _business_on, count(*) from lake.t01 group by all").fetchall() == [
        ("002", DAY, 1)
    ]
    assert connection.execute("select accepted_rows, is_stale from lake.feed_status").fetchall() == [(1, False)]
    before = connect(
        settings, contract, landed(settings, contract, key, DAY - timedelta(days=1)), DAY - timedelta(days=1)
    )
    assert before.execute("select count(*) from lake.t01").fetchall() == [(2,)]


def test_a_path_with_a_quote_is_a_path(tmp_path, key):
    settings = Settings(data=tmp_path / "it's here")
    contract = make_contract(tmp_path, COLUMNS, CSV)
    deliver(settings, "T01", DAY, "001", csv("1,,,,,,,"))
    connection = connect(settings, contract, landed(settings, contract, key))
    assert connection.execute("select count(*) from lake.t01").fetchall() == [(1,)]


# ---------------------------------------------------------------- staging


@pytest.mark.parametrize(
    ("on_delete", "left"), [("drop", [("1", "U"), ("3", "A")]), ("close", [("1", "U"), ("2", "D"), ("3", "A")])]
)
def test_an_increment_resolves_to_the_last_word_on_each_key(settings, tmp_path, key, on_delete, left):
    load = {"load": "increment", "increment": {"operation": "op", "delete": ["D"], "on_delete": on_delete}}
    columns = [column("thing", "编号", required=True, primaryKey=True), *COLUMNS[1:]]
    contract = make_contract(tmp_path, columns, {**CSV, **load})
    deliver(settings, "T01", DAY, "002", csv("1,,,,3,,,U"))
    deliver(settings, "T01", DAY, "001", csv("1,,,,2,,,A", "3,,,,1,,,A"))
    deliver(settings, "T01", DAY - timedelta(days=1), "001", csv("1,,,,1,,,A", "2,,,,1,,,A"))
    deliver(settings, "T01", DAY + timedelta(days=1), "001", csv("2,,,,9,,,D"))
    as_of = DAY + timedelta(days=1)
    connection = connect(settings, contract, landed(settings, contract, key, as_of), as_of)
    text = staging.model_sql(contract)
    assert "materialized='table'" in text
    body = text.split("}}\n", 1)[1].replace("{{ source('lake', 't01') }}", "lake.t01")
    rows = connection.execute(f"with stg as ({body}) select thing, op, count, * from stg order by thing").fetchall()
    assert [row[:2] for row in rows] == left
    assert rows[0][2] == 3, "the higher number of the same day is the later word"
    if on_delete == "close":
        names = [d[0] for d in connection.description]
        assert [row[names.index("is_open")] for row in rows] == [True, False, True]


def test_the_committed_models_are_those_the_contracts_give(contracts):
    folder = Settings().dbt_project / "models" / "feeds"
    committed = {
        p.name: p.read_text("utf-8")
        for p in folder.iterdir()
        if p.name.startswith("stg_") or p.name == staging.PROPERTIES
    }
    assert committed == staging.render(contracts), "run: python -m pipelines.feeds.staging"


def test_every_model_tells_type_class_and_label_of_every_column(contracts):
    document_ = yaml.safe_load(staging.properties(contracts))
    for model in document_["models"]:
        contract = next(c for c in contracts.values() if model["name"] == f"stg_{c.code}")
        told = {c["name"]: c for c in model["columns"]}
        assert list(told)[: len(lake.sql_types(contract))] == list(lake.sql_types(contract))
        for name, entry in told.items():
            meta = entry["config"]["meta"]
            assert entry["description"] and meta["class"] in ("public", "internal", "sensitive", "restricted")
            assert name.startswith("_") or meta["label"]
    person = next(m for m in document_["models"] if m["name"] == "stg_b01")
    direct = {c["name"] for c in person["columns"] if c["config"]["meta"].get("direct")}
    assert direct == {"name", "hukou_address", "res_address", "mobile"}


def test_writing_removes_models_of_contracts_that_are_gone(tmp_path, contracts):
    staging.write(contracts, tmp_path)
    staging.write({"B03": contracts["B03"]}, tmp_path)
    assert sorted(p.name for p in (tmp_path / "models" / "feeds").iterdir()) == ["_feeds.yml", "stg_b03.sql"]


# ---------------------------------------------------------------- one feed more


def test_a_feed_is_added_by_one_file_and_nothing_else(settings, tmp_path, key):
    """The 52nd feed: a contract beside the others, no Python, no SQL."""
    shutil.copytree(Settings().contracts, tmp_path / "contracts")
    columns = [
        column("pet_id", "犬证号", role="key", domain="pet", required=True, primaryKey=True),
        column("owner", "主人证号", role="identity", keep=["id"]),
        column(
            "village_code", "居村委", codes={"file": "qingpu_divisions.csv", "key": "village_code", "also": ["name"]}
        ),
        column("vaccinated_on", "免疫日期", "date", dates=["slashed", "chinese"]),
    ]
    late = rule("not_in_future", "vaccinated_on", "vaccinated_on <= business_on")
    delivery = {"format": "delimited", "files": "*.txt", "encoding": "gb18030", "delimiter": "|", "header_row": 2}
    write_contract(tmp_path / "contracts", document("F52", columns, delivery, late))
    contracts = load_contracts(tmp_path / "contracts")
    lines = [
        f"Q1|{citizen(1)}|东盛社区居委会|2026/1/5",
        f"Q2|{citizen(2)}|310118001002|2026年10月31日",
        "Q3||某村|2026/2/30",
    ]
    deliver(
        settings,
        "F52",
        DAY,
        "001",
        {"犬.txt": "\n".join(["犬只", "犬证号|主人证号|居村委|免疫日期", *lines, ""]).encode("gb18030")},
    )
    statuses = judge(contracts["F52"], land_feed(settings, contracts["F52"], key, DAY), [], DAY)
    assert [(s.state, s.accepted, s.quarantined) for s in statuses] == [("accepted", 2, 1)]
    connection = duckdb.connect()
    lake.register(connection, settings, contracts, statuses, DAY)
    body = staging.model_sql(contracts["F52"]).split("}}\n", 1)[1].replace("{{ source('lake', 'f52') }}", "lake.f52")
    rows = connection.execute(
        f"select village_code, vaccinated_on::varchar, len(_dq) from ({body}) order by _line"
    ).fetchall()
    assert rows == [("310118001001", "2026-01-05", 0), (None, None, 2)]
    assert "stg_f52.sql" in staging.render(contracts)
