"""The one rule of age, for a value, for Polars and for SQL."""

from datetime import date

import polars as pl


def age_on(birth: date, as_of: date) -> int | None:
    """Full years on `as_of`, None before birth. Those born on 29 February grow a year older on 1 March otherwise."""
    if as_of < birth:
        return None
    return as_of.year - birth.year - ((as_of.month, as_of.day) < (birth.month, birth.day))


def age_expr(birth: pl.Expr, as_of: pl.Expr) -> pl.Expr:
    """`age_on` as a Polars expression over two date expressions (Int32)."""
    early = (as_of.dt.month().cast(pl.Int32) * 100 + as_of.dt.day()) < (
        birth.dt.month().cast(pl.Int32) * 100 + birth.dt.day()
    )
    return pl.when(as_of >= birth).then(as_of.dt.year() - birth.dt.year() - early.cast(pl.Int32))


def age_sql(birth: str, as_of: str) -> str:
    """`age_on` as DuckDB SQL text over two SQL date expressions."""
    month_day = "(month({0}) * 100 + day({0}))"
    return (
        f"(case when {as_of} >= {birth} then year({as_of}) - year({birth})"
        f" - case when {month_day.format(as_of)} < {month_day.format(birth)} then 1 else 0 end end)"
    )
