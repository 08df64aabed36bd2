"""What the merged person comes from: the declared claims read as queries, since no model makes that table.

Belongs here: relations of the schema `identity`, and columns that declarations name for telling people, dwellings and
organisations apart. Not here: merging (`pipelines.subjects`), the models that read the result (`lineage`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.declared import read_yaml
from pipelines.feeds.contracts import Contract
from pipelines.products.catalogue.relations import NOWHERE, OPEN, Origins, Relation, together
from pipelines.products.catalogue.sql import read
from pipelines.settings import Settings
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.claims import claim_sql
from pipelines.subjects.survivorship.rules import Group, Rules
from pipelines.subjects.survivorship.step import person_schema

SCHEMA, PERSON = "identity", "person"
ABOUT_IDS, ABOUT_VALUES = {"suspicion", "history"}, {"conflict", "period", "person_version"}
"""Tables that are results themselves: of telling people apart, and of merging what is said of them."""
NAMED_IN = ("addresses", "registers")
"""Folders of declarations that name feeds' columns by which dwellings, organisations and places are told."""


def identity_tables(
    settings: Settings, contracts: Mapping[str, Contract], lake: Mapping[str, Relation], tables: Iterable[str]
) -> dict[tuple[str, str], Relation]:
    """The tables of the schema as relations; `lake` gives those of the feeds, `tables` the names that models read.

    The merged person and its past are followed to its claims, what was found out about ids to everything that tells
    people apart. The others pair keys with keys: what they come from is said by `named_columns` and by the people of
    the contracts, and not again of everything that is found by a key.
    """
    person = merged_person(load_rules(settings, contracts), contracts, lake)
    told = evidence(contracts)
    found: dict[tuple[str, str], Relation] = {}
    for name in tables:
        rows = told if name in ABOUT_IDS else person.origins if name in ABOUT_VALUES else NOWHERE
        found[SCHEMA, name] = Relation({}, rows, is_open=True)
    return found | {(SCHEMA, PERSON): person}


def evidence(contracts: Mapping[str, Contract]) -> Origins:
    """Every lake column by which the rows' people are told apart."""
    return frozenset(
        (feed, name)
        for feed, contract in contracts.items()
        for slot in contract.people
        for name in [f"{slot.id}_id", *slot.columns.values()]
        if name in contract.outputs
    )


def merged_person(rules: Rules, contracts: Mapping[str, Contract], lake: Mapping[str, Relation]) -> Relation:
    """Of every attribute, and of what is said beside it, all claims that may speak about it."""
    claims = {
        claim.name: read(
            claim_sql(claim, contracts[claim.feed], rules.types, f"select * from lake.{claim.feed}", date.min),
            lambda schema, name: lake.get(name.upper()) if schema else OPEN,
        )
        for claim in rules.claims
    }
    by_attribute = {
        attribute: together(_said(rules, group, attribute, claims))
        for group in rules.groups
        for attribute in group.attributes
    }
    ids = frozenset(
        (feed, f"{slot.id}_id") for feed, contract in contracts.items() for slot in contract.people if slot.id
    )
    columns = {}
    for column in person_schema(rules):
        # `birth_on_source` belongs to `birth_on`; the longest name that fits, since one may begin with another.
        of = max((a for a in by_attribute if column == a or column.startswith(f"{a}_")), key=len, default="")
        columns[column] = by_attribute.get(of, ids)
    return Relation(columns, ids)


def _said(rules: Rules, group: Group, attribute: str, claims: Mapping[str, Relation]) -> Iterator[Origins]:
    """What each feed of a group says of an attribute, and of what decides whose word counts."""
    for feed in group.feeds:
        speaker = rules.speaker(feed, group)
        if speaker is None or not {attribute, *group.helpers} & set(speaker.names):
            continue
        claim = claims[speaker.name]
        yield from (claim.columns.get(name, NOWHERE) for name in (attribute, *group.helpers))
        yield claim.rows


def named_columns(declarations: Path, contracts: Mapping[str, Contract]) -> dict[tuple[str, str], set[str]]:
    """(feed, lake column) → the declaration files that name it beside its feed."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for folder in NAMED_IN:
        for path in sorted((declarations / folder).glob("*.yml")):
            body = read_yaml(path)
            for entry in _entries(body):
                contract = contracts.get(entry.get("feed", ""))
                for value in entry.values():
                    if contract is not None and isinstance(value, str) and value in contract.outputs:
                        found[contract.feed, value].add(path.stem)
    return found


def _entries(body: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a declaration that speaks of one feed."""
    if isinstance(body, dict):
        if isinstance(body.get("feed"), str):
            yield body
        for value in body.values():
            yield from _entries(value)
    elif isinstance(body, list):
        for value in body:
            yield from _entries(value)
