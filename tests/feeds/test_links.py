"""Rows accepted without a usable number: what they keep, whose number it was, and when they say the same."""

from datetime import date

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.check import check, lake_schema
from pipelines.feeds.contracts import Contract
from pipelines.feeds.readers import Raw
from pipelines.feeds.readers.raw import place
from pipelines.feeds.staging import model_sql
from pipelines.identifiers import Key, pseudonym, repairs
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, few, make_contract, rule

REFERENCE = Settings().reference
KEY = Key(bytes(range(32)))
CSV = {"format": "delimited", "files": "f.csv"}
OWN_NUMBER = rule("own_number", "person", "year(birth_on) - year(person_cert_birth_on) < 14", "link")
COLUMNS = [
    column("person", "ZJHM", role="identity", keep=["id", "masked"], on_invalid="link", required=True, primaryKey=True),
    column("guardian", "ZJHM", role="identity", instead_of="person", on_invalid="warning"),
    column("dose", "JC", required=True, primaryKey=True, primaryKeyPosition=2),
    column("name", "XM", role="name", classification="sensitive"),
    column("birth_on", "CSRQ", "date"),
]
PARTS = ["person_candidates", "person_stated_birth_on", "person_mask_key"]


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> Contract:
    return make_contract(tmp_path_factory.mktemp("c"), COLUMNS, {**CSV, "load": "increment"}, OWN_NUMBER)


def run(contract: Contract, *rows: tuple):
    names = [*dict.fromkeys(c.physical for c in contract.columns)]
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String), orient="row")
    return check(contract, Raw(place(frame, "f.csv", 2)), KEY, DAY, REFERENCE)


def one(contract: Contract, number: str | None, dose="1", name="李明", birth="19700102") -> dict:
    done = run(contract, (number, dose, name, birth))
    assert done.quarantine.is_empty() and done.duplicates.is_empty()
    return done.rows.row(0, named=True)


def person(number: str) -> str:
    return pseudonym(KEY, "person", number)


@few
@given(st.integers(1, 999), st.integers(0, 16), st.integers(1, 9))
def test_a_mistyped_number_leaves_candidates_and_its_date(contract, serial, at, shift):
    good = citizen(serial, "19700102")
    wrong = good[:at] + str((int(good[at]) + shift) % 10) + good[at + 1 :]
    row = one(contract, wrong, birth="")
    assert row["person_id"] is row["person_cert_masked"] is row["person_mask_key"] is None
    assert person(good) in row["person_candidates"] == sorted(row["person_candidates"])
    assert row["person_candidates"] == sorted(person(text) for text in repairs(wrong, allow_synthetic=True, latest=DAY))
    assert len(row["_dq"]) == 1 and row["_dq"][0].startswith("T01.person.")
    assert row["person_stated_birth_on"] == date(1970, 1, 2) or 6 <= at <= 13


@pytest.mark.parametrize(
    ("number", "code", "stated", "masked"),
    [
        ("", "required", None, False),
        ("3.19901E+17", "precision_lost", None, False),
        ("3199**********0024", "masked", None, True),
        ("319901****01020024", "masked", None, True),
        (citizen(1, "19700230"), "birth_date", None, False),
        (citizen(1)[:17], "length", date(1970, 1, 2), False),
        ("某某", "characters", None, False),
    ],
)
def test_every_kind_of_unusable_number_is_accepted_and_said(contract, number, code, stated, masked):
    row = one(contract, number)
    assert row["_dq"] == [f"T01.person.{code}"] and row["person_id"] is None and row["person_candidates"] == []
    assert row["person_stated_birth_on"] == stated
    assert row["person_mask_key"] == (pseudonym(KEY, "mask", "31990024") if masked else None)


def test_a_sound_number_leaves_nothing_else(contract):
    row = one(contract, citizen(1))
    assert row["person_id"] == person(citizen(1)) and [row[name] for name in PARTS] == [[], None, None]
    assert row["guardian_id"] is None and row["_dq"] == []


