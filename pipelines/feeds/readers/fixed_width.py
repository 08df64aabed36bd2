"""Fixed-width records whose widths are bytes, not characters.

A field is cut out of the bytes first and decoded after, so a Chinese character cut at the end of one field never shifts
the next. The half character that such a cut leaves is taken off and reported.
"""

from pathlib import Path

import numpy as np
import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.raw import FILE, LINE, Raw, find_files, scraps

_REPLACEMENT = "\ufffd"
# What the decoder leaves of a character cut after one, two or three of its bytes.
_CUT_TAIL = r"\x{FFFD}[0-9]?\x{FFFD}?$"


def read_fixed_width(contract: Contract, folder: Path) -> Raw:
    """Read every file's records. Raises DeliveryProblem where the trailer is missing or the file breaks off."""
    frames, rows_out, cuts = [], [], []
    declared = 0
    for path in find_files(contract, folder):
        name = path.relative_to(folder).as_posix()
        records, count = _records(contract, path.read_bytes(), name)
        declared += count
        frame, cut, bad = _fields(contract, records, name)
        frames.append(frame)
        cuts.append(cut)
        rows_out += bad
    cut_all = pl.concat(cuts)
    cut_columns = {c: cut_all[c] for c in cut_all.columns if cut_all[c].any()}
    has_trailer = contract.delivery.trailer is not None
    return Raw(
        pl.concat(frames),
        scraps(rows_out),
        cut=cut_columns,
        structural={"files": len(frames), "trailers": len(frames) if has_trailer else 0},
        declared=declared if has_trailer else None,
    )


def _records(contract: Contract, data: bytes, name: str) -> tuple[list[bytes], int]:
    """Records of one file without its trailer, and the count the trailer states."""
    trailer = contract.delivery.trailer
    if not data.strip():
        raise DeliveryProblem("empty_file", file=name)
    # Old exports end in a Ctrl-Z, careless ones in blank lines.
    records = data.rstrip(b"\x1a").split(b"\n")
    if records.pop():
        raise DeliveryProblem("truncated", file=name, line=len(records) + 1, detail="the last record has no end")
    while records and not records[-1].strip():
        records.pop()
    if trailer is None:
        return records, 0
    end = records.pop().rstrip(b"\r ") if records else b""
    prefix, digits = trailer.prefix.encode("ascii"), end[len(trailer.prefix) :]
    if not (end.startswith(prefix) and digits.isdigit() and len(digits) == trailer.digits):
        raise DeliveryProblem("trailer_missing", file=name, line=len(records) + 1)
    return records, int(digits)


def _fields(
    contract: Contract, records: list[bytes], name: str
) -> tuple[pl.DataFrame, pl.DataFrame, list[tuple[str, int, str, str]]]:
    """Columns of all records of the right length, where they were cut, and the records that cannot be read."""
    width, encoding = contract.delivery.record_bytes or 0, contract.delivery.encoding
    lengths = np.fromiter((len(r) for r in records), dtype=np.int64, count=len(records))
    # Every record ends in CR before the LF it was split at.
    right = lengths == width + 1
    right &= np.fromiter((r.endswith(b"\r") for r in records), dtype=bool, count=len(records))
    block = np.frombuffer(b"".join(r for r, ok in zip(records, right, strict=True) if ok), dtype=np.uint8)
    block = block.reshape(-1, width + 1)
    lines = np.flatnonzero(right).astype(np.int32) + 1
    frame = pl.DataFrame({LINE: lines}).with_columns(pl.lit(name).alias(FILE))
    cut: dict[str, pl.Series] = {}
    undecodable = np.zeros(len(lines), dtype=bool)
    for physical in contract.physicals:
        column = next(c for c in contract.read_columns if c.physical == physical)
        start = (column.intake.first_byte or 1) - 1
        text = _decode_column(block[:, start : start + (column.intake.bytes or 0)], encoding)
        strange = text.str.contains(_REPLACEMENT, literal=True)
        if strange.any():
            cut[physical] = text.str.contains(_CUT_TAIL)
            text = text.str.replace(_CUT_TAIL, "")
            undecodable |= text.str.contains(_REPLACEMENT, literal=True).to_numpy()
        frame = frame.with_columns(text.alias(physical))
    if 2 * (np.count_nonzero(~right) + np.count_nonzero(undecodable)) > len(records):
        detail = f"{encoding}, {width} bytes a record; most records fit neither"
        raise DeliveryProblem("encoding", file=name, detail=detail)
    unread = [*((int(at), "record_length") for at in np.flatnonzero(~right))]
    unread += [(int(lines[at]) - 1, "encoding") for at in np.flatnonzero(undecodable)]
    bad = [(name, at + 1, _lossy(records[at], encoding), rule) for at, rule in unread]
    readable = pl.Series(~undecodable)
    cuts = frame.select(pl.repeat(False, pl.len()).alias(name) for name in contract.physicals).with_columns(
        series.alias(physical) for physical, series in cut.items()
    )
    return frame.filter(readable), cuts.filter(readable), bad


def _decode_column(field: np.ndarray, encoding: str) -> pl.Series:
    """Decode one field of all records at once; a newline between them keeps a cut from reaching the next record."""
    if len(field) == 0:
        return pl.Series([], dtype=pl.String)
    lined = np.concatenate([field, np.full((len(field), 1), ord("\n"), dtype=np.uint8)], axis=1)
    # A cut in the last record must find as many bytes after it as one elsewhere, or the decoder takes the newline too.
    texts = (lined.tobytes() + b"\n\n\n").decode(encoding, errors="replace").split("\n")
    return pl.Series(texts[: len(field)], dtype=pl.String).str.strip_chars_end(" ")


def _lossy(record: bytes, encoding: str) -> str:
    return record.rstrip(b"\r").decode(encoding, errors="backslashreplace")
