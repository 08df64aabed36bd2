"""From text to typed values, by the contract's options.

`read` takes one column's texts and gives its values and, rule by rule, which of them are broken: a text that is there
but gives no value, or a value that cannot be. Numbers of identity are not read here (`columns`), and what becomes of a
broken row is not decided here (`check`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.feeds.codes import spellings
from pipelines.feeds.fields import Column

# Spaces that typing leaves: ASCII, NBSP, ideographic, zero width, BOM.
_SPACES = " \t\r\n\v\f\u00a0\u3000\u200b\ufeff"
_SEASONS = {"春": "03", "夏": "06", "秋": "09", "冬": "12"}
_EXCEL_EPOCH = pl.date(1899, 12, 30)
# Dots that stand in names of minorities, all read as the middle dot.
_NAME_DOTS = r"[•‧・．⋅∙.]"
# Characters that stand where a rare one was lost: private use, the replacement character, a question mark.
_LOST_CHARACTER = r"[\x{E000}-\x{F8FF}\x{FFFD}?？]"
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
# What an identity number looks like inside other text. No word boundary: Chinese characters count as letters.
_NUMBER_INSIDE = rf"(?:^|[^0-9])[1-9][0-9]{{5}}(?:(?:1[89]|20)[0-9]{{2}}{_DAY}[0-9Xx]|[0-9]{{2}}{_DAY})(?:[^0-9]|$)"


@dataclass
class Reading:
    """What reading a column gives: the values, and the rules that can break, each true where broken."""

    value: pl.Expr
    broken: dict[str, pl.Expr] = field(default_factory=dict)


def clean(texts: pl.Series) -> pl.Series:
    """Texts without surrounding spaces; empty becomes null."""
    stripped = texts.str.strip_chars(_SPACES)
    return pl.select(pl.when(stripped != "").then(stripped)).to_series()


def read(column: Column, texts: pl.Series, reference: Path) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Values of cleaned texts, and for every rule that any of them breaks which ones do."""
    if column.intake.unknown:
        texts = texts.set(texts.is_in(list(column.intake.unknown)).fill_null(False), None)
    reading = _reading(column, pl.col("text"), reference)
    rules = {name: broken.fill_null(False) for name, broken in reading.broken.items()}
    answer = pl.LazyFrame({"text": texts}).select(reading.value.alias("value"), **rules).collect()
    return answer["value"], {name: answer[name] for name in rules if answer[name].any()}


def _reading(column: Column, text: pl.Expr, reference: Path) -> Reading:
    role, kind = column.intake.role, column.logical_type
    if role == "name":
        return _name(text)
    if role == "phone":
        digits = text.str.normalize("NFKC").str.replace_all(r"[\s\-]", "").str.replace(r"^\+?86([0-9]{11})$", "${1}")
        return _without_numbers(Reading(digits))
    if role == "address":
        return _without_numbers(Reading(text.str.normalize("NFKC")))
    text = text if column.intake.leading is None else text.str.slice(0, column.intake.leading)
    if column.intake.codes is not None:
        return _coded(column, text, spellings(column.intake.codes, reference))
    if kind == "date":
        value = _dates(text, column)
    elif kind == "timestamp":
        value = _moments(text, column)
    elif kind == "boolean":
        yes, no = text.is_in(list(column.intake.yes)), text.is_in(list(column.intake.no))
        value = pl.when(yes).then(True).when(no).then(False)
    elif kind in ("integer", "number"):
        return _number(column, text)
    elif column.intake.pattern is not None:
        fits = text.str.contains(f"^(?:{column.intake.pattern})$")
        return Reading(pl.when(fits).then(text), {"pattern": text.is_not_null() & ~fits})
    else:
        for word in column.intake.strip:
            text = text.str.strip_prefix(word)
        return Reading(text) if role in ("key", "door") else _without_numbers(Reading(text))
    rule = "date" if kind in ("date", "timestamp") else "invalid"
    return Reading(value, {rule: text.is_not_null() & value.is_null()})


def _name(text: pl.Expr) -> Reading:
    """Names: half width, one kind of middle dot, no spaces inside names written in Chinese characters."""
    value = text.str.normalize("NFKC").str.replace_all(r"\s+", " ").str.replace_all(_NAME_DOTS, "·")
    value = pl.when(value.str.contains(r"\p{Han}")).then(value.str.replace_all(" ", "")).otherwise(value)
    return _without_numbers(Reading(value, {"rare_char": text.str.contains(_LOST_CHARACTER)}))


