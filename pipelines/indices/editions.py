"""Editions: which specifications are in force on a date, their fingerprints, and series under one edition.

A published edition is frozen: `editions.lock.yml` beside the specifications holds each edition's fingerprint, and a
specification that no longer matches it is refused. A change of method is a new edition number; the old file stays, so
that the past can be shown under both. Not here: computing an index.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.indices.build import build
from pipelines.indices.document import read_document
from pipelines.indices.load import load_spec
from pipelines.indices.problems import DataError, Problem, SpecError
from pipelines.indices.result import Result
from pipelines.indices.spec import IndexSpec

LOCK = "editions.lock.yml"
# A yearly rate is given from 360 days on: two days' change blown up to a year says nothing.
_LEAST_YEARS = 360 / 365.25
_TEXTS = {"name", "name_en", "title", "note", "cadence", "legal", "source", "counts"}
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_WORDS: Any = {
    **dict.fromkeys(("valid_from", "valid_to", "supersedes", "publish", "expect"), True),
    "indicators": {"__all__": {"unit"}},
    # Which rows of other indices a table may hold besides, and what its key is called: no number depends on them.
    "table": {"others", "indicator"},
}


@dataclass(frozen=True)
class Edition:
    """One specification file in force."""

    path: Path
    spec: IndexSpec
    fingerprint: str


def fingerprint(spec: IndexSpec) -> str:
    """Return the sha256 of everything in a specification that can change a number (not of names, notes and dates).

    What equals the format's default is left out: a key the format gains later changes no edition published before, and
    therefore a default, once given, never changes.

    Written in the letters a to p: sixty-four hexadecimal figures can hold a run of digits that reads like somebody's
    identity number, and a release is searched for those.
    """
    # A part of which nothing but words was written down is as if it had not been written.
    said = {key: part for key, part in spec.model_dump(exclude=_WORDS, exclude_defaults=True).items() if part != {}}
    plain = json.dumps(
        _plain(said),
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(plain.encode()).hexdigest().translate(_LETTERS)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items() if not (key in _TEXTS and _is_words(item))}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction):
        return str(value)
    return value


def _is_words(value: Any) -> bool:
    """Say whether a value is words: a key such as `name` may also be somebody's code with a weight."""
    return isinstance(value, str) or (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value))


def changed(spec: IndexSpec, path: Path) -> list[Problem]:
    """Why a run would refuse the sound specification in `path`: its edition is frozen with another method."""
    frozen = read_lock(path.parent).get(f"{spec.index} {spec.edition}")
    if frozen is None or frozen == fingerprint(spec):
        return []
    message = f"edition {spec.edition} of {spec.index} is published and frozen, but its method changed"
    return [Problem(str(path), 1, f"{message}; give it a new edition")]


def find_editions(folder: Path, as_of: date) -> list[Edition]:
    """Return the editions in force on a date, in the order of their files.

    Of each index that is the one with the latest `valid_from` not after the date, or the one that supersedes it, and
    besides every edition whose `valid_to` is written down and not past: an overlap in which both are published.

    Raises `SpecError` for a frozen edition that was changed and for two files that declare the same edition.
    """
    found: dict[tuple[str, str], Edition] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        if path.name == LOCK:
            continue
        spec = load_spec(path)
        edition = Edition(path, spec, fingerprint(spec))
        key = spec.index, spec.edition
        if key in found:
            message = f"edition {spec.edition} of {spec.index} is also declared in {found[key].path.name}"
            problems.append(Problem(str(path), 1, message))
        problems += changed(spec, path)
        found[key] = edition
    if problems:
        raise SpecError(problems)
    begun = [edition for edition in found.values() if _first_day(edition.spec) <= as_of]
    chosen = [e for e in begun if e.spec.valid_to is not None and date.fromisoformat(e.spec.valid_to) >= as_of]
    for index in sorted({edition.spec.index for edition in begun}):
        open_ = [e for e in begun if e.spec.index == index and e.spec.valid_to is None]
        replaced = {edition.spec.supersedes for edition in open_}
        rest = [edition for edition in open_ if edition.spec.edition not in replaced]
        if rest:
            chosen.append(max(rest, key=lambda edition: (_first_day(edition.spec), edition.path.name)))
    return sorted(chosen, key=lambda edition: edition.path.name)


