"""Identity numbers of every kind of document: canonical form, what they say of their holder, what is wrong with them.

Numbers are examined in bulk: the functions take and give Polars Series, `canonical` is the same code for one value.
A number is never repaired beyond what its standard defines (15 digits to 18, full width, letter case, a look-alike in
the check position); what a broken one might have been is the business of `repair`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import polars as pl
from stdnum import numdb

IDCARD, HMT_RESIDENCE, HM_PERMIT = "idcard", "hmt_residence", "hm_permit"
TW_PERMIT, PASSPORT, FOREIGN_PR = "tw_permit", "passport", "foreign_pr"
KINDS = (IDCARD, HMT_RESIDENCE, HM_PERMIT, TW_PERMIT, PASSPORT, FOREIGN_PR)

EARLIEST_BIRTH = date(1880, 1, 1)
# Codes of counties that were abolished before the published list of GB/T 2260 begins to name them.
FORMER_AREAS = frozenset({"310229"})
# Patterns say [0-9]: in this regex dialect \\d also matches full-width and other digits.
# The last place of a number is often typed with something that looks like X.
_LOOK_ALIKES = "×*✕╳ΧХ"
WEIGHTS = tuple(2**i % 11 for i in range(17, 0, -1))
_SUFFIXED = rf"^([0-9]{{17}}[0-9X{_LOOK_ALIKES}])([0-9])([0-9])(?:B([1-9]))?$"
_PASSPORT_FREE, _PASSPORT_CN = r"^[A-Z0-9]{5,17}$", r"^[EGDSP][A-Z0-9][0-9]{7}$"


@dataclass(frozen=True)
class Number:
    """One accepted number: its canonical text, kind and what the number itself says of its holder."""

    text: str
    kind: str
    birth_on: date | None
    sex_code: str | None
    was_15: bool


def examine(
    raw: pl.Series,
    *,
    kinds: Sequence[str] = KINDS,
    declared: pl.Series | None = None,
    with_suffix: bool = False,
    allow_synthetic: bool = False,
    latest: date | None = None,
) -> pl.DataFrame:
    """Examine identity numbers as text.

    `kinds` are the kinds allowed, `declared` the kind each row claims (null: any allowed kind). `with_suffix` reads
    disability certificates: a number, a digit for the kind, a digit for the grade, and B1…B9 for a re-issue.
    `allow_synthetic` accepts area codes PP99xx, which are allotted to nobody. `latest` is the last birth date possible.

    Returns one row a value: canonical, kind, problem (null where accepted or empty), birth_on, sex_code, was_15,
    suffix_kind, suffix_grade, reissue. `canonical` is null wherever there is a problem.
    """
    frame = pl.DataFrame({"v": clean(raw)})
    frame = frame.with_columns(
        pl.lit(None, pl.String).alias("declared") if declared is None else declared.alias("declared")
    )
    frame = frame.with_columns(_suffix_columns(with_suffix)).with_columns(
        is18=pl.col("v").str.contains(r"^[0-9]{17}[0-9X]$"), is15=pl.col("v").str.contains(r"^[0-9]{15}$")
    )
    # Citizens' numbers, nearly all, are spared the patterns that tell the other documents apart.
    is_numeric = (frame["is18"] | frame["is15"]).fill_null(False) & frame["declared"].ne_missing(PASSPORT)
    frame = frame.with_columns(pl.col("is18", "is15").fill_null(False))
    parts = [
        _answers(_read_numeric(frame.filter(is_numeric), allow_synthetic), kinds, with_suffix, latest),
        _answers(_read_other(frame.filter(~is_numeric)), kinds, with_suffix, latest),
    ]
    if is_numeric.all() or not is_numeric.any():
        return parts[0] if is_numeric.any() else parts[1]
    rank = is_numeric.cast(pl.Int64).cum_sum() - 1
    place = pl.select(pl.when(is_numeric).then(rank).otherwise(pl.int_range(len(raw)) - rank - 1 + len(parts[0])))
    return pl.concat(parts)[place.to_series()]


def canonical(
    value: str, *, kinds: Sequence[str] = KINDS, allow_synthetic: bool = False, latest: date | None = None
) -> Number | None:
    """The number in `value` in canonical form, or None where it is no acceptable number of these kinds."""
    row = examine(pl.Series([value]), kinds=kinds, allow_synthetic=allow_synthetic, latest=latest).row(0, named=True)
    if row["canonical"] is None:
        return None
    return Number(row["canonical"], row["kind"], row["birth_on"], row["sex_code"], row["was_15"])


def clean(raw: pl.Series) -> pl.Series:
    """Strip what typing and spreadsheets add. Regular numbers, nearly all, skip the costly part."""
    text = raw.cast(pl.String)
    odd = (~text.str.contains(r"^[0-9]{17}[0-9X]$")).arg_true()
    if len(odd) == 0:
        return text
    cleaned = (
        text.gather(odd)
        .str.normalize("NFKC")
        .str.replace_all(r"""[\s\p{Cf}\x{00A0}"'‘’“”`´]""", "")
        .str.replace(r"^(\w+)\.0$", "${1}")
        .str.to_uppercase()
        .str.replace(rf"^([0-9]{{17}})[{_LOOK_ALIKES}]$", "${1}X")
    )
    return text.scatter(odd, cleaned.replace("", None))


