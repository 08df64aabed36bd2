"""Numbers: integers and decimals with the words, units and separators the contract allows.

A number is read exactly or not at all. Words stand at its ends, separators of thousands part groups of three, and a
digit beyond the places the contract keeps is no digit to drop, unless the contract says that such a measure is rounded.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from unicodedata import normalize

import polars as pl

from pipelines.feeds.fields import Column, Intake
from pipelines.feeds.reading import Reading

_GROUPED = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+"
# Oracle writes .5 for 0.5.
_NUMBER = rf"[+-]?(?:(?:{_GROUPED}|[0-9]{{1,15}})(?:\.[0-9]+)?|\.[0-9]+)"
# 10² is no 102, whatever compatibility forms say.
_RAISED = r"(?:^|[0-9.,])[¹²³⁰⁴-⁹₀-₉①-⓿]"
_EXACT = pl.Decimal(38, 12)
# More than a binary fraction's noise (0.1 + 0.2), and less than any place a contract keeps.
_NOISE = Decimal("0.000000001")


def taken_apart(column: Column, texts: pl.Series) -> pl.DataFrame:
    """`text` as it came, `bare` its sign, digits and point, `unit` what stands behind them, words taken off the ends.

    Plain numbers, nearly all, are spared the pattern of all the others.
    """
    bare, unit = texts.clone(), pl.repeat(None, len(texts), dtype=pl.String, eager=True)
    odd = (texts.is_not_null() & ~texts.str.contains(r"^-?[0-9]{1,15}(?:\.[0-9]+)?$")).arg_true()
    if len(odd):
        text = pl.col("text")
        plain = pl.when(~text.str.contains(_RAISED)).then(text)
        written = plain.str.normalize("NFKC").str.replace_all("−", "-")
        parts = written.str.extract_groups(_shape(column.intake))
        number = parts.struct.field("1").str.replace_all(",", "").str.strip_prefix("+")
        found = pl.DataFrame({"text": texts.gather(odd)}).select(bare=number, unit=parts.struct.field("2"))
        bare, unit = bare.scatter(odd, found["bare"]), unit.scatter(odd, found["unit"])
    return pl.DataFrame({"text": texts, "bare": bare, "unit": unit})


def number(column: Column) -> Reading:
    """Integers and decimals of numbers that are taken apart, range-checked."""
    options = column.intake
    text, bare, unit = pl.col("text"), pl.col("bare"), pl.col("unit")
    if options.hundredths:
        value = _yuan(bare, options)
    elif column.logical_type == "integer":
        whole = pl.when(bare.str.contains(r"^-?[0-9]+(\.0+)?$")).then(bare.str.replace(r"\.0+$", ""))
        value = whole.cast(pl.Int32, strict=False)
    else:
        value = _decimal(_in_one_unit(bare, unit, options.factors), options)
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


def _shape(options: Intake) -> str:
    """The one form of a number: words, the number, a unit, words."""
    words = _alternatives(options.strip)
    around = rf"(?:(?:{words})\s*)*" if words else ""
    units = _alternatives(options.factors)
    return rf"^{around}({_NUMBER})\s*({units or 'x{0}'})?\s*{around}$"


def _alternatives(words: Mapping[str, float] | tuple[str, ...]) -> str:
    # The longest is asked for first: tons end with t, and so does anything that ends with kt.
    plain = {normalize("NFKC", word) for word in words}
    return "|".join(re.escape(word) for word in sorted(plain, key=lambda word: (-len(word), word)))


def _in_one_unit(bare: pl.Expr, unit: pl.Expr, factors: Mapping[str, float]) -> pl.Expr:
    """Exact decimals, those with a unit multiplied by its factor."""
    exact = bare.cast(_EXACT, strict=False)
    answer = exact
    for name, factor in factors.items():
        if factor != 1:
            inside = exact * pl.lit(Decimal(str(factor)))
            answer = pl.when(unit == normalize("NFKC", name)).then(inside).otherwise(answer)
    return answer


def _decimal(exact: pl.Expr, options: Intake) -> pl.Expr:
    """The value in the places the contract keeps; null where that would drop a digit, but for declared measures."""
    value = exact.cast(pl.Decimal(options.digits, options.decimals), strict=False)
    if options.rounded:
        return value
    lost = (exact - value.cast(_EXACT, strict=False)).abs()
    return pl.when(lost < pl.lit(_NOISE)).then(value)


def _yuan(bare: pl.Expr, options: Intake) -> pl.Expr:
    """Amounts in hundredths: whole numbers are fen, numbers with two places are yuan as they stand.

    A database that keeps the column as floating point writes 7500.0 for 7500. Where that one place is ever anything but
    zero, yuan stand among them, and none of those with one place can be told.
    """
    is_yuan, one_place = bare.str.contains(r"\.[0-9]{2}$"), bare.str.contains(r"\.0$")
    has_fractions = bare.str.contains(r"\.(?:[1-9]|[0-9]{3,})$").any()
    is_fen = bare.str.contains(r"^-?[0-9]+$") | (one_place & ~has_fractions)
    kept = pl.Decimal(options.digits, options.decimals)
    amount = bare.cast(kept, strict=False)
    return pl.when(is_yuan).then(amount).when(is_fen).then((amount / 100).cast(kept))
