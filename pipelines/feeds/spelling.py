"""Texts in one spelling: names, telephones, and identifiers by which rows and feeds meet.

What is the same to a reader becomes the same text; what is no name, no telephone or no identifier is not kept. Identity
numbers are not read here (`pipelines.identifiers`).
"""

import polars as pl

from pipelines.feeds.fields import Column
from pipelines.feeds.reading import Reading, is_error_cell

# Dots that stand in names of minorities, all read as the middle dot.
_NAME_DOTS = r"\s*[·•‧・･．﹒․\x{0387}⋅∙.●⦁ꞏ᛫⸱⸳ㆍ˙。]+\s*"
# Characters that stand where a rare one was lost: private use, the replacement character, a question mark.
_LOST_CHARACTER = r"[\x{E000}-\x{F8FF}\x{FFFD}?？]"
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
# What an identity number looks like inside other text. No word boundary: Chinese characters count as letters.
_NUMBER_INSIDE = rf"(?:^|[^0-9])[1-9][0-9]{{5}}(?:(?:1[89]|20)[0-9]{{2}}{_DAY}[0-9Xx]|[0-9]{{2}}{_DAY})(?:[^0-9]|$)"

_LABEL = r"(?i)^(?:联系)?(?:手机|电话|移动电话|座机|固话|固定电话|宅电|tel|phone|mobile)(?:号码?)?[::.]?\s*"
_COUNTRY = r"(?:[(]?(?:\+|00)?86[)]?[-\s]*)?"
_MOBILE = rf"{_COUNTRY}(?P<mobile>1[0-9]{{2}}[-\s.]?[0-9]{{4}}[-\s.]?[0-9]{{4}})(?:\.0)?"
_AREA = r"(?:[(]?(?P<area>0[0-9]{2,3})[)]?[-\s]*|[(]?(?:\+|00)86[)]?[-\s]*(?P<abroad>[1-9][0-9]{1,2})[-\s]+)"
_EXTENSION = r"(?:\s*(?:-|转|#|分机|ext\.?)\s*(?P<ext>[0-9]{1,6}))?"
_LANDLINE = (
    rf"(?:{_AREA}(?P<local>[2-9][0-9]{{2,3}}[-\s]?[0-9]{{4}})|(?P<bare>[2-9][0-9]{{3}}[-\s]?[0-9]{{4}})){_EXTENSION}"
)
_SERVICE = r"(?P<service>[48]00[-\s]?[0-9]{3}[-\s]?[0-9]{4}|[48]00[-\s]?[0-9]{4}[-\s]?[0-9]{3})"
_PHONE = rf"(?:{_MOBILE}|{_SERVICE}|{_LANDLINE})"
_ANOTHER = r"(?:\s*(?:[/、;,|或和&]|\s)\s*(?:[0-9+(][-0-9+().\s转#]{5,24}))*"
# Typed so that the field is not empty.
_MADE_UP = r"^(?:[0-9]?0{7,}|1[0-9]{1,2}0{8,9}|0?12345678[0-9]*|" + "|".join(f"{d}{{7,}}" for d in range(1, 10)) + ")$"


def is_usual_phone(texts: pl.Series) -> pl.Series:
    """Mobile numbers as they should be written, and not typed to fill the field."""
    return texts.str.contains(r"^1(?:[3-9][0-9]|0[01])[0-9]{8}$") & ~texts.str.ends_with("00000000")


def is_usual_identifier(column: Column, texts: pl.Series) -> pl.Series:
    """Identifiers that are in their one spelling already, and no identity number that would not be hidden."""
    letters = {"upper": "A-Z", "lower": "a-z"}.get(column.intake.letters or "", "A-Za-z")
    length = "+" if column.role == "key" else "{1,14}"
    return texts.str.contains(rf"^[0-9{letters}-]{length}$")


def text(value: pl.Expr) -> Reading:
    """Free text, without error cells and without identity numbers."""
    return without_numbers(_without_errors(value))


def name(value: pl.Expr) -> Reading:
    """Names: half width, one kind of middle dot, no spaces inside names written in Chinese characters."""
    reading = _without_errors(value)
    # Some of the dots have compatibility forms that are none.
    written = reading.value.str.replace_all(_NAME_DOTS, "·").str.strip_chars("·")
    written = written.str.normalize("NFKC").str.replace_all(r"\s+", " ")
    written = pl.when(written.str.contains(r"\p{Han}")).then(written.str.replace_all(" ", "")).otherwise(written)
    broken = reading.broken | {"rare_char": reading.value.str.contains(_LOST_CHARACTER)}
    return without_numbers(Reading(written, broken))


def address(value: pl.Expr) -> Reading:
    """Addresses in half width."""
    reading = _without_errors(value)
    return without_numbers(Reading(reading.value.str.normalize("NFKC"), reading.broken))


def phone(value: pl.Expr) -> Reading:
    """One telephone: the first where several stand in a field, digits only, `-` before an extension.

    The country's code is taken off, an area's is kept.
    """
    written = value.str.normalize("NFKC").str.replace_all(r"['\"`‘’“”=]", "").str.replace_all("[–—−‐‑]", "-")
    written = written.str.replace(_LABEL, "").str.strip_chars(" ,;、/|.")
    whole = pl.when(written.str.contains(rf"^{_PHONE}{_ANOTHER}$")).then(written)
    found = whole.str.extract_groups(rf"^{_PHONE}")
    part = {key: found.struct.field(key) for key in ("mobile", "service", "area", "abroad", "local", "bare", "ext")}
    area = pl.coalesce(part["area"], "0" + part["abroad"], pl.lit(""))
    main = pl.coalesce(part["mobile"], part["service"], area + part["local"], part["bare"]).str.replace_all(
        r"[-\s.]", ""
    )
    number = pl.when(~main.str.contains(_MADE_UP)).then(main + pl.coalesce("-" + part["ext"], pl.lit("")))
    holds = written.str.contains(_NUMBER_INSIDE)
    kept = pl.when(~holds).then(number)
    return Reading(kept, {"invalid": value.is_not_null() & kept.is_null() & ~holds, "holds_number": holds})


def identifier(column: Column, value: pl.Expr) -> Reading:
    """An identifier as rows and feeds meet by it: half width, no blanks, the letter case the contract says."""
    reading = _without_errors(value)
    written = reading.value.str.normalize("NFKC").str.replace_all(r"[\s'\"`‘’“”=]", "").str.replace_all("[–—−‐‑]", "-")
    # A database that keeps the column as floating point writes 7500.0 for 7500.
    written = written.str.replace(r"^([0-9]{1,15})\.0$", "${1}")
    if column.intake.letters == "upper":
        written = written.str.to_uppercase()
    elif column.intake.letters == "lower":
        written = written.str.to_lowercase()
    for word in column.intake.strip:
        written = written.str.strip_prefix(word)
    lossy = written.str.contains(r"^[0-9](?:\.[0-9]+[Ee]\+?|[Ee]\+)[0-9]+$")
    return Reading(pl.when(~lossy & (written != "")).then(written), reading.broken | {"precision_lost": lossy})


def _without_errors(value: pl.Expr) -> Reading:
    wrong = is_error_cell(value)
    return Reading(pl.when(~wrong).then(value), {"invalid": wrong})


def without_numbers(reading: Reading) -> Reading:
    """Free text in which somebody wrote an identity number is not kept: it would leave the vault in the clear."""
    found = reading.value.str.contains(_NUMBER_INSIDE)
    return Reading(pl.when(~found).then(reading.value), reading.broken | {"holds_number": found})
