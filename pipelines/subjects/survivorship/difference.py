"""Of whom a feed may say something else than on the date before, found from the rows that differ.

Too many people may be found, never too few: they are asked about again, and only then is compared what is said of
them. Reading and comparing that is done by `claims`.
"""

import re
from collections.abc import Iterable, Mapping

from pipelines.feeds.contracts import Contract
from pipelines.feeds.lake import BUSINESS_ON, DELIVERY
from pipelines.feeds.staging import last_word_key
from pipelines.sql import quoted
from pipelines.subjects.day import Day
from pipelines.subjects.survivorship.claims import BEFORE, PERSON, TODAY, delivered_sql, said_sql
from pipelines.subjects.survivorship.rules import DATED, Claim

_PLACE = (BUSINESS_ON, DELIVERY, "_file", "_line")


def asked_sql(claim: Claim, contract: Contract, types: Mapping[str, str], day: Day, others: str) -> str:
    """The query of the people to be asked about on a date that has one before it: person_id, each once.

    `others` names a table of people to be asked about whatever the rows say.
    """
    parts = [f"select {PERSON} from {others}"]
    arrived = claim.feed in day.arrived
    if arrived and contract.delivery.load == "snapshot":
        parts += _replaced(claim, contract, types, day)
    else:
        parts += _added(claim, contract, types, day) if arrived else []
        parts += _turned(claim, contract, types, day) if claim.is_dated else []
    union = " union all ".join(f"({part})" for part in parts)
    return f"select distinct {PERSON} from ({union}) where {PERSON} is not null"


def _replaced(claim: Claim, contract: Contract, types: Mapping[str, str], day: Day) -> list[str]:
    """People of whom one snapshot says what the other does not; and those with several rows, whose order may count."""
    assert day.before_on
    was, now = day.was_in_use.get(claim.feed, ()), day.in_use[claim.feed]
    hashed = [*map(quoted, claim.names), *(f"__{n}" for n in range(len(claim.order)))]
    before = said_sql(claim, contract, types, delivered_sql(contract, was), day.before_on, BEFORE)
    today = said_sql(claim, contract, types, delivered_sql(contract, now), day.business_on)
    several = f"select any_value({PERSON}) from {{}} group by hash({PERSON}) having count(*) > 1"
    return [f"{_apart(before, today, hashed)} union all {several.format('b')} union all {several.format('t')}"]


def _added(claim: Claim, contract: Contract, types: Mapping[str, str], day: Day) -> list[str]:
    """People of the rows that came, and of those on the same key before them."""
    assert day.before_on
    new = delivered_sql(contract, day.arrived[claim.feed])
    old = delivered_sql(contract, day.was_in_use.get(claim.feed, ()))
    key = f"hash({last_word_key(contract)})"
    same = f"select * from ({old}) where {key} in (select {key} from ({new}))"
    return [
        f"{said_sql(claim, contract, types, rows, on, which)} select {PERSON} from said"
        for rows, on, which in ((new, day.business_on, TODAY), (same, day.before_on, BEFORE))
    ]


def _turned(claim: Claim, contract: Contract, types: Mapping[str, str], day: Day) -> list[str]:
    """People of whom rows in use on both dates say something else for no other reason than the date."""
    assert day.before_on
    rows = delivered_sql(contract, day.was_in_use.get(claim.feed, ()))
    hashed = [*_PLACE, *_dated(claim)]
    before, today = (said_sql(claim, contract, types, rows, on) for on in (day.before_on, day.business_on))
    return [_apart(before, today, hashed)]


def _apart(before: str, today: str, names: Iterable[str]) -> str:
    """People of whom one of two readings (see `said_sql`) states what the other does not, by a hash of some columns."""
    hashed = f"select {PERSON}, hash({', '.join([PERSON, *names])}) as told from said where {PERSON} is not null"
    return (
        f"with b as materialized ({before} {hashed}), t as materialized ({today} {hashed}) "
        f"select {PERSON} from b anti join t using (told) union all select {PERSON} from t anti join b using (told)"
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
