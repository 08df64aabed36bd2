"""How a feed's files come: the words of a contract's `delivery`.

What belongs here: format, encoding, layout, load and limits as declared. What does not: opening files (`readers`) and
judging deliveries (`judge`).
"""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pipelines.feeds.fields import Strict
from pipelines.feeds.limits import Drift


class Trailer(Strict):
    """The last record of a fixed-width file: a prefix and the number of records."""

    prefix: str
    digits: int


class Volume(Strict):
    """By how much a snapshot may shrink or grow against the one before without a person looking at it."""

    down_pct: float = 20
    up_pct: float = 50
    slack_rows: int = 20


class Increment(Strict):
    """How the operations of an increment feed are read: the property that holds them and what a deletion means.

    An increment without them only adds rows and says them anew: the last word on each key counts.
    """

    operation: str
    delete: tuple[str, ...]
    on_delete: Literal["drop", "close"]
    open_flag: str = "is_open"


class Pull(Strict):
    """A table or view of a PostgreSQL database that a file can be pulled from. Which database stands in no contract."""

    namespace: str = "public"
    relation: str


class FilePart(Strict):
    """Some files of a delivery that differ from its others: their own options, the raw columns they have (all, where
    none are named) and names that stand in them for others of the contract (theirs: ours).

    Parts of one `layout_of` are layouts of the same files: the first whose columns the files bear reads them.
    """

    files: str
    format: Literal["delimited", "fixed_width", "workbook", "parquet", "sqlite", "geojson", "json_lines", "json"]
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: str = ","
    header_row: int = Field(default=1, ge=1)
    sheets: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    optional: bool = False
    layout_of: str = ""
    pull: Pull | None = None


class Delivery(Strict):
    """How a feed's files come."""

    format: Literal["delimited", "fixed_width", "workbook", "parquet", "sqlite", "geojson", "json_lines", "json"]
    files: str
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: str = ","
    header_row: int = Field(default=1, ge=1)
    final_newline: bool = True
    compression: Literal["gzip"] | None = None
    surplus_to_last: bool = False
    is_password_protected: bool = False
    record_bytes: int | None = None
    trailer: Trailer | None = None
    sheets: tuple[str, ...] = ()
    merged_down: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    table: str | None = None
    pull: Pull | None = None
    load: Literal["snapshot", "increment"] = "snapshot"
    increment: Increment | None = None
    latest_by: str | None = None
    parts: tuple[FilePart, ...] = ()
    volume: Volume | None = Volume()
    quarantine_pct: float = 30
    quarantine_slack_rows: int = 50
    drift: Drift = Drift()


def pull_problems(delivery: Delivery) -> Iterator[str]:
    """A pull writes one SQLite file, and nothing else may have to come beside it."""
    every: tuple[Delivery | FilePart, ...] = (delivery, *delivery.parts)
    pulled = [one for one in every if one.pull is not None]
    for one in pulled:
        if one.format != "sqlite" or re.search(r"[*?\[/]", one.files):
            yield f"{one.files}: only a SQLite file of a fixed name can be pulled"
    if pulled and delivery.parts:
        others = [part.files for part in delivery.parts if part.pull is None and not part.optional]
        if delivery.pull or others:
            yield f"a pulled delivery would lack {', '.join(others) or 'its parts'}: let each be pulled or optional"
