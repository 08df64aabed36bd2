"""What a delivery's columns look like, as counts: written once into its receipt, compared by `drift`.

Counts, codes and classes of characters; of keys the smallest pseudonyms, a sample that two deliveries share. No text of
a column that names or finds a person. What is too much of a change is not decided here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any

import polars as pl

from pipelines.feeds.columns import Rule, value_name
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import PART_SUFFIX, Column
from pipelines.feeds.readers.raw import FILE
from pipelines.feeds.transport import FilePart

# Codes of a column with more than this many of them are names rather than a mix.
MOST_CODES = 400
# Keys kept of a column: enough to tell a share to three points.
KEYS = 256
# Forms of texts are those of a sample spread over the delivery.
_FORM_ROWS = 20_000


@dataclass(frozen=True)
class ColumnShape:
    """One column in all rows that have columns: `empty` say nothing, `broken` say something that breaks a rule.

    `mix` counts rows by code, by yes or no, or by order of magnitude; `forms` texts by what they begin and end with;
    `keys` are the smallest of the distinct keys, all of them where they are fewer than KEYS.
    """

    rows: int
    empty: int
    broken: int
    mix: Mapping[str, int] = field(default_factory=dict)
    forms: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()

    @property
    def filled(self) -> int:
        """Rows in which the column says anything."""
        return self.rows - self.empty


Shape = dict[str, ColumnShape]


def read_shape(document: Mapping[str, Mapping[str, Any]]) -> Shape:
    """A receipt's shape as objects."""
    return {name: ColumnShape(**{**told, "keys": tuple(told["keys"])}) for name, told in document.items()}


def measure(contract: Contract, values: pl.DataFrame, broken: Mapping[Rule, pl.Series]) -> Shape:
    """Every column that is read, from values still in the clear and the rows that break its rules.

    Where files of a delivery differ (`parts`), each kind of file has columns of its own: a month that brings one kind
    more has not changed the other.
    """
    flagged: dict[str, pl.Series] = {}
    for rule, rows in broken.items():
        _, about, name = rule.code.split(".", 2)
        if name != "required":
            flagged[about] = flagged[about] | rows if about in flagged else rows
    every = {}
    for kind, among, columns in _kinds_of_files(contract, values):
        for column in columns:
            rows_broken = flagged.get(column.name)
            if among is not None and rows_broken is not None:
                rows_broken = rows_broken.filter(among)
            every[column.name + kind] = _column(contract, column, values, among, rows_broken)
    return every


def is_size(column: Column) -> bool:
    """Whether the column's mix is one of orders of magnitude (2: hundreds) and not of codes."""
    return column.logical_type in ("integer", "number") and column.intake.codes is None


def column_of(name: str) -> str:
    """The column that a name in a shape speaks of, without the kind of file."""
    return name.partition("@")[0]


def _kinds_of_files(contract: Contract, frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series | None, list[Column]]]:
    """What is added to a column's name, the rows (None: all) and the columns that are read from them."""
    read = [column for column in contract.read_columns if column.role != "drop"]
    files: dict[str, list[str]] = {}
    for file in frame[FILE].unique().sort() if contract.delivery.parts else ():
        files.setdefault(_kind_of(contract, file), []).append(file)
    if not files:
        yield "", None, read
    for kind, names in files.items():
        parts = [part for part in contract.delivery.parts if kind in ("", _kind(part))]
        has_all = any(not part.columns for part in parts)
        there = {name for part in parts for name in part.columns}
        yield kind, frame[FILE].is_in(names), [c for c in read if has_all or c.physical in there]


def _kind_of(contract: Contract, file: str) -> str:
    name, _, sheet = file.partition("#")
    fitting = (p for p in contract.delivery.parts if fnmatch(name, p.files) and (not p.sheets or sheet in p.sheets))
    return next((_kind(part) for part in fitting), "")


def _kind(part: FilePart) -> str:
    return f"@{part.files}" + (f"#{part.sheets[0]}" if part.sheets else "")


def with_keys(contract: Contract, shape: Shape, rows: pl.DataFrame) -> Shape:
    """The shape with its sample of keys, from accepted rows whose numbers are pseudonyms by now."""
    every = dict(shape)
    for kind, among, columns in _kinds_of_files(contract, rows):
        for column in columns:
            if (name := column.name + kind) in every:
                every[name] = replace(every[name], keys=_smallest(column, rows, among, column.name in contract.key))
    return every


