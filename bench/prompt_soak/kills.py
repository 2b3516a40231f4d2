"""The disk tier, shared by processes that are killed, and by what forks them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.prompt_soak.board import PROCESSES, Board
from bench.prompt_soak.damage import damage
from bench.prompt_soak.worker import Worker, key_of
from langfuse_otel.prompts.stores.disk import DiskStore

KILLS_A_SECOND = 30
KILLS_A_DAMAGE = 5
AIM_S = 0.02
SETTLE_S = 2.0  # longer than a lock, and than the way to a store that failed stays shut


def share_disk(kills: int, *, damages: bool = False) -> dict[str, Any]:
    """Kill processes that share a file; with ``damages``, damage the file as well, in another way each time."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder) / "prompts")
        board, store = host.board, DiskStore(host.directory)
        store.get(key_of(0))
        host.pids = [host.start(slot) for slot in range(PROCESSES)]
        in_a_write = 0
        try:
            for number in range(kills):
                time.sleep(random.uniform(0.0, 2.0 / KILLS_A_SECOND))
                if damages and number % KILLS_A_DAMAGE == 0:
                    store.close()  # else our own locks in it end with the damage
                    damage(next(host.directory.glob("*.db")), number // KILLS_A_DAMAGE)
                slot = _writer(board) if number % 2 else random.randrange(PROCESSES)
                in_a_write += host.kill(slot)
                with contextlib.suppress(sqlite3.Error):
                    store.close() if number % 4 == 0 else store.get(key_of(0))
                host.pids[slot] = host.start(slot)
            time.sleep(SETTLE_S)
            before = [board.of(slot, "from_disk") for slot in range(PROCESSES)]
            time.sleep(1.0)
            served = sum(board.of(slot, "from_disk") > before[slot] for slot in range(PROCESSES))
        finally:
            for slot in range(len(host.pids)):
                host.kill(slot)
        store.close()
        found: dict[str, Any] = {
            "kills": kills,
            "in_a_write": in_a_write,
            "died": host.died,
            "served_at_the_end": served,
        }
        found |= {column: board.total(column) for column in Board.COLUMNS if column != "is_writing"}
        if not damages:
            found["integrity"] = _integrity(host.directory)
        return found


@dataclass
class Host:
    """The processes, and the one that forks them, which has the store open now and then as a prefork server has it."""

    directory: Path
    board: Board = field(default_factory=Board)
    pids: list[int] = field(default_factory=list)
    died: int = 0

    def start(self, slot: int) -> int:
        child = os.fork()
        if child == 0:
            try:
                Worker(self.directory, self.board, slot).run()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        return child

    def kill(self, slot: int) -> bool:
        """Whether it was writing."""
        was_writing = self.board.of(slot, "is_writing")
        os.kill(self.pids[slot], signal.SIGKILL)
        status = os.waitpid(self.pids[slot], 0)[1]
        self.died += not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL
        self.board.add(slot, "is_writing", -self.board.of(slot, "is_writing"))
        return was_writing > 0


def _writer(board: Board) -> int:
    """One that writes a value right now; any if there is none for a while."""
    until = time.monotonic() + AIM_S
    while time.monotonic() < until:
        for slot in random.sample(range(PROCESSES), PROCESSES):
            if board.of(slot, "is_writing"):
                time.sleep(random.uniform(0.0, 0.0002))
                return slot
    return random.randrange(PROCESSES)


def _integrity(directory: Path) -> str:
    with contextlib.closing(sqlite3.connect(next(directory.glob("*.db")))) as database:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])
