"""Bare numbers of documents that are told by more than their number: their holder among the people of the delivery."""

import polars as pl
import pytest

from pipelines.feeds.check import check
from pipelines.feeds.contracts import Contract, ContractProblem, load_contracts
from pipelines.feeds.readers import Raw
from pipelines.feeds.readers.raw import place
from pipelines.identifiers import Key, pseudonym
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, document, make_contract, write_contract

KEY = Key(bytes(range(32)))
CSV = {"format": "delimited", "files": "f.csv"}
QUALIFIED = {"passport": ["nation", "birth_on"]}
COLUMNS = [
    column("person", "N", role="identity", keep=["id", "kind"], declared_by="kind", qualified_by=QUALIFIED),
    column("kind", "K", role="door"),
    column("nation", "G"),
    column("birth_on", "B", "date"),
    column("spouse", "P", role="identity", held_in="person", on_invalid="warning"),
]


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> Contract:
    return make_contract(tmp_path_factory.mktemp("c"), COLUMNS, CSV)


def spouses(contract: Contract, *rows: tuple) -> list[tuple[str | None, list[str]]]:
    """Rows are person, kind of document, nation, birth date and spouse's number."""
    frame = pl.DataFrame(list(rows), schema=dict.fromkeys(["N", "K", "G", "B", "P"], pl.String), orient="row")
    done = check(contract, Raw(place(frame, "f.csv", 2)), KEY, DAY, Settings().reference)
    return done.rows.select("spouse_id", "_dq").rows()


HOLDER = ("X12345678", "passport", "USA", "19800102", citizen(1))
WIFE = pseudonym(KEY, "person", "X12345678/USA/1980-01-02")
REFUSED = (None, ["T01.spouse.characters"])


@pytest.mark.parametrize("typed", ["X12345678", " x12345678", "Ｘ12345678", "'X12345678"])
def test_a_passport_is_told_as_its_holder_is(contract, typed):
    rows = spouses(contract, HOLDER, (citizen(1), "idcard", "CHN", "19700102", typed))
    assert rows == [(pseudonym(KEY, "person", citizen(1)), []), (WIFE, [])]


def test_where_two_nations_or_nobody_hold_the_number_nobody_is_named(contract):
    other = ("X12345678", "passport", "CAN", "19900102", "")
    mine = (citizen(1), "idcard", "CHN", "19700102", "X12345678")
    assert spouses(contract, HOLDER, other, mine)[2] == REFUSED
    assert spouses(contract, mine) == [REFUSED]
    assert spouses(contract, HOLDER, (*HOLDER[:4], ""), mine)[2] == (WIFE, []), "said twice of one person is no doubt"


def test_numbers_that_say_by_themselves_whose_they_are_stay_so(contract):
    permit = ("H1234567890", "hm_permit", "CHN", "19800102", "")
    rows = spouses(contract, permit, (citizen(1), "idcard", "CHN", "19700102", "H1234567890"))
    assert rows[1] == (pseudonym(KEY, "person", "H1234567890"), [])
    assert spouses(contract, (citizen(1), "idcard", "CHN", "19700102", "")) == [(None, [])]


@pytest.mark.parametrize(
    "columns",
    [
        [column("a", "A", role="identity"), column("b", "B", role="identity", held_in="a")],
        [column("b", "B", role="identity", held_in="person"), *COLUMNS[:4]],
        [*COLUMNS[:4], column("b", "B", role="name", held_in="person")],
        [*COLUMNS[:4], column("b", "B", role="identity", held_in="nation")],
    ],
)
def test_only_an_identity_column_before_it_can_name_the_holder(tmp_path, columns):
    write_contract(tmp_path, document("T01", columns, CSV))
    with pytest.raises(ContractProblem, match="held_in names no identity column before it"):
        load_contracts(tmp_path)
