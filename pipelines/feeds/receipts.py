"""Receipts: what became of a delivery, as one JSON file beside its rows in the lake.

A receipt is a function of the delivery's files, its contract with the code tables it reads, people's decisions on its
rows and the key; it holds no clock time and no raw value.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.feeds.shape import Shape, read_shape

RECEIPT = "receipt.json"
# Raised when the same delivery comes to give other rows: then every delivery is read again.
MAKING = 6
# Stands beside a receipt while the delivery's files differ from those it was written for.
REFUSED = "refused.json"


@dataclass(frozen=True)
class Problem:
    """Why nothing of a delivery could be used."""

    kind: str
    message: str
    message_zh: str
    file: str = ""
    line: int | None = None
    column: str = ""


@dataclass(frozen=True)
class Receipt:
    """Counts and identity of one delivery. delivered = accepted + quarantined + duplicate, except with a problem.

    `waived` of the accepted rows were let in by people; `void_waivers` rows are named by such decisions in vain;
    `shape` says what its columns look like, for the next delivery to be compared with;
    `written` is the sha256 of each file of rows as it was written to the lake.
    """

    feed: str
    business_on: date
    number: str
    delivered: int
    accepted: int
    quarantined: int
    duplicate: int
    sha256: str
    files: tuple[dict[str, Any], ...]
    contract_version: str
    contract_sha256: str
    key_id: str
    declared: int | None = None
    same_as: str | None = None
    added_columns: tuple[str, ...] = ()
    structural: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    problem: Problem | None = None
    waived: int = 0
    void_waivers: int = 0
    waivers_sha256: str = ""
    reference_sha256: str = ""
    making: int = 1
    written: dict[str, str] = field(default_factory=dict)
    shape: Shape = field(default_factory=dict)

    def to_json(self) -> str:
        """Stable text: the same receipt gives the same bytes."""
        document = asdict(self) | {"date": self.business_on.isoformat(), "delivery": self.number}
        del document["business_on"], document["number"]
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_receipt(path: Path) -> Receipt:
    """Read a receipt file."""
    document = json.loads(path.read_text("utf-8"))
    problem = document.pop("problem")
    # A shape of another making is not to be compared; its delivery is read again anyway.
    shape = document.pop("shape", {})
    shape = read_shape(shape) if document.get("making") == MAKING else {}
    return Receipt(
        business_on=date.fromisoformat(document.pop("date")),
        number=document.pop("delivery"),
        files=tuple(document.pop("files")),
        added_columns=tuple(document.pop("added_columns")),
        problem=Problem(**problem) if problem else None,
        shape=shape,
        **document,
    )


def read_receipts(lake: Path, feed: str) -> list[Receipt]:
    """All receipts of a feed in order of date and number; of a delivery changed in place, the refusal."""
    found = sorted((lake / feed).glob(f"[0-9]*/[0-9]*/{RECEIPT}"))
    return [read_receipt(refused if (refused := path.with_name(REFUSED)).exists() else path) for path in found]


def write_synced(path: Path, text: str) -> None:
    """Write a small file whole: it is on disk under its name when this returns, or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
