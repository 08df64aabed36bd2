"""Dates and moments: what is written year first is always read, other forms only where the contract names them.

A text says one day or none. What could be two (26-01-02, 1953.1 from a cell of numbers, a bare year) is not read. Clock
times are kept as Shanghai's, without a zone. The century of a season such as 05年冬 is found in `centuries`.
"""

from collections.abc import Callable

import polars as pl

from pipelines.feeds.fields import Column

SEASONS = {"春": "03", "夏": "06", "秋": "09", "冬": "12"}
_ZONE = "Asia/Shanghai"
_EXCEL_EPOCH = pl.date(1899, 12, 30)
_COMPACT = r"^(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?:\.0)?$"
_COMPACT_MOMENT = r"^[0-9]{12}[0-5][0-9](?:\.0)?$"
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_OFFSET = r"Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
_YEAR_FIRST = (
    r"^[0-9]{4}(?:-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2}|\.[0-9]{1,2}\.[0-9]{1,2}"
    rf"|年\s*[0-9]{{1,2}}月\s*[0-9]{{1,2}}[日号])(?:[ T]\s*(?:{_CLOCK})\s*(?:{_OFFSET})?)?$"
)
_PARTS = (
    r"^([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})[日号]?"
    r"(?:[ T]\s*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?\s*(Z|[+-][0-9:]{2,5})?)?$"
)


def dates(texts: pl.Series, column: Column) -> pl.Series:
    """The day each text says, in a year-first form or one of the contract's; null where it says none."""
    return _read(texts, [_quick_date, lambda rest: rest.to_frame("text").select(_date(column)).to_series()])


def moments(texts: pl.Series, column: Column) -> pl.Series:
    """The moment each text says, likewise."""
    return _read(texts, [_quick_moment, lambda rest: rest.to_frame("text").select(_moment(column)).to_series()])


def _read(texts: pl.Series, readers: list[Callable[[pl.Series], pl.Series]]) -> pl.Series:
    """The first reader reads everything, each further one what is left: most deliveries write in one form."""
    values = readers[0](texts)
    for reader in readers[1:]:
        left = (values.is_null() & texts.is_not_null()).arg_true()
        if len(left):
            values = values.clone().scatter(left, reader(texts.gather(left)))
    return values


def _quick_date(texts: pl.Series) -> pl.Series:
    compact = texts.str.contains(r"^[0-9]{8}$")
    is_compact = compact.any()
    shaped = compact if is_compact else texts.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    text = pl.when(shaped).then(texts)
    return pl.select(text.str.to_date("%Y%m%d" if is_compact else "%Y-%m-%d", strict=False)).to_series()


