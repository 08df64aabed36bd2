"""What an unusable number still tells: the valid numbers it may have been, the date it states, the ends a mask left.

Nothing is repaired here. The candidates are all valid numbers that one wrong digit or one exchange of two neighbours
would turn into the text that came; which of them is meant, if any, only name and birth date can tell, and that is
decided in `pipelines.subjects`. The functions return numbers in the clear: the caller makes pseudonyms of them at once.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import polars as pl

from pipelines.identifiers.numbers import EARLIEST_BIRTH, KINDS, WEIGHTS, clean, examine, without_suffix

_DIGITS = 17
# Places of the check sum, its own digit last; a number is right where the weighted sum leaves 1.
_ALL_WEIGHTS = np.array([*WEIGHTS, 1], dtype=np.int64)
_INVERSE = np.array([pow(int(weight), -1, 11) for weight in _ALL_WEIGHTS], dtype=np.int64)
_LETTERS = np.array(list("0123456789X"))


def repairs(
    raw: str, *, kinds: Sequence[str] = KINDS, allow_synthetic: bool = False, latest: date | None = None
) -> list[str]:
    """The valid numbers in canonical form that one wrong digit or one exchange of neighbours would turn into `raw`.

    In order, without repetition; empty for texts that are themselves valid or are not written as 18 or 15 digits.
    """
    found = candidates(pl.Series([raw], dtype=pl.String), kinds=kinds, allow_synthetic=allow_synthetic, latest=latest)
    return found[0].to_list() if found[0] is not None else []


def candidates(
    raw: pl.Series,
    *,
    kinds: Sequence[str] = KINDS,
    with_suffix: bool = False,
    allow_synthetic: bool = False,
    latest: date | None = None,
) -> pl.Series:
    """`repairs` of every text, as lists. The options are those of `examine`."""
    text = _texts(raw, with_suffix)
    judge = partial(examine, kinds=kinds, allow_synthetic=allow_synthetic, latest=latest)
    broken = judge(text)["canonical"].is_null()
    long = (broken & text.str.contains(r"^[0-9]{17}[0-9X]$")).fill_null(False).arg_true()
    short = (broken & text.str.contains(r"^[0-9]{15}$")).fill_null(False).arg_true()
    guesses = pl.concat([_eighteen(text.gather(long), long), _fifteen(text.gather(short), short)])
    right = guesses.with_columns(judge(guesses["text"])["canonical"])
    lists = right.drop_nulls("canonical").group_by("row").agg(pl.col("canonical").unique().sort()).sort("row")
    empty = pl.Series([[]], dtype=pl.List(pl.String))
    place = np.full(len(text), lists.height, dtype=np.int64)
    place[lists["row"].to_numpy()] = np.arange(lists.height)
    return lists["canonical"].append(empty).gather(place).alias(raw.name)


def stated_births(raw: pl.Series, *, with_suffix: bool = False, latest: date | None = None) -> pl.Series:
    """The date in the places where a number of 18 or 15 digits has one, null where that is no possible birth date.

    What stands behind the date may be missing, broken or masked; a text of 15 places is read as of the 20th century.
    """
    text = _texts(raw, with_suffix)
    v = pl.col("v")
    digits = (
        pl.when(v.str.contains(r"^[0-9]{15}$"))
        .then(pl.lit("19") + v.str.slice(6, 6))
        .when(v.str.contains(r"^[0-9X*]{6}[0-9]{8}") & v.str.len_chars().is_between(16, 19))
        .then(v.str.slice(6, 8))
    )
    stated = pl.DataFrame({"v": text}).select(digits.str.to_date("%Y%m%d", strict=False).alias("on")).to_series()
    possible = (stated >= EARLIEST_BIRTH) & (stated <= (latest or date.max))
    return stated.set(~possible.fill_null(False), None).alias(raw.name)


def ends(raw: pl.Series, *, whole: bool = False, with_suffix: bool = False) -> pl.Series:
    """First four and last four places of numbers masked in between, null for other texts.

    With `whole` also of texts without a mask, so that the two can be brought together.
    """
    v = pl.col("v")
    masked = v.str.contains(r"^[0-9A-Z]{4}[0-9A-Z]*\*{2,}[0-9A-Z]*[0-9A-Z]{4}$")
    unmasked = ~v.str.contains(r"\*") & (v.str.len_chars() >= 8) & pl.lit(whole)
    text = pl.DataFrame({"v": _texts(raw, with_suffix)})
    return text.select(pl.when(masked | unmasked).then(v.str.head(4) + v.str.tail(4)).alias(raw.name)).to_series()


def _texts(raw: pl.Series, with_suffix: bool) -> pl.Series:
    text = clean(raw)
    return without_suffix(text) if with_suffix else text


def _eighteen(text: pl.Series, rows: pl.Series) -> pl.DataFrame:
    """Candidates of texts written as 18 places, by the row each belongs to.

    A digit's weight and its change decide together what the check sum becomes, so at each place one value at most,
    and of the exchanges only some, put it right.
    """
    if text.is_empty():
        return _guesses([], [])
    codes = np.array([list(value.encode()) for value in text.to_list()], dtype=np.int64) - ord("0")
    digits = np.where(codes == ord("X") - ord("0"), 10, codes)
    missing = (1 - digits @ _ALL_WEIGHTS) % 11
    changed = (digits + missing[:, None] * _INVERSE) % 11
    limit = np.array([10] * _DIGITS + [11])
    fits = (changed < limit) & (changed != digits)
    row, place = np.nonzero(fits)
    ones = digits[row]
    ones[np.arange(len(row)), place] = changed[row, place]

    gain = (digits[:, 1:] - digits[:, :-1]) * (_ALL_WEIGHTS[:-1] - _ALL_WEIGHTS[1:]) % 11
    # An X belongs in the last place only and cannot have come from the one before it.
    fits = (gain == missing[:, None]) & (digits[:, 1:] != digits[:, :-1]) & (digits[:, 1:] < 10)
    pair_row, pair = np.nonzero(fits)
    pairs = digits[pair_row]
    at = np.arange(len(pair_row))
    pairs[at, pair], pairs[at, pair + 1] = digits[pair_row, pair + 1], digits[pair_row, pair]

    both = np.concatenate([ones, pairs])
    texts = ["".join(letters) for letters in _LETTERS[both]]
    return _guesses(rows.to_numpy()[np.concatenate([row, pair_row])], texts)


def _fifteen(text: pl.Series, rows: pl.Series) -> pl.DataFrame:
    """The same of texts written as 15 digits, which have no check digit: every change, for `examine` to judge."""
    row: list[int] = []
    guesses: list[str] = []
    for at, value in zip(rows.to_list(), text.to_list(), strict=True):
        # Only what lies in the area and the date can be the reason why the number is unusable.
        made = {value[:i] + digit + value[i + 1 :] for i in range(12) for digit in "0123456789"}
        made |= {value[:i] + value[i + 1] + value[i] + value[i + 2 :] for i in range(12)}
        made.discard(value)
        row += [at] * len(made)
        guesses += sorted(made)
    return _guesses(row, guesses)


def _guesses(row: Sequence[int] | np.ndarray, text: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame({"row": np.asarray(row, dtype=np.int64), "text": pl.Series(text, dtype=pl.String)})
