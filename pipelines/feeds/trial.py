"""Trying a delivery: what its contract would say of a file, without landing anything.

For the department that is about to send it and for the engineer who wonders what is wrong with it.
"""

import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.feeds import readers
from pipelines.feeds.check import Checked, check
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import read_decisions
from pipelines.feeds.judge import judge
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.receipts import Receipt, read_receipts
from pipelines.identifiers import Key
from pipelines.settings import Settings

EXAMPLE_LINES = 5
# A number after every number a delivery can have.
_TRIAL = "trial"


def try_delivery(settings: Settings, contract: Contract, path: Path, business_on: date) -> dict[str, Any]:
    """Reads, checks and judges a file or a delivery's folder as if it were delivered for a business date.

    Returns state (accepted, held or rejected) and reasons beside the deliveries landed before, the four counts, and for
    each broken rule its rows, first lines and message. Pseudonyms are made under a key that is thrown away, and no
    value of a row is returned.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = path
        if path.is_file():
            folder = Path(scratch)
            shutil.copyfile(path, folder / path.name)
        try:
            raw = readers.read(contract, folder, settings.passwords)
        except DeliveryProblem as problem:
            reason = problem.describe(contract.feed, business_on.isoformat(), _TRIAL)
            return {**_counts(0, 0, 0, 0), "state": "rejected", "rules": [], "reasons": [reason]}
        checked = check(contract, raw, Key(bytes(32)), business_on, settings.reference)
    counts = _counts(checked.delivered, checked.rows.height, checked.quarantine.height, checked.duplicates.height)
    as_if = Receipt(
        feed=contract.feed,
        business_on=business_on,
        number=_TRIAL,
        delivered=counts["delivered"],
        accepted=counts["accepted"],
        quarantined=counts["quarantined"],
        duplicate=counts["duplicate"],
        sha256=_TRIAL,
        files=(),
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        key_id="",
        declared=raw.declared,
        added_columns=raw.added,
    )
    before = read_receipts(settings.lake, contract.feed)
    status = judge(contract, [*before, as_if], read_decisions(settings.landing), business_on)[-1]
    return {**counts, "state": status.state, "rules": _rules(checked), "reasons": list(status.reasons)}


def _counts(delivered: int, accepted: int, quarantined: int, duplicate: int) -> dict[str, int]:
    return {"delivered": delivered, "accepted": accepted, "quarantined": quarantined, "duplicate": duplicate}


def _rules(checked: Checked) -> list[dict[str, Any]]:
    told = (
        checked.quarantine.select("line", pl.col("rules").alias("rule"), pl.col("messages_en").alias("message"))
        .explode("rule", "message")
        .group_by("rule")
        .agg(pl.col("line").sort().head(EXAMPLE_LINES), pl.col("message").first())
    )
    examples = {rule: (lines, message) for rule, lines, message in told.iter_rows()}
    return [
        {
            "rule": rule,
            "rows": rows,
            "holds_back": rule in examples,
            "lines": examples[rule][0] if rule in examples else [],
            "message": examples[rule][1] if rule in examples else "the value is left out, the row is accepted",
        }
        for rule, rows in sorted(checked.rule_counts.items())
        if rows
    ]