def _first_day(spec: IndexSpec) -> date:
    return date.fromisoformat(spec.valid_from) if spec.valid_from else date.min


def read_lock(folder: Path) -> Mapping[str, str]:
    """Return fingerprints of published editions by `index edition`; empty without a lock file."""
    path = folder / LOCK
    if not path.is_file():
        return {}
    value = read_document(path).value
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise SpecError([Problem(str(path), 1, "maps 'index edition' to a fingerprint")])
    return value


def freeze(folder: Path, index: str, edition: str) -> str:
    """Write an edition's fingerprint into the lock file; returns it. Refused if the edition is frozen otherwise."""
    for path in sorted(folder.glob("*.yml")):
        if path.name == LOCK:
            continue
        spec = load_spec(path)
        if (spec.index, spec.edition) == (index, edition):
            mark = fingerprint(spec)
            known = dict(read_lock(folder))
            if known.get(f"{index} {edition}", mark) != mark:
                raise SpecError([Problem(str(path), 1, f"edition {edition} of {index} is frozen with another method")])
            known[f"{index} {edition}"] = mark
            lines = [f'"{name}": {value}\n' for name, value in sorted(known.items())]
            (folder / LOCK).write_text("# Fingerprints of published editions.\n" + "".join(lines), encoding="utf-8")
            return mark
    raise DataError(f"no specification in {folder} declares edition {edition} of {index}")


def series(spec: IndexSpec, tables: Mapping[str, pl.DataFrame], units: pl.DataFrame | None = None) -> Result:
    """Build an index over several dates under one edition.

    `tables` maps a period (such as 2026-10-31) to the table of that date, each without a period column; they become one
    panel. Statistics follow the specification's own scope, so that fixed goalposts keep dates comparable.
    """
    if not tables:
        raise DataError("a series needs at least one date")
    period = spec.table.period or "period"
    frames = [frame.with_columns(pl.lit(label).alias(period)) for label, frame in sorted(tables.items())]
    table = spec.table.model_copy(update={"period": period})
    return build(spec.model_copy(update={"table": table}), pl.concat(frames, how="diagonal"), units)


def changes(result: Result, level: str | None = None) -> pl.DataFrame:
    """Return each area's change from period to period: difference, percent, shift of rank, yearly rate since the first.

    There is no yearly rate before a year is nearly over.
    """
    scores = result.scores(level or result.spec.units.level).select("area_code", "node", "period", "score", "rank")
    order = {period: number for number, period in enumerate(result.table.period_order)}
    ordered = scores.with_columns(pl.col("period").replace_strict(order, return_dtype=pl.Int64).alias("place"))
    ordered = ordered.sort("area_code", "node", "place")
    over = ["area_code", "node"]
    frame = ordered.with_columns(
        pl.col("score").shift(1).over(over).alias("score_before"),
        pl.col("rank").shift(1).over(over).alias("rank_before"),
        pl.col("score").first().over(over).alias("score_first"),
    )
    years = _years(result.table.period_order)
    elapsed = ordered["place"].to_numpy()
    frame = frame.with_columns(pl.Series("elapsed", np.array([years[place] for place in elapsed])))
    return frame.select(
        *over,
        "period",
        "score",
        "score_before",
        (pl.col("score") - pl.col("score_before")).round(10).alias("change"),
        ((pl.col("score") / pl.col("score_before") - 1) * 100).round(10).alias("change_pct"),
        (pl.col("rank") - pl.col("rank_before")).alias("rank_change"),
        pl.when((pl.col("elapsed") >= _LEAST_YEARS) & (pl.col("score_first") > 0))
        .then(((pl.col("score") / pl.col("score_first")) ** (1 / pl.col("elapsed")) - 1) * 100)
        .round(10)
        .alias("yearly_growth_pct"),
    )


def _years(order: tuple[str, ...]) -> list[float]:
    """Return years since the first period; by position where periods are neither numbers nor dates."""
    for convert in (_as_date, float):
        try:
            times = [convert(period) for period in order]
        except ValueError:
            continue
        return [time - times[0] for time in times]
    return [float(number) for number in range(len(order))]


def _as_date(period: str) -> float:
    return date.fromisoformat(period).toordinal() / 365.25
