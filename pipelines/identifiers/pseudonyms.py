"""Keyed pseudonyms and masks of numbers, and the key they are made with."""

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.key_file import secret_bytes

_KNOWN = {"value": pl.String, "code": pl.String}
# So many rows of a table are looked through in the time of one digest: a few values are computed sooner than found.
_LOOKED_UP_A_DIGEST = 8


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
    """`pseudonym` of every value (null stays null); what `key` remembers of the domain is not computed again."""
    distinct = values.drop_nulls().unique().alias("value")
    table = key.known.get(domain)
    if table is None:
        table = key.known[domain] = _table(key, domain, distinct)
    elif len(distinct) * _LOOKED_UP_A_DIGEST < table.height:
        table = _table(key, domain, distinct)
    else:
        new = distinct.to_frame().join(table, on="value", how="anti").to_series()
        if len(new):
            table = key.known[domain] = pl.concat([table, _table(key, domain, new)])
    frame = pl.DataFrame({"value": values})
    return frame.join(table, on="value", how="left", maintain_order="left")["code"].alias(values.name)


def pseudonyms_once(key: Key, domain: str, values: pl.Series) -> pl.Series:
    """`pseudonyms` of values that hardly repeat and will not be met again: computed one by one, not remembered."""
    there = values.is_not_null().arg_true()
    nothing = pl.repeat(None, len(values), dtype=pl.String, eager=True).alias(values.name)
    return nothing.scatter(there, _codes(key, domain, values.gather(there))) if len(there) else nothing


def _table(key: Key, domain: str, values: pl.Series) -> pl.DataFrame:
    """`value` and its `code`, for distinct values."""
    return pl.DataFrame({"value": values, "code": _codes(key, domain, values)}, schema=_KNOWN)


def _codes(key: Key, domain: str, values: pl.Series) -> pl.Series:
    """The pseudonym of every value; there must be no null."""
    head = f"{domain}\0".encode()
    inner, outer = (hashlib.new("sm3", bytes(b ^ pad for b in key.secret.ljust(64, b"\0"))) for pad in (0x36, 0x5C))
    digests = []
    for value in values.to_list():
        # HMAC by its definition: copying the two begun hashes takes half the time of `hmac.digest`, which fetches the
        # algorithm and digests the padded key again for every value.
        first, second = inner.copy(), outer.copy()
        first.update(head + value.encode())
        second.update(first.digest())
        digests.append(second.digest())
    return _base32(b"".join(digests))


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
    """Read a pseudonym key, or make one where none exists and none is required; see `secret_bytes`."""
    return Key(secret_bytes(path, must_exist, "pseudonym key"))
