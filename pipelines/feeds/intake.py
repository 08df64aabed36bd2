"""Taking in everything that lies in landing/: the key, then every feed in turn. The step both Dagster and `xfy` run."""

from collections.abc import Callable, Mapping
from datetime import date

from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import read_waivers
from pipelines.feeds.deliveries import Stray, find
from pipelines.feeds.land import land_feed
from pipelines.identifiers import Key, load_key
from pipelines.settings import Settings


def open_key(settings: Settings) -> Key:
    """The pseudonym key; made on the first run, and never made where data made with another one exists."""
    made = any(settings.lake.glob("*/*/*/receipt.json")) or any(settings.releases.glob("*/manifest.json"))
    return load_key(settings.key_path, must_exist=made)


def land_all(
    settings: Settings, contracts: Mapping[str, Contract], as_of: date, report: Callable[[str], None] | None = None
) -> list[Stray]:
    """Lands what every feed delivered up to `as_of`; returns what is no delivery. Call it under the run's lock."""
    key = open_key(settings)
    waivers = read_waivers(settings.landing)
    for contract in contracts.values():
        land_feed(settings, contract, key, as_of, report, waivers)
    return find(settings.landing, contracts)[1]
