"""Taking in everything that lies in landing/: the key, then every feed. The step both Dagster and `xfy` run.

Where there is much to read, feeds are landed by processes side by side: what one feed becomes depends on no other.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from pipelines import keys
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Waiver, read_waivers
from pipelines.feeds.deliveries import Delivery, Stray, find
from pipelines.feeds.land import lake_place, land_feed
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
            sizes[delivery.feed] += sum(p.stat().st_size for p in delivery.folder.rglob("*") if p.is_file())
    due = [feed for feed in contracts if sizes[feed]]
    processes = min(settings.threads, MOST_PROCESSES, len(due))
    if processes < 2 or sum(sizes.values()) < WORTH_PROCESSES_BYTES:
        for contract in contracts.values():
            land_feed(settings, contract, key, as_of, report, waivers)
        return strays
    # The largest first, so that no process is left alone with it at the end.
    order = sorted(contracts, key=lambda feed: (-sizes[feed], feed))
    tasks = [_Task(settings, contracts[feed], as_of, waivers) for feed in order]
    for messages in _side_by_side(tasks, processes):
        if report:
            for message in messages:
                report(message)
    return strays


@dataclass(frozen=True)
class _Task:
    """One feed to land, in a process of its own."""

    settings: Settings
    contract: Contract
    as_of: date
    waivers: list[Waiver]


def _stands(settings: Settings, contract: Contract, delivery: Delivery) -> bool:
    """Whether a delivery looks landed: enough to tell how much is to be read. `land_feed` looks closer."""
    path = lake_place(settings, delivery) / RECEIPT
    if not path.exists():
        return False
    receipt = json.loads(path.read_text("utf-8"))
    return (receipt.get("contract_sha256"), receipt.get("making")) == (contract.sha256, MAKING)


def _side_by_side(tasks: list[_Task], processes: int) -> Iterator[list[str]]:
    """What was said of each feed, in the order in which they are done. The first failure ends the others."""
    # Not by fork: the parent may hold an open database, and holds threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, begin_worker, (os.getpid(),)) as pool:
        futures = [pool.submit(_land, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a process that landed feeds was ended from outside, most likely for want of memory; "
                "what was landed stays, set XFY_THREADS=1 to land one feed at a time"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _land(task: _Task) -> list[str]:
    messages: list[str] = []
    land_feed(task.settings, task.contract, _key_at(task.settings.key_path), task.as_of, messages.append, task.waivers)
    return messages


@cache
def _key_at(path: Path) -> Key:
    """The key of this process, which remembers from feed to feed what it computed."""
    return load_key(path, must_exist=True)
