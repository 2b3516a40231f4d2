"""Disks that fail: the application gets one kind of error, what was stored stays, and all goes on when it does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support.spools import make_spool, take_all

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")

_PRELUDE = """
import os, resource, sys
from pathlib import Path
from langfuse_otel.delivery.spool.error import SpoolError
from support.clock import FakeClock
from support.spools import MIB, make_spool, take_all
directory, clock = Path(sys.argv[1]), FakeClock()

def put_until_refused(spool, most=10_000):
    stored = []
    try:
        for n in range(most):
            spool.put(b"%06d" % n + b"x" * 3_000)
            stored.append(n)
    except SpoolError:
        return stored
    raise AssertionError("never refused")

def numbers(rows):
    return sorted(int(row.body[:6]) for row in rows)
"""


def run(directory: Path, code: str) -> None:
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'src'}"}
    subprocess.run([sys.executable, "-c", _PRELUDE + code, str(directory)], env=env, timeout=60, check=True)


def test_a_full_disk_refuses_puts_takes_acknowledgements_and_recovers(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
spool = make_spool(directory, clock=clock)
spool.put(b"%06d" % 999_999)
resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, resource.RLIM_INFINITY))
stored = put_until_refused(spool)
assert stored, "there was room for some"
first = spool.take(10, MIB)
spool.acknowledge([row.key for row in first])
spool.maintain()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    spool.put(b"too soon")
    raise AssertionError("the disk is given a second")
except SpoolError:
    pass
clock.sleep(1.5)
spool.put(b"%06d" % 999_998)
spool.maintain()
rest = take_all(spool)
assert numbers(first + rest) == [*stored, 999_998, 999_999], len(rest)
spool.close()
""",
    )
    assert take_all(make_spool(tmp_path)) == []


def test_no_file_at_all_can_be_made_and_then_it_can(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
spool = make_spool(directory, clock=clock)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
for n in range(5):
    assert put_until_refused(spool) == []
    spool.maintain()
    clock.sleep(2)
assert len(list(directory.rglob("*.db"))) == 0, "nothing is left lying about"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.put(b"000001")
assert numbers(take_all(spool)) == [1]
""",
    )


def test_without_descriptors_puts_are_refused_and_then_taken(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
spool = make_spool(directory, clock=clock)
held = []
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
assert put_until_refused(spool) == []
spool.maintain()
while held:
    os.close(held.pop())
clock.sleep(2)
spool.put(b"000001")
assert numbers(take_all(spool)) == [1]
""",
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone to whom permissions apply")
def test_a_read_only_directory_refuses_puts_and_delivery_goes_on() -> None:
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are below some that only their owner may enter
        os.chown(directory, 12345, 12345)
        run(Path(directory), _READ_ONLY)


_READ_ONLY = """
os.setgid(12345)
os.setuid(12345)
spool = make_spool(directory, clock=clock)
spool.put(b"000001")
(project,) = (directory / "spool").iterdir()
project.chmod(0o500)
spool.put(b"000002")  # the file is there already
rows = spool.take(10, MIB)
assert numbers(rows) == [1, 2]
spool.acknowledge([row.key for row in rows])
spool.quarantine(rows[0].key, "no")
clock.sleep(1_000)
spool.maintain()
assert put_until_refused(spool) == []
project.chmod(0o700)
clock.sleep(2)
spool.put(b"000003")
assert numbers(take_all(spool)) == [3]
spool.close()
"""
