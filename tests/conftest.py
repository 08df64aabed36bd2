"""What every room's tests share: nothing of the developer's own installation leaks into a test."""

import os

import pytest


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