def _quick_moment(texts: pl.Series) -> pl.Series:
    shaped = texts.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]$")
    text = pl.when(shaped).then(texts)
    return pl.select(text.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")).to_series()


def _date(column: Column) -> pl.Expr:
    text = pl.col("text").str.normalize("NFKC")
    readers: dict[str, Callable[[], pl.Expr]] = {
        "month": lambda: _month(text),
        "excel": lambda: _serial(text).dt.date(),
        "nls": lambda: _nls(text),
        "day_first": lambda: _join(text, r"^(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})$"),
        "season": lambda: _season(text),
        "epoch": lambda: _epoch(text, 9, 1_000).dt.date(),
        "epoch_ms": lambda: _epoch(text, 12, 1).dt.date(),
    }
    compact = _join(text, _COMPACT)
    further = [readers[form]() for form in column.intake.dates if form in readers]
    return pl.coalesce(compact, _clocked(text).dt.date(), _packed(text).dt.date(), *further)


def _moment(column: Column) -> pl.Expr:
    text = pl.col("text").str.normalize("NFKC")
    forms = column.intake.dates
    readers: dict[str, Callable[[], pl.Expr]] = {
        "excel": lambda: _serial(text),
        "epoch": lambda: _epoch(text, 9, 1_000),
        "epoch_ms": lambda: _epoch(text, 12, 1),
    }
    has_time = text.str.contains(":", literal=True)
    # A feed that promises zones and leaves one out may mean any; a day alone is no moment unless the contract says so.
    has_zone = text.str.to_uppercase().str.contains(r"(?:Z|:[0-9.]+\s*[+-][0-9:]{2,5})$")
    if "offset" in forms and "datetime" not in forms:
        told = has_zone
    else:
        told = pl.lit(True) if "dashed" in forms else has_time
    further = [readers[form]() for form in forms if form in readers]
    return pl.coalesce(pl.when(told).then(_clocked(text)), _packed(text), *further)


def _clocked(text: pl.Expr) -> pl.Expr:
    """A day written year first with separators, with a time of day or midnight, as Shanghai's clock had it."""
    text = text.str.to_uppercase()
    groups = pl.when(text.str.contains(_YEAR_FIRST)).then(text).str.extract_groups(_PARTS)
    year, month, day, hour, minute, second, zone = (groups.struct.field(str(i)) for i in range(1, 8))
    parts = [year, *(part.fill_null("").str.zfill(2) for part in (month, day, hour, minute, second))]
    plain = pl.concat_str(parts).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
    offset = zone.str.replace_all(r"[Z:]", "").str.pad_end(5, "0").str.replace(r"^0*$", "+0000")
    minutes = offset.str.slice(1, 2).cast(pl.Int32, strict=False) * 60 + offset.str.slice(3, 2).cast(
        pl.Int32, strict=False
    )
    east = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    utc = (plain - pl.duration(minutes=east)).dt.replace_time_zone("UTC")
    return pl.when(zone.is_null()).then(plain).otherwise(utc.dt.convert_time_zone(_ZONE).dt.replace_time_zone(None))


def _packed(text: pl.Expr) -> pl.Expr:
    """20261030080000."""
    digits = pl.when(text.str.contains(_COMPACT_MOMENT)).then(text.str.slice(0, 14))
    return digits.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")


def _join(text: pl.Expr, pattern: str) -> pl.Expr:
    """Year, month and day by the pattern's groups y, m and d; a month alone means its first day."""
    groups = text.str.extract_groups(pattern)
    day = groups.struct.field("d").str.zfill(2) if "?P<d>" in pattern else pl.lit("01")
    parts = [groups.struct.field("y"), groups.struct.field("m").str.zfill(2), day]
    return pl.concat_str(parts).str.to_date("%Y%m%d", strict=False)


def _month(text: pl.Expr) -> pl.Expr:
    """A month means its first day. 1953.1 may be what a cell of numbers left of 1953.10, and is not read."""
    return _join(text, r"^(?P<y>[0-9]{4})(?:[-/年]|\.)\s*(?P<m>[0-9]{1,2})月?$").pipe(
        lambda found: pl.when(~text.str.contains(r"^[0-9]{4}\.1$")).then(found)
    )


def _nls(text: pl.Expr) -> pl.Expr:
    """A database's short date in Chinese, 05-1月 -23; by its rule years from 50 on lie in the last century."""
    groups = text.str.extract_groups(r"^([0-9]{1,2})-([0-9]{1,2})月\s*-([0-9]{2}|[0-9]{4})$")
    day, month, year = (groups.struct.field(part).str.zfill(2) for part in ("1", "2", "3"))
    century = (
        pl.when(year.str.len_bytes() == 4)
        .then(pl.lit(""))
        .when(year >= "50")
        .then(pl.lit("19"))
        .otherwise(pl.lit("20"))
    )
    return pl.concat_str(century, year, month, day).str.to_date("%Y%m%d", strict=False)


def _season(text: pl.Expr) -> pl.Expr:
    """A season of a whole year means its first day: 1978年冬 is the first of December."""
    groups = text.str.extract_groups(r"^((?:19|20)[0-9]{2})年?([春夏秋冬])季?$")
    month = groups.struct.field("2").replace_strict(SEASONS, default=None, return_dtype=pl.String)
    return pl.concat_str(groups.struct.field("1"), month, pl.lit("01")).str.to_date("%Y%m%d", strict=False)


def _serial(text: pl.Expr) -> pl.Expr:
    """Excel's day number in the 1900 system, from 1910 to 2119, with a time of day as its fraction."""
    days = text.str.extract(r"^([0-9]{4,5}(?:\.[0-9]+)?)$").cast(pl.Float64, strict=False)
    seconds = (days * 86_400).round().cast(pl.Int64)
    return pl.when(days.is_between(3654, 80_354, closed="left")).then(
        _EXCEL_EPOCH.cast(pl.Datetime("us")) + pl.duration(seconds=seconds)
    )


def _epoch(text: pl.Expr, places: int, unit: int) -> pl.Expr:
    """Seconds or milliseconds since 1970, from 2001 to 2033."""
    count = text.str.extract(rf"^(1[0-9]{{{places}}})(?:\.0+)?$").cast(pl.Int64, strict=False)
    moment = (count * unit).cast(pl.Datetime("ms", "UTC")).cast(pl.Datetime("us", "UTC"))
    return moment.dt.convert_time_zone(_ZONE).dt.replace_time_zone(None)
