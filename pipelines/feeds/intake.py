"""Taking in everything that lies in landing/: the key, then every feed. The step both Dagster and `xfy` run.

Where there is much to read, feeds are landed by processes side by side: what one feed becomes depends on no other.
A delivery on which a process ended before is read in a process of its own, and where that ends too it is rejected.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from pipelines import keys
from pipelines.disk import bytes_below
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Waiver, read_waivers
from pipelines.feeds.deliveries import Delivery, Stray, find
from pipelines.feeds.land import lake_place, land_feed, reading_mark
from pipelines.feeds.receipts import MAKING, RECEIPT
from pipelines.identifiers import Key, load_key
from pipelines.run import begin_worker
from pipelines.settings import Settings

# Processes cost a second to start and a copy of the libraries each; less than this is sooner read here.
WORTH_PROCESSES_BYTES = 40_000_000
# Each may need the memory of the largest feed.
MOST_PROCESSES = 2


def land_all(
    settings: Settings, contracts: Mapping[str, Contract], as_of: date, report: Callable[[str], None] | None = None
) -> list[Stray]:
    """Lands what every feed delivered up to `as_of`; returns what is no delivery. Call it under the run's lock."""
    key = keys.opened(settings, keys.PSEUDONYM)
    waivers = read_waivers(settings.landing)
    found, strays = find(settings.landing, contracts)
    sizes = dict.fromkeys(contracts, 0)
    for delivery in found:
        if delivery.business_on <= as_of and not _stands(settings, contracts[delivery.feed], delivery):
            sizes[delivery.feed] += bytes_below(delivery.folder)
    deadly = {d.feed for d in found if d.business_on <= as_of and _ended_a_process(settings, d)}
    for feed in sorted(deadly):
        _land_alone(_Task(settings, contracts[feed], as_of, waivers), report)
    contracts = {feed: contract for feed, contract in contracts.items() if feed not in deadly}
    due = [feed for feed in contracts if sizes[feed]]
    processes = min(settings.threads, MOST_PROCESSES, len(due))
    if processes < 2 or sum(sizes.values()) < WORTH_PROCESSES_BYTES:
        for contract in contracts.values():
            land_feed(settings, contract, key, as_of, report, waivers)
        return strays
    # The largest first, so that no process is left alone with it at the end.
    order = sorted(contracts, key=lambda feed: (-sizes[feed], feed))
    tasks = {feed: _Task(settings, contracts[feed], as_of, waivers) for feed in order}
    try:
        for feed, messages in _side_by_side(list(tasks.values()), processes):
            del tasks[feed]
            _say(report, messages)
    except BrokenProcessPool:
        _say(report, ["a process that landed feeds came to its end; the other feeds are landed one at a time"])
        for task in tasks.values():
            _land_alone(task, report)
    return strays


def _say(report: Callable[[str], None] | None, messages: list[str]) -> None:
    if report is not None:
        for message in messages:
            report(message)


@dataclass(frozen=True)
class _Task:
    """One feed to land, in a process of its own."""

    settings: Settings
    contract: Contract
    as_of: date
    waivers: list[Waiver]
    died: frozenset[Delivery] = frozenset()


def _stands(settings: Settings, contract: Contract, delivery: Delivery) -> bool:
    """Whether a delivery looks landed: enough to tell how much is to be read. `land_feed` looks closer."""
    path = lake_place(settings, delivery) / RECEIPT
    if not path.exists():
        return False
    receipt = json.loads(path.read_text("utf-8"))
    return (receipt.get("contract_sha256"), receipt.get("making")) == (contract.sha256, MAKING)


def _ended_a_process(settings: Settings, delivery: Delivery) -> bool:
    """Whether a process came to its end while it read a delivery: by it, or by whatever else ends processes."""
    if reading_mark(settings, delivery).exists():
        return True
    path = lake_place(settings, delivery) / RECEIPT
    return path.exists() and (json.loads(path.read_text("utf-8")).get("problem") or {}).get("kind") == "died"


def _land_alone(task: _Task, report: Callable[[str], None] | None) -> None:
    """Lands a feed in a process of its own. Deliveries on which that ends are rejected, the others are landed."""
    feed = task.contract.feed
    mine = [d for d in find(task.settings.landing, [feed])[0] if d.business_on <= task.as_of]
    died: set[Delivery] = set()
    while True:
        for delivery in mine:
            reading_mark(task.settings, delivery).unlink(missing_ok=True)
        try:
            for _, messages in _side_by_side([replace(task, died=frozenset(died))], 1):
                _say(report, messages)
            return
        except BrokenProcessPool as error:
            now = {d for d in mine if d not in died and reading_mark(task.settings, d).exists()}
            if not now:
                raise RuntimeError(
                    f"the process that landed {feed} was ended from outside while it read nothing; what was landed "
                    "stays, run again"
                ) from error
            died |= now


def _side_by_side(tasks: list[_Task], processes: int) -> Iterator[tuple[str, list[str]]]:
    """Each feed with what was said of it, in the order in which they are done. The first failure ends the others."""
    # Not by fork: the parent may hold an open database, and holds threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, begin_worker, (os.getpid(),)) as pool:
        futures = {pool.submit(_land, task): task.contract.feed for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _land(task: _Task) -> list[str]:
    messages: list[str] = []
    key = _key_at(task.settings.key_path)
    land_feed(task.settings, task.contract, key, task.as_of, messages.append, task.waivers, died=task.died)
    return messages


@cache
def _key_at(path: Path) -> Key:
    """The key of this process, which remembers from feed to feed what it computed."""
    return load_key(path, must_exist=True)