def _without_numbers(reading: Reading) -> Reading:
    """Free text in which somebody wrote an identity number is not kept: it would leave the vault in the clear."""
    found = reading.value.str.contains(_NUMBER_INSIDE)
    return Reading(pl.when(~found).then(reading.value), reading.broken | {"holds_number": found})


def _coded(column: Column, text: pl.Expr, accepted: Mapping[str, str]) -> Reading:
    if column.logical_type != "array":
        value = text.replace_strict(dict(accepted), default=None, return_dtype=pl.String)
        return Reading(value, {"code": text.is_not_null() & value.is_null()})
    marks = column.intake.separators
    items = text.str.replace_all(f"[{marks}]", marks[0]).str.split(marks[0])
    items = items.list.eval(pl.element().str.strip_chars(_SPACES))
    # A word such as 无 says that there is none, which an empty field does not.
    items = items.list.eval(pl.element().filter(~pl.element().is_in(["", *column.intake.nothing])))
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
    if options.factors:
        bare = _in_one_unit(bare, options.factors)
    if column.logical_type == "integer":
        shaped = bare.str.contains(r"^[+-]?[0-9]{1,15}(\.0+)?$")
        value = pl.when(shaped).then(bare.str.replace(r"\.0+$", "")).cast(pl.Int32, strict=False)
    else:
        shaped = bare.str.contains(r"^[+-]?[0-9]{1,15}(\.[0-9]*)?$")
        # Rounding is the contract's: more places than it keeps are rounded half to even by the cast.
        value = pl.when(shaped).then(bare).cast(pl.Decimal(options.digits, options.decimals), strict=False)
    broken = {"invalid": text.is_not_null() & value.is_null()}
    if options.hundredths:
        # Whole numbers count hundredths; where somebody wrote a decimal point the amount is meant as it stands.
        amount = pl.when(bare.str.contains(".", literal=True)).then(value).otherwise(value / 100)
        value = amount.cast(pl.Decimal(options.digits, options.decimals))
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


def _in_one_unit(bare: pl.Expr, factors: Mapping[str, float]) -> pl.Expr:
    """Numbers that end with one of the units, multiplied by its factor and the unit taken off."""
    answer = bare
    # The longest unit is asked for first: tons end with t, and so does anything that ends with kt.
    for unit, factor in sorted(factors.items(), key=lambda pair: len(pair[0])):
        number = bare.str.strip_suffix(unit).cast(pl.Float64, strict=False)
        # Nine places are more than any contract keeps, and hide what binary fractions add.
        written = (number * factor).cast(pl.Decimal(38, 9), strict=False).cast(pl.String)
        answer = pl.when(bare.str.ends_with(unit)).then(pl.coalesce(written, bare)).otherwise(answer)
    return answer


def _dates(text: pl.Expr, column: Column) -> pl.Expr:
    """A date in any of the contract's forms; the forms exclude each other by their shape."""
    readers = {
        "ymd": lambda: _from_parts(text, r"^([0-9]{4})([0-9]{2})([0-9]{2})$"),
        "dashed": lambda: _from_parts(text, r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T]00:00(?::00)?)?$"),
        "slashed": lambda: _from_parts(text, r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})$"),
        "dotted": lambda: _from_parts(text, r"^([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})$"),
        "chinese": lambda: _from_parts(text, r"^([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日$"),
        "month": lambda: _from_parts(text, r"^([0-9]{4})[.\-/年]([0-9]{1,2})月?$", has_day=False),
        "timestamp": lambda: _from_parts(text, r"^([0-9]{4})([0-9]{2})([0-9]{2})[0-9]{6}$"),
        "excel": lambda: _from_serial(text),
        "nls": lambda: _from_nls(text),
        "day_first": lambda: _from_parts(
            text.str.replace(r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$", "${3}/${2}/${1}"),
            r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})$",
        ),
        "season": lambda: _from_season(text),
        "offset": lambda: _moment(text, "offset").dt.date(),
        "datetime": lambda: _moment(text, "datetime").dt.date(),
        "epoch": lambda: _moment(text, "epoch").dt.date(),
        "epoch_ms": lambda: _moment(text, "epoch_ms").dt.date(),
    }
    if column.intake.dates == ("ymd",):
        return pl.when(text.str.len_bytes() == 8).then(text).str.to_date("%Y%m%d", strict=False)
    return pl.coalesce([readers[form]() for form in column.intake.dates])


