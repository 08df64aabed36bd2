"""Everything the catalogue says, as one plain document: what JSON holds and what pages are made of.

Belongs here: contracts, deliveries and uses put together; counts and shares only. Not here: how it looks (`pages`,
`text`), how uses are found (`uses`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.declared import read_yaml
from pipelines.feeds.codes import spellings
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import Column
from pipelines.feeds.judge import Status, feed_state
from pipelines.feeds.land import ROWS
from pipelines.feeds.messages import row_message
from pipelines.feeds.receipts import Receipt
from pipelines.products.catalogue.uses import Use, Uses, standing

SHOWN_DELIVERIES = 24
"""How many deliveries of a feed, the newest, are drawn and listed."""

LEAST_ROWS = 30
"""A share of fewer rows than this would speak of single people; it is not given."""

LEAST_COUNT = 5
"""A count of broken rows below this is not told apart from another in feeds that are not public."""

CHINESE = ("purpose", "limitations", "content")
"""What is said of a feed in Chinese beside its contract's English."""

LISTED_CODES = 40
_DECIDED = "let through by "


def document(
    contracts: Mapping[str, Contract],
    statuses: Sequence[Status],
    receipts: Mapping[str, Sequence[Receipt]],
    uses: Uses,
    lake: Path,
    reference: Path,
    as_of: date,
    chinese: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """The catalogue of all contracts as of a date; `receipts` by feed, judged or not.

    `chinese` has by feed what the contract says in English: purpose, limitations, content. What is missing there is
    empty, and readers see the English.
    """
    feeds = [
        _feed(contract, [s for s in statuses if s.feed == feed], receipts.get(feed, ()), uses, lake, reference, as_of)
        | {"chinese": {part: (chinese or {}).get(feed, {}).get(part, "") for part in CHINESE}}
        for feed, contract in sorted(contracts.items())
    ]
    standings = Counter(column["standing"] for feed in feeds for column in feed["columns"])
    names = {f"{u.kind}:{u.code}": u.name for found in uses.values() for u in found if u.kind != "door"}
    return {
        "as_of": as_of.isoformat(),
        "summary": {
            "feeds": len(feeds),
            "delivered": sum(1 for feed in feeds if feed["deliveries"]),
            "stale": sum(1 for feed in feeds if feed["deliveries"] and feed["state"]["is_stale"]),
            "columns": sum(standings.values()),
            "standings": dict(sorted(standings.items())),
            "not_needed": standings["unused"] + standings["dropped"],
        },
        "not_needed": [
            {"feed": feed["feed"]} | {key: column[key] for key in ("name", "physical", "label", "standing")}
            for feed in feeds
            for column in feed["columns"]
            if column["standing"] in ("unused", "dropped")
        ],
        "names": dict(sorted(names.items())),
        "feeds": feeds,
    }


def _feed(
    contract: Contract,
    statuses: Sequence[Status],
    receipts: Sequence[Receipt],
    uses: Uses,
    lake: Path,
    reference: Path,
    as_of: date,
) -> dict[str, Any]:
    body = read_yaml(contract.path)
    state = feed_state(contract, statuses, as_of)
    shown = list(statuses)[-SHOWN_DELIVERIES:]
    last = next((r for r in reversed(receipts) if r.business_on <= as_of), None)
    nulls = [empty_shares(lake / s.feed / s.business_on.isoformat() / s.number / ROWS) for s in shown]
    is_open = contract.classification == "public"
    return {
        "feed": contract.feed,
        "system": contract.title,
        "department": contract.department,
        "purpose": contract.purpose,
        "legal_basis": contract.legal_basis,
        "description": contract.description,
        "limitations": body["description"].get("limitations", ""),
        "class": contract.classification,
        "precedence": contract.precedence,
        "format": contract.delivery.format,
        "load": contract.delivery.load,
        "files": contract.delivery.files,
        "cadence_days": contract.cadence_days,
        "service_level": body.get("slaProperties", []),
        "contract": contract.path.name,
        "contract_version": contract.version,
        "state": {
            "is_available": state.is_available,
            "is_stale": state.is_stale,
            "in_use_on": state.business_on.isoformat() if state.business_on else None,
            "rows_in_use": state.accepted_rows,
            "waiting": list(state.waiting),
        },
        "total_deliveries": len(statuses),
        "deliveries": [_delivery(s) for s in shown],
        "dropped_values": _counts((last.dropped if last else {}), is_open),
        "broken_rules": _rules(contract, last, is_open),
        "columns": [
            _column(contract, c, nulls, uses.get((contract.feed, c.name), ()), reference) for c in contract.columns
        ],
    }


def _delivery(status: Status) -> dict[str, Any]:
    reasons = [
        "let through by a person's decision. 已由人决定放行。" if r.startswith(_DECIDED) else r for r in status.reasons
    ]
    return {
        "date": status.business_on.isoformat(),
        "delivery": status.number,
        "state": status.state,
        "delivered": status.delivered,
        "accepted": status.accepted,
        "quarantined": status.quarantined,
        "duplicate": status.duplicate,
        "is_in_use": status.is_in_use,
        "reasons": reasons,
    }


def _counts(found: Mapping[str, int], is_open: bool) -> dict[str, int | str]:
    return {name: _count(n, is_open) for name, n in sorted(found.items())}


def _count(n: int, is_open: bool) -> int | str:
    return n if is_open or n == 0 or n >= LEAST_COUNT else f"<{LEAST_COUNT}"


def _rules(contract: Contract, last: Receipt | None, is_open: bool) -> list[dict[str, Any]]:
    """The rules that rows of the newest delivery broke, most rows first."""
    texts = {f"{contract.feed}.{r.column}.{r.name}": r.message_zh for r in contract.row_rules}
    found = []
    for code, rows in sorted((last.rules if last else {}).items(), key=lambda item: (-item[1], item[0])):
        _, name, rule = code.split(".", 2)
        column = contract.by_name.get(name)
        label, physical = (column.label, column.physical) if column else ("", "")
        text = texts.get(code) or row_message(rule, label, physical).zh
        found.append({"rule": code, "label": label, "rows": _count(rows, is_open), "message": text})
    return found


def _column(
    contract: Contract, column: Column, nulls: list[dict[str, float | None]], uses: Sequence[Use], reference: Path
) -> dict[str, Any]:
    outputs = list(column.outputs)
    # Shares of what must not be looked at are not given; of an identity the pseudonym stands for the whole.
    quiet = column.classification == "restricted" or not outputs
    return {
        "name": column.name,
        "physical": column.physical or f"= {column.logic}",
        "label": column.label,
        "description": column.description,
        "type": column.logical_type,
        "class": column.classification,
        "role": column.intake.role,
        "lake_columns": outputs,
        "required": column.required,
        "is_key": column.name in contract.key,
        "codes": _codes(column, reference),
        "empty_shares": [] if quiet else [found.get(outputs[0]) for found in nulls],
        "standing": standing(column, uses),
        "uses": _grouped(uses),
    }


def _grouped(uses: Iterable[Use]) -> dict[str, list[str]]:
    """Uses by kind: `code` or `code.column`, with a * where only rows are decided."""
    grouped: dict[str, list[str]] = {}
    for use in uses:
        word = use.name if use.kind in ("door", "identity") else f"{use.code}.{use.column}" if use.column else use.code
        grouped.setdefault(use.kind, []).append(f"{word}*" if use.of_rows else word)
    return {kind: list(dict.fromkeys(words)) for kind, words in grouped.items()}


def _codes(column: Column, reference: Path) -> dict[str, Any] | None:
    codes = column.intake.codes
    if codes is None:
        return None
    texts = spellings(codes, reference)
    allowed = sorted(set(texts.values()))
    source = codes.file or (f"value domain {codes.domain}" if codes.domain else "contract")
    return {"from": source, "count": len(allowed), "codes": allowed[:LISTED_CODES], "spellings": len(texts)}


def empty_shares(rows: Path) -> dict[str, float | None]:
    """The share of empty values by lake column, from the file's own statistics; None below `LEAST_ROWS` rows.

    In lists an empty one counts as well. No value is read.
    """
    if not rows.exists():
        return {}
    meta = pq.ParquetFile(rows).metadata
    empty: Counter[str] = Counter()
    for group in range(meta.num_row_groups):
        for place in range(meta.num_columns):
            chunk = meta.row_group(group).column(place)
            if chunk.statistics is not None and chunk.statistics.has_null_count:
                empty[chunk.path_in_schema.split(".")[0]] += chunk.statistics.null_count
    if meta.num_rows < LEAST_ROWS:
        return dict.fromkeys(empty)
    return {name: round(n / meta.num_rows, 3) for name, n in empty.items()}
