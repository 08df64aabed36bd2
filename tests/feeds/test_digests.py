"""Unkeyed digests in place of identity numbers: told apart from broken numbers, and never in the lake as they are."""

import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import identifiers
from pipelines.feeds.check import check, lake_schema
from pipelines.feeds.contracts import Contract, ContractProblem, load_contracts
from pipelines.feeds.readers import Raw
from pipelines.feeds.readers.raw import place
from pipelines.identifiers import Key, digests_in, digests_of, pseudonym
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, document, few, make_contract, write_contract

KEY = Key(bytes(range(32)))
CSV = {"format": "delimited", "files": "f.csv"}
REFERENCE = Settings().reference
# Digests of "abc" as the standards publish them: RFC 1321, FIPS 180, GB/T 32905.
ABC = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
}


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def keyed(digest: str) -> str:
    return pseudonym(KEY, "digest", digest)


def run(contract: Contract, *texts: str):
    frame = pl.DataFrame({"N": list(texts)}, schema={"N": pl.String})
    return check(contract, Raw(place(frame, "f.csv", 2)), KEY, DAY, REFERENCE)


@pytest.fixture(scope="module")
def either(tmp_path_factory) -> Contract:
    """A feed whose column holds numbers and digests, as F25's does."""
    options = {"keep": ["id"], "with_digests": True, "digest": "md5", "on_invalid": "warning", "required": True}
    return make_contract(tmp_path_factory.mktemp("c"), [column("person", "N", role="identity", **options)], CSV)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Contract:
    """A feed that says who exists: whole numbers only, their digests kept."""
    columns = [column("person", "N", role="identity", keep=["id", "digest"], digest="md5")]
    return make_contract(tmp_path_factory.mktemp("c"), columns, CSV)


@pytest.mark.parametrize(("algorithm", "digest"), ABC.items())
def test_digests_are_those_of_the_standards(algorithm, digest):
    assert digests_of(pl.Series(["abc", None]), algorithm).to_list() == [digest, None]
    assert digests_in(pl.Series([digest]), algorithm).to_list() == [digest]
    assert {name: len(text) for name, text in ABC.items()} == identifiers.DIGITS


@few
@given(st.lists(st.none() | st.text(), max_size=5))
def test_a_digest_is_found_in_its_own_text_and_made_of_any(texts):
    made = digests_of(pl.Series("n", texts, dtype=pl.String), "sha256")
    assert made.to_list() == [t and hashlib.sha256(t.encode()).hexdigest() if t != "" else _EMPTY for t in texts]
    assert digests_in(made, "sha256").to_list() == made.to_list() and made.name == "n"


_EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    "typed", [str.upper, lambda t: f"  {t}\t", lambda t: f"'{t}", lambda t: f"{t[:16]} {t[16:]}", str]
)
def test_what_typing_adds_to_a_digest_makes_no_difference(either, typed):
    digest = md5(citizen(1))
    row = run(either, typed(digest)).rows.row(0, named=True)
    assert row["person_digest"] == keyed(digest) and row["person_id"] is None and row["_dq"] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (md5("a")[:31], "characters"),
        (md5("a") + "0", "characters"),
        ("0" * 31, "length"),
        (ABC["sha1"], "characters"),
        (ABC["sha256"], "characters"),
        (md5("a")[:31] + "g", "characters"),
        ("", "required"),
    ],
)
def test_what_is_no_digest_of_this_algorithm_is_judged_as_a_number(tmp_path, text, code):
    options = {"with_digests": True, "digest": "md5", "on_invalid": "link", "required": True}
    contract = make_contract(tmp_path, [column("person", "N", role="identity", **options)], CSV)
    row = run(contract, text).rows.row(0, named=True)
    assert row["person_digest"] is None and row["_dq"] == [f"T01.person.{code}"]


def test_a_digest_of_digits_only_is_no_number(either):
    for text in ("1" * 32, "1e" + "1" * 30):
        row = run(either, text).rows.row(0, named=True)
        assert row["person_digest"] == keyed(text) and row["_dq"] == []


def test_numbers_and_digests_stand_beside_each_other(either):
    done = run(either, citizen(1), md5(citizen(2)), "某某", citizen(3))
    assert done.rows["person_id"].is_null().to_list() == [False, True, True, False]
    assert done.rows["person_digest"].to_list() == [None, keyed(md5(citizen(2))), None, None]
    assert dict(done.rows.schema) == lake_schema(either) and done.rule_counts == {"T01.person.characters": 1}


@pytest.mark.parametrize(
    "typed", [str, str.lower, lambda t: t[:6] + t[8:17], lambda t: f"{t}　", lambda t: t[:17] + "×"]
)
def test_a_number_kept_and_its_digest_meet(base, either, typed):
    """Whatever the spelling of the number, the digest is of the canonical form: 18 places, a last X in capitals."""
    number = next(text for text in map(citizen, range(1, 99)) if text[-1] == "X")
    kept = run(base, typed(number)).rows["person_digest"].to_list()
    assert kept == run(either, md5(number)).rows["person_digest"].to_list() == [keyed(md5(number))]


def test_a_base_takes_no_digest_for_a_number(base):
    done = run(base, md5(citizen(1)), citizen(1))
    assert done.quarantine["rules"].to_list() == [["T01.person.characters"]]
    assert done.rows["person_digest"].to_list() == [keyed(md5(citizen(1)))]


def test_no_digest_reaches_the_lake_as_it_is(either, base):
    digest = md5(citizen(1))
    for contract, text in ((either, digest.upper()), (base, citizen(1))):
        assert digest not in str(run(contract, text).rows.rows()).lower()


def test_nothing_delivered_gives_the_columns_all_the_same(base, either):
    for contract in (base, either):
        assert dict(run(contract).rows.schema) == lake_schema(contract)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"role": "identity", "keep": ["id", "digest"]}, "digest names the algorithm"),
        ({"role": "identity", "with_digests": True}, "digest names the algorithm"),
        ({"role": "identity", "digest": "md5"}, "digest names the algorithm"),
        ({"role": "name", "with_digests": True, "digest": "md5"}, "with_digests is for identity columns"),
        ({"role": "identity", "with_digests": True, "digest": "crc32"}, "Input should be"),
    ],
)
def test_declarations_of_digests_that_cannot_hold_are_refused(tmp_path, options, said):
    write_contract(tmp_path, document("T01", [column("who", "W", **options)], CSV))
    with pytest.raises(ContractProblem, match=said):
        load_contracts(tmp_path)


def test_every_digest_a_feed_may_bring_is_kept_by_those_that_say_who_exists():
    columns = [c.intake for contract in load_contracts(Settings().contracts).values() for c in contract.columns]
    brought = {intake.digest for intake in columns if intake.with_digests}
    kept = [intake.digest for intake in columns if "digest" in intake.keep]
    assert brought and len(kept) >= 2 and all({algorithm} == brought for algorithm in kept)


@pytest.mark.parametrize(("given_class", "kept_class"), [("sensitive", "internal"), ("restricted", "restricted")])
def test_a_keyed_digest_is_as_open_as_the_pseudonym_of_the_number(tmp_path, given_class, kept_class):
    options = {"with_digests": True, "digest": "md5", "classification": given_class}
    contract = make_contract(tmp_path, [column("who", "W", role="identity", **options)], CSV)
    assert [contract.output_class(f"who_{part}") for part in ("id", "digest")] == [kept_class, kept_class]