def test_a_masked_number_and_the_whole_one_meet_where_it_is_asked_for(tmp_path):
    whole = make_contract(tmp_path, [column("person", "N", role="identity", keep=["id", "mask_key"])], CSV)
    row = run(whole, (citizen(1),)).rows.row(0, named=True)
    assert row["person_mask_key"] == pseudonym(KEY, "mask", citizen(1)[:4] + citizen(1)[-4:])
    assert list(row) == ["person_id", "person_mask_key", "_line", "_file", "_dq"]
    assert run(whole, ("3199**********0024",)).quarantine.height == 1, "without link the row is held back as ever"


def test_a_guardians_number_goes_to_the_guardian(contract):
    row = one(contract, citizen(1, "19900305"), birth="20250610")
    assert row["person_id"] is None and row["person_cert_masked"] is None
    assert row["guardian_id"] == person(citizen(1, "19900305")) and row["_dq"] == ["T01.person.own_number"]
    near = one(contract, citizen(1, "19900305"), birth="19910305")
    assert near["person_id"] == person(citizen(1, "19900305")) and near["guardian_id"] is None
    unknown = one(contract, citizen(1, "19900305"), birth="")
    assert unknown["person_id"] is not None, "where the birth date is not known the number stands"


def test_what_is_wrong_beside_the_number_still_holds_the_row_back(tmp_path):
    columns = [column("person", "N", role="identity", with_suffix=True, on_invalid="link")]
    contract = make_contract(tmp_path, columns, CSV)
    assert run(contract, (citizen(1) + "85",)).quarantine["rules"].to_list() == [["T01.person.suffix"]]
    wrong = citizen(1)[:10] + str((int(citizen(1)[10]) + 1) % 10) + citizen(1)[11:]
    row = run(contract, (wrong + "43B1",)).rows.row(0, named=True)
    assert row["person_id"] is None and person(citizen(1)) in row["person_candidates"]


def test_without_a_number_only_a_wholly_identical_row_says_the_same(contract):
    rows = [("", "1", "李明", "19700102"), ("", "1", "王芳", "19700102"), ("", "1", "李明", "19700102")]
    done = run(contract, *rows, (citizen(1), "1", "甲", ""), (citizen(1), "1", "乙", ""))
    assert done.duplicates.select("line", "kept_line", "reason").rows() == [(4, 2, "identical"), (5, 6, "same_key")]
    assert done.rows["name"].to_list() == ["李明", "王芳", "乙"] and done.delivered == 5


def test_staging_keeps_different_rows_without_a_number_and_one_of_the_same(contract):
    rows = [("", "1", "李明", "19700102"), ("", "1", "王芳", "19700102"), (citizen(1), "1", "甲", "")]
    first = run(contract, *rows).rows
    second = run(contract, rows[0], (citizen(1), "1", "乙", "")).rows
    lake = pl.concat([
        first.with_columns(pl.lit(DAY).alias("_business_on"), pl.lit("001").alias("_delivery")),
        second.with_columns(pl.lit(DAY).alias("_business_on"), pl.lit("002").alias("_delivery")),
    ])  # fmt: skip
    sql = model_sql(contract).split("}}", 1)[1].replace("{{ source('lake', 't01') }}", "lake")
    with duckdb.connect() as connection:
        connection.register("lake", lake.to_arrow())
        names = [name for (name,) in connection.execute(f"select name from ({sql}) order by name").fetchall()]
    assert names == sorted(["李明", "王芳", "乙"])


def test_holders_of_passports_are_told_by_nation_and_birth_too(tmp_path):
    qualified = {"passport": ["nation", "birth_on"]}
    columns = [
        column("person", "N", role="identity", keep=["id", "kind"], qualified_by=qualified),
        column("nation", "G"),
        column("birth_on", "B", "date"),
    ]
    contract = make_contract(tmp_path, columns, CSV)
    rows = [("E12345678", "USA", "19700102"), ("E12345678", "CAN", "19700102"), ("E12345678", "USA", "")]
    found = run(contract, *rows, (citizen(1), "CHN", "19700102")).rows["person_id"].to_list()
    texts = ["E12345678/USA/1970-01-02", "E12345678/CAN/1970-01-02", "E12345678", citizen(1)]
    assert found == [person(text) for text in texts]


def test_the_lake_has_the_declared_types(contract):
    done = run(contract, ("", "1", "李明", ""))
    assert dict(done.rows.schema) == lake_schema(contract)
    assert done.rows.schema["person_candidates"] == pl.List(pl.String)
