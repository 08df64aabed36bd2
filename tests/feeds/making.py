"""Small contracts and deliveries for tests, written by hand so that a test shows what it is about."""

from datetime import date
from pathlib import Path
from typing import Any

import yaml
from hypothesis import settings as hypothesis_settings
from stdnum.cn import ric

from pipelines.feeds.contracts import Contract, Profile, read_contract
from pipelines.settings import Settings

DAY = date(2026, 10, 30)
# Machines differ; what is slow here is Polars planning a query for a handful of values.
some = hypothesis_settings(deadline=None, max_examples=60)
few = hypothesis_settings(deadline=None, max_examples=25)


def citizen(serial: int = 1, born: str = "19700102", area: str = "319901") -> str:
    """A made-up number under a prefix that is allotted to nobody, its check digit computed by another library."""
    body = f"{area}{born}{serial:03d}"
    return body + ric.calc_check_digit(body + "0")


def column(name: str, physical: str, kind: str = "string", **options: Any) -> dict[str, Any]:
    """A property of a contract; options other than the standard's own go to its intake."""
    entry: dict[str, Any] = {
        "name": name,
        "physicalName": physical,
        "businessName": physical,
        "logicalType": kind,
        "classification": options.pop("classification", "internal"),
        "description": name,
    }
    for word in ("required", "primaryKey", "primaryKeyPosition", "transformLogic"):
        if word in options:
            entry[word] = options.pop(word)
    if entry.get("transformLogic"):
        del entry["physicalName"]
    if options:
        entry["customProperties"] = [{"property": "intake", "value": options}]
    return entry


def rule(name: str, of: str, expression: str, severity: str = "error", **more: Any) -> dict[str, Any]:
    """A row rule of a contract."""
    told = {"column": of, "messageZh": "请核对。", **more}
    return {
        "name": name,
        "type": "custom",
        "engine": "polars-sql",
        "implementation": expression,
        "severity": severity,
        "description": "Check it.",
        "customProperties": [{"property": k, "value": v} for k, v in told.items()],
    }


def document(
    feed: str, columns: list[dict[str, Any]], delivery: dict[str, Any], *rules: dict[str, Any]
) -> dict[str, Any]:
    """A whole contract as a document, with a slot for every identity column."""
    slots = [{"slot": c["name"], "id": c["name"]} for c in columns if _role(c) == "identity"]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": feed,
        "name": feed,
        "version": "1.0.0",
        "status": "active",
        "description": {"purpose": "Testing"},
        "team": {"name": "测试"},
        "slaProperties": [{"property": "frequency", "value": 1, "unit": "day"}],
        "customProperties": [
            {"property": "legalBasis", "value": "none"},
            {"property": "classification", "value": "internal"},
            {"property": "precedence", "value": 1},
            {"property": "delivery", "value": delivery},
        ],
        "schema": [
            {
                "name": "thing",
                "physicalName": "thing",
                "logicalType": "object",
                "description": "Things.",
                "customProperties": [{"property": "people", "value": slots}],
                "properties": columns,
                "quality": list(rules),
            }
        ],
    }


def _role(entry: dict[str, Any]) -> str:
    return str(entry.get("customProperties", [{"value": {}}])[0]["value"].get("role", "value"))


def write_contract(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{content['id']}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def make_contract(
    folder: Path, columns: list[dict[str, Any]], delivery: dict[str, Any], *rules: dict[str, Any], feed: str = "T01"
) -> Contract:
    """Write a contract to `folder` and read it, synthetic numbers allowed."""
    path = write_contract(folder, document(feed, columns, delivery, *rules))
    return read_contract(path, Profile(synthetic_areas=True))


def deliver(settings: Settings, feed: str, day: date, number: str, files: dict[str, bytes]) -> Path:
    """Put files into landing as one delivery."""
    folder = settings.landing / feed / day.isoformat() / number
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
