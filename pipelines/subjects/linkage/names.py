"""Forms of a name under which two spellings of it meet: as written, in any order, as it sounds.

Expressions and Series over whole columns. Which form proves what is declared in `data/linkage/`.
"""

from collections.abc import Mapping

import polars as pl
from pypinyin import Style, pinyin

LATIN = r"^[A-Z0-9' .,\-]+$"
_PLAIN = r"^\p{Han}{1,8}$"
_LONGEST_SOUNDED = 4


def normal(names: pl.Series, dots: str = "", traditional: Mapping[str, str] | None = None) -> pl.Series:
    """Names as they are compared: NFKC, capitals, simplified characters, one kind of dot, no needless spaces.

    Latin names keep one space between their parts; Chinese ones have none. Empty becomes null.
    """
    swaps = {old: new for old, new in (traditional or {}).items() if old != new}
    swaps |= {dot: "·" for dot in dots if dot != "·"}
    frame = pl.DataFrame({"name": names})
    if swaps:
        frame = frame.with_columns(pl.col("name").str.replace_many(swaps))
    # Plain Chinese names, nearly all, are spared the patterns.
    is_odd = ~frame["name"].str.contains(_PLAIN).fill_null(True)
    text = pl.col("name").str.normalize("NFKC").str.to_uppercase()
    text = text.str.replace_all(r"[\s\p{Cf},]+", " ").str.strip_chars(" .·")
    kept = pl.when(text.str.contains(LATIN)).then(text).otherwise(text.str.replace_all(" ", "", literal=True))
    # What stood apart and now stands together may combine.
    odd = frame.filter(is_odd).select(kept.str.normalize("NFKC")).to_series()
    return frame["name"].scatter(is_odd.arg_true(), odd.replace("", None))


def in_any_order(name: pl.Expr) -> pl.Expr:
    """The parts of a Latin name, or the characters of another, in order of code: equal for swapped ones."""
    parts = name.str.split(" ").list.sort().list.join(" ")
    characters = name.str.split("").list.sort().list.join("")
    return pl.when(name.str.contains(LATIN)).then(parts).otherwise(characters)


def sounds(names: pl.Series) -> pl.Series:
    """How names sound: syllables without tones, one reading a character, in one word; letters of Latin names likewise.

    So a Chinese name meets itself in letters. Longer names of other scripts stay as they are.
    """
    frame = pl.DataFrame({"name": names})
    name = pl.col("name")
    is_latin = name.str.contains(LATIN)
    is_short = (name.str.len_chars() <= _LONGEST_SOUNDED) & ~is_latin
    places = [name.str.slice(i, 1) for i in range(_LONGEST_SOUNDED)]
    short = frame.filter(is_short)
    every = pl.concat([short.select(c=place) for place in places])["c"].unique().drop_nulls()
    reading = {"": ""} | {c: pinyin(c, style=Style.NORMAL, v_to_u=False)[0][0] for c in every if c}
    heard = pl.concat_str([place.replace_strict(reading, default=None, return_dtype=pl.String) for place in places])
    letters = name.str.to_lowercase().str.replace_all(r"[^a-z]", "")
    return (
        frame.select(pl.when(is_latin).then(letters).when(is_short).then(heard).otherwise(name))
        .to_series()
        .alias(names.name)
    )


def with_forms(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `name_sorted` and `name_sound` beside its normal `name`."""
    return frame.with_columns(name_sorted=in_any_order(pl.col("name")), name_sound=sounds(frame["name"]))