def _from_parts(text: pl.Expr, pattern: str, has_day: bool = True) -> pl.Expr:
    """Year, month and day by the pattern's groups; a month alone means its first day."""
    groups = text.str.extract_groups(pattern)
    parts = [groups.struct.field("1"), groups.struct.field("2").str.zfill(2)]
    parts.append(groups.struct.field("3").str.zfill(2) if has_day else pl.lit("01"))
    return pl.concat_str(parts).str.to_date("%Y%m%d", strict=False)


def _from_nls(text: pl.Expr) -> pl.Expr:
    """A database's short date in Chinese, 05-1月 -23; years from 50 on lie in the last century."""
    groups = text.str.extract_groups(r"^([0-9]{1,2})-([0-9]{1,2})月\s*-([0-9]{2})$")
    day, month, year = (groups.struct.field(part).str.zfill(2) for part in ("1", "2", "3"))
    century = pl.when(year >= "50").then(pl.lit("19")).otherwise(pl.lit("20"))
    return pl.concat_str(century, year, month, day).str.to_date("%Y%m%d", strict=False)


def _from_season(text: pl.Expr) -> pl.Expr:
    """A season such as 78年冬 means its first day (March, June, September, December) of a year 19yy, or yyyy."""
    groups = text.str.extract_groups(r"^((?:19|20)?[0-9]{2})年?([春夏秋冬])季?$")
    year, season = groups.struct.field("1"), groups.struct.field("2")
    year = pl.when(year.str.len_bytes() == 2).then("19" + year).otherwise(year)
    month = season.replace_strict(
        {"春": "03", "夏": "06", "秋": "09", "冬": "12"}, default=None, return_dtype=pl.String
    )
    return pl.concat_str(year, month, pl.lit("01")).str.to_date("%Y%m%d", strict=False)


def _moments(text: pl.Expr, column: Column) -> pl.Expr:
    """A moment in any of the contract's forms, as clock time in Shanghai without a zone."""
    forms = [form for form in column.intake.dates if form != "ymd"] or ["timestamp"]
    return pl.coalesce([_moment(text, form) for form in forms])


def _moment(text: pl.Expr, form: str) -> pl.Expr:
    if form == "offset":
        shaped = pl.when(text.str.contains(r"^[0-9-]{10}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:?[0-9]{2})$"))
        seconds = shaped.then(text.str.replace(r"\.[0-9]+", "").str.replace("Z$", "+00:00"))
        zoned = seconds.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False, time_unit="us")
        return zoned.dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    if form == "datetime":
        plain = text.str.replace("T", " ", literal=True).str.replace_all("/", "-", literal=True)
        return plain.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    if form == "excel":
        days = pl.when(text.str.contains(r"^[1-7][0-9]{4}(?:\.[0-9]+)?$")).then(text).cast(pl.Float64, strict=False)
        return _EXCEL_EPOCH.cast(pl.Datetime("us")) + pl.duration(seconds=(days * 86_400).round().cast(pl.Int64))
    if form in ("epoch", "epoch_ms"):
        places, unit = (9, 1_000) if form == "epoch" else (12, 1)
        count = pl.when(text.str.contains(f"^1[0-9]{{{places}}}$")).then(text).cast(pl.Int64, strict=False)
        moment = (count * unit).cast(pl.Datetime("ms", "UTC")).cast(pl.Datetime("us", "UTC"))
        return moment.dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    return text.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")


def _from_serial(text: pl.Expr) -> pl.Expr:
    """Excel's day number in the 1900 system, from 1910 to 2119."""
    days = (
        pl.when(
            text.str.contains(r"^3(?:65[4-9]|6[6-9][0-9]|[7-9][0-9]{2})$|^[4-9][0-9]{3}$|^[1-7][0-9]{4}$")
            | text.str.contains(r"^80(?:[0-2][0-9]{2}|3[0-4][0-9]|35[0-3])$")
        )
        .then(text.str.extract(r"^([0-9]+)"))
        .cast(pl.Int32)
    )
    return _EXCEL_EPOCH + pl.duration(days=days)
