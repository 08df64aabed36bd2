"""Fixed-width records measured in bytes of GB18030, as old mainframe extracts have them."""

import numpy as np
import polars as pl


def encode(values: pl.Series, width: int) -> np.ndarray:
    """Text as an (n, width) array of bytes, padded with blanks; the too long is cut, in mid-character if need be."""
    if len(values) == 0:
        return np.empty((0, width), dtype=np.uint8)
    cells = "\n".join(values.to_list()).encode("gb18030").split(b"\n")
    return np.frombuffer(b"".join(cell[:width].ljust(width) for cell in cells), dtype=np.uint8).reshape(-1, width)


def records(frame: pl.DataFrame, widths: dict[str, int]) -> bytes:
    """All rows as records of sum(widths) bytes, each followed by CRLF."""
    ends = np.tile(np.frombuffer(b"\r\n", dtype=np.uint8), (len(frame), 1))
    return np.hstack([*(encode(frame[name], width) for name, width in widths.items()), ends]).tobytes()


def overlong(text: str, width: int, nibble: str = "村") -> str:
    """The text lengthened with two-byte characters until it overflows `width` bytes in the middle of one."""
    size = len(text.encode("gb18030"))
    if (width - size) % 2 == 0:
        text, size = text + "1", size + 1
    return text + nibble * ((width - size) // 2 + 1)
