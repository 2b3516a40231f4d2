"""Processes that die: what ``put`` had returned for is delivered, whenever the kernel struck."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from support.spools import MIB, files, make_spool, take_all

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")

# Puts from four threads, delivers from one, and writes down each put that returned and each batch that was sent. What
# is written with write(2) outlives the process, as it is the system's from then on.
_APPLICATION = """
import itertools, os, sys, threading, time
from pathlib import Path
from support.spools import MIB, make_spool

directory, name, delivers, max_bytes = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "delivers", int(sys.argv[4])
spool = make_spool(directory, max_bytes=max_bytes)
ledger = os.open(directory / f"{name}.put", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
sent = os.open(directory / f"{name}.sent", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

def put(thread):
    for n in itertools.count():
        row = f"{name}-{thread}-{n}"
        spool.put(row.encode().ljust(1_500, b"."))
        os.write(ledger, row.encode() + b"\\n")

for n in range(4):
    threading.Thread(target=put, args=(n,), daemon=True).start()
os.write(1, b"running\\n")
while True:
    spool.maintain()
    rows = spool.take(50, MIB) if delivers else []
    if rows:
        os.write(sent, b"".join(row.body.rstrip(b".") + b"\\n" for row in rows))
        spool.acknowledge([row.key for row in rows])
    else:
        time.sleep(0.001)
"""


def start(directory: Path, name: str, *, delivers: bool = True, max_bytes: int = 16 * MIB) -> subprocess.Popen[bytes]:
    """An application; it runs when this returns."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", _APPLICATION, str(directory), name, "delivers" if delivers else "", str(max_bytes)],
        env={**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'src'}"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    return process


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    with process:
        threading.Event().wait(seconds)
        process.send_signal(signal.SIGKILL)


def lines(directory: Path, pattern: str) -> Counter[str]:
    """The whole lines of ledgers."""
    found: Counter[str] = Counter()
    for path in directory.glob(pattern):
        found.update(path.read_text().split("\n")[:-1])
    return found


@pytest.mark.parametrize("seed", range(20))
def test_what_was_put_before_a_kill_is_delivered_by_the_next_process(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    # With few bytes, files begin and end all the time; without deliveries, rows wait in all of them.
    process = start(tmp_path, "a", delivers=seed % 3 > 0, max_bytes=(MIB, 64 * MIB)[seed % 2])
    kill_after(process, draw.uniform(0, 0.25))

    replayed = Counter(row.body.rstrip(b".").decode() for row in take_all(make_spool(tmp_path)))

    put, sent = lines(tmp_path, "a.put"), lines(tmp_path, "a.sent")
    assert set(put) <= set(sent) | set(replayed), "a row whose put had returned is nowhere"
    assert not replayed or max(replayed.values()) == 1
    assert sum((sent & replayed).values()) <= 50, "more than the batch that was under way is sent twice"
    assert max(sent.values(), default=1) == 1
    assert files(tmp_path, "*damaged*") == [], "a kill is no damage"


def test_processes_that_share_a_directory_and_are_killed_in_turn_lose_nothing(tmp_path: Path) -> None:
    draw = random.Random(1)
    running = [start(tmp_path, f"p{n}") for n in range(3)]
    for n in range(3, 9):
        kill_after(running.pop(draw.randrange(3)), draw.uniform(0, 0.2))
        running.append(start(tmp_path, f"p{n}"))
    for process in running:
        kill_after(process, 0)

    replayed = Counter(row.body.rstrip(b".").decode() for row in take_all(make_spool(tmp_path)))

    assert set(lines(tmp_path, "*.put")) <= set(lines(tmp_path, "*.sent")) | set(replayed)
    assert files(tmp_path, "*damaged*") == []


@pytest.mark.parametrize(
    "dies_at",
    [
        "file.SpoolFile.create",
        "file.SpoolFile.load",
        "database.DatabaseFile.remove",
        "file.SpoolFile.save_acknowledged",
        "file.SpoolFile.erase_acknowledged",
        "database.DatabaseFile.release",
        "directory.Ownership.give_up",
        "quarantine.Quarantine.add",
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_in_a_critical_step_loses_nothing_and_the_next_starts(
    tmp_path: Path, dies_at: str, when: str
) -> None:
    code = """
import os, sys
from importlib import import_module
from pathlib import Path
from support.clock import FakeClock
from support.spools import MIB, make_spool

module, kind, name = sys.argv[2].split(".")
kind = getattr(import_module(f"langfuse_otel.delivery.spool.{module}"), kind)
step, clock = getattr(kind, name), FakeClock()

def die(*arguments, **named):
    if sys.argv[3] == "after":
        step(*arguments, **named)
    os._exit(9)

gone = make_spool(Path(sys.argv[1]), clock=clock)
for n in range(40):
    gone.put(b"%d" % n)
gone.close()
setattr(kind, name, die)
spool = make_spool(Path(sys.argv[1]), clock=clock)
clock.sleep(10)
spool.maintain()
spool.put(b"40")
rows = spool.take(100, MIB)
spool.quarantine(rows[0].key, "no")
spool.acknowledge([row.key for row in rows[1:20]])
for _ in range(100):
    clock.sleep(10)
    spool.maintain()
spool.close()
os._exit(1)
"""
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), dies_at, when],
        env={**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'src'}"},
        timeout=60,
        check=False,
    )
    assert ended.returncode == 9, "it did not come to that step"
    replayed = {row.body for row in take_all(make_spool(tmp_path))}
    assert {b"%d" % n for n in range(20, 40)} <= replayed
    assert files(tmp_path, "*damaged*") == []
