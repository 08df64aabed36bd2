"""Canonical identity numbers, their pseudonyms and masks, and the one rule of age.

A leaf: it imports nothing of this project. What belongs here: everything that must be decided the same way wherever an
identity number or a birth date is handled. What does not: which columns hold numbers (the contracts say so), and
linking people who have no number (`pipelines.subjects`).

Numbers are examined in bulk: the functions take and give Polars Series, `canonical` is the same code for one value.
A number is never repaired beyond what its standard defines (15 digits to 18, full width, letter case, a look-alike in
the check position).
"""

import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from stdnum import numdb

from pipelines.refusal import Refusal

IDCARD, HMT_RESIDENCE, HM_PERMIT = "idcard", "hmt_residence", "hm_permit"
TW_PERMIT, PASSPORT, FOREIGN_PR = "tw_permit", "passport", "foreign_pr"
KINDS = (IDCARD, HMT_RESIDENCE, HM_PERMIT, TW_PERMIT, PASSPORT, FOREIGN_PR)

EARLIEST_BIRTH = date(1880, 1, 1)
# Codes of counties that were abolished before the published list of GB/T 2260 begins to name them.
FORMER_AREAS = frozenset({"310229"})
# Patterns say [0-9]: in this regex dialect \\d also matches full-width and other digits.
# The last place of a number is often typed with something that looks like X.
_LOOK_ALIKES = "×*✕╳ΧХ"
_WEIGHTS = tuple(2**i % 11 for i in range(17, 0, -1))
_PASSPORT_FREE, _PASSPORT_CN = r"^[A-Z0-9]{5,17}$", r"^[EGDSP][A-Z0-9][0-9]{7}$"
_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Number:
    """One accepted number: its canonical text, kind and what the number itself says of its holder."""

    text: str
    kind: str
    birth_on: date | None
    sex_code: str | None
    was_15: bool


class KeyProblem(Refusal):
    """The pseudonym key is missing or its file is not fit for a key; the message says what to do."""


@dataclass(frozen=True)
class Key:
    """A pseudonym key. `key_id` names it in receipts without revealing it.

    `known` remembers what was computed, by domain: the same people and dwellings come in many feeds.
    """

    secret: bytes = field(repr=False)
    known: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits that change when the key changes."""
        return hmac.digest(self.secret, b"key-id", "sm3")[:4].hex()


# ---------------------------------------------------------------- examining numbers


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
    frame = pl.DataFrame({"v": _clean(raw)})
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


def _clean(raw: pl.Series) -> pl.Series:
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


def _suffix_columns(with_suffix: bool) -> list[pl.Expr]:
    if not with_suffix:
        return [pl.lit(None, pl.String).alias(name) for name in ("suffix_kind", "suffix_grade", "reissue")]
    pattern = rf"^([0-9]{{17}}[0-9X{_LOOK_ALIKES}])([0-9])([0-9])(?:B([1-9]))?$"
    v = pl.col("v")
    look_alike = rf"^([0-9]{{17}})[{_LOOK_ALIKES}]$"
    return [
        pl.coalesce(v.str.extract(pattern, 1).str.replace(look_alike, "${1}X"), v).alias("v"),
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
    total = pl.sum_horizontal(pl.col("body") // 10 ** (16 - i) % 10 * weight for i, weight in enumerate(_WEIGHTS))
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


# ---------------------------------------------------------------- pseudonyms, masks, keys


def masks(numbers: pl.Series) -> pl.Series:
    """All places but the last two as `*`. More would, beside a birth date, be the number itself."""
    frame = pl.DataFrame({"v": numbers})
    stars = pl.lit("*" * 64).str.head(pl.col("v").str.len_chars().cast(pl.Int64) - 2)
    usual = pl.when(pl.col("v").str.len_bytes() == 18).then(pl.lit("*" * 16)).otherwise(stars)
    return frame.select(usual + pl.col("v").str.tail(2)).to_series().alias(numbers.name)


def pseudonym(key: Key, domain: str, value: str) -> str:
    """Keyed pseudonym of one value: 100 bits of HMAC-SM3 over `domain NUL value` as 20 lower-case base32 characters."""
    return str(_base32(hmac.digest(key.secret, f"{domain}\0{value}".encode(), "sm3"))[0])


def pseudonyms(key: Key, domain: str, values: pl.Series) -> pl.Series:
    """`pseudonym` of every value (null stays null), each distinct value computed once in the life of `key`."""
    frame = pl.DataFrame({"value": values})
    table = key.known.get(domain, pl.DataFrame(schema={"value": pl.String, "code": pl.String}))
    new = frame.join(table, on="value", how="anti").to_series().drop_nulls().unique()
    if len(new):
        secret, head, digest = key.secret, f"{domain}\0".encode(), hmac.digest
        digests = b"".join([digest(secret, head + value.encode(), "sm3") for value in new.to_list()])
        table = pl.concat([table, pl.DataFrame({"value": new, "code": _base32(digests)})])
        key.known[domain] = table
    return frame.join(table, on="value", how="left", maintain_order="left")["code"].alias(values.name)


def _base32(digests: bytes) -> pl.Series:
    """First 100 bits of each 32-byte digest in RFC 4648 base32, lower case, without padding."""
    alphabet = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
    places = np.array([1 << 32, 1 << 24, 1 << 16, 1 << 8, 1], dtype=np.uint64)
    shifts = np.arange(35, -1, -5, dtype=np.uint64)
    whole = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32)
    letters = np.empty((len(whole), 20), dtype=np.uint8)
    step = 100_000  # what is unpacked at a time: 24 letters as 64-bit numbers a digest
    for start in range(0, len(whole), step):
        # 5 bytes are 8 letters; 15 bytes give 24, of which 20 are kept.
        groups = whole[start : start + step, :15].reshape(-1, 3, 5).astype(np.uint64) @ places
        indices = (groups[:, :, None] >> shifts) & np.uint64(31)
        letters[start : start + step] = alphabet[indices.reshape(-1, 24)[:, :20]]
    offsets = np.arange(0, 20 * len(whole) + 1, 20, dtype=np.int64)
    text = pa.LargeStringArray.from_buffers(len(whole), pa.py_buffer(offsets), pa.py_buffer(letters))
    return pl.Series(text, dtype=pl.String)


def load_key(path: Path, must_exist: bool) -> Key:
    """Read the key, or make one (32 random bytes, mode 0600) where none exists and none is required.

    `must_exist` is true where data made with a key is present: a new key would make every pseudonym a stranger.
    Raises KeyProblem when the key is missing, is not a regular file, can be read by others or has another size.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        if must_exist:
            raise KeyProblem(
                f"{path}: the pseudonym key is missing, but data made with it exists. Restore the key file from its "
                "backup (or name it in XFY_KEY_FILE). A new key is never made over existing data; to start afresh, "
                "remove lake/, warehouse/ and releases/ first."
            ) from None
        return _make_key(path)
    except OSError as error:
        raise KeyProblem(f"{path}: cannot be read as a key file ({error.strerror}); it must be a plain file.") from None
    status = os.fstat(handle)
    try:
        secret = os.read(handle, 65) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(handle)
    if len(secret) != 32:
        raise KeyProblem(f"{path}: a key file is a plain file of exactly 32 bytes; this is something else.")
    if status.st_mode & 0o077:
        raise KeyProblem(f"{path}: others may read the key (mode {status.st_mode & 0o777:o}); run: chmod 600 {path}")
    return Key(secret)


def _make_key(path: Path) -> Key:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return Key(secret)


# ---------------------------------------------------------------- age


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
