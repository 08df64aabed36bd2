"""A dashboard panel as its properties file declares it: families of base columns, items, measures.

The same declaration is read by the panel's SQL model through `macros/panel.sql`; here it is read for disclosure
control, for the extract and for the dictionary.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.declared import read_yaml
from pipelines.products.disclosure import Measure
from pipelines.refusal import Refusal


@dataclass(frozen=True)
class PanelMeasure:
    """One published number: a sum of base columns or a ratio of two such sums.

    Village values below `threshold` are hidden (0: never). `sums` is empty for ratios and for rows that come ready
    made. `unknown` names the measure that counts what could not be told.
    """

    name: str
    unit: str
    sums: dict[str, tuple[str, ...]]
    threshold: int = 0
    unknown: str | None = None
    ratio: tuple[str, str] | None = None
    min_denominator: int = 0


@dataclass(frozen=True)
class PanelItem:
    """One item of the panel with its measures; `measures` is empty where the rows come ready made.

    Such rows come from a register through the panel's model, or, where `index` names one, from that index: `nodes`
    gives the measure's name for each of its nodes.
    """

    number: int
    name: str
    definition: str
    refresh: str
    feeds: tuple[str, ...]
    measures: tuple[PanelMeasure, ...]
    index: str | None = None
    nodes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """One panel. `table` is the dbt model with exact values, `base` the one with base columns by village."""

    code: str
    title: str
    owner: str
    audience: str
    table: str
    base: str
    families: dict[str, dict[str, str]]
    items: tuple[PanelItem, ...]

    def protected(self) -> tuple[dict[str, list[str]], list[tuple[int, Measure]]]:
        """Families with anything to hide in them, and all measures over those families with their item's number."""
        sums = [(item.number, m) for item in self.items for m in item.measures if m.sums]
        risky = {family for _, m in sums if m.threshold for family in m.sums}
        families = {name: list(columns) for name, columns in self.families.items() if name in risky}
        measures = [
            (number, Measure(m.name, m.sums, m.threshold)) for number, m in sums if set(m.sums) <= set(families)
        ]
        return families, measures


class PanelError(Refusal):
    """A panel that is not declared, or declares something that does not hang together."""


def load_panel(dbt_project: Path, code: str) -> Panel:
    """Reads the panel `code`. Raises PanelError if no model declares it."""
    for panel in load_panels(dbt_project):
        if panel.code == code:
            return panel
    raise PanelError(f"no model of {dbt_project.name}/models/products declares a panel {code!r}")


def load_panels(dbt_project: Path) -> Iterator[Panel]:
    """Reads every panel that a model declares, in order of files."""
    for file in sorted((dbt_project / "models" / "products").glob("*.yml")):
        body = read_yaml(file) or {}
        for model in body.get("models", []):
            meta = model.get("config", {}).get("meta", {})
            if "panel" in meta:
                yield _panel(model["name"], meta["panel"])


def _panel(model: str, body: dict[str, Any]) -> Panel:
    items = tuple(
        PanelItem(
            number=number,
            name=item["item"],
            definition=item["definition"],
            refresh=item["refresh"],
            feeds=tuple(item["feeds"]),
            measures=tuple(m for declared in item.get("measures", []) for m in _measures(declared, body["families"])),
            index=item.get("index"),
            nodes=item.get("nodes", {}),
        )
        for number, item in enumerate(body["items"], 1)
    )
    panel = Panel(
        code=body["code"],
        title=body["title"],
        owner=body["owner"],
        audience=body["audience"],
        table=model,
        base=f"{model}__village",
        families=body["families"],
        items=items,
    )
    _check(panel)
    return panel


def _measures(declared: dict[str, Any], families: dict[str, dict[str, str]]) -> list[PanelMeasure]:
    common = {"unit": declared.get("unit", "人"), "threshold": declared.get("threshold", 0)}
    if "each" in declared:
        family, left_out = declared["each"], declared.get("except", [])
        return [
            PanelMeasure(name=label, sums={family: (column,)}, unknown=declared.get("unknown"), **common)
            for column, label in families[family].items()
            if column not in left_out
        ]
    if "ratio" in declared:
        numerator, denominator = declared["ratio"]
        smallest = declared.get("min_denominator", 0)
        return [
            PanelMeasure(declared["name"], common["unit"], {}, ratio=(numerator, denominator), min_denominator=smallest)
        ]
    sums = {
        family: tuple(families[family]) if columns == "all" else tuple(columns)
        for family, columns in declared["sums"].items()
    }
    return [PanelMeasure(name=declared["name"], sums=sums, unknown=declared.get("unknown"), **common)]


def _check(panel: Panel) -> None:
    names = [m.name for item in panel.items for m in item.measures]
    for item in panel.items:
        for measure in item.measures:
            for needed in (*(measure.ratio or ()), *((measure.unknown,) if measure.unknown else ())):
                if names.count(needed) != 1:
                    raise PanelError(f"{panel.table}: {measure.name} refers to {needed}, which is declared not once")
            for family, columns in measure.sums.items():
                strangers = set(columns) - set(panel.families.get(family, ()))
                if strangers:
                    raise PanelError(
                        f"{panel.table}: {measure.name} sums {', '.join(sorted(strangers))}, not in {family}"
                    )
