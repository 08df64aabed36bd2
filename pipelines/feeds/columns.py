"""A delivery's columns: from raw text to typed values, and for every rule the rows that break it.

Columns with few distinct texts, most of them, are read once a distinct text. Identity numbers stay in the clear in what
is returned; `check` turns them into pseudonyms.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from pipelines import identifiers
from pipelines.feeds import centuries, links, parse
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import EXAMINED, PART_SUFFIX, Column
from pipelines.feeds.holders import holders
from pipelines.feeds.messages import Message, row_message
from pipelines.feeds.readers.raw import FILE, LINE, Raw

# Below this many rows nothing is gained by looking for repeated texts.
_WORTH_COUNTING = 20_000
_WORKERS = 2
_SLICE = 250_000


@dataclass(frozen=True)
class Rule:
    """A rule as rows break it: its code, the raw column people look at, its severity and message."""

    code: str
    column: str
    severity: str
    message: Message


@dataclass
class Columns:
    """Values by name (`_line` and `_file` among them), broken rules with their rows, and non-empty counts dropped."""

    values: pl.DataFrame
    broken: dict[Rule, pl.Series] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass
class _Part:
    """What comes of one raw column."""

    values: dict[str, pl.Series] = field(default_factory=dict)
    broken: dict[Rule, pl.Series] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    coded: pl.Series | None = None


def read_columns(contract: Contract, raw: Raw, business_on: date, reference: Path) -> Columns:
    """Read every column of a delivery. Raw columns of few distinct texts are left in `raw` in a smaller form."""
    by_physical = [
        list(group)
        for _, group in groupby(sorted(contract.read_columns, key=lambda c: c.physical), key=lambda c: c.physical)
    ]
    # Polars leaves the interpreter's lock while it works, so two columns are read at a time.
    values = {LINE: raw.frame[LINE], FILE: raw.frame[FILE]}
    answer = Columns(pl.DataFrame(), {}, {})
    with ThreadPoolExecutor(_WORKERS) as pool:
        for part in pool.map(lambda columns: _read_text(contract, columns, raw, reference), by_physical):
            values |= part.values
            answer.broken |= part.broken
            answer.dropped |= part.dropped
            if part.coded is not None:
                raw.frame = raw.frame.with_columns(part.coded)
    for column in contract.read_columns:
        if column.intake.role == "identity":
            declared = values[column.intake.declared_by] if column.intake.declared_by else None
            texts = raw.frame[column.physical].cast(pl.String)
            held = holders(contract, column, texts, values) if column.intake.held_in else None
            part = _identity(contract, column, texts, declared, held, business_on)
            values |= part.values
            answer.broken |= part.broken
    for column in contract.read_columns:
        if "season" in column.intake.dates:
            texts = parse.clean(raw.frame[column.physical].cast(pl.String))
            found = centuries.days(column, texts, values, business_on)
            values[column.name] = values[column.name].zip_with(found.is_null(), found)
            unread = _rule(contract, column, "date")
            if unread in answer.broken:
                answer.broken[unread] &= found.is_null()
    answer.values = pl.DataFrame({name: series.alias(name) for name, series in values.items()})
    order = {column.name: position for position, column in enumerate(contract.columns)}
    answer.broken = dict(
        sorted(answer.broken.items(), key=lambda item: (order[item[0].code.split(".")[1]], item[0].code))
    )
    return answer


def value_name(column: Column) -> str:
    """Where a column's value stands: an identity's canonical number under the name its pseudonym will have."""
    return column.name + PART_SUFFIX["id"] if column.intake.role == "identity" else column.name


def _read_text(contract: Contract, columns: list[Column], raw: Raw, reference: Path) -> _Part:
    """Everything one raw column says by itself: values, missing and broken ones."""
    physical = columns[0].physical
    distinct, index, coded = _distinct(raw.frame[physical])
    texts = parse.clean(distinct)
    part = _Part(coded=coded)
    for column in columns:
        role = column.intake.role
        if role == "drop":
            part.dropped[physical] = int(_spread(texts.is_not_null(), index, fill=False).sum())
            continue
        broken: dict[str, pl.Series] = {}
        said = parse.said(column, texts)
        if role == "credit_code":
            found = identifiers.credit_codes(texts)
            part.values[column.name] = _spread(found["canonical"], index)
            broken = {name: found["problem"] == name for name in found["problem"].drop_nulls().unique().sort()}
        elif role != "identity":
            value, broken = parse.read(column, said, reference)
            part.values[column.name] = _spread(value, index)
        for name, flags in broken.items():
            part.broken[_rule(contract, column, name)] = _spread(flags.fill_null(False), index, fill=False)
        if column.required:
            missing = _spread(parse.is_missing(said), index, fill=True)
            if missing.any():
                severity = "warning" if column.is_linked else "error"
                part.broken[_rule(contract, column, "required", severity)] = missing
        if raw.mended and role != "name":
            lost = _spread(texts.str.contains("\ufffd", literal=True), index, fill=False).fill_null(False)
            if lost.any():
                # A key with a character lost is another's key, or nobody's.
                is_key = role == "key" or column.name in contract.key
                part.broken[_rule(contract, column, "rare_char", "error" if is_key else "warning")] = lost
        if physical in raw.cut and raw.cut[physical].any():
            part.broken[_rule(contract, column, "cut_char", "warning")] = raw.cut[physical]
    return part


def _distinct(series: pl.Series) -> tuple[pl.Series, pl.Series | None, pl.Series | None]:
    """The distinct texts, where each row finds its own, and the rows in that form.

    Where most texts differ: the series itself and no more.
    """
    if len(series) < _WORTH_COUNTING or series.to_frame().select(pl.all().approx_n_unique()).item() * 8 > len(series):
        return series, None, None
    categories = pl.Categories.random()
    coded = series.cast(pl.Categorical(categories))
    # `coded` must still be alive here: categories are forgotten with the last series that uses them.
    return categories.to_series().cast(pl.String), coded.to_physical(), coded


def _spread(distinct: pl.Series, index: pl.Series | None, fill: bool | None = None) -> pl.Series:
    if index is None:
        return distinct
    spread = distinct.gather(index)
    return spread if fill is None else spread.fill_null(fill)


def _identity(
    contract: Contract,
    column: Column,
    texts: pl.Series,
    declared: pl.Series | None,
    held: pl.Series | None,
    business_on: date,
) -> _Part:
    """The parts of an identity number; its canonical form stands where its pseudonym will.

    `held` tells the holder of documents that are told by more than their number.
    """
    options = column.intake
    if options.instead_of:
        texts = pl.repeat(None, len(texts), dtype=pl.String, eager=True)
    if options.first_of:
        texts = texts.str.split(options.first_of).list.first()
    if options.unknown:
        texts = texts.set(texts.is_in(list(options.unknown)).fill_null(False), None)
    digests = None
    if options.digest and options.with_digests:
        digests = identifiers.digests_in(texts, options.digest)
        texts = texts.set(digests.is_not_null(), None)
    if held is not None:
        texts = texts.set(held.is_not_null(), None)
    wanted = set(column.outputs) | contract.rule_names
    if any(other.intake.century_of == column.name for other in contract.columns):
        wanted.add(column.name + PART_SUFFIX["birth_on"])
    parts = [part for part in EXAMINED if column.name + PART_SUFFIX[part] in wanted]
    # In slices: what is worked out on the way is several times what is kept.
    slices = [
        identifiers.examine(
            texts.slice(start, _SLICE),
            kinds=options.kinds or identifiers.KINDS,
            declared=None if declared is None else declared.slice(start, _SLICE),
            with_suffix=options.with_suffix,
            allow_synthetic=contract.synthetic_areas,
            latest=business_on,
        ).select("canonical", "problem", *parts)
        for start in range(0, max(len(texts), 1), _SLICE)
    ]
    # One column in pieces would have every frame it comes into copied.
    found = pl.concat(slices, rechunk=True)
    values = {column.name + PART_SUFFIX[part]: found[part] for part in parts}
    values |= links.traces(contract, column, texts, found, business_on)
    if digests is not None:
        values[column.name + PART_SUFFIX["digest"]] = digests
    number = found["canonical"]
    values[value_name(column)] = number if held is None else number.zip_with(held.is_null(), held)
    broken = {
        _rule(contract, column, "birth_date" if problem == "date" else problem): (
            found["problem"] == problem
        ).fill_null(False)
        for problem in found["problem"].drop_nulls().unique().sort()
    }
    return _Part(values, broken)


def _rule(contract: Contract, column: Column, name: str, severity: str | None = None) -> Rule:
    if severity is None:
        # Some early credit codes fail their check digit and are valid all the same.
        mild = name in ("rare_char", "holds_number") or (column.intake.role == "credit_code" and name == "check_digit")
        # What is wrong beside the number is not put right by finding the person.
        severity = "warning" if mild else "error" if column.is_linked and name == "suffix" else column.severity
    message = row_message(name, column.label, column.physical)
    return Rule(f"{contract.feed}.{column.name}.{name}", column.physical, severity, message)
