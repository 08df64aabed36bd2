"""Pulling a delivery from a department's database into landing/, where it is a delivery like any other.

A run never speaks to a database: a live table cannot be replayed, and a release is a function of landing/. So what was
read at one moment is written as the file the contract names, whole or not at all, and everything after that is the
reader's. What belongs here: the delivery. What does not: the conversation with the server (`postgres`).
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.disk import sync
from pipelines.feeds import deliveries, postgres
from pipelines.feeds.contracts import Contract
from pipelines.feeds.deliveries import Delivery
from pipelines.feeds.postgres import SourceProblem
from pipelines.feeds.readers.parts import of_part
from pipelines.feeds.transport import Pull
from pipelines.settings import Settings
from pipelines.sql import quoted

_TEMPORARY = ".pull"
_BATCH = 10_000


@dataclass(frozen=True)
class _Wanted:
    """One file of the delivery: where from, under which name, and the raw columns it must have."""

    pull: Pull
    file: str
    table: str
    columns: tuple[str, ...]


def pull(settings: Settings, contract: Contract, business_on: date, is_trial: bool = False) -> dict[str, Any]:
    """Pull a delivery of a feed for a business date; as a trial, only look whether it could be.

    Returns date, delivery number, rows by file and whether it was done. Where the date's last delivery says the same
    already, none is made. Raises SourceProblem; then landing/ is as it was.
    """
    wanted = _wanted(contract)
    if not wanted:
        raise SourceProblem(f"{contract.feed} is not pulled: its contract names no relation (delivery.pull)")
    body: dict[str, Any] = {"feed": contract.feed, "date": business_on.isoformat()}
    with postgres.connected(settings, contract.feed) as connection:
        looks = [_look(connection, contract, one) for one in wanted]
        if is_trial:
            rows = {one.file: postgres.count(connection, one.pull) for one in wanted}
            return {**body, "delivery": None, "rows": rows, "unchanged": False, "done": False}
        place = settings.landing / contract.feed / business_on.isoformat()
        with _building(place) as folder:
            rows = {}
            for one, (sources, types) in zip(wanted, looks, strict=True):
                texts = postgres.texts(connection, one.pull, sources, types)
                rows[one.file] = _write(folder / one.file, one, texts)
            last = _last(settings, contract.feed, business_on)
            if last is not None and _says(last) == _says(Delivery(contract.feed, business_on, "", folder)):
                return {**body, "delivery": last.number, "rows": rows, "unchanged": True, "done": False}
            number = _publish(folder, place)
    return {**body, "delivery": number, "rows": rows, "unchanged": False, "done": True}


def _wanted(contract: Contract) -> list[_Wanted]:
    whole = [contract] if contract.delivery.pull else []
    parts = [of_part(contract, part) for part in contract.delivery.parts if part.pull]
    return [
        _Wanted(one.delivery.pull, one.delivery.files, str(one.delivery.table), one.physicals)
        for one in [*whole, *parts]
        if one.delivery.pull is not None
    ]


def _look(connection: Any, contract: Contract, one: _Wanted) -> tuple[list[str], dict[str, str]]:
    """The relation's own names of the wanted columns, and their types. Raises SourceProblem for what is missing.

    Names that differ in case only are the same where that is not ambiguous: PostgreSQL folds what is not quoted.
    """
    types = postgres.columns(connection, one.pull)
    relation = f"{one.pull.namespace}.{one.pull.relation}"
    if not types:
        raise SourceProblem(
            f"{contract.feed}: the database has no table or view {relation}, or hides it from this user"
        )
    sources = []
    for name in one.columns:
        alike = [n for n in types if n.lower() == name.lower()]
        if name not in types and len(alike) != 1:
            raise SourceProblem(f"{contract.feed}: {relation} has no column {name}; settle it with the department")
        sources.append(name if name in types else alike[0])
    return sources, types


def _write(path: Path, one: _Wanted, texts: Iterable[tuple[str | None, ...]]) -> int:
    """The rows as a SQLite file, every value as text; the same rows give the same bytes. Returns how many."""
    names = ", ".join(f"{quoted(name)} text" for name in one.columns)
    marks = ", ".join("?" * len(one.columns))
    rows = 0
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            # No journal: a file that is not finished is thrown away.
            file.execute("pragma journal_mode = off")
            file.execute("pragma synchronous = off")
            file.execute("begin")
            file.execute(f"create table {quoted(one.table)} ({names})")
            for batch in _batches(texts):
                file.executemany(f"insert into {quoted(one.table)} values ({marks})", batch)
                rows += len(batch)
            file.execute("commit")
    except sqlite3.Error as error:
        raise SourceProblem(f"{path.name} cannot be written ({error}); free space, then pull again") from None
    return rows


def _batches(texts: Iterable[tuple[str | None, ...]]) -> Iterator[Sequence[tuple[str | None, ...]]]:
    rest = iter(texts)
    while batch := list(islice(rest, _BATCH)):
        yield batch


@contextmanager
def _building(place: Path) -> Iterator[Path]:
    """A hidden folder beside the deliveries of a date, which no reader looks at; gone when the block ends.

    One pull a feed at a time: what a killed one left is swept by the next.
    """
    place.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.parent / f"{_TEMPORARY}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceProblem(f"{place.parent.name} is being pulled by another process; wait for it to end") from None
        folder = place / _TEMPORARY
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if not any(place.iterdir()):
                place.rmdir()
    finally:
        os.close(lock)


def _last(settings: Settings, feed: str, business_on: date) -> Delivery | None:
    found, _ = deliveries.find(settings.landing, [feed])
    return max((d for d in found if d.feed == feed and d.business_on == business_on), default=None)


def _says(delivery: Delivery) -> str:
    return deliveries.combined_sha256(deliveries.measure(delivery))


def _publish(folder: Path, place: Path) -> str:
    """Give the folder the next free number in one step, its content on disk before that."""
    taken = [int(p.name) for p in place.iterdir() if p.name.isdigit()]
    number = f"{max(taken, default=0) + 1:03d}"
    for path in (*folder.iterdir(), folder):
        sync(path)
    folder.rename(place / number)
    sync(place)
    return number
