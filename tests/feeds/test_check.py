import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.check import check, lake_schema
from pipelines.feeds.columns import read_columns
from pipelines.feeds.contracts import Contract
from pipelines.feeds.readers import Raw
from pipelines.feeds.readers.raw import place, scraps
from pipelines.identifiers import Key, pseudonym
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, few, make_contract, rule

REFERENCE = Settings().reference
KEY = Key(bytes(range(32)))
CSV = {"format": "delimited", "files": "f.csv"}
COLUMNS = [
    column("row", "RID", role="door", required=True, primaryKey=True),
    column("person", "ZJHM", role="identity", keep=["id", "masked", "birth_on", "sex_code", "was_15"]),
    column("name", "XM", role="name", classification="sensitive"),
    column("sex_code", "XB", codes={"values": ["1", "2"], "synonyms": {"男": "1"}}),
    column("start_on", "QS", "date"),
    column("end_on", "ZZ", "date", may_be_future=True),
    column("dwelling_id", "FW", role="key", domain="dwelling"),
    column("faith", "XY", role="drop"),
    column("is_same", "", "boolean", transformLogic="start_on = end_on"),
]
RULES = [
    rule("after_start", "end_on", "end_on >= start_on"),
    rule("soon", "start_on", "start_on <= business_on", "warning"),
]
NAMES = ["RID", "ZJHM", "XM", "XB", "QS", "ZZ", "FW", "XY"]


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> Contract:
    return make_contract(tmp_path_factory.mktemp("c"), COLUMNS, {**CSV, "latest_by": "start_on"}, *RULES)


def raw_of(*rows: tuple, **more) -> Raw:
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(NAMES, pl.String), orient="row")
    return Raw(place(frame, "f.csv", 2), **more)


def row(
    rid="1", number=None, name="李明", sex="1", start="20260101", end="20260201", dwelling="FW1", faith=""
) -> tuple:
    return (rid, citizen(3) if number is None else number, name, sex, start, end, dwelling, faith)


def run(contract: Contract, raw: Raw, key: Key = KEY):
    return check(contract, raw, key, DAY, REFERENCE)


def test_an_accepted_row_carries_a_pseudonym_and_no_number(contract):
    done = run(contract, raw_of(row()))
    assert done.rows.schema == pl.Schema(lake_schema(contract))
    (got,) = done.rows.to_dicts()
    assert got["person_id"] == pseudonym(KEY, "person", citizen(3))
    assert got["dwelling_id"] == pseudonym(KEY, "dwelling", "FW1")
    assert got["person_cert_masked"] == "*" * 16 + citizen(3)[-2:]
    assert (got["person_cert_birth_on"], got["person_cert_sex_code"]) == (date(1970, 1, 2), "1")
    assert (got["is_same"], got["_line"], got["_file"], got["_dq"]) == (False, 2, "f.csv", [])
    assert (
        citizen(3) not in str(done.rows.to_dicts())
        and "faith" not in done.rows.columns
        and "row" not in done.rows.columns
    )


def test_a_broken_row_is_held_with_line_text_reasons_and_no_value_in_a_message(contract):
    wrong = citizen(3)[:-1] + ("0" if citizen(3)[-1] != "0" else "1")
    done = run(contract, raw_of(row(), row("2", wrong, start="20260301", faith="某教")))
    (held,) = done.quarantine.to_dicts()
    assert (held["file"], held["line"]) == ("f.csv", 3)
    assert held["rules"] == ["T01.person.check_digit", "T01.end_on.after_start"]
    assert held["columns"] == ["ZJHM", "ZZ"]
    said = " ".join(held["messages_zh"] + held["messages_en"])
    assert "校验位" in said and "check digit" in said
    assert wrong not in said and "李明" not in said
    assert json.loads(held["raw"])["ZJHM"] == wrong
    assert "某教" not in held["raw"], "what is dropped at the door is not kept in the vault either"
    assert done.rule_counts == {"T01.person.check_digit": 1, "T01.end_on.after_start": 1}


