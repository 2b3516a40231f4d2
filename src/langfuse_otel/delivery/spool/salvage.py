"""Rows out of a damaged file: its bytes are read, and not what SQLite makes of them.

A fault in one page makes SQLite refuse a whole table; a fault in its log, all that was written later. But each row lies
by itself in a leaf page with its own check sum, so whatever is whole can be told from what is not.
Format: https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6, 2 and 4.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LOG_HEADER_BYTES = 32
_FRAME = struct.Struct(">IIII8x")  # page number, size of the database after a commit or 0, salts, check sums
_LEAF = 0x0D
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class StoredRow(NamedTuple):
    """A row as it is in its file."""

    id: int
    stored_ms: int
    body: bytes


def row_crc(stored_ms: int, body: bytes) -> int:
    """The check sum of a row."""
    return zlib.crc32(body, stored_ms & 0xFFFFFFFF)


def range_crc(first: int, last: int) -> int:
    """The check sum of an acknowledgement."""
    return zlib.crc32(f"{first}-{last}".encode())


def committed_frames(log: Path) -> int:
    """How many pages of a write-ahead log belong to transactions that were finished, be they readable or not.

    A frame that is cut off at the end is none: SQLite writes its header first, and a kill may come before the page.
    """
    frames: list[tuple[int, ...]] = []
    try:
        with log.open("rb") as file:
            page_bytes = _page_bytes(file.read(_LOG_HEADER_BYTES)[8:12])
            whole = (os.fstat(file.fileno()).st_size - _LOG_HEADER_BYTES) // (_FRAME.size + page_bytes)
            for _ in range(whole):
                frames.append(_FRAME.unpack(file.read(_FRAME.size)))
                file.seek(page_bytes, os.SEEK_CUR)
    except FileNotFoundError:
        return 0
    if not frames:
        return 0
    (salts, _), *_ = Counter(frame[2:4] for frame in frames).most_common(1)
    return max((n for n, frame in enumerate(frames, 1) if frame[1] and frame[2:4] == salts), default=0)


def salvage(path: Path, log: Path, page_bytes: int) -> tuple[list[StoredRow], list[tuple[int, int]]]:
    """All rows that are whole, by their id, and the acknowledgements.

    If SQLite has the file open in this process, nothing may use it any more: its locks on it go with this.

    Args:
        path: The database file.
        log: Its write-ahead log; may be missing.
        page_bytes: Size of a page.

    Raises:
        OSError: The files cannot be read.
    """
    data = path.read_bytes()
    logged = log.read_bytes() if log.exists() else b""
    pages: dict[int, bytes] = {}
    leaves: list[bytes] = []
    for number, page in _pages(data, logged, page_bytes):
        pages[number] = page
        if page[:1] == bytes([_LEAF]):
            leaves.append(page)
    rows: dict[int, StoredRow] = {}
    acknowledged: set[tuple[int, int]] = set()
    for page in leaves:
        for row_id, values in _cells(page, pages):
            if len(values) == 4 and isinstance(values[1], int) and isinstance(values[3], bytes):
                if values[2] == row_crc(values[1], values[3]):
                    rows[row_id] = StoredRow(row_id, values[1], values[3])
            elif len(values) == 3:
                first, last, crc = values
                if isinstance(first, int) and isinstance(last, int) and crc == range_crc(first, last):
                    acknowledged.add((first, last))
    return [rows[row_id] for row_id in sorted(rows)], sorted(acknowledged)


def _page_bytes(field: bytes) -> int:
    found = int.from_bytes(field, "big")
    return found if 512 <= found <= 65_536 and found & (found - 1) == 0 else 2_048


def _pages(data: bytes, logged: bytes, page_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Number and content; what is missing of one that is cut off reads as zeros."""
    for number, start in enumerate(range(0, len(data), page_bytes), 1):
        yield number, data[start : start + page_bytes].ljust(page_bytes, b"\0")
    for start in range(_LOG_HEADER_BYTES, len(logged), _FRAME.size + page_bytes):
        frame = logged[start : start + _FRAME.size + page_bytes]
        if len(frame) >= _FRAME.size:
            yield _FRAME.unpack_from(frame)[0], frame[_FRAME.size :].ljust(page_bytes, b"\0")


def _cells(page: bytes, pages: dict[int, bytes]) -> Iterator[tuple[int, list[int | bytes | None]]]:
    """What can be read of a leaf page's cells: row id and columns."""
    count = int.from_bytes(page[3:5], "big")
    for n in range(min(count, len(page) // 4)):
        at = int.from_bytes(page[8 + 2 * n : 10 + 2 * n], "big")
        try:
            size, at = _varint(page, at)
            row_id, at = _varint(page, at)
            yield row_id, _columns(_payload(page, at, size, pages))
        except (IndexError, ValueError):
            continue


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[at + n]
        if n == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise ValueError


def _payload(page: bytes, at: int, size: int, pages: dict[int, bytes]) -> bytes:
    """A cell's content, which goes on in overflow pages when it is too large."""
    usable = len(page)
    most = usable - 35
    if size <= most:
        return page[at : at + size]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    if local > most:
        local = least
    if size > usable * len(pages):
        raise ValueError
    parts = [page[at : at + local]]
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    left = size - local
    while left > 0:
        overflow = pages.get(following)
        if not overflow:
            raise ValueError
        parts.append(overflow[4 : 4 + left])
        left -= usable - 4
        following = int.from_bytes(overflow[:4], "big")
    return b"".join(parts)


def _columns(record: bytes) -> list[int | bytes | None]:
    header_bytes, at = _varint(record, 0)
    kinds = []
    while at < header_bytes:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values: list[int | bytes | None] = []
    for kind in kinds:
        if kind in _INTEGER_BYTES:
            length = _INTEGER_BYTES[kind]
            values.append(int.from_bytes(record[at : at + length], "big", signed=True))
        elif kind in (8, 9):
            length = 0
            values.append(kind - 8)
        elif kind >= 12 and kind % 2 == 0:
            length = (kind - 12) // 2
            values.append(record[at : at + length])
        else:
            length = max(0, (kind - 13) // 2) if kind >= 13 else 0
            values.append(None)
        at += length
    return values
