"""Replays of survivorship over hand-made deliveries, date after date, without linkage or with its files by hand."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.lake import BUSINESS_ON, DELIVERY, sql_types
from pipelines.feeds.land import ROWS
from pipelines.identifiers import Key
from pipelines.settings import Settings
from pipelines.subjects.day import Day
from pipelines.subjects.survivorship import layers, step
from pipelines.subjects.survivorship.rules import Rules

Rows = Sequence[Mapping[str, Any]]
Delivered = Mapping[tuple[date, str, str], Rows]
"""Rows by business date, feed and number of the delivery."""


class Dates:
    """A data root with deliveries, and the dates' folders that survivorship makes of them."""

    def __init__(self, root: Path, contracts: Mapping[str, Contract], rules: Rules) -> None:
        self.settings = Settings(data=root, memory_limit="1GB")
        self.contracts, self.rules = contracts, rules
        self.folders: dict[date, Path] = {}
        self._delivered: list[tuple[date, str, str, Path]] = []

    def deliver(self, delivered: Delivered) -> None:
        """Lay rows into the lake; columns left out are null."""
        for (on, feed, number), rows in sorted(delivered.items(), key=lambda item: item[0]):
            path = self.settings.lake / feed / on.isoformat() / number / ROWS
            path.parent.mkdir(parents=True)
            _store(self.contracts[feed], rows, path)
            self._delivered.append((on, feed, number, path))
        self._delivered.sort()

    def run(self, root: Path, mentions: Mapping[date, Mapping[str, pl.DataFrame]] | None = None) -> None:
        """Make the folder of every date on which something came; `mentions` are linkage's files by date and name."""
        before: Path | None = None
        for on in sorted({d[0] for d in self._delivered}):
            folder = root / on.isoformat()
            folder.mkdir(parents=True)
            for name, frame in ((mentions or {}).get(on) or {}).items():
                frame.write_parquet(folder / name)
            step.survive(self.rules, before, self._day(on, date.fromisoformat(before.name) if before else None), folder)
            self.folders[on] = before = folder

    def leap(self, root: Path, on: date) -> None:
        """Make the folder of one date as if it were the first."""
        folder = root / on.isoformat()
        folder.mkdir(parents=True)
        step.survive(self.rules, None, self._day(on, None), folder)
        self.folders[on] = folder

    def people(self, on: date) -> dict[str, dict[str, Any]]:
        """`person` of a date by id."""
        rows = layers.scan(self.folders[on], step.PEOPLE).collect().to_dicts()
        return {row["person_id"]: row for row in rows}

    def table(self, on: date, name: str) -> list[dict[str, Any]]:
        """A table of a date's folder."""
        return layers.scan(self.folders[on], name).collect().to_dicts()

    def _day(self, on: date, before_on: date | None) -> Day:
        arrived = {f: tuple(path for day, of, _, path in self._delivered if of == f and day == on) for f in self._feeds}
        return Day(
            business_on=on,
            before_on=before_on,
            in_use=self._in_use(on),
            was_in_use=self._in_use(before_on) if before_on else {},
            arrived={feed: paths for feed, paths in arrived.items() if paths},
            contracts=self.contracts,
            decisions=(),
            key=Key(b"t" * 32),
            settings=self.settings,
        )

    @property
    def _feeds(self) -> list[str]:
        return sorted({feed for _, feed, _, _ in self._delivered})

    def _in_use(self, on: date) -> dict[str, tuple[Path, ...]]:
        in_use: dict[str, tuple[Path, ...]] = {}
        for feed in self._feeds:
            mine = tuple(path for day, of, _, path in self._delivered if of == feed and day <= on)
            if mine:
                in_use[feed] = mine if self.contracts[feed].delivery.load == "increment" else mine[-1:]
        return in_use


def _store(contract: Contract, rows: Rows, path: Path) -> None:
    columns = {n: k for n, k in sql_types(contract).items() if n not in (BUSINESS_ON, DELIVERY)}
    definition = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    with duckdb.connect() as connection:
        connection.execute(f"create table told ({definition})")
        for line, row in enumerate(rows, 1):
            full = {"_file": "f", "_line": line} | dict(row)
            names, marks = ", ".join(f'"{name}"' for name in full), ", ".join("?" for _ in full)
            connection.execute(f"insert into told ({names}) values ({marks})", [*full.values()])
        connection.execute(f"copy told to '{path}' (format parquet)")