def test_a_warning_empties_the_value_and_stays_on_the_row(contract):
    done = run(contract, raw_of(row(sex="7", end="20260230"), row("2", start="20270101", end="20270102")))
    first, second = done.rows.to_dicts()
    assert first["sex_code"] is None and first["end_on"] is None
    assert first["_dq"] == ["T01.sex_code.code", "T01.end_on.date"]
    assert second["_dq"] == ["T01.start_on.soon"] and second["start_on"] == date(2027, 1, 1)


def test_a_required_value_is_required(contract):
    done = run(contract, raw_of(row(rid=" ")))
    assert done.quarantine["rules"].to_list() == [["T01.row.required"]]


def test_no_number_is_no_person(contract):
    done = run(contract, raw_of(row(number="")))
    assert done.rows["person_id"].to_list() == [None] and done.quarantine.is_empty()


def test_identical_rows_and_rows_of_one_key_are_told_apart(contract):
    done = run(
        contract,
        raw_of(
            row("1"),
            row("2", start="20260105"),
            row("1"),
            row("2", start="20260106"),
            row("2", start="20260104"),
            row("3"),
        ),
    )
    assert done.duplicates.select("line", "kept_line", "reason").rows() == [
        (3, 5, "same_key"), (4, 2, "identical"), (6, 5, "same_key")
    ]  # fmt: skip
    assert done.rows["_line"].to_list() == [2, 5, 7]


def test_a_row_held_back_neither_repeats_nor_is_repeated(contract):
    done = run(contract, raw_of(row("1", "1"), row("1"), row("1", "1")))
    assert done.rows["_line"].to_list() == [3] and done.quarantine["line"].to_list() == [2, 4]
    assert done.duplicates.is_empty()


def test_columns_may_bear_any_name(tmp_path):
    """Among them those that the search for repeated rows works with."""
    names = [
        "at",
        "text",
        "hash",
        "order",
        "identical",
        "first_at",
        "kept_at",
        "last_at",
        "never",
        "file",
        "line",
        "raw",
    ]
    columns = [column(name, name, primaryKey=name == "at") for name in names]
    contract = make_contract(tmp_path, columns, {**CSV, "latest_by": "text"})
    rows = [["1", "a"], ["1", "b"], ["1", "b"], ["2", "a"], ["2", "a"], ["3", "a"]]
    frame = pl.DataFrame([[*r, *["x"] * (len(names) - 2)] for r in rows], schema=names, orient="row")
    done = run(contract, Raw(place(frame, "f.csv", 2)))
    assert done.rows.select("at", "text", "_line").rows() == [("1", "b", 4), ("2", "a", 5), ("3", "a", 7)]
    found = done.duplicates.select("line", "kept_line", "reason").rows()
    assert found == [(2, 4, "same_key"), (3, 4, "same_key"), (6, 5, "identical")]
    loose = make_contract(tmp_path / "loose", [column(name, name) for name in names], CSV)
    again = run(loose, Raw(place(frame, "f.csv", 2)))
    assert again.duplicates.select("line", "kept_line").rows() == [(4, 3), (6, 5)]


def test_without_a_key_only_wholly_identical_rows_repeat(tmp_path):
    contract = make_contract(tmp_path, [column("a", "A"), column("b", "B")], CSV)
    frame = pl.DataFrame({"A": ["1", "1", "1", None, None], "B": ["x", "y", "x", None, None]})
    done = check(contract, Raw(place(frame, "f", 1)), KEY, DAY, REFERENCE)
    assert done.duplicates.select("line", "kept_line", "reason").rows() == [(3, 1, "identical"), (5, 4, "identical")]


