"""Which data sets a release holds, with the words each has: what their contracts are made of.

Words come from dbt's `meta`, the tag catalogue, ledgers and panels, and from `dbt_project/datasets.yml` for the rest;
types come from the files themselves. Not here: the shape of a contract (`contracts`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.declared import read_yaml
from pipelines.products.declarations import CLASSES, Column, Declarations, Ledger
from pipelines.products.declarations import load as load_products
from pipelines.products.extract import COLUMNS as PANEL_COLUMNS
from pipelines.products.panel import Panel, load_panels
from pipelines.releases.publication import Published, meta_of, nodes_of
from pipelines.settings import Settings
from pipelines.sql import text_literal
from pipelines.tags.catalogue import Catalogue, load_catalogue
from pipelines.tags.declarations import Tag
from pipelines.tags.registry import highest

FOLDER = "contracts"
"""Contracts lie in a folder of this name: those of tables in the release's root, others beside their files."""

INDICES, TAGS = "indices", "tags"
_PANEL, _NAMED = "dashboard_", "_named"
_DIVISIONS = {"area_code": "GB/T 10114 and the statistics bureau"}


@dataclass(frozen=True)
class Field:
    """One column of a data set. `kind` is DuckDB's type of it, `english` what it is called or holds in English.

    `references` names the key of another table it holds, `code_table` the table of `subjects.code` its codes are of,
    `standard` the standard they are of where no table here holds them.
    """

    name: str
    kind: str
    label: str = ""
    description: str = ""
    sensitivity: str = "internal"
    is_key: bool = False
    feeds: tuple[str, ...] = ()
    english: str = ""
    references: str = ""
    code_table: str = ""
    standard: str = ""


@dataclass(frozen=True)
class Dataset:
    """One data set: its words, where it stands (paths below the release) and its columns. `contract` is a path too.

    A view has neither contract nor file.
    """

    name: str
    contract: str
    title: str
    description: str
    purpose: str
    legal_basis: str
    owner: str
    audience: str
    cadence: str
    freshness_hours: int
    sensitivity: str
    fields: tuple[Field, ...]
    schema: str = ""
    parquet: str = ""
    workbooks: str = ""
    also_from: tuple[str, ...] = ()
    kind: str = "table"

    @property
    def feeds(self) -> frozenset[str]:
        """The feeds its columns come from, as far as that is declared."""
        return frozenset(self.also_from).union(*(field.feeds for field in self.fields))


@dataclass(frozen=True)
class _Words:
    """Everything words are taken from."""

    common: Mapping[str, Any]
    nodes: Mapping[tuple[str, str], Mapping[str, Any]]
    catalogue: Catalogue
    products: Declarations
    panels: Mapping[str, Panel]
    indicator_feeds: tuple[str, ...]
    audiences: Mapping[str, str]


def datasets(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[Published],
    staging: Path,
    manifest: Path,
) -> Iterator[Dataset]:
    """Every table of the analysts' database and every other Parquet file of a staged release, in order."""
    words = _words_of(settings, manifest)
    for table in tables:
        yield _of_table(table, words)
    for path in sorted(staging.rglob("*.parquet")):
        relative = path.relative_to(staging)
        if relative.parts[0] != "parquet" and not is_document(relative.as_posix(), words.common):
            yield _of_file(relative, columns_of_file(connection, path), words)


def datasets_of_views(settings: Settings, views: Iterable[Published], manifest: Path) -> Iterator[Dataset]:
    """The views of the analysts' database, in the same words."""
    words = _words_of(settings, manifest)
    for view in views:
        yield replace(_of_table(view, words), contract="", parquet="", kind="view")


def _words_of(settings: Settings, manifest: Path) -> _Words:
    products = load_products(settings.dbt_project)
    nodes = nodes_of(manifest)
    return _Words(
        common=read_yaml(settings.dbt_project / "datasets.yml"),
        nodes=nodes,
        catalogue=load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects"),
        products=products,
        panels={panel.code: panel for panel in load_panels(settings.dbt_project)},
        indicator_feeds=tuple(sorted(_indicator_feeds(nodes.values()))),
        audiences={name: audience.label for name, audience in products.audiences.items()},
    )


