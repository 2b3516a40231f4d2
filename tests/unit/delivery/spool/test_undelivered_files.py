"""What ``langfuse-otel spool send`` waits for: the files of this process, and of nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.directory import Ownership, prepare
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.inspection import undelivered_files

GONE = 2**22 + 1  # Linux has no process of a higher number than 2^22


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return prepare(tmp_path / "spool", "project")


def owner_with_a_file(project: Path) -> Ownership:
    ownership = Ownership.new(project)
    SpoolFile.create(ownership.path(1), "NORMAL", 2**20).release()
    return ownership


def test_files_that_this_process_adopts_count_before_it_has_said_so(project: Path) -> None:
    """In place of its own number there is that of the process that has left them."""
    ownership = owner_with_a_file(project)
    assert undelivered_files(project) == 1
    ownership.say({"pid": GONE})
    assert undelivered_files(project) == 1
    ownership.say({"pid": os.getpid()})
    assert undelivered_files(project) == 1


def test_files_of_nobody_count(project: Path) -> None:
    ownership = owner_with_a_file(project)
    ownership.say({"pid": os.getppid()})  # that number is somebody else's by now
    ownership.give_up(delete=False)
    assert undelivered_files(project) == 1


def test_files_of_another_living_process_do_not_count(project: Path) -> None:
    owner = owner_with_a_file(project)
    owner.give_up(delete=False)
    lock = project / f"{owner.owner}.lock"
    code = "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); print(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        lock.write_text(json.dumps({"pid": other.pid}))
        assert other.stdout is not None
        other.stdout.readline()
        assert undelivered_files(project) == 0
        other.communicate()