def test_a_key_of_several_columns(tmp_path):
    columns = [
        column("a", "A", primaryKey=True, primaryKeyPosition=2),
        column("person", "P", role="identity", primaryKey=True, primaryKeyPosition=1),
        column("b", "B"),
    ]
    contract = make_contract(tmp_path, columns, CSV)
    assert contract.key == ("person", "a")
    old = citizen(3)[:6] + citizen(3)[8:17]
    frame = pl.DataFrame({"A": ["1", "1", "2", "1"], "P": [citizen(3), old, citizen(3), None], "B": list("wxyz")})
    done = check(contract, Raw(place(frame, "f", 1)), KEY, DAY, REFERENCE)
    assert done.duplicates.select("line", "kept_line", "reason").rows() == [(1, 2, "same_key")]


def test_a_rule_within_a_group_wants_one_row_to_hold(tmp_path):
    columns = [column("case", "C"), column("head", "H"), column("member", "M")]
    among = rule("among", "head", "head = member", "warning", within=["case"])
    contract = make_contract(tmp_path, columns, CSV, among)
    frame = pl.DataFrame({"C": list("aabb"), "H": list("xxyy"), "M": ["x", "z", None, "q"]})
    done = check(contract, Raw(place(frame, "f", 1)), KEY, DAY, REFERENCE)
    assert done.rows["_dq"].to_list() == [[], [], ["T01.head.among"], ["T01.head.among"]]


def test_rows_without_shape_are_held_with_their_line(contract):
    done = run(contract, raw_of(row(), scraps=scraps([("f.csv", 9, "a,b,c", "fields")])))
    (held,) = done.quarantine.to_dicts()
    assert (held["line"], held["raw"], held["rules"]) == (9, "a,b,c", ["T01.row.fields"])
    assert done.delivered == 2 and done.rule_counts == {"T01.row.fields": 1}


def test_cut_fields_are_flagged(contract):
    done = run(contract, raw_of(row(), row("2"), cut={"XM": pl.Series([False, True])}))
    assert done.rows["_dq"].to_list() == [[], ["T01.name.cut_char"]]


def test_dropped_columns_are_counted(contract):
    assert run(contract, raw_of(row(faith="某教"), row("2", faith=" "), row("3"))).dropped == {"XY": 1}


def test_no_rows_are_no_rows(contract):
    done = run(contract, raw_of())
    assert done.delivered == 0 and done.rows.schema == pl.Schema(lake_schema(contract))


def test_texts_read_once_give_what_texts_read_one_by_one_give(contract, monkeypatch):
    """Columns of few distinct texts take another way through the code; both must agree to the value."""
    rows = [
        row(str(i), ["", citizen(i % 7 + 1), "x"][i % 3], sex=["1", "男", "9", ""][i % 4], faith="z" * (i % 2))
        for i in range(300)
    ]
    plain = run(contract, raw_of(*rows))
    monkeypatch.setattr("pipelines.feeds.columns._WORTH_COUNTING", 10)
    coded = run(contract, raw_of(*rows))
    assert plain.rows.equals(coded.rows) and plain.quarantine.equals(coded.quarantine)
    assert (plain.rule_counts, plain.dropped) == (coded.rule_counts, coded.dropped)
    raw = raw_of(*rows)
    read_columns(contract, raw, DAY, REFERENCE)
    assert raw.frame.schema["XB"].is_(pl.Categorical) or raw.frame.schema["XB"] != pl.String


TEXT = st.one_of(
    st.none(),
    st.sampled_from(["", "1", "男", "20260101", "20261399", citizen(5), citizen(6).lower(), "x"]),
    st.text(max_size=5),
)


@few
@given(st.lists(st.tuples(*[TEXT] * 8), max_size=25))
def test_every_row_is_somewhere_and_only_once(contract, rows):
    done = run(contract, raw_of(*rows))
    lines = [*done.rows["_line"], *done.quarantine["line"], *done.duplicates["line"]]
    assert sorted(lines) == list(range(2, 2 + len(rows)))
    assert all(len(code) == 20 for code in done.rows["person_id"].drop_nulls())
