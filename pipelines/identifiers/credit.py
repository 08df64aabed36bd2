"""Unified social credit codes (GB 32100) and the organisation codes (GB 11714) within them."""

import polars as pl

_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_codes(raw: pl.Series) -> pl.DataFrame:
    """Unified social credit codes: canonical (null where not 18 places of the alphabet) and problem.

    `problem` is characters or check_digit. Some early codes fail the check, so the canonical form is given with it.
    """
    text = raw.cast(pl.String).str.normalize("NFKC").str.replace_all(r"[\s\-'\p{Cf}]", "").str.to_uppercase()
    frame = pl.DataFrame({"v": text.replace("", None)})
    v = pl.col("v")
    weights = [pow(3, i, 31) for i in range(17)]
    values = {c: i for i, c in enumerate(_CODE_ALPHABET)}
    places = [v.str.slice(i, 1).replace_strict(values, default=None, return_dtype=pl.Int64) for i in range(18)]
    total = pl.sum_horizontal(place * weights[i] for i, place in enumerate(places[:17]))
    frame = frame.with_columns(
        shaped=v.str.contains(rf"^[{_CODE_ALPHABET}]{{18}}$"), right=(31 - total % 31) % 31 == places[17]
    )
    return frame.select(
        canonical=pl.when("shaped").then(v),
        problem=pl.when(~pl.col("shaped"))
        .then(pl.lit("characters"))
        .when(pl.col("shaped") & ~pl.col("right").fill_null(False))
        .then(pl.lit("check_digit")),
    )
