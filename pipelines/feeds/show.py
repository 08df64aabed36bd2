"""One feed as a whole: its contract in short, its deliveries, the rules its rows broke and its columns.

Counts and declarations only; no value of a row.
"""

from typing import Any

from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Decision, Waiver, read_decisions, read_waivers
from pipelines.feeds.judge import feed_state
from pipelines.feeds.limits import of_column
from pipelines.feeds.messages import ROW_RULES, Message, row_message
from pipelines.feeds.receipts import Receipt, read_receipts
from pipelines.feeds.shape import column_of
from pipelines.feeds.status import FOR_EVER, as_json, entry, judged, landed_until, received
from pipelines.settings import Settings


def show(settings: Settings, contract: Contract) -> dict[str, Any]:
    """Everything there is to say of a feed: contract, state, deliveries, rules, columns, decisions."""
    statuses = judged(settings, {contract.feed: contract})
    receipts = read_receipts(settings.lake, contract.feed)
    landed = [(as_json(status), receipt) for status, receipt in zip(statuses, receipts, strict=True)]
    state = feed_state(contract, statuses, landed_until(settings.lake) or FOR_EVER)
    return {
        **_contract(contract),
        "in_use": state.business_on.isoformat() if state.business_on else None,
        "is_stale": bool(statuses) and state.is_stale,
        "waiting": list(state.waiting),
        "reasons": list(state.reasons),
        "deliveries": [
            {**told, "message_zh": receipt.problem.message_zh if receipt.problem else ""} for told, receipt in landed
        ]
        + received(settings, {contract.feed: contract}),
        "rules": _rules(contract, receipts),
        "columns": _columns(contract, receipts[-1] if receipts else None),
        "decisions": _decisions(settings, contract),
    }


def _contract(contract: Contract) -> dict[str, Any]:
    delivery = contract.delivery
    volume = delivery.volume
    return {
        **entry(contract),
        "purpose": contract.purpose,
        "legal_basis": contract.legal_basis,
        "classification": contract.classification,
        "files": delivery.files,
        "load": delivery.load,
        "key": list(contract.key),
        "held_outside": f"{-volume.down_pct:g} % to +{volume.up_pct:g} %" if volume else None,
        "held_above": f"{delivery.quarantine_pct:g} % quarantined",
        "held_by_drift": _drift(contract),
    }


def _drift(contract: Contract) -> list[str]:
    """The house's limits, as the contract has them, and the columns for which it says otherwise."""
    house = of_column(contract.limits, contract.delivery.drift, "")
    every = [("", house.model_dump())]
    every += [(f"{name} ", own.model_dump(exclude_unset=True)) for name, own in contract.delivery.drift.columns.items()]
    return [
        f"{name}{limit} {'-' if most is None else f'{most:g}'}" for name, said in every for limit, most in said.items()
    ]


def _rules(contract: Contract, receipts: list[Receipt]) -> list[dict[str, Any]]:
    """Rules that rows of any delivery broke: rows of the newest one and of all, and what to tell the department."""
    codes = sorted({code for receipt in receipts for code in receipt.rules})
    told = []
    for code in codes:
        message = message_of(contract, code)
        counts = [receipt.rules.get(code, 0) for receipt in receipts]
        told.append(
            {
                "rule": code,
                "rows_newest": counts[-1],
                "rows": sum(counts),
                "message_zh": message.zh,
                "message_en": message.en,
            }
        )
    return told


def message_of(contract: Contract, code: str) -> Message:
    """What is said to people about a rule, by its code `<feed>.<column>.<rule>`."""
    _, name, rule = code.split(".", 2)
    for own in contract.row_rules:
        if (own.column, own.name) == (name, rule):
            return Message(own.message_zh, own.message_en)
    if rule not in ROW_RULES:
        return Message("此规则已不在现行约定中。", "The contract has this rule no longer.")
    column = contract.by_name.get(name)
    return row_message(rule, column.label if column else name, column.physical if column else name)


def _columns(contract: Contract, newest: Receipt | None) -> list[dict[str, Any]]:
    dropped = newest.dropped if newest else {}
    shares = _shares(newest) if newest else {}
    return [
        {
            "column": column.name,
            "raw": column.physical,
            "label": column.label,
            "type": column.logical_type,
            "class": column.classification,
            "role": column.intake.role,
            "required": column.required,
            "lake": list(column.outputs),
            "empty_pct": shares.get(column.name, (None, None))[0],
            "broken_pct": shares.get(column.name, (None, None))[1],
            "dropped": dropped.get(column.physical) if column.intake.role == "drop" else None,
        }
        for column in contract.columns
    ]


def _shares(newest: Receipt) -> dict[str, tuple[float | None, float | None]]:
    """Of each column of the newest delivery: empty rows, and of its filled values those that break a rule."""
    counts: dict[str, list[int]] = {}
    for name, told in newest.shape.items():
        so_far = counts.setdefault(column_of(name), [0, 0, 0])
        counts[column_of(name)] = [a + b for a, b in zip(so_far, (told.rows, told.empty, told.broken), strict=True)]
    return {name: (_percent(empty, rows), _percent(bad, rows - empty)) for name, (rows, empty, bad) in counts.items()}


def _percent(cases: int, of: int) -> float | None:
    return round(100 * cases / of, 1) if of else None


def _decisions(settings: Settings, contract: Contract) -> list[dict[str, Any]]:
    both: list[Decision | Waiver] = [*read_decisions(settings.landing), *read_waivers(settings.landing)]
    mine = sorted((d for d in both if d.feed == contract.feed), key=lambda d: (d.decided_on, d.business_on, d.number))
    return [
        {
            "decision": d.decision,
            "date": d.business_on.isoformat(),
            "delivery": d.number,
            "name": d.name,
            "reason": d.reason,
            "decided_on": d.decided_on.isoformat(),
        }
        for d in mine
    ]
