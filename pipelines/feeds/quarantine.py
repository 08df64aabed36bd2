"""Rows held back: where they are kept, and the record of what became of each.

Only the vault holds them, because they bear raw numbers. The record beside them (`…-history.jsonl`) gets a line for
every row that was held and is no longer: nothing leaves the quarantine in silence. `export` writes them out for people.
"""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipelines.feeds.check import QUARANTINE_SCHEMA, Checked
from pipelines.feeds.deliveries import Delivery
from pipelines.feeds.receipts import Receipt
from pipelines.settings import Settings

Fate = Literal["held", "accepted", "duplicate", "gone"]
FATES: tuple[Fate, ...] = ("held", "accepted", "duplicate", "gone")
_PLACE = ["file", "line"]


def quarantine_path(settings: Settings, feed: str, business_on: date, number: str) -> Path:
    """Where a delivery's rows held back are."""
    return settings.vault / "quarantine" / feed / business_on.isoformat() / f"{number}.parquet"


def history_path(settings: Settings, feed: str, business_on: date, number: str) -> Path:
    """The record of rows that were held and are no longer."""
    return quarantine_path(settings, feed, business_on, number).with_name(f"{number}-history.jsonl")


def read(settings: Settings, feed: str, business_on: date, number: str) -> pl.DataFrame:
    """A delivery's rows held back, in order of file and line; empty where there are none."""
    path = quarantine_path(settings, feed, business_on, number)
    if not path.exists():
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    return pl.read_parquet(path).select(list(QUARANTINE_SCHEMA)).sort(_PLACE)


def kept(
    settings: Settings, feed: str, business_on: date | None = None, number: str | None = None
) -> Iterator[tuple[date, str, pl.DataFrame]]:
    """(date, number, rows held back) of a feed's deliveries that have some, in order; all, or of one date or number."""
    pattern = f"{business_on or '*'}/{number or '*'}.parquet"
    for path in sorted((settings.vault / "quarantine" / feed).glob(pattern)):
        day = date.fromisoformat(path.parent.name)
        yield day, path.stem, read(settings, feed, day, path.stem)


def places(
    settings: Settings, feed: str, business_on: date | None = None, number: str | None = None, rule: str | None = None
) -> list[dict[str, Any]]:
    """Where a feed's rows held back stand and why, without what they say; with `rule` only those that break it."""
    return [
        {
            "feed": feed,
            "date": day.isoformat(),
            "delivery": of,
            "file": row["file"],
            "line": row["line"],
            "rules": row["rules"],
            "message_zh": "".join(row["messages_zh"]),
            "message_en": " ".join(row["messages_en"]),
        }
        for day, of, rows in kept(settings, feed, business_on, number)
        for row in rows.drop("raw").iter_rows(named=True)
        if rule in (None, *row["rules"])
    ]


def store(settings: Settings, delivery: Delivery, checked: Checked | None, receipt: Receipt) -> None:
    """Replace a delivery's rows held back, after writing down which of the former ones are held no longer.

    Nothing is left of the file where no row is held. Raises OSError.
    """
    path = quarantine_path(settings, delivery.feed, delivery.business_on, delivery.number)
    before = read(settings, delivery.feed, delivery.business_on, delivery.number)
    quarantine = checked.quarantine if checked else pl.DataFrame(schema=QUARANTINE_SCHEMA)
    if before.height:
        after = fates(before, *((quarantine, checked.duplicates, checked.rows) if checked else ()))
        _record(path, after.filter(pl.col("became") != "held"), receipt)
    if quarantine.is_empty():
        path.unlink(missing_ok=True)
        return
    private_folder(settings.vault, path.parent)
    frame = quarantine.select(
        pl.lit(delivery.feed).alias("feed"),
        pl.lit(delivery.business_on).alias("date"),
        pl.lit(delivery.number).alias("delivery"),
        pl.all(),
    )
    temporary = path.with_name(f".{path.name}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        frame.write_parquet(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def fates(
    before: pl.DataFrame,
    held: pl.DataFrame | None = None,
    duplicates: pl.DataFrame | None = None,
    accepted: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """What became of rows held before when their delivery was read again: file, line, rules, became.

    held, accepted, duplicate, or gone: the delivery as a whole was refused, or has no row at that place any more.
    """
    rows = before.select(*_PLACE, "rules")
    if held is None or duplicates is None or accepted is None:
        return rows.with_columns(pl.lit("gone").alias("became"))
    places = {
        "held": held.select(_PLACE),
        "duplicate": duplicates.select(_PLACE),
        "accepted": accepted.select(pl.col("_file").alias("file"), pl.col("_line").alias("line")),
    }
    for fate, where in places.items():
        here = where.unique().with_columns(pl.lit(True).alias(fate))
        rows = rows.join(here, on=_PLACE, how="left", maintain_order="left")
    became = pl.coalesce(*(pl.when(pl.col(fate)).then(pl.lit(fate)) for fate in places), pl.lit("gone"))
    return rows.select(*_PLACE, "rules", became.alias("became"))


def count_fates(rows: pl.DataFrame) -> dict[str, int]:
    """Rows by what became of them, every fate named."""
    counts = dict(rows.group_by("became").len().iter_rows())
    return {fate: counts.get(fate, 0) for fate in FATES}


def history(settings: Settings, feed: str, business_on: date, number: str) -> list[dict[str, Any]]:
    """The record of rows that were held and are no longer, oldest first."""
    path = history_path(settings, feed, business_on, number)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def private_folder(vault: Path, folder: Path) -> None:
    """Make a folder of the vault that nobody else can open, and the vault so too."""
    vault.mkdir(mode=0o700, parents=True, exist_ok=True)
    vault.chmod(0o700)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a record that is only ever added to; they are on disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def _record(path: Path, gone: pl.DataFrame, receipt: Receipt) -> None:
    if gone.is_empty():
        return
    made_of = {
        "contract_version": receipt.contract_version,
        "contract_sha256": receipt.contract_sha256,
        "reference_sha256": receipt.reference_sha256,
        "waivers_sha256": receipt.waivers_sha256,
    }
    lines = (json.dumps({**row, **made_of}, ensure_ascii=False) for row in gone.iter_rows(named=True))
    append_lines(path.with_name(f"{path.stem}-history.jsonl"), lines)
