"""Of whom a feed may say something else than on the date before, found from the rows that differ.

Too many people may be found, never too few: they are asked about again, and only then is compared what is said of
them. Reading and comparing that is done by `claims`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from pipelines.feeds.contracts import Contract
from pipelines.feeds.lake import BUSINESS_ON, DELIVERY
from pipelines.feeds.staging import last_word_key
from pipelines.sql import quoted
from pipelines.subjects.day import Day
from pipelines.subjects.survivorship.claims import (
    BEFORE,
    PERSON,
    TODAY,
    delivered_sql,
    naming_sql,
    said_sql,
)
from pipelines.subjects.survivorship.rules import DATED, Claim

Reading = Callable[[str, date, str], str]
"""From rows, a date and the tables by which people are found to the beginning of a query, in which `said` has
person_id and what is compared."""

_PLACE = (BUSINESS_ON, DELIVERY, "_file", "_line")


def asked_sql(claim: Claim, contract: Contract, types: Mapping[str, str], day: Day, others: str) -> str:
    """The query of the people about whom a claim is to be asked on a date that has one before it: distinct person_id.

    `others` names a table of people to be asked about whatever the rows say.
    """

    def reading(rows: str, on: date, which: str) -> str:
        return said_sql(claim, contract, types, rows, on, which)

    compared = [*map(quoted, claim.names), *(f"__{n}" for n in range(len(claim.order)))]
    parts = _arrived(reading, contract, day, compared, is_ordered=True)
    replaced = claim.feed in day.arrived and contract.delivery.load == "snapshot"
    if claim.is_dated and not replaced:
        parts += _turned(reading, contract, day, _dated(claim))
    return _distinct([f"select {PERSON} from {others}", *parts])


def naming_asked_sql(contract: Contract, day: Day, others: str) -> str:
    """The query of the people of whom is to be asked whether a feed names them, as `asked_sql`."""

    def reading(rows: str, on: date, which: str) -> str:
        return naming_sql(contract, rows, which)

    parts = _arrived(reading, contract, day, [], is_ordered=False)
    return _distinct([f"select {PERSON} from {others}", *parts])


def _distinct(parts: Sequence[str]) -> str:
    union = " union all ".join(f"({part})" for part in parts)
    return f"select distinct {PERSON} from ({union}) where {PERSON} is not null"


def _arrived(reading: Reading, contract: Contract, day: Day, compared: Sequence[str], is_ordered: bool) -> list[str]:
    """People whom what came today concerns; `is_ordered`: of several rows of a person the order may count."""
    assert day.before_on
    new, was = day.arrived.get(contract.feed, ()), day.was_in_use.get(contract.feed, ())
    if not new:
        return []
    old = delivered_sql(contract, was)
    if contract.delivery.load == "snapshot":
        today = reading(delivered_sql(contract, day.in_use[contract.feed]), day.business_on, TODAY)
        return [_apart(reading(old, day.before_on, BEFORE), today, compared, is_ordered)]
    # Of an increment, the rows that came, and those before them on the same key.
    added = delivered_sql(contract, new)
    key = f"hash({last_word_key(contract)})"
    former = f"select * from ({old}) where {key} in (select {key} from ({added}))"
    return [
        f"{begun} select {PERSON} from said"
        for begun in (reading(added, day.business_on, TODAY), reading(former, day.before_on, BEFORE))
    ]


def _turned(reading: Reading, contract: Contract, day: Day, dated: Sequence[str]) -> list[str]:
    """People of whom rows in use on both dates say something else for no other reason than the date."""
    assert day.before_on
    rows = delivered_sql(contract, day.was_in_use.get(contract.feed, ()))
    before, today = (reading(rows, on, TODAY) for on in (day.before_on, day.business_on))
    return [_apart(before, today, [*_PLACE, *dated], is_ordered=False)]


def _apart(before: str, today: str, compared: Sequence[str], is_ordered: bool) -> str:
    """People of whom one of two readings states what the other does not, by a hash of what is compared."""
    hashed = f"select {PERSON}, hash({', '.join([PERSON, *compared])}) as told from said where {PERSON} is not null"
    several = f" union all select any_value({PERSON}) from {{}} group by hash({PERSON}) having count(*) > 1"
    return (
        f"with b as materialized ({before} {hashed}), t as materialized ({today} {hashed}) "
        f"select {PERSON} from b anti join t using (told) union all select {PERSON} from t anti join b using (told)"
        + (several.format("b") + several.format("t") if is_ordered else "")
    )


def _dated(claim: Claim) -> list[str]:
    """The columns of `said` that the date has a part in."""
    lets: list[str] = []
    for name, text in claim.let.items():
        if _mentions(text, lets):
            lets.append(name)
    stated = [quoted(n) for n in claim.names if any(_mentions(claim.said_of(w).get(n, ""), lets) for w in claim.people)]
    return [*stated, *(f"__{n}" for n, text in enumerate(claim.order) if _mentions(text, lets))]


def _mentions(text: str, lets: Iterable[str]) -> bool:
    return bool(DATED.search(text)) or any(re.search(rf"\b{re.escape(name)}\b", text) for name in lets)
