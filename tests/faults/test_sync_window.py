"""``spool_fsync="interval"``: rows are safe from a power cut within half a second, also while the server hangs."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.database import DatabaseFile
from langfuse_otel.exporter import LangfuseSpanExporter
from support.sink import FaultSink, Mode, drip, hang, taken
from support.spans import finished
from support.spools import make_spool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released once a sync."""
    syncs = threading.Semaphore(0)
    sync_log = DatabaseFile._sync_log

    def sync(file: DatabaseFile) -> None:
        sync_log(file)
        syncs.release()

    monkeypatch.setattr(DatabaseFile, "_sync_log", sync)
    return syncs


@pytest.mark.parametrize("mode", [taken, hang, drip], ids=["takes them", "hangs", "drips"])
def test_rows_are_synced_whatever_the_server_does(mode: Mode, synced: threading.Semaphore, tmp_path: Path) -> None:
    with FaultSink(mode) as sink:
        exporter = LangfuseSpanExporter(
            public_key="pk-lf-1",
            secret_key="sk-lf-1",
            base_url=sink.url,
            delivery="at_least_once",
            spool_directory=tmp_path / "spool",
            timeout_s=3600.0,  # so that no end of a request lets the worker sync
            shutdown_timeout_s=0.1,
        )
        for _ in range(3):
            exporter.export(finished())
            exporter._pipeline.hurry()  # type: ignore[union-attr]
            sink.wait_for_requests(1)  # the worker is at that from now on
            assert synced.acquire(timeout=20), "not synced while a request is under way"
        exporter.shutdown()


def test_rows_are_synced_although_nobody_calls_for_upkeep(synced: threading.Semaphore, tmp_path: Path) -> None:
    spool = make_spool(tmp_path, fsync="interval")
    for row in (b"a", b"b"):
        spool.put(row)
        assert synced.acquire(timeout=20)
    assert not any(file.unsynced for file in spool._holdings.own)
    spool.close()


def test_nothing_is_synced_while_nothing_is_put(synced: threading.Semaphore, tmp_path: Path) -> None:
    spool = make_spool(tmp_path, fsync="interval")
    spool.put(b"a")
    assert synced.acquire(timeout=20)

    assert not synced.acquire(timeout=1.2)
    spool.close()


def test_the_thread_ends_with_the_spool(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, fsync="interval")
    spool.put(b"a")
    thread = spool._syncer._thread
    assert thread is not None
    spool.close()

    thread.join(20)
    assert not thread.is_alive()
