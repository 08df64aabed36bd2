"""Makes the catalogue of an installation and writes it: JSON, HTML and Markdown beside each other."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipelines.dbt import ensure_compiled
from pipelines.declared import read_yaml
from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.receipts import read_receipts
from pipelines.feeds.status import judged
from pipelines.indices.editions import find_editions
from pipelines.products.catalogue import identity
from pipelines.products.catalogue.facts import document
from pipelines.products.catalogue.lineage import ABOUT_THE_RUN, Lineage, lake_relation, load_models, load_sources
from pipelines.products.catalogue.pages import pages
from pipelines.products.catalogue.text import texts
from pipelines.products.catalogue.uses import Names, find_uses
from pipelines.products.declarations import load
from pipelines.products.panel import load_panels
from pipelines.settings import Settings
from pipelines.tags.catalogue import load_catalogue

JSON = "catalogue.json"
CHINESE_WORDS = "chinese.yml"
"""Beside the contracts, and no part of them: to better a sentence lets no delivery be read again."""


def make(settings: Settings, as_of: date, contracts: dict[str, Contract] | None = None) -> dict[str, Any]:
    """The catalogue as a document, from declarations and receipts alone: no row of any feed is read."""
    contracts = contracts or load_contracts(settings.contracts)
    statuses = judged(settings, contracts, as_of)
    receipts = {feed: read_receipts(settings.lake, feed) for feed in contracts}
    named = identity.named_columns(settings.declarations, contracts)
    uses = find_uses(trace(settings, contracts), names(settings, as_of), named)
    chinese = chinese_words(settings.contracts)
    return document(contracts, statuses, receipts, uses, settings.lake, settings.reference, as_of, chinese)


def chinese_words(contracts: Path) -> dict[str, dict[str, str]]:
    """What is said of feeds in Chinese, by feed. Raises ValueError (pydantic's) for a file of another shape."""
    path = contracts / CHINESE_WORDS
    if not path.exists():
        return {}
    return TypeAdapter(dict[str, dict[str, str]]).validate_python(read_yaml(path) or {})


def trace(settings: Settings, contracts: dict[str, Contract]) -> Lineage:
    """The lineage of an installation's declarations."""
    tags = load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects")
    compiled = ensure_compiled(settings)
    lake = {feed: lake_relation(contract) for feed, contract in contracts.items()}
    people = identity.identity_tables(settings, contracts, lake, load_sources(compiled, identity.SCHEMA))
    return Lineage(load_models(compiled), contracts, tags, ABOUT_THE_RUN | people)


def names(settings: Settings, as_of: date) -> Names:
    """Names of indicators in force, ledgers and panels."""
    editions = find_editions(settings.tag_rules / "indices", as_of)
    indicators = {i.code: i.name for edition in editions for i in edition.spec.indicators if i.name}
    return Names(indicators, load(settings.dbt_project).ledgers, tuple(load_panels(settings.dbt_project)))


def write(body: dict[str, Any], out: Path) -> list[Path]:
    """Writes the catalogue to a folder of its own (0700); returns its files. The same document gives the same bytes."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = {JSON: json.dumps(body, ensure_ascii=False, indent=1) + "\n", **dict(pages(body)), **dict(texts(body))}
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    return [out / name for name in files]
