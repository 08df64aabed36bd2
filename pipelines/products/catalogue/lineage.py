"""The whole line as relations: what every model, tag and indicator comes from, down to the columns of the feeds.

Puts together what dbt compiled, what contracts declare and what tag rules name. Not here: reading one query (`sql`),
what the answers are used for (`uses`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.feeds.contracts import Contract
from pipelines.feeds.staging import BOOKKEEPING
from pipelines.products.catalogue.relations import NOWHERE, Origins, Relation, together
from pipelines.products.catalogue.sql import LineageError, read
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.registry import id_column
from pipelines.tags.tree import AnyOf, CountCompare, CountOf, Extreme, walk

LAKE, TAGS, INDICES = "lake", "tags", "indices"
WIDE = "_tags"
INDICATOR = "indicator"
ABOUT_THE_RUN = {
    ("run", "context"): Relation(dict.fromkeys(["as_of"], NOWHERE)),
    ("lake", "feed_status"): Relation(
        dict.fromkeys(["feed", "is_available", "is_stale", "business_on", "accepted_rows"], NOWHERE)
    ),
}
"""Tables that say something of the run, not of what came in."""


@dataclass(frozen=True)
class Model:
    """One dbt model: its SQL as it runs, and its words."""

    schema: str
    name: str
    sql: str
    meta: Mapping[str, Any]
    labels: Mapping[str, str]

    @property
    def is_step(self) -> bool:
        """Whether it is a step on the way, not a result."""
        return self.name.startswith("int_")


@dataclass(eq=False)
class Lineage:
    """Relations by (schema, table), each read when first asked for. `given` holds those that no model makes."""

    models: Mapping[tuple[str, str], Model]
    contracts: Mapping[str, Contract]
    catalogue: Catalogue
    given: Mapping[tuple[str, str], Relation] = field(default_factory=lambda: ABOUT_THE_RUN)
    _known: dict[tuple[str, str], Relation] = field(default_factory=dict)
    _tags: dict[str, Origins] = field(default_factory=dict)

    def find(self, schema: str, name: str) -> Relation | None:
        """Where a table's columns and rows come from; None where there is no such table.

        Raises LineageError, naming the model, for what cannot be followed.
        """
        key = (schema, name)
        if key not in self._known:
            made = self._make(schema, name)
            if made is None:
                return None
            self._known[key] = made
        return self._known[key]

    def relation(self, schema: str, name: str) -> Relation:
        """As `find`, of a table that must exist."""
        found = self.find(schema, name)
        if found is None:
            raise LineageError(f"there is no {schema}.{name}")
        return found

    def _make(self, schema: str, name: str) -> Relation | None:
        if (schema, name) in self.given:
            return self.given[schema, name]
        model = self.models.get((schema, name))
        if model is not None:
            try:
                return read(model.sql, self.find)
            except LineageError as problem:
                raise LineageError(f"{schema}.{name}: {problem}") from None
        feed = self._feeds.get(name) if schema == LAKE else None
        if feed is not None:
            return lake_relation(self.contracts[feed])
        if schema == TAGS and name.endswith(WIDE):
            return self._wide(name.removesuffix(WIDE))
        return None

    @cached_property
    def _feeds(self) -> dict[str, str]:
        return {contract.code: feed for feed, contract in self.contracts.items()}

    def _wide(self, subject: str) -> Relation:
        """The wide table of a subject's tags."""
        tags = {code.lower(): self.tag(code) for code, t in self.catalogue.tags.items() if t.subject == subject}
        table = self.catalogue.registry.subjects[subject]
        own = self.relation("subjects", table.name)
        return Relation({id_column(subject): own.columns.get(table.key, NOWHERE), **tags}, own.rows)

    def tag(self, code: str) -> Origins:
        """What a tag's value comes from, tags it refers to and rows it counts included."""
        if code not in self._tags:
            parts = [self._column(table, column) for table, column in self.catalogue.columns_of(code)]
            parts += [self.relation("subjects", table).rows for table in self.counted_tables(code)]
            self._tags[code] = together(parts)
        return self._tags[code]

    def counted_tables(self, code: str) -> set[str]:
        """The tables whose rows a tag, or one it refers to, looks through."""
        return {
            node.rows.table
            for needed in self.catalogue.needs(code)
            if needed in self.catalogue.trees
            for node in walk(self.catalogue.trees[needed])
            if isinstance(node, AnyOf | CountOf | CountCompare | Extreme)
        }

    def _column(self, table: str, column: str) -> Origins:
        found = self.relation("subjects", table)
        if column.lower() not in found.columns and not found.is_open:
            raise LineageError(f"subjects.{table} has no column {column}")
        return found.columns.get(column.lower(), NOWHERE)

    @cached_property
    def indicators(self) -> dict[str, Origins]:
        """What each computed indicator comes from.

        Where a model states an indicator's code beside its numbers, exactly what those numbers come from; where the
        code is itself computed, everything the model comes from that belongs to a feed declared for the indicator.
        """
        declared = self.declared_feeds
        found: dict[str, Origins] = {}
        for model in self.models.values():
            if model.schema != INDICES or "computed" in model.meta:
                continue
            relation = self.relation(model.schema, model.name)
            if INDICATOR not in relation.columns:
                continue
            stated = {b.constants[INDICATOR] for b in relation.branches if INDICATOR in b.constants}
            for branch in relation.branches:
                code = branch.constants.get(INDICATOR)
                codes = [code] if code else [c for c in declared if f"'{c}'" in model.sql and c not in stated]
                for each in codes:
                    mine = {o for o in branch.origins if code or o[0] in declared[each]}
                    found[each] = found.get(each, NOWHERE) | mine
        return found

    @cached_property
    def declared_feeds(self) -> dict[str, list[str]]:
        """The feeds declared for each computed indicator."""
        return {
            code: feeds for model in self.models.values() for code, feeds in (model.meta.get("computed") or {}).items()
        }


def lake_relation(contract: Contract) -> Relation:
    """A feed's rows in the lake: the columns everything comes from."""
    own = {column: frozenset({(contract.feed, column)}) for column in contract.outputs}
    return Relation({**own, **dict.fromkeys(BOOKKEEPING, NOWHERE)})


def load_sources(compiled: Path, schema: str) -> list[str]:
    """The tables of a schema that models read and none makes."""
    body = json.loads(compiled.read_text(encoding="utf-8"))
    return sorted(source["name"] for source in body["sources"].values() if source["schema"] == schema)


def load_models(compiled: Path) -> dict[tuple[str, str], Model]:
    """The models of a compiled dbt manifest. Ephemeral ones are left out: dbt writes them into those that use them."""
    body = json.loads(compiled.read_text(encoding="utf-8"))
    models = {}
    for node in body["nodes"].values():
        if node["resource_type"] != "model" or node["config"]["materialized"] == "ephemeral":
            continue
        meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
        labels = {
            name: {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}.get("label", name)
            for name, column in node["columns"].items()
        }
        model = Model(node["schema"], node["name"], node["compiled_code"], meta, labels)
        models[model.schema, model.name] = model
    return models