def without_keys(shape: Shape) -> Shape:
    """The shape of a delivery whose pseudonyms are nobody else's."""
    return {name: replace(told, keys=()) for name, told in shape.items()}


def _column(
    contract: Contract, column: Column, values: pl.DataFrame, among: pl.Series | None, flagged: pl.Series | None
) -> ColumnShape:
    value = _among(values[value_name(column)], among)
    says_nothing = value.is_null()
    digest = column.name + PART_SUFFIX["digest"]
    if column.intake.with_digests and digest in values.columns:
        says_nothing &= _among(values[digest], among).is_null()
    if flagged is not None:
        says_nothing &= ~flagged
    return ColumnShape(
        rows=len(value),
        empty=int(says_nothing.sum()),
        broken=0 if flagged is None else int(flagged.sum()),
        mix=_mix(column, value, column.name in contract.key),
        forms=_forms(column, value),
    )


def _among(series: pl.Series, rows: pl.Series | None) -> pl.Series:
    return series if rows is None else series.filter(rows)


def _mix(column: Column, value: pl.Series, is_key: bool) -> dict[str, int]:
    kind = column.logical_type
    if column.role not in ("value", "door"):
        return {}
    if column.intake.codes is not None:
        codes = value.explode(empty_as_null=True, keep_nulls=True) if kind == "array" else value
        counted = codes.drop_nulls().value_counts(name="n")
        return _counts(counted) if counted.height <= MOST_CODES else {}
    if kind == "boolean":
        return _counts(value.drop_nulls().cast(pl.String).value_counts(name="n"))
    if is_size(column) and not is_key:
        size = value.drop_nulls().cast(pl.Float64).abs()
        return _counts(size.filter(size > 0).log10().floor().cast(pl.Int32).value_counts(name="n"))
    return {}


def _forms(column: Column, value: pl.Series) -> dict[str, int]:
    """Texts by the classes of their first and last character: 9 digit, A and a letters, 字 Chinese, # any other.

    Of keys by the first four, for they begin alike.
    """
    if column.role in ("identity", "credit_code", "coordinate", "drop") or column.intake.codes is not None:
        return {}
    if column.logical_type != "string":
        return {}
    text = value.gather_every(-(-max(len(value), 1) // _FORM_ROWS)).drop_nulls()
    ends = text.str.head(4 if column.role == "key" else 1) + text.str.tail(1)
    for pattern, sign in ((r"\p{Han}", "字"), (r"\p{Nd}", "9"), (r"[A-Z]", "A"), (r"[a-z]", "a"), (r"[^字9Aa]", "#")):
        ends = ends.str.replace_all(pattern, sign)
    return _counts(ends.value_counts(name="n"))


def _counts(counted: pl.DataFrame) -> dict[str, int]:
    return dict(sorted((str(name), int(count)) for name, count in counted.iter_rows()))


def _smallest(column: Column, rows: pl.DataFrame, among: pl.Series | None, is_key: bool) -> tuple[str, ...]:
    """The smallest distinct keys. Names that are no pseudonyms are turned round, for their ends differ most."""
    if column.role not in ("identity", "key", "credit_code") and not (
        is_key and column.logical_type == "string" and column.intake.codes is None and column.role == "value"
    ):
        return ()
    name = value_name(column)
    if name not in rows.columns:
        return ()
    digest = column.name + PART_SUFFIX["digest"]
    keys = rows[name] if digest not in rows.columns else rows[name].zip_with(rows[name].is_not_null(), rows[digest])
    keys = _among(keys, among).drop_nulls()
    if column.role in ("credit_code", "value"):
        keys = keys.str.reverse()
    if len(keys) > 50 * KEYS:
        # A bound from a sample, so that a district's keys need not be sorted to find the smallest.
        seen = keys.gather_every(len(keys) // (10 * KEYS)).sort()
        few = keys.filter(keys <= seen[min(len(seen) - 1, 8 * KEYS * len(seen) // len(keys) + 20)]).unique()
        keys = few if len(few) >= KEYS else keys
    return tuple(keys.unique().sort().head(KEYS).to_list())
