"""Which columns hold addresses: what is declared wrongly is refused with its place."""

from pathlib import Path

import pytest
import yaml

from pipelines.feeds.contracts import Contract
from pipelines.settings import REPOSITORY
from pipelines.subjects.addresses.links import declared
from pipelines.subjects.addresses.names import AddressProblem

FOLDER = REPOSITORY / "data" / "addresses"


def test_people_bring_their_own_addresses(contracts: dict[str, Contract]) -> None:
    columns = declared(FOLDER, contracts).columns
    of_people = {(feed, s.slot, s.address) for feed, c in contracts.items() for s in c.people if s.address}
    assert of_people and of_people <= {(c.feed, c.slot, c.address) for c in columns}
    assert len({(c.feed, c.slot) for c in columns}) == len(columns)


def test_every_address_column_of_a_feed_is_matched_or_says_where_one_is_registered(
    contracts: dict[str, Contract],
) -> None:
    """A new feed with an address must declare what it is of; places of registration are looked up for nothing."""
    said = {(c.feed, c.address) for c in declared(FOLDER, contracts).columns} | {("B02", "std_address")}
    held = {
        (f, c.name)
        for f, contract in contracts.items()
        for c in contract.columns
        if c.role == "address" and c.name.endswith("address")
    }
    assert {place for place in held - said if "hukou" not in place[1]} == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"feed": "F99", "slot": "x", "address": "address"}, "there is no feed F99"),
        ({"feed": "F02", "slot": "x", "address": "adress"}, "F02 has no column adress"),
        ({"feed": "F02", "slot": "lease", "address": "address"}, "slot lease is declared twice"),
        ({"feed": "F02", "slot": "x"}, "address"),
        ({"feed": "F02", "slot": "x", "address": "address", "town": "y"}, "town"),
    ],
)
def test_a_wrong_column_is_refused(
    tmp_path: Path, contracts: dict[str, Contract], change: dict[str, str], words: str
) -> None:
    body = yaml.safe_load((FOLDER / "columns.yml").read_text(encoding="utf-8"))
    body["columns"].append(change)
    (tmp_path / "columns.yml").write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    with pytest.raises(AddressProblem, match=words):
        declared(tmp_path, contracts)
