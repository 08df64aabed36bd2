"""Code tables: which codes a column may hold and how other spellings are read.

Reads the committed reference files; declares nothing itself.
"""

import csv
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pipelines.feeds.fields import Codes


def spellings(codes: Codes, reference: Path) -> dict[str, str]:
    """Every accepted text → its code. Codes stand for themselves. Raises ValueError where a source is missing."""
    accepted = {code: code for code in codes.values}
    if codes.file:
        accepted |= _from_file(codes, reference / codes.file)
    if codes.domain:
        accepted |= {code: code for code in _domain(codes.domain, reference / "value_domains.csv")}
    allowed = set(accepted.values())
    strangers = sorted({code for code in codes.synonyms.values() if code not in allowed})
    if strangers:
        raise ValueError(f"synonyms lead to codes that are not in the table: {', '.join(strangers)}")
    # A code never gets a second meaning through a synonym or a name that happens to look like it.
    return dict(codes.synonyms) | accepted


def _from_file(codes: Codes, path: Path) -> dict[str, str]:
    rows = [row for row in _rows(path) if all(row[name] == value for name, value in codes.where.items())]
    if not rows:
        raise ValueError(f"{path.name} has no rows where {codes.where}")
    names: dict[str, str] = {}
    for column in codes.also:
        for row in rows:
            if row[column] and names.setdefault(row[column], row[codes.key]) != row[codes.key]:
                raise ValueError(f"{path.name}: {column} is not unique where {codes.where}")
    return names | {row[codes.key]: row[codes.key] for row in rows}


def _domain(domain: str, path: Path) -> list[str]:
    table, column = domain.split(".")
    for row in _rows(path):
        if (row["table"], row["column"]) == (table, column):
            return [value for value in row["full_domain"].split("|") if value]
    raise ValueError(f"{path.name} has no value domain {domain}")


def sources(codes: Codes) -> set[str]:
    """Names of the reference files a code table is read from."""
    return {name for name in (codes.file, "value_domains.csv" if codes.domain else None) if name}


@lru_cache(maxsize=64)
def _rows(path: Path) -> tuple[Mapping[str, str], ...]:
    if not path.is_file():
        raise ValueError(f"the reference file {path.name} does not exist")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(file))