def without_suffix(text: pl.Series) -> pl.Series:
    """Disability certificates' numbers without kind, grade and re-issue; other texts as they are."""
    return pl.DataFrame({"v": text}).select(_number_of_certificate(pl.col("v")).alias(text.name)).to_series()


def _number_of_certificate(v: pl.Expr) -> pl.Expr:
    look_alike = rf"^([0-9]{{17}})[{_LOOK_ALIKES}]$"
    return pl.coalesce(v.str.extract(_SUFFIXED, 1).str.replace(look_alike, "${1}X"), v)


def _suffix_columns(with_suffix: bool) -> list[pl.Expr]:
    if not with_suffix:
        return [pl.lit(None, pl.String).alias(name) for name in ("suffix_kind", "suffix_grade", "reissue")]
    pattern, v = _SUFFIXED, pl.col("v")
    return [
        _number_of_certificate(v).alias("v"),
        v.str.extract(pattern, 2).alias("suffix_kind"),
        v.str.extract(pattern, 3).alias("suffix_grade"),
        v.str.extract(pattern, 4).alias("reissue"),
    ]


def _read_numeric(frame: pl.DataFrame, allow_synthetic: bool) -> pl.DataFrame:
    """Numbers of 18 or 15 digits: kind, canonical text, birth date, last digit of the sequence, and what fails."""
    v = pl.col("v")
    # Sequence numbers 996-999 were given to centenarians, born in the century before.
    century = pl.when(v.str.slice(12, 3).is_in(["996", "997", "998", "999"])).then(pl.lit("18")).otherwise(pl.lit("19"))
    converted = pl.concat_str([v.str.slice(0, 6), century, v.str.slice(6)])
    digits = (
        pl.when("is18").then(v.str.slice(0, 17)).otherwise(converted) if frame["is15"].any() else v.str.slice(0, 17)
    )
    frame = frame.with_columns(digits=digits).with_columns(
        body=pl.col("digits").cast(pl.Int64),
        area=pl.col("digits").str.slice(0, 6),
        birth=pl.col("digits").str.slice(6, 8).str.to_date("%Y%m%d", strict=False),
    )
    total = pl.sum_horizontal(pl.col("body") // 10 ** (16 - i) % 10 * weight for i, weight in enumerate(WEIGHTS))
    frame = frame.with_columns(check=(12 - total % 11) % 11)
    letter = pl.when(pl.col("check") == 10).then(pl.lit("X")).otherwise(pl.col("check").cast(pl.String))
    kind = (
        pl.when(pl.col("is18") & (pl.col("body") // 10**16 == 9))
        .then(pl.lit(FOREIGN_PR))
        .when(pl.col("is18") & (pl.col("body") // 10**11).is_in([810000, 820000, 830000]))
        .then(pl.lit(HMT_RESIDENCE))
        .otherwise(pl.lit(IDCARD))
    )
    known = pl.col("area").is_in(_known_areas(frame["area"], allow_synthetic))
    return frame.with_columns(kind=kind).with_columns(
        text=pl.when("is15").then(pl.concat_str([pl.col("digits"), letter])).otherwise(v),
        unread=pl.lit(None, pl.String),
        odd_sequence=pl.col("body") % 2 == 1,
        wrong_check=pl.col("is18") & (v.str.slice(17, 1) != letter),
        wrong_date=pl.col("birth").is_null(),
        wrong_area=(pl.col("kind") == IDCARD) & ~known,
    )


def _read_other(frame: pl.DataFrame) -> pl.DataFrame:
    """Everything else, empty values too: told by shape, or why it cannot be told."""
    v, declared = pl.col("v"), pl.col("declared")
    passport = (declared == PASSPORT).fill_null(False) & v.str.contains(_PASSPORT_FREE) & v.str.contains(r"[0-9]")
    kind = (
        pl.when(passport)
        .then(pl.lit(PASSPORT))
        .when(v.str.contains(r"^[A-Z]{3}[0-9]{12}$"))
        .then(pl.lit(FOREIGN_PR))
        .when(v.str.contains(r"^[HM][0-9]{8}([0-9]{2})?$"))
        .then(pl.lit(HM_PERMIT))
        .when(v.str.contains(r"^[0-9]{8}$|^[0-9]{10}(\(B\))?$"))
        .then(pl.lit(TW_PERMIT))
        .when(v.str.contains(_PASSPORT_CN))
        .then(pl.lit(PASSPORT))
    )
    unread = (
        pl.when(v.str.contains(r"^[0-9](\.[0-9]+)?E\+?[0-9]+$"))
        .then(pl.lit("precision_lost"))
        .when(v.str.contains(r"\*{2,}"))
        .then(pl.lit("masked"))
        .when(pl.col("kind").is_null() & v.str.contains(r"^[0-9]+X?$"))
        .then(pl.lit("length"))
        .when(pl.col("kind").is_null() & v.is_not_null())
        .then(pl.lit("characters"))
    )
    nothing = pl.lit(False)
    return frame.with_columns(kind=kind).with_columns(
        # Old Taiwan booklets carry an optional (B) that is not part of the number.
        text=v.str.replace(r"^([0-9]{10})\(B\)$", "${1}"),
        unread=unread,
        birth=pl.lit(None, pl.Date),
        odd_sequence=pl.lit(None, pl.Boolean),
        wrong_check=(pl.col("kind") == FOREIGN_PR).fill_null(False) & ~_machine_readable_check(v),
        wrong_date=nothing,
        wrong_area=nothing,
    )


def _answers(frame: pl.DataFrame, kinds: Sequence[str], with_suffix: bool, latest: date | None) -> pl.DataFrame:
    """The columns of `examine`. A number has one problem: what cannot be read goes before what cannot be true."""
    kind, born = pl.col("kind"), pl.col("birth")
    wrong_kind = ~kind.is_in(list(kinds)) | (kind != pl.col("declared")).fill_null(False)
    problem = (
        pl.when(pl.col("unread").is_not_null())
        .then("unread")
        .when(wrong_kind)
        .then(pl.lit("kind"))
        .when("wrong_date")
        .then(pl.lit("date"))
        .when((born < EARLIEST_BIRTH) | (born > latest if latest else pl.lit(False)))
        .then(pl.lit("birth"))
        .when("wrong_check")
        .then(pl.lit("check_digit"))
        .when("wrong_area")
        .then(pl.lit("area"))
    )
    if with_suffix:
        wrong = ~pl.col("suffix_kind").is_in(list("1234567")) | ~pl.col("suffix_grade").is_in(list("1234"))
        problem = problem.when(pl.col("suffix_kind").is_null() | wrong).then(pl.lit("suffix"))
    frame = frame.with_columns(problem=pl.when(pl.col("v").is_not_null()).then(problem))
    good = pl.col("v").is_not_null() & pl.col("problem").is_null()
    sexed = good & kind.is_in([IDCARD, HMT_RESIDENCE])
    return frame.select(
        canonical=pl.when(good).then(pl.col("text")),
        kind=pl.when(good).then("kind"),
        problem="problem",
        birth_on=pl.when(good).then("birth"),
        sex_code=pl.when(sexed).then(pl.when("odd_sequence").then(pl.lit("1")).otherwise(pl.lit("2"))),
        was_15=pl.when(good).then("is15"),
        suffix_kind=pl.when(good).then("suffix_kind"),
        suffix_grade=pl.when(good).then("suffix_grade"),
        reissue=pl.when(good).then("reissue"),
    )


def _machine_readable_check(v: pl.Expr) -> pl.Expr:
    """Check digit of a 15-place permanent residence number: weights 7, 3, 1 as on a passport, letters A=10…Z=35."""
    values = {c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    places = [v.str.slice(i, 1).replace_strict(values, default=None, return_dtype=pl.Int64) for i in range(15)]
    total = pl.sum_horizontal(place * (7, 3, 1)[i % 3] for i, place in enumerate(places[:14]))
    return (total % 10 == places[14]).fill_null(False)


def _known_areas(areas: pl.Series, allow_synthetic: bool) -> list[str]:
    return [code for code in areas.unique() if _is_known_area(code, allow_synthetic)]


@lru_cache(maxsize=65536)
def _is_known_area(code: str, allow_synthetic: bool) -> bool:
    """Whether six digits are, or once were, a county; codes PP99xx only where synthetic people are welcome."""
    found = {name for _, properties in numdb.get("cn/loc").info(code) for name in properties}
    if code[2:4] == "99":
        return allow_synthetic and "province" in found
    return "county" in found or code in FORMER_AREAS
