"""Forks in the middle of puts: no process hangs, each row is in one process's file, and the parent's stay sound."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from support.spools import files, make_spool, take_all

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")

_PRELUDE = """
import os, sys, threading
from pathlib import Path
from support.spools import MIB, make_spool, take_all
spool = make_spool(Path(sys.argv[1]))
"""


def run(directory: Path, code: str) -> None:
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'src'}", "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", _PRELUDE + code, str(directory)], env=env, timeout=100, check=True)


def test_forks_while_threads_put_and_take_lose_nothing_and_hang_nowhere(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
stop = threading.Event()
counts = [0] * 4
def put(thread):
    while not stop.is_set():
        spool.put(f"parent-{thread}-{counts[thread]}".encode().ljust(2_000, b"."))
        counts[thread] += 1
def look():
    while not stop.wait(0.001):
        spool.maintain()
        spool.put_back([row.key for row in spool.take(20, MIB)])
threads = [*(threading.Thread(target=put, args=(n,)) for n in range(4)), threading.Thread(target=look)]
for thread in threads:
    thread.start()
for n in range(30):
    child = os.fork()
    if child == 0:
        for k in range(3):
            spool.put(f"child-{n}-{k}".encode())
        if n % 2:
            sys.exit()  # finalizes the interpreter, which must not close what is the parent's
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
Path(sys.argv[1], "counts").write_text(" ".join(map(str, counts)))
os._exit(0)
""",
    )
    counts = map(int, (tmp_path / "counts").read_text().split())
    expected = Counter(f"parent-{thread}-{n}" for thread, count in enumerate(counts) for n in range(count))
    expected.update(f"child-{n}-{k}" for n in range(30) for k in range(3))
    assert Counter(row.body.rstrip(b".").decode() for row in take_all(make_spool(tmp_path))) == expected
    assert files(tmp_path, "*damaged*") == []


def test_a_child_does_not_send_what_its_parent_put_while_that_lives(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
spool.put(b"parent")
child = os.fork()
if child == 0:
    spool.put(b"child")
    rows = [row.body for row in take_all(spool)]
    os._exit(0 if rows == [b"child"] and spool.put_rows == 1 else 1)
assert os.waitpid(child, 0)[1] == 0
assert [row.body for row in take_all(spool)] == [b"parent"]
""",
    )


def test_a_parent_s_files_are_left_to_processes_that_it_did_not_fork(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
spool.put(b"parent")
parent_gone = os.pipe()
if os.fork() == 0:
    os.close(parent_gone[1])
    os.read(parent_gone[0], 1)  # ends when the parent does
    assert take_all(spool) == []
    Path(sys.argv[1], "looked").touch()
    os._exit(0)
os._exit(0)
""",
    )
    pause = threading.Event()
    for _ in range(1_000):
        if (tmp_path / "looked").exists():
            break
        pause.wait(0.01)
    assert (tmp_path / "looked").exists()
    assert [row.body for row in take_all(make_spool(tmp_path))] == [b"parent"]
