"""Fixed-width records whose widths are bytes, not characters.

A field is cut out of the bytes first and decoded after, so a Chinese character cut at the end of one field never shifts
the next. The half character that such a cut leaves is taken off and reported.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import sniff
from pipelines.feeds.readers.raw import FILE, LINE, Raw, each_file, scraps

_REPLACEMENT = "\ufffd"
# What the decoder leaves of a character cut after one, two or three of its bytes.
_CUT_TAIL = r"\x{FFFD}[0-9]?\x{FFFD}?$"
_NEWLINE, _RETURN, _SPACE, _NOT_ASCII = 10, 13, 32, 128
# Bytes looked through for line ends at a time; each needs as much again for the answer.
_PIECE = 1 << 24


@dataclass
class _Records:
    """A file's bytes and where each record begins and ends (its line feed left out)."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, at: int) -> bytes:
        return self.data[self.starts[at] : self.ends[at]]

    def without_last(self) -> "_Records":
        """All records but the last."""
        return _Records(self.data, self.starts[:-1], self.ends[:-1])


def read_fixed_width(contract: Contract, folder: Path) -> Raw:
    """Read every file's records. Raises DeliveryProblem where the trailer is missing or the file breaks off."""
    frames, rows_out, cuts = [], [], []
    declared = 0
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            records, count = _records(contract, path.read_bytes(), name)
            frame, cut, bad = _fields(contract, records, name)
        declared += count
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


def _records(contract: Contract, data: bytes, name: str) -> tuple[_Records, int]:
    """Records of one file without its trailer, and the count the trailer states."""
    trailer = contract.delivery.trailer
    if not data or data.isspace():
        raise DeliveryProblem("empty_file", file=name)
    if other := sniff.no_text(data[: sniff.HEAD]):
        raise DeliveryProblem("other_format", file=name, detail=other)
    if data.count(b"\r") > data.count(b"\r\n") and b"\n" not in data.rstrip(b"\x1a\r\n"):
        raise DeliveryProblem("line_ends", file=name, detail="CR alone ends its lines")
    # Old exports end in a Ctrl-Z, careless ones in blank lines.
    records = _split(data.rstrip(b"\x1a"))
    if records[len(records) - 1]:
        raise DeliveryProblem("truncated", file=name, line=len(records), detail="the last record has no end")
    records = records.without_last()
    while len(records) and not records[len(records) - 1].strip():
        records = records.without_last()
    if trailer is None:
        return records, 0
    end = records[len(records) - 1].rstrip(b"\r ") if len(records) else b""
    records = records.without_last()
    prefix, digits = trailer.prefix.encode("ascii"), end[len(trailer.prefix) :]
    if not (end.startswith(prefix) and digits.isdigit() and len(digits) == trailer.digits):
        raise DeliveryProblem("trailer_missing", file=name, line=len(records) + 1)
    return records, int(digits)


def _split(data: bytes) -> _Records:
    """The bytes split at line feeds; what stands after the last one is a record too."""
    content = np.frombuffer(data, dtype=np.uint8)
    pieces = [np.flatnonzero(content[at : at + _PIECE] == _NEWLINE) + at for at in range(0, len(content), _PIECE)]
    ends = np.concatenate([*pieces, [len(content)]]).astype(np.int64)
    return _Records(data, np.concatenate([[0], ends[:-1] + 1]), ends)


def _fields(
    contract: Contract, records: _Records, name: str
) -> tuple[pl.DataFrame, pl.DataFrame, list[tuple[str, int, str, str]]]:
    """Columns of all records of the right length, where they were cut, and the records that cannot be read."""
    width, encoding = contract.delivery.record_bytes or 0, contract.delivery.encoding
    content = np.frombuffer(records.data, dtype=np.uint8)
    # Every record ends in CR before the LF it was split at.
    right = records.ends - records.starts == width + 1
    right[right] = content[records.ends[right] - 1] == _RETURN
    block = np.empty((0, width + 1), dtype=np.uint8)
    if right.any():
        block = np.lib.stride_tricks.sliding_window_view(content, width + 1)[records.starts[right]]
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
    if 2 * np.count_nonzero(records.ends - records.starts == width) > len(records):
        raise DeliveryProblem("line_ends", file=name, detail="LF where CR LF is agreed")
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
    height, width = field.shape
    if height == 0:
        return pl.Series([], dtype=pl.String)
    if field.max() < _NOT_ASCII:
        offsets = np.arange(0, height * width + 1, width, dtype=np.int64)
        content = pa.py_buffer(np.ascontiguousarray(field))
        texts = pl.Series(pa.LargeStringArray.from_buffers(height, pa.py_buffer(offsets), content), dtype=pl.String)
        return texts.str.strip_chars_end(" ")
    lined = np.concatenate([field, np.full((height, 1), _NEWLINE, dtype=np.uint8)], axis=1)
    # Most of a wide field is the space that fills it up: what stands after the last other byte is not decoded.
    filled = np.maximum.accumulate(field[:, ::-1] != _SPACE, axis=1)[:, ::-1]
    kept = lined[np.concatenate([filled, np.ones((height, 1), dtype=bool)], axis=1)]
    # A cut in the last record must find as many bytes after it as one elsewhere, or the decoder takes the newline too.
    decoded = (kept.tobytes() + b"\n\n\n").decode(encoding, errors="replace")
    return pl.Series(decoded.split("\n")[:height], dtype=pl.String)


def _lossy(record: bytes, encoding: str) -> str:
    return record.rstrip(b"\r").decode(encoding, errors="backslashreplace")
