"""Damage to the disk tier's file while processes use it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def damage(path: Path, turn: int) -> None:
    """Overwrite, cut or remove the file or its log; which of these, ``turn`` says."""
    wal = path.with_name(f"{path.name}-wal")
    size = path.stat().st_size
    kind = turn % 5
    with contextlib.suppress(FileNotFoundError):
        if kind == 0:  # all of it
            _overwrite(path, 0, size)
        elif kind == 1:  # from some page on
            _overwrite(path, min(4096, size), size)
        elif kind == 2:  # what was not moved into it yet
            _overwrite(wal, 0, wal.stat().st_size)
        elif kind == 3:
            os.truncate(path, size // 2)
        else:
            path.unlink()


def _overwrite(path: Path, start: int, end: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(end - start))
