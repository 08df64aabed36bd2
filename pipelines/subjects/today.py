"""The state of a date after the last business date: what lapses by time alone has lapsed.

Claims that look at the date (a registration that runs until a day) are read again on it, by the same steps and over the
same deliveries. The result is for the run that asked and no part of the replay: no date goes on from it, so that what a
later delivery finds does not depend on when somebody ran the warehouse.
"""

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from pipelines.feeds.contracts import Contract
from pipelines.feeds.judge import Status
from pipelines.identifiers import Key
from pipelines.settings import Settings
from pipelines.subjects.day import make_day, usable
from pipelines.subjects.decisions import read_person_decisions
from pipelines.subjects.folders import Report, Step, made_of, make, stands

_SEEN = ".seen-"


def seen_on(
    settings: Settings,
    contracts: Mapping[str, Contract],
    statuses: Iterable[Status],
    key: Key,
    as_of: date,
    last: Path,
    steps: Sequence[Step],
    report: Report | None = None,
) -> Path:
    """The folder that tells what is so on `as_of`: `last`, the replay's last, unless its date lies before.

    Where nothing was ever accepted `last` bears the date of the run itself. One such folder is kept, for the next run
    of the same date. Raises DecisionProblem.
    """
    last_on = date.fromisoformat(last.name)
    if as_of <= last_on:
        return last
    root = settings.identity
    place = root / f"{_SEEN}{as_of}"
    fingerprint = hashlib.sha256(f"{made_of(last)} {as_of}".encode()).hexdigest()
    if stands(place, fingerprint, report):
        return place
    for old in root.glob(f"{_SEEN}*"):
        shutil.rmtree(old)
    good = [s for s in usable(statuses) if s.business_on <= as_of]
    decisions = [d for d in read_person_decisions(settings.landing) if d.decided_on <= as_of]
    day = make_day(settings, contracts, good, decisions, key, as_of, last_on)
    return make(place, fingerprint, last, day, steps)


def seen(root: Path, as_of: date | None) -> Path | None:
    """The folder `seen_on` made for a date, if it is there."""
    place = root / f"{_SEEN}{as_of}"
    return place if as_of is not None and made_of(place) is not None else None
