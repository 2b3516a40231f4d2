"""Files that are not what was written to them: set aside and kept, and every row that is whole is delivered."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.database import PAGE_BYTES
from support.spools import files, make_spool, take_all

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")

ROWS = 400
BODIES = {str(n).encode().ljust(100 + n * 13, b".") for n in range(ROWS)}  # some of one page, some of three
_RANDOM_SEEDS = range(25)

_PUT = """
import os, sys
from pathlib import Path
from support.spools import make_spool
spool = make_spool(Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    spool.put(str(n).encode().ljust(100 + n * 13, b"."))
if sys.argv[3] == "closed":
    spool.close()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module", params=["killed", "closed"])
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process left: its rows in the log, when it was killed, or in the database."""
    directory = tmp_path_factory.mktemp(request.param)
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", _PUT, str(directory), str(ROWS), request.param],
        env={**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'src'}"},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    return directory


def copy(left: Path, tmp_path: Path) -> Path:
    """The largest file of a copy of it, which is the one with the rows."""
    shutil.copytree(left / "spool", tmp_path / "spool")
    return max((tmp_path / "spool").glob("*/*.db*"), key=lambda path: path.stat().st_size)


def delivered(tmp_path: Path, lost: Counter[str] | None = None) -> set[bytes]:
    spool = make_spool(tmp_path, lost)
    rows = [row.body for row in take_all(spool)]
    assert len(set(rows)) == len(rows)
    assert set(rows) <= BODIES, "a row came out that never went in"
    spool.put(b"goes on")
    assert [row.body for row in take_all(spool)] == [b"goes on"]
    spool.close()
    return set(rows)


@pytest.mark.parametrize("seed", _RANDOM_SEEDS)
def test_flipped_bytes_cost_the_rows_that_they_are_in(left: Path, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    path = copy(left, tmp_path)
    data = bytearray(path.read_bytes())
    flips = draw.choice([1, 1, 3])
    for _ in range(flips):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)

    lost = BODIES - delivered(tmp_path)

    smallest = 100
    assert len(lost) <= flips * (PAGE_BYTES // smallest), "more than what lies in the damaged pages is lost"


@pytest.mark.parametrize("seed", _RANDOM_SEEDS)
def test_a_file_cut_off_gives_what_is_before_the_cut(left: Path, tmp_path: Path, seed: int) -> None:
    path = copy(left, tmp_path)
    share = random.Random(seed).random()
    os.truncate(path, int(path.stat().st_size * share))

    cut = path.stat().st_size

    found = delivered(tmp_path)

    in_order = sorted(BODIES, key=len)
    ends = accumulate(len(body) + 5 * (PAGE_BYTES + 24) for body in in_order)  # a put writes a few pages at most
    assert {body for body, end in zip(in_order, ends, strict=True) if end <= cut} <= found


def test_an_overwritten_beginning_leaves_the_rows(left: Path, tmp_path: Path) -> None:
    path = copy(left, tmp_path)
    with path.open("r+b") as file:
        file.write(b"\0" * 28)
    assert len(delivered(tmp_path)) >= ROWS - 20
    assert files(tmp_path, "*.damaged-1*")


def test_without_its_log_the_rest_goes_on(left: Path, tmp_path: Path) -> None:
    copy(left, tmp_path)
    for log in (tmp_path / "spool").glob("*/*-wal"):
        log.unlink()
    delivered(tmp_path)


def test_an_empty_file_is_no_trouble(left: Path, tmp_path: Path) -> None:
    os.truncate(copy(left, tmp_path), 0)
    assert delivered(tmp_path) == set()


@pytest.mark.parametrize("content", [b"not a database" * 1_000, b"\x7fELF" + bytes(5_000)])
def test_another_program_s_file_is_kept_aside(left: Path, tmp_path: Path, content: bytes) -> None:
    copy(left, tmp_path)
    (path,) = (tmp_path / "spool").glob("*/*.db")
    for log in path.parent.glob("*-wal"):
        log.unlink()
    path.write_bytes(content)
    assert delivered(tmp_path) == set()
    (aside,) = (tmp_path / "spool").glob("*/*.damaged-1")
    assert aside.read_bytes() == content


def test_another_program_s_database_is_kept_aside(left: Path, tmp_path: Path) -> None:
    copy(left, tmp_path)
    (path,) = (tmp_path / "spool").glob("*/*.db")
    for old in path.parent.glob("*.db*"):
        old.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES ('theirs')")
    connection.close()
    assert delivered(tmp_path) == set()
    (aside,) = (tmp_path / "spool").glob("*/*.damaged-1")
    assert sqlite3.connect(aside).execute("SELECT text FROM notes").fetchall() == [("theirs",)]


def test_a_file_of_a_newer_version_is_kept_aside(left: Path, tmp_path: Path) -> None:
    copy(left, tmp_path)
    (path,) = (tmp_path / "spool").glob("*/*.db")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    delivered(tmp_path)
    assert files(tmp_path, "*.damaged-1")


def test_damage_is_counted_and_never_looked_at_again(left: Path, tmp_path: Path) -> None:
    path = copy(left, tmp_path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 5_000)
    lost: Counter[str] = Counter()
    found = delivered(tmp_path, lost)
    assert lost == {"damaged": ROWS - len(found)}
    aside = files(tmp_path, "*.damaged-*")
    assert delivered(tmp_path) == set()
    assert files(tmp_path, "*.damaged-*") == aside


def test_a_file_damaged_while_it_is_used_goes_on_in_another(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for body in sorted(BODIES):
        spool.put(body)
    (log,) = (tmp_path / "spool").glob("*/*-wal")
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 2)
        file.write(b"\xff" * 3_000)
    found = {row.body for row in take_all(spool)}
    assert found <= BODIES
    assert len(found) >= ROWS - 3 * PAGE_BYTES // 100
