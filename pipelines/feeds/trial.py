"""Trying a delivery: what its contract would say of a file, without landing anything.

For the department that is about to send it and for the engineer who wonders what is wrong with it.
"""

import fnmatch
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.feeds import readers
from pipelines.feeds.check import Checked, check
from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import read_decisions
from pipelines.feeds.judge import judge
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.raw import FILE, LINE
from pipelines.feeds.receipts import Receipt, read_receipts
from pipelines.feeds.shape import without_keys
from pipelines.feeds.show import message_of
from pipelines.identifiers import Key
from pipelines.refusal import Refusal
from pipelines.settings import Settings

EXAMPLE_LINES = 5
# A number after every number a delivery can have.
_TRIAL = "trial"


class TrialRefused(Refusal):
    """What was given cannot be tried as a delivery; the message says why and what to do."""


def try_delivery(settings: Settings, contract: Contract, path: Path, business_on: date) -> dict[str, Any]:
    """Reads, checks and judges a file or a delivery's folder as if it were delivered for a business date.

    Returns state (accepted, held or rejected) and reasons beside the deliveries landed before, the four counts, and for
    each broken rule its rows, column, first places (file:line) and message. Pseudonyms are made under a key that is
    thrown away, and no value of a row is returned.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = path
        if path.is_file():
            _must_be_named(contract, path)
            folder = Path(scratch)
            shutil.copyfile(path, folder / path.name)
        try:
            with confined(folder):
                raw = readers.read(contract, folder, settings.passwords)
                checked = check(contract, raw, Key(bytes(32)), business_on, settings.reference)
        except DeliveryProblem as problem:
            reason = problem.describe(contract.feed, business_on.isoformat(), _TRIAL)
            return {**_counts(0, 0, 0, 0), "state": "rejected", "rules": [], "reasons": [reason]}
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
        rules=checked.rule_counts,
        # Its pseudonyms are made under a key of its own and meet nobody's.
        shape=without_keys(checked.shape),
    )
    before = read_receipts(settings.lake, contract.feed)
    status = judge(contract, [*before, as_if], read_decisions(settings.landing), business_on)[-1]
    return {**counts, "state": status.state, "rules": _rules(contract, checked), "reasons": list(status.reasons)}


def _must_be_named(contract: Contract, path: Path) -> None:
    """Refuse a file that the feed's reader would pass by for its name."""
    patterns = [contract.delivery.files, *(part.files for part in contract.delivery.parts)]
    if not any(fnmatch.fnmatchcase(path.name, pattern.rpartition("/")[2]) for pattern in patterns):
        called = " or ".join(dict.fromkeys(patterns))
        raise TrialRefused(
            f"{contract.feed}: its file is called {called}, not {path.name}; rename it, or give the delivery's folder"
        )


def _counts(delivered: int, accepted: int, quarantined: int, duplicate: int) -> dict[str, int]:
    return {"delivered": delivered, "accepted": accepted, "quarantined": quarantined, "duplicate": duplicate}


def _rules(contract: Contract, checked: Checked) -> list[dict[str, Any]]:
    """Rules that rows broke: whether it holds them back, where the first of them stand, and what to do."""
    held = checked.quarantine.select("file", "line", pl.col("rules").alias("rule"))
    flagged = checked.rows.select(
        pl.col(FILE).cast(pl.String).alias("file"), pl.col(LINE).alias("line"), pl.col("_dq").alias("rule")
    )
    examples = {True: _places(held), False: _places(flagged)}
    told = []
    for rule, rows in sorted(checked.rule_counts.items()):
        message, column = message_of(contract, rule), contract.by_name.get(rule.split(".")[1])
        holds = rule in examples[True]
        told.append(
            {
                "rule": rule,
                "rows": rows,
                "holds_back": holds,
                "column": column.physical if column else "",
                "lines": examples[holds].get(rule, []),
                "message": message.en,
                "message_zh": message.zh,
            }
        )
    return told


def _places(rows: pl.DataFrame) -> dict[str, list[str]]:
    """The first places of each rule, as `file:line`; rows that repeat others have none."""
    first = (
        rows.explode("rule")
        .drop_nulls("rule")
        .sort("rule", "file", "line")
        .group_by("rule")
        .agg(pl.format("{}:{}", "file", "line").head(EXAMPLE_LINES))
    )
    return dict(first.iter_rows())
