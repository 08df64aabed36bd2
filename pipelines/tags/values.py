"""The six kinds of value a rule may speak about, and how Python, YAML and DuckDB spell them.

Nothing about operators is here; only what a value is and whether a given Python object is one.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["bool", "int", "decimal", "text", "date", "texts"]
Value = bool | int | Decimal | str | date | tuple[str, ...] | None
"""A value in Python; None is unknown. A list of text is a tuple."""

MAX_SCALE = 12


@dataclass(frozen=True)
class Type:
    """A kind and, for decimals, the digits after the point. Decimals are exact; rules know no floating point."""

    kind: Kind
    scale: int = 0

    @property
    def is_number(self) -> bool:
        """Whether values can be added and compared as numbers."""
        return self.kind in ("int", "decimal")

    def __str__(self) -> str:
        names = {"int": "whole number", "bool": "true/false", "texts": "list of text"}
        return f"decimal({self.scale})" if self.kind == "decimal" else names.get(self.kind, self.kind)


BOOL = Type("bool")
INT = Type("int")
TEXT = Type("text")
DATE = Type("date")
TEXTS = Type("texts")


def decimal(scale: int) -> Type:
    """Exact decimals of `scale` digits after the point; `decimal(0)` is still a decimal."""
    return Type("decimal", scale)


_DUCKDB = {
    "varchar": TEXT,
    "text": TEXT,
    "boolean": BOOL,
    "bool": BOOL,
    "date": DATE,
    "varchar[]": TEXTS,
    "text[]": TEXTS,
    **dict.fromkeys(("tinyint", "smallint", "integer", "int", "bigint", "utinyint", "usmallint", "uinteger"), INT),
}


def from_duckdb(name: str) -> Type | None:
    """The type of a DuckDB column; None where rules cannot use it (floating point, timestamps, structs)."""
    text = name.strip().lower().replace(" ", "")
    if text.startswith("decimal("):
        return decimal(int(text.removesuffix(")").split(",")[1]))
    return _DUCKDB.get(text)


def to_duckdb(kind: Type) -> str:
    """The DuckDB type that holds values of `kind` without loss."""
    if kind.kind == "decimal":
        return f"decimal(28,{kind.scale})"
    return {"bool": "boolean", "int": "bigint", "text": "varchar", "date": "date", "texts": "varchar[]"}[kind.kind]


def accepts(kind: Type, value: object) -> bool:
    """Whether a Python object is a value of this type; None always is. A whole number is a decimal too."""
    if value is None:
        return True
    if kind.kind == "bool":
        return isinstance(value, bool)
    if kind.kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind.kind == "decimal":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (isinstance(value, Decimal) and scale_of(value) <= kind.scale)
    if kind.kind == "texts":
        return isinstance(value, tuple) and all(isinstance(v, str) for v in value)
    return type(value) is {"text": str, "date": date}[kind.kind]


def scale_of(value: Decimal) -> int:
    """Digits after the point that a decimal needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
