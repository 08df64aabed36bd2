"""Archives with a password in the classic form of the ZIP format, which any spreadsheet office can open.

Written here because Python reads this form and writes none; the bytes depend on the content and the password alone.
"""

import hashlib
import struct
import zlib
from pathlib import Path

_DOS_DATE = 0x21  # 1 January 1980
_IS_LOCKED, _STORED = 1, 0
_TABLE = [0] * 256
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0xEDB88320 if _value & 1 else 0)
    _TABLE[_byte] = _value


def write_locked(path: Path, name: bytes, content: bytes, password: str) -> None:
    """An archive of one file; `name` is written as it stands, in whatever encoding it is."""
    check = zlib.crc32(content)
    head = hashlib.blake2b(content, digest_size=11).digest() + bytes([check >> 24])
    body = _encrypted(head + content, password.encode())
    common = struct.pack(
        "<HHHHHIIIHH", 20, _IS_LOCKED, _STORED, 0, _DOS_DATE, check, len(body), len(content), len(name), 0
    )
    local = b"PK\x03\x04" + common + name
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    start = len(local) + len(body)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), start, 0)
    path.write_bytes(local + body + entry + end)


def _encrypted(data: bytes, password: bytes) -> bytes:
    first, second, third = 0x12345678, 0x23456789, 0x34567890
    answer = bytearray(len(data))
    for place, byte in enumerate(password + data):
        if place >= len(password):
            mixed = (third & 0xFFFF) | 2
            answer[place - len(password)] = byte ^ ((mixed * (mixed ^ 1)) >> 8 & 0xFF)
        first = _TABLE[(first ^ byte) & 0xFF] ^ (first >> 8)
        second = ((second + (first & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        third = _TABLE[(third ^ (second >> 24)) & 0xFF] ^ (third >> 8)
    return bytes(answer)
