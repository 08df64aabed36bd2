"""Staging models: dbt's first room, written from the contracts so that no feed needs SQL of its own.

`write` makes one `stg_<feed>.sql` a feed and one properties file for all; a test refuses a commit in which they are not
fresh. Nothing is cleaned here: the lake is clean already. What is left to do is to resolve increments to the last word
on each key.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.fields import DIRECT_ROLES
from pipelines.feeds.lake import BUSINESS_ON, DELIVERY, sql_types
from pipelines.settings import Settings

PROPERTIES = "_feeds.yml"
_HEADER = "Generated from data/contracts/{name} by pipelines.feeds.staging. Change the contract, not this file."
BOOKKEEPING = {
    "_line": "Line, row or feature of the file the row stood on.",
    "_file": "File the row came in, relative to its delivery.",
    "_dq": "Codes of the warnings the row carries; the values they speak of are empty.",
    BUSINESS_ON: "Business date of the delivery that said it.",
    DELIVERY: "Number of that delivery.",
}


def write(contracts: Mapping[str, Contract], dbt_dir: Path) -> list[Path]:
    """Write the models of all contracts below `dbt_dir`/models/feeds and remove those of contracts that are gone."""
    folder = dbt_dir / "models" / "feeds"
    folder.mkdir(parents=True, exist_ok=True)
    texts = render(contracts)
    for old in folder.glob("stg_*.sql"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def stale(contracts: Mapping[str, Contract], dbt_dir: Path) -> list[Path]:
    """The files that `write` would change, make or remove."""
    folder = dbt_dir / "models" / "feeds"
    texts = render(contracts)
    gone = [p for p in sorted(folder.glob("stg_*.sql")) if p.name not in texts]
    paths = {folder / name: text for name, text in texts.items()}
    return gone + [p for p, text in paths.items() if not p.exists() or p.read_text(encoding="utf-8") != text]


def render(contracts: Mapping[str, Contract]) -> dict[str, str]:
    """File name → text of everything `write` writes."""
    texts = {f"stg_{c.code}.sql": model_sql(c) for c in contracts.values()}
    return texts | {PROPERTIES: properties(contracts)}


def model_sql(contract: Contract) -> str:
    """The staging model of one feed."""
    load = contract.delivery.increment
    columns = [name for name in sql_types(contract)]
    lines = [
        f"-- {_HEADER.format(name=contract.path.name)}",
        f"{{{{ config(materialized='{'view' if contract.delivery.load == 'snapshot' else 'table'}') }}}}",
        "",
    ]
    if contract.delivery.load == "snapshot":
        return "\n".join([*lines, "select", _list(columns), f"from {{{{ source('lake', '{contract.code}') }}}}", ""])
    deleted = ", ".join(f"'{value}'" for value in load.delete) if load else ""
    kept = [f"    {name}" for name in columns]
    if load and load.on_delete == "close":
        kept.append(f"    {load.operation} not in ({deleted}) as {load.open_flag}")
    key = last_word_key(contract)
    lines += [
        "with last_word as (",
        "    select *",
        f"    from {{{{ source('lake', '{contract.code}') }}}}",
        "    qualify row_number() over (",
        f"        partition by {key}",
        f"        order by {BUSINESS_ON} desc, {DELIVERY} desc, _file desc, _line desc",
        "    ) = 1",
        ")",
        "select",
        ",\n".join(kept),
        "from last_word",
    ]
    if load and load.on_delete == "drop":
        lines.append(f"where {load.operation} not in ({deleted})")
    return "\n".join([*lines, ""])


def properties(contracts: Mapping[str, Contract]) -> str:
    """Sources and models with columns, types, classes and descriptions."""
    tables = [{"name": c.code, "description": f"{c.title} ({c.department})"} for c in contracts.values()]
    tables.append({"name": "feed_status", "description": "State of every feed on the date of the run."})
    document = {
        "version": 2,
        "sources": [
            {"name": "lake", "schema": "lake", "description": "Accepted rows of deliveries in use.", "tables": tables},
            {
                "name": "run",
                "schema": "run",
                "description": "What the run is about.",
                "tables": [{"name": "context", "description": "One row: as_of, the date the run speaks of."}],
            },
        ],
        "models": [_model(contract) for contract in contracts.values()],
    }
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
    return f"# {_HEADER.format(name='*.yaml')}\n{text}"


def _model(contract: Contract) -> dict[str, object]:
    columns = []
    types = sql_types(contract)
    for name, kind in types.items():
        if name in BOOKKEEPING:
            meta: dict[str, object] = {"class": "internal", "feeds": [contract.feed]}
            columns.append(
                {"name": name, "data_type": kind, "description": BOOKKEEPING[name], "config": {"meta": meta}}
            )
            continue
        column = contract.outputs[name][1]
        meta = {"class": contract.output_class(name), "feeds": [contract.feed], "label": column.label}
        if column.intake.role in DIRECT_ROLES - {"identity"}:
            meta["direct"] = True
        columns.append({"name": name, "data_type": kind, "description": column.description, "config": {"meta": meta}})
    load = contract.delivery.increment
    if load and load.operation and load.on_delete == "close":
        description = "Whether the last word on the key was not its deletion."
        meta = {"class": "internal", "feeds": [contract.feed]}
        columns.append(
            {"name": load.open_flag, "data_type": "BOOLEAN", "description": description, "config": {"meta": meta}}
        )
    return {
        "name": f"stg_{contract.code}",
        "description": contract.description,
        "config": {"meta": _feed(contract) | _people(contract)},
        "columns": columns,
    }


def _feed(contract: Contract) -> dict[str, object]:
    """What the feed is, in the words of those who deliver it, for lists that say where a value comes from."""
    return {
        "feed": contract.feed,
        "class": contract.classification,
        "label": contract.title,
        "owner": contract.department,
    }


def _people(contract: Contract) -> dict[str, object]:
    """Whom a row speaks about: slot and identity column, for the macro that resolves them, and its village."""
    people = [
        {"slot": slot.slot, "id": slot.id} | ({"village": slot.village} if slot.village else {})
        for slot in contract.people
        if slot.id
    ]
    return {"people": people} if people else {}


def last_word_key(contract: Contract) -> str:
    """What rows of an increment must share for the later one to be the last word, as SQL over lake columns."""
    return ", ".join([*_lake_names(contract), *_own_keys(contract)])


def _lake_names(contract: Contract) -> list[str]:
    """The contract's key in lake columns."""
    return [next(iter(contract.by_name[name].outputs), name) for name in contract.key]


def _own_keys(contract: Contract) -> list[str]:
    """Where the identity number of the key cannot be used, the whole row is its own key: only the same repeats it."""
    linked = [column for column in (contract.by_name[name] for name in contract.key) if column.is_linked]
    row = ", ".join(name for name in contract.outputs)
    return [f"case when {next(iter(column.outputs))} is null then row({row}) end" for column in linked]


def _list(columns: list[str]) -> str:
    return ",\n".join(f"    {name}" for name in columns)


if __name__ == "__main__":
    write(load_contracts(Settings().contracts), Settings().dbt_project)
