"""Putting: what is synced when, and whom a put waits for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.error import SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile
from support.spools import make_spool


@pytest.mark.parametrize(("fsync", "at_puts", "at_upkeep"), [("always", 3, 0), ("interval", 0, 1), ("off", 0, 0)])
def test_rows_are_synced_as_the_policy_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: str, at_puts: int, at_upkeep: int
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("langfuse_otel.delivery.spool.database._fdatasync", synced.append)
    spool = make_spool(tmp_path, fsync=fsync)
    for n in range(3):
        spool.put(b"%d" % n)
    assert len(synced) == at_puts
    spool.maintain()
    spool.maintain()
    assert len(synced) == at_puts + at_upkeep
    spool.close()


def test_a_sync_that_fails_refuses_the_put_that_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    spool = make_spool(tmp_path, fsync="always")
    monkeypatch.setattr("langfuse_otel.delivery.spool.database._fdatasync", fail)
    with pytest.raises(SpoolError, match="Input/output error"):
        spool.put(b"a")


def test_a_span_that_ends_in_a_finalizer_in_the_middle_of_a_read_does_not_deadlock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader holds the file's lock, another thread the writer's and waits for the file's: nobody could go on."""
    monkeypatch.setattr("langfuse_otel.delivery.spool.writer._TURN_S", 0.01)
    spool = make_spool(tmp_path)
    spool.put(b"first")
    append, has_writer = SpoolFile.append, threading.Event()

    def append_later(file: SpoolFile, stored_ms: int, body: bytes) -> int:
        has_writer.set()
        return append(file, stored_ms, body)

    monkeypatch.setattr(SpoolFile, "append", append_later)
    (file,) = spool._holdings.own
    other = threading.Thread(target=spool.put, args=(b"second",))
    with file._lock:  # as while rows are read
        other.start()
        assert has_writer.wait(10)
        with pytest.raises(SpoolError, match="no turn"):
            spool.put(b"of the finalizer")
    other.join(10)
    assert not other.is_alive()
    assert spool.put_rows == 2
    spool.put(b"third")
    spool.close()


def test_a_put_that_waited_for_its_turn_while_the_spool_was_closed_is_refused(tmp_path: Path) -> None:
    """It would make a file that this process holds, and nobody sends."""
    spool = make_spool(tmp_path)
    spool.put(b"first")
    refused: list[SpoolError] = []

    def put() -> None:
        try:
            spool.put(b"late")
        except SpoolError as error:
            refused.append(error)

    with spool._writer.lock:
        thread = threading.Thread(target=put)
        thread.start()
        spool.close()
    thread.join(10)

    assert [str(error) for error in refused] == ["the spool is closed"]
