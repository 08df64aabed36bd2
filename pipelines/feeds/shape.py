"""What a delivery's columns look like, as counts: written once into its receipt, compared by `drift`.

Counts, codes and classes of characters; of keys the smallest pseudonyms, a sample that two deliveries share. No text of
a column that names or finds a person. What is too much of a change is not decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any

import polars as pl

from pipelines.feeds.columns import Rule, value_name
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import PART_SUFFIX, Column
from pipelines.feeds.readers.raw import FILE

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
    """Every column that is read, from values still in the clear and the rows that break its rules."""
    flagged: dict[str, pl.Series] = {}
    for rule, rows in broken.items():
        _, about, name = rule.code.split(".", 2)
        if name != "required":
            flagged[about] = flagged[about] | rows if about in flagged else rows
    files = values[FILE].unique().sort().to_list() if contract.delivery.parts else []
    every = {}
    for column in contract.read_columns:
        if column.role == "drop":
            continue
        away = [file for file in files if not _may_have(contract, file, column)]
        rows_without = int(values[FILE].is_in(away).sum()) if away else 0
        every[column.name] = _column(contract, column, values, flagged.get(column.name), rows_without)
    return every


def with_keys(contract: Contract, shape: Shape, rows: pl.DataFrame) -> Shape:
    """The shape with its sample of keys, from accepted rows whose numbers are pseudonyms by now."""
    return {
        name: replace(told, keys=_smallest(contract.by_name[name], rows, name in contract.key))
        for name, told in shape.items()
    }


def without_keys(shape: Shape) -> Shape:
    """The shape of a delivery whose pseudonyms are nobody else's."""
    return {name: replace(told, keys=()) for name, told in shape.items()}


def _may_have(contract: Contract, file: str, column: Column) -> bool:
    """Whether some part that reads a file has the column: in the others' rows it is not empty, but not there."""
    name, _, sheet = file.partition("#")
    parts = [p for p in contract.delivery.parts if fnmatch(name, p.files) and (not p.sheets or sheet in p.sheets)]
    return not parts or any(not part.columns or column.physical in part.columns for part in parts)


def _column(
    contract: Contract, column: Column, values: pl.DataFrame, flagged: pl.Series | None, rows_without: int
) -> ColumnShape:
    value = values[value_name(column)]
    says_nothing = value.is_null()
    digest = column.name + PART_SUFFIX["digest"]
    if column.intake.with_digests and digest in values.columns:
        says_nothing &= values[digest].is_null()
    if flagged is not None:
        says_nothing &= ~flagged
    return ColumnShape(
        rows=len(value) - rows_without,
        empty=max(int(says_nothing.sum()) - rows_without, 0),
        broken=0 if flagged is None else int(flagged.sum()),
        mix=_mix(column, value, column.name in contract.key),
        forms=_forms(column, value),
    )


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
    if kind in ("integer", "number") and not is_key:
        size = value.drop_nulls().cast(pl.Float64).abs()
        digits = size.filter(size > 0).log10().floor().cast(pl.Int32).cast(pl.String)
        zeros = int((size == 0).sum())
        return _counts(("1e" + digits).value_counts(name="n")) | ({"0": zeros} if zeros else {})
    return {}


def _forms(column: Column, value: pl.Series) -> dict[str, int]:
    """Texts by the classes of their first and last character: 9 digit, A and a letters, 字 Chinese, # any other."""
    if column.role in ("identity", "credit_code", "coordinate", "drop") or column.intake.codes is not None:
        return {}
    if column.logical_type != "string":
        return {}
    text = value.gather_every(-(-max(len(value), 1) // _FORM_ROWS)).drop_nulls()
    ends = text.str.head(1) + text.str.tail(1)
    for pattern, sign in ((r"\p{Han}", "字"), (r"\p{Nd}", "9"), (r"[A-Z]", "A"), (r"[a-z]", "a"), (r"[^字9Aa]", "#")):
        ends = ends.str.replace_all(pattern, sign)
    return _counts(ends.value_counts(name="n"))


def _counts(counted: pl.DataFrame) -> dict[str, int]:
    return dict(sorted((str(name), int(count)) for name, count in counted.iter_rows()))


def _smallest(column: Column, rows: pl.DataFrame, is_key: bool) -> tuple[str, ...]:
    """The smallest distinct keys. Names that are no pseudonyms are turned round, for their ends differ most."""
    if column.role not in ("identity", "key", "credit_code") and not (
        is_key and column.logical_type == "string" and column.intake.codes is None and column.role == "value"
    ):
        return ()
    name = value_name(column)
    if name not in rows.columns:
        return ()
    keys = rows[name].drop_nulls()
    if column.role in ("credit_code", "value"):
        keys = keys.str.reverse()
    if len(keys) > 50 * KEYS:
        # A bound from a sample, so that a district's keys need not be sorted to find the smallest.
        seen = keys.gather_every(len(keys) // (10 * KEYS)).sort()
        few = keys.filter(keys <= seen[min(len(seen) - 1, 8 * KEYS * len(seen) // len(keys) + 20)]).unique()
        keys = few if len(few) >= KEYS else keys
    return tuple(keys.unique().sort().head(KEYS).to_list())