def _indicator_feeds(nodes: Iterable[Mapping[str, Any]]) -> set[str]:
    """Every feed that a model declares for an indicator it computes."""
    return {feed for node in nodes for feeds in (meta_of(node).get("computed") or {}).values() for feed in feeds}


def _panel_feeds(panel: Panel | None) -> tuple[str, ...]:
    return tuple(sorted({feed for item in panel.items for feed in item.feeds})) if panel else ()


def is_document(path: str, common: Mapping[str, Any]) -> bool:
    """Whether a file of a release says something about data and is none itself."""
    return any(path.startswith(f"{folder}/") for folder in common["documents"])


def columns_of_file(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Column names and DuckDB types of a Parquet file."""
    found = connection.execute(f"describe select * from read_parquet({text_literal(path)})").fetchall()
    return {row[0]: row[1] for row in found}


def _of_table(table: Published, words: _Words) -> Dataset:
    node = words.nodes.get((table.schema, table.name), {})
    common = words.common["tables"].get(table.schema, words.common["other"])
    panel = words.panels.get(table.name.removeprefix(_PANEL)) if table.name.startswith(_PANEL) else None
    of_table = meta_of(node)
    floor = of_table.get("class", "public")
    key = of_table.get("key", [])
    keys = [key] if isinstance(key, str) else key
    tags = _tags_by_column(table, words.catalogue)
    fields = []
    for name, kind in table.columns.items():
        if name in tags:
            fields.append(_of_tag(Field(name, kind), tags[name], words.catalogue))
            continue
        meta = meta_of(node.get("columns", {}).get(name, {}))
        label, description = _parted(table.column_comments.get(name, ""))
        fields.append(
            Field(
                name=name,
                kind=kind,
                label=meta.get("label", label),
                description=description,
                # A column is never less than its table.
                sensitivity=highest([meta.get("class", common["class"]), floor]),
                is_key=name in keys,
                feeds=tuple(meta.get("feeds", of_table.get("feeds", ()))),
                english=description,
                references=meta.get("references", ""),
                code_table=meta.get("code_table", ""),
                standard=meta.get("standard", _DIVISIONS.get(name, "") if panel else ""),
            )
        )
    also_from = words.indicator_feeds if table.schema == INDICES else _panel_feeds(panel)
    return Dataset(
        name=f"{table.schema}.{table.name}",
        contract=f"{FOLDER}/{table.schema}/{table.name}.yaml",
        title=str(of_table.get("label") or (panel.title if panel else table.name)),
        description=table.comment,
        sensitivity=highest(field.sensitivity for field in fields),
        fields=tuple(fields),
        schema=table.schema,
        parquet=f"parquet/{table.schema}/{table.name}/part-0.parquet",
        also_from=also_from,
        **_common(common, words),
    )


def _common(common: Mapping[str, Any], words: _Words) -> dict[str, Any]:
    return {
        "purpose": common["purpose"],
        "legal_basis": common["legal_basis"],
        "owner": common.get("owner", words.common["owner"]),
        "audience": words.audiences.get(common["audience"], common["audience"]),
        "cadence": "",
        "freshness_hours": words.common["freshness_hours"],
    }


def _parted(comment: str) -> tuple[str, str]:
    """Chinese name and description of a comment."""
    label, dash, description = comment.partition(" — ")
    return (label, description) if dash else ("", comment)


def _tags_by_column(table: Published, catalogue: Catalogue) -> dict[str, Tag]:
    """The columns that are tags: under their codes in tables, under their Chinese names in views."""
    if table.schema != TAGS:
        return {}
    subject = table.name.removesuffix(_NAMED)
    if subject == table.name:
        return {name: catalogue.tags[name] for name in table.columns if name in catalogue.tags}
    named = {tag.name: tag for tag in catalogue.tags.values() if tag.subject == subject and not tag.is_restricted}
    return {name: named[name] for name in table.columns if name in named}


def _of_tag(field: Field, tag: Tag, catalogue: Catalogue) -> Field:
    """A column that is a tag's has the tag's words."""
    feeds = tuple(catalogue.feeds_of(tag.code))
    return replace(
        field,
        label=tag.name,
        description=tag.purpose,
        english=tag.name_en,
        sensitivity=tag.sensitivity,
        feeds=feeds,
    )


def _of_file(path: Path, columns: Mapping[str, str], words: _Words) -> Dataset:
    """A Parquet file of a product: a ledger's and a panel's bear the product's words, others those of their folder."""
    folder = _folder(path.as_posix(), words.common)
    common = words.common["files"].get(folder, words.common["other"])
    fields = []
    for name, kind in columns.items():
        tag = words.catalogue.tags.get(name)
        plain_field = Field(name, kind, sensitivity=common["class"])
        fields.append(_of_tag(plain_field, tag, words.catalogue) if tag else plain_field)
    plain = Dataset(
        name=path.with_suffix("").as_posix().replace("/", "."),
        contract=(Path(folder or path.parent) / FOLDER / f"{path.stem}.yaml").as_posix(),
        title=path.stem,
        description="",
        sensitivity=common.get("class", "sensitive"),
        fields=tuple(fields),
        parquet=path.as_posix(),
        kind="file",
        **_common(common, words),
    )
    ledger = next((x for x in words.products.ledgers if x.code == path.stem), None)
    if ledger is not None and folder == "products/ledgers":
        return _of_ledger(plain, ledger, words)
    panel = words.panels.get(path.stem)
    if panel is not None and folder == "products/dashboards":
        return replace(
            plain,
            title=panel.title,
            description=f"The rows of products.{_PANEL}{panel.code} as a file",
            owner=panel.owner,
            audience=words.audiences[panel.audience],
            also_from=_panel_feeds(panel),
            fields=tuple(_of_panel(field) for field in plain.fields),
        )
    return plain


def _of_panel(field: Field) -> Field:
    label, english = _parted(PANEL_COLUMNS.get(field.name, ""))
    return replace(field, label=label, description=english, english=english, standard=_DIVISIONS.get(field.name, ""))


def _folder(path: str, common: Mapping[str, Any]) -> str:
    """The longest declared folder a file lies in; empty where none fits."""
    return max((f for f in common["files"] if path.startswith(f"{f}/")), key=len, default="")


def _of_ledger(plain: Dataset, ledger: Ledger, words: _Words) -> Dataset:
    """A ledger's file and its sheet in every village's workbook."""
    by_label = {column.label: column for column in ledger.shown}
    fields = []
    for field in plain.fields:
        column = by_label.get(field.name)
        if column is None:
            # The town and the village, which every ledger's file bears.
            english = words.common["place_columns"].get(field.name, "")
            fields.append(replace(field, label=field.name, english=english, sensitivity="public"))
            continue
        sources = [words.products.attributes[source] for source in column.sources]
        sensitivity = max((a.sensitivity for a in sources), key=CLASSES.index, default="internal")
        fields.append(
            replace(
                field,
                label=field.name,
                description=column.description,
                english=_in_english(column, words),
                sensitivity=sensitivity,
                feeds=words.products.feeds_of(column),
            )
        )
    return replace(
        plain,
        title=ledger.title,
        description=" ".join(words.nodes["products", ledger.model]["description"].split()),
        purpose=ledger.purpose,
        legal_basis=ledger.legal_basis,
        owner=ledger.owner,
        audience=words.audiences[ledger.audience],
        cadence=ledger.cadence,
        fields=tuple(fields),
        sensitivity=highest(f.sensitivity for f in fields),
        workbooks="products/ledgers/*/*.xlsx",
        kind="ledger",
    )


def _in_english(column: Column, words: _Words) -> str:
    """What the columns a ledger's column is made of hold; its own name where it is filled in by hand."""
    tables = words.catalogue.registry.tables
    parts = (source.split(".") for source in column.sources)
    said = [tables[t].columns[c].description for t, c in parts if t in tables and c in tables[t].columns]
    return "; ".join(dict.fromkeys(text for text in said if text)) or column.name.replace("_", " ").capitalize()
