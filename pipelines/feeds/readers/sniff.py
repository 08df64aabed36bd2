"""What a file is that is not what was agreed, told by its first bytes, so that people are told what to change.

"Damaged" sends a department to export the same file again: web systems send an HTML page as .xls, people rename what
they have. Only names are given here; whether something is refused is the readers' business.
"""

import re

# As many bytes as are looked at.
HEAD = 2_048
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old binary Office file (.xls)"),
    (b"PK\x03\x04", "an xlsx workbook or a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"PARE", "an encrypted Parquet file"),
)
_MARKUP: tuple[tuple[str, str], ...] = (
    (r"urn:schemas-microsoft-com:office:spreadsheet", "an XML table of Excel 2003"),
    (r"^<(?:!doctype html|html|head|body|table|meta|style|div|script)\b", "an HTML page"),
    (r"<html\b", "an HTML page"),
    (r"^<\?xml\b", "an XML document"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
TEXT = "a text file"


def told(head: bytes) -> str:
    """What the file that begins so is; empty where that is not to be told."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return markup(head) or (TEXT if _is_text(head) else "")


def no_text(head: bytes) -> str:
    """What the file that begins so is, where it is neither plain text nor anything unknown."""
    name = told(head)
    return "" if name == TEXT else name


def markup(head: bytes) -> str:
    """Which kind of markup the file is, if any."""
    start = head.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").lstrip()
    if not start.startswith(b"<"):
        return ""
    text = start.decode("ascii", errors="replace").lower()
    return next((name for pattern, name in _MARKUP if re.search(pattern, text)), "")


def _is_text(head: bytes) -> bool:
    if not head.strip():
        return False
    for encoding in ("utf-8", "gb18030"):
        # The last bytes may be part of a character that goes on.
        for cut in range(4):
            try:
                return _CONTROL.search(head[: len(head) - cut].decode(encoding)) is None
            except UnicodeDecodeError:
                continue
    return False
