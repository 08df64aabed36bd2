"""What every room's tests share: nothing of the developer's own installation leaks in, nothing is left to chance.

Property tests try the same examples each time, so that a change is judged by what it changes. `make test-fuzz` has them
search at random (`--hypothesis-profile search`); what is found there becomes a test of its own.
"""

import os

import pytest
from hypothesis import settings

# No deadline: how long an example takes tells how busy the machine is.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("search", print_blob=True, deadline=None)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """A data root or key of the shell that starts the tests must not become theirs."""
    for name in [n for n in os.environ if n.startswith(("XFY_", "DAGSTER_"))]:
        del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many damaged deliveries of each feed the fuzz test lands."""
    parser.addoption("--fuzz-rounds", type=int, default=2)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A room's tests stay with one worker: they share what is dear to make, a district, a database built by dbt.

    Marked as it is collected: the distributor reads the marks before the hook that modifies the whole collection.
    """
    item.add_marker(pytest.mark.xdist_group(item.path.parent.name))


DEAREST_FIRST = ("end_to_end", "subjects")
"""Rooms whose tests take longest: begun last, they would leave the other worker idle for minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rooms are handed out in the order of the collection (with xdist, only under `--no-loadscope-reorder`)."""
    rank = {room: place for place, room in enumerate(DEAREST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(rank)))
