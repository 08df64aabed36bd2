"""From text to typed values, by the contract's options: one Polars expression a column.

Each function takes the cleaned text expression and gives the value expression; a text that is there but gives no value
is broken under the rule `invalid` (or a more telling one). Numbers of identity are not read here (`identities`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.feeds.codes import spellings
from pipelines.feeds.contracts import Column

# Spaces that typing leaves: ASCII, NBSP, ideographic, zero width, BOM.
_SPACES = " \t\r\n\v\f\u00a0\u3000\u200b\ufeff"
_EXCEL_EPOCH = pl.date(1899, 12, 30)
# Dots that stand in names of minorities, all read as the middle dot.
_NAME_DOTS = r"[•‧・．⋅∙.]"


@dataclass
class Reading:
    """What reading a column gives: the value and the rules that can break, each true where broken."""

    value: pl.Expr
    broken: dict[str, pl.Expr] = field(default_factory=dict)


def clean(physical: str) -> pl.Expr:
    """The column's text without surrounding spaces; empty becomes null."""
    text = pl.col(physical).str.strip_chars(_SPACES)
    return pl.when(text != "").then(text)


def read(column: Column, reference: Path) -> Reading:
    """The reading of one column that is not an identity, a credit code or a key."""
    text = clean(column.physical)
    if column.intake.unknown:
        text = pl.when(~text.is_in(list(column.intake.unknown))).then(text)
    role, kind = column.intake.role, column.logical_type
    if role == "name":
        return _name(text)
    if role == "phone":
        return Reading(
            text.str.normalize("NFKC").str.replace_all(r"[\s\-]", "").str.replace(r"^\+?86([0-9]{11})$", "${1}")
        )
    if role == "address":
        return Reading(text.str.normalize("NFKC"))
    if column.intake.codes is not None:
        return _coded(column, text, spellings(column.intake.codes, reference))
    if kind == "date":
        value = _dates(text, column)
    elif kind == "timestamp":
        value = text.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    elif kind == "boolean":
        value = (
            pl.when(text.is_in(list(column.intake.yes))).then(True).when(text.is_in(list(column.intake.no))).then(False)
        )
    elif kind in ("integer", "number"):
        return _number(column, text)
    else:
        return _text(column, text)
    return Reading(
        value, {"date" if kind in ("date", "timestamp") else "invalid": text.is_not_null() & value.is_null()}
    )


def _name(text: pl.Expr) -> Reading:
    """Names: half width, one kind of middle dot, no spaces inside names written in Chinese characters."""
    value = text.str.normalize("NFKC").str.replace_all(r"\s+", " ").str.replace_all(_NAME_DOTS, "·")
    value = pl.when(value.str.contains(r"\p{Han}")).then(value.str.replace_all(" ", "")).otherwise(value)
    return Reading(value, {"rare_char": text.str.contains(r"[\x{E000}-\x{F8FF}]")})


def _text(column: Column, text: pl.Expr) -> Reading:
    if column.intake.pattern is None:
        return Reading(text)
    fits = text.str.contains(f"^(?:{column.intake.pattern})$")
    return Reading(pl.when(fits).then(text), {"pattern": text.is_not_null() & ~fits})


def _coded(column: Column, text: pl.Expr, accepted: Mapping[str, str]) -> Reading:
    if column.logical_type != "array":
        value = text.replace_strict(dict(accepted), default=None, return_dtype=pl.String)
        return Reading(value, {"code": text.is_not_null() & value.is_null()})
    marks = column.intake.separators
    items = text.str.replace_all(f"[{marks}]", marks[0]).str.split(marks[0])
    items = items.list.eval(pl.element().str.strip_chars(_SPACES)).list.eval(pl.element().filter(pl.element() != ""))
    known = pl.element().replace_strict(dict(accepted), default=None, return_dtype=pl.String)
    value = items.list.eval(known)
    strange = text.is_not_null() & value.list.eval(pl.element().is_null()).list.any()
    return Reading(value.list.drop_nulls().list.unique().list.sort(), {"code": strange.fill_null(False)})


def _number(column: Column, text: pl.Expr) -> Reading:
    """Integers and decimals: thousands separators and the contract's units and words taken off, then range-checked."""
    options = column.intake
    bare = text.str.normalize("NFKC").str.replace_all(r"[,\s]", "")
    for word in options.strip:
        bare = bare.str.replace(word, "", literal=True)
    if column.logical_type == "integer":
        shaped = bare.str.contains(r"^[+-]?[0-9]{1,15}(\.0+)?$")
        value = pl.when(shaped).then(bare.str.replace(r"\.0+$", "")).cast(pl.Int32, strict=False)
    else:
        shaped = bare.str.contains(r"^[+-]?[0-9]{1,15}(\.[0-9]*)?$")
        # Rounding is the contract's: more places than it keeps are rounded half to even by the cast.
        value = pl.when(shaped).then(bare).cast(pl.Decimal(options.digits, options.decimals), strict=False)
    broken = {"invalid": text.is_not_null() & value.is_null()}
    if options.pattern is not None:
        broken["pattern"] = value.is_not_null() & ~bare.str.contains(f"^(?:{options.pattern})$")
        value = pl.when(~broken["pattern"]).then(value)
    outside: list[pl.Expr] = []
    if options.minimum is not None:
        outside.append(value < options.minimum)
    if options.maximum is not None:
        outside.append(value > options.maximum)
    if outside:
        broken["range"] = pl.any_horizontal(outside).fill_null(False)
        value = pl.when(~broken["range"]).then(value)
    return Reading(value, broken)


def _dates(text: pl.Expr, column: Column) -> pl.Expr:
    """A date in any of the contract's forms; the forms exclude each other by their shape."""
    readers = {
        "ymd": lambda: _from_parts(text, r"^([0-9]{4})([0-9]{2})([0-9]{2})$"),
        "dashed": lambda: _from_parts(text, r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T]00:00(?::00)?)?$"),
        "slashed": lambda: _from_parts(text, r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})$"),
        "dotted": lambda: _from_parts(text, r"^([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})$"),
        "chinese": lambda: _from_parts(text, r"^([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日$"),
        "month": lambda: _from_parts(text, r"^([0-9]{4})[.\-/年]([0-9]{1,2})月?$"),
        "timestamp": lambda: _from_parts(text, r"^([0-9]{4})([0-9]{2})([0-9]{2})[0-9]{6}$"),
        "excel": lambda: _from_serial(text),
    }
    if column.intake.dates == ("ymd",):
        return pl.when(text.str.len_bytes() == 8).then(text).str.to_date("%Y%m%d", strict=False)
    return pl.coalesce([readers[form]() for form in column.intake.dates])


def _from_parts(text: pl.Expr, pattern: str) -> pl.Expr:
    """Year, month and, where the pattern has it, day; a month alone means its first day."""
    groups = text.str.extract_groups(pattern)
    parts = [groups.struct.field("1"), groups.struct.field("2").str.zfill(2)]
    parts.append(groups.struct.field("3").str.zfill(2) if pattern.count("(\[0-9]") == 3 else pl.lit("01"))
    return pl.concat_str(parts).str.to_date("%Y%m%d", strict=False)


def _from_serial(text: pl.Expr) -> pl.Expr:
    """Excel's day number in the 1900 system, from 1910 to 2119."""
    days = (
        pl.when(text.str.contains(r"^[1-7][0-9]{4}$|^[4-9][0-9]{3}$"))
        .then(text.str.extract(r"^([0-9]+)"))
        .cast(pl.Int32)
    )
    return _EXCEL_EPOCH + pl.duration(days=days)
