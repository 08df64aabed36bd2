"""Related rows folded to one a subject, by hand: any and how many, with what is unknown kept apart.

Part of the yardstick of `tags_vs_polars.py`; nothing here comes from the rule language.
"""

import polars as pl


def any_true(name: str) -> pl.Expr:
    """True where a row meets the condition, unknown where none does and some might, false otherwise."""
    met, unknown = pl.col(name).fill_null(0), pl.col(f"{name}?").fill_null(0)
    return pl.when(met > 0).then(True).when(unknown > 0).then(None).otherwise(False)


def count_true(name: str) -> pl.Expr:
    """How many rows meet the condition; unknown where some might."""
    return pl.when(pl.col(f"{name}?").fill_null(0) == 0).then(pl.col(name).fill_null(0).cast(pl.Int64))


def folded(rows: pl.LazyFrame, key: str, conditions: dict[str, pl.Expr], *more: pl.Expr) -> pl.LazyFrame:
    """One row a subject: how many of its rows meet each condition, and (`name?`) of how many that is unknown."""
    return (
        rows.filter(pl.col(key).is_not_null())
        .select(pl.col(key), *(c.alias(n) for n, c in conditions.items()), *more)
        .group_by(key)
        .agg(
            *(pl.col(n).sum().cast(pl.Int64) for n in conditions),
            *(pl.col(n).null_count().cast(pl.Int64).alias(f"{n}?") for n in conditions),
            *(pl.col(e.meta.output_name()).min() for e in more),
        )
    )


def years(born: pl.Expr, today: pl.Expr) -> pl.Expr:
    """Full years; whoever was born on 29 February turns older on 1 March; unknown for a day to come."""
    early = (
        today.dt.month().cast(pl.Int32) * 100 + today.dt.day() < born.dt.month().cast(pl.Int32) * 100 + born.dt.day()
    )
    return pl.when(born <= today).then(today.dt.year() - born.dt.year() - early.cast(pl.Int32))


def months(since: pl.Expr, today: pl.Expr) -> pl.Expr:
    """Full months by the same rule."""
    whole = (today.dt.year() - since.dt.year()) * 12 + today.dt.month().cast(pl.Int32) - since.dt.month().cast(pl.Int32)
    return pl.when(since <= today).then(whole - (today.dt.day() < since.dt.day()).cast(pl.Int32))


def days(since: pl.Expr, today: pl.Expr) -> pl.Expr:
    """Days, negative for a day to come."""
    return (today - since).dt.total_days()


def fraction(part: pl.Expr, whole: pl.Expr, digits: int) -> pl.Expr:
    """part / whole with halves rounded up, as a decimal; unknown where the whole is nothing."""
    part, whole = part.cast(pl.Int128), whole.cast(pl.Int128)
    rounded = (2 * part * 10**digits + whole) // (2 * whole)
    exact = pl.when((part >= 0) & (whole > 0)).then(rounded)
    return (exact.cast(pl.Decimal(38, digits)) / pl.lit(10**digits, dtype=pl.Decimal(38, digits))).cast(
        pl.Decimal(28, digits)
    )


def share_at_least(part: pl.Expr, whole: pl.Expr, hundredths: int) -> pl.Expr:
    """Whether part / whole reaches a share; unknown where the whole is nothing."""
    return pl.when(whole > 0).then(100 * part >= whole * hundredths)
