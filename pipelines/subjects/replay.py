"""The replay: identity and survivorship as they stood on every business date, each from the date before.

The state of a date is a folder under `identity/`, a pure function of the deliveries and decisions up to it. A folder
says in `made_of` what it was made of; one that still fits is kept, so a new day costs what it changes, and the result
is that of a replay from the beginning. What a step computes is its own business.
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
from pipelines.subjects.day import in_use_on, make_day, usable
from pipelines.subjects.decisions import PersonDecision, read_person_decisions
from pipelines.subjects.folders import Report, Step, make, stands

KEEP_DATES = 3
DECLARATIONS = ("linkage", "survivorship")


def replay(
    settings: Settings,
    contracts: Mapping[str, Contract],
    statuses: Iterable[Status],
    key: Key,
    as_of: date,
    steps: Sequence[Step],
    report: Report | None = None,
) -> Path:
    """The folder of the last business date up to `as_of`, computed as far as it is not there yet.

    `statuses` are the deliveries as judged on `as_of`. Where nothing was ever accepted, the folder of `as_of` says so.
    Raises DecisionProblem.
    """
    good = [s for s in usable(statuses) if s.business_on <= as_of]
    decisions = [d for d in read_person_decisions(settings.landing) if d.decided_on <= as_of]
    prints = fingerprints(settings, contracts, good, decisions, key) or {as_of: _ground(settings, contracts, key)}
    dates = list(prints)
    root = settings.identity
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    root.chmod(0o700)
    whole = (i for i in reversed(range(len(dates))) if stands(root / dates[i].isoformat(), prints[dates[i]], report))
    first = next(whole, -1) + 1
    before = root / dates[first - 1].isoformat() if first else None
    for day in dates[first:]:
        if report:
            report(f"identity of {day}: from {before.name if before else 'nothing'}")
        before_on = date.fromisoformat(before.name) if before else None
        today = make_day(settings, contracts, good, decisions, key, day, before_on)
        before = make(root / day.isoformat(), prints[day], before, today, steps)
        _prune(root, dates, day)
    return root / dates[-1].isoformat()


def fingerprints(
    settings: Settings,
    contracts: Mapping[str, Contract],
    good: Sequence[Status],
    decisions: Sequence[PersonDecision],
    key: Key,
) -> dict[date, str]:
    """What the state of every business date is made of, in order of date.

    Dates are those on which a delivery in use came, and those on which people decided, from the first delivery on.
    """
    came = {s.business_on for s in good}
    dates = sorted(came | {d.decided_on for d in decisions if came and d.decided_on >= min(came)})
    ground = _ground(settings, contracts, key)
    prints: dict[date, str] = {}
    last = ""
    for day in dates:
        digest = hashlib.sha256(f"{ground}\n{last}\n{day}\n".encode())
        for feed, used in in_use_on(contracts, good, day).items():
            for s in used:
                told = f"{feed} {s.business_on} {s.number} {s.sha256} {contracts[feed].sha256} {s.accepted}\n"
                digest.update(told.encode())
        for decision in decisions:
            if decision.decided_on <= day:
                digest.update(decision.model_dump_json().encode() + b"\n")
        last = prints[day] = digest.hexdigest()
    return prints


def _ground(settings: Settings, contracts: Mapping[str, Contract], key: Key) -> str:
    """What is the same for every date: the key, who speaks of people, the declarations, and the code of the steps."""
    digest = hashlib.sha256(key.key_id.encode())
    # Also feeds that deliver nothing: a slot ranks by its place among all.
    for contract in sorted(contracts.values(), key=lambda c: (c.precedence, c.feed)):
        digest.update("\0".join([contract.feed, *(slot.slot for slot in contract.people)]).encode() + b"\n")
    room = Path(__file__).parent
    places = [(settings.declarations / name, "*.yml") for name in DECLARATIONS]
    places += [(folder, "*.py") for folder in (room / "linkage", room / "survivorship", room.parent / "identifiers")]
    places += [(room, name) for name in ("day.py", "decisions.py", "folders.py", "replay.py")]
    for folder, pattern in places:
        for path in sorted(folder.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _prune(root: Path, dates: Sequence[date], day: date) -> None:
    """Delete what is older than the last dates, and dates up to `day` that are none any more."""
    keep = {d.isoformat() for d in dates if d <= day}
    keep = set(sorted(keep)[-KEEP_DATES:])
    for folder in root.iterdir():
        if folder.name.startswith(".") or (folder.name <= day.isoformat() and folder.name not in keep):
            shutil.rmtree(folder)
