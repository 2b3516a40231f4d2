"""The spool: what is put is taken until it is acknowledged, within its limits."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from support.clock import FakeClock
from support.spools import MIB, files, make_spool, take_all


def bodies(count: int, size: int = 100) -> list[bytes]:
    return [str(n).encode().ljust(size, b".") for n in range(count)]


# --- Putting and taking -----------------------------------------------------------------------------------------------


def test_rows_come_oldest_first_and_once(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for body in bodies(300):
        spool.put(body)
    first, second, third = spool.take(200, MIB), spool.take(200, MIB), spool.take(200, MIB)
    assert [row.body for row in first + second] == bodies(300)
    assert third == []
    assert (spool.put_rows, spool.waiting_rows, spool.unacknowledged_rows) == (300, 0, 300)


def test_a_batch_keeps_to_its_bytes_and_has_at_least_one_row(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for body in bodies(10, 1_000):
        spool.put(body)
    spool.put(b"x" * 50_000)
    assert len(spool.take(100, 4_500)) == 4
    assert len(spool.take(100, 10_000)) == 6
    assert [len(row.body) for row in spool.take(100, 1_000)] == [50_000]


def test_rows_put_back_come_again_before_the_later_ones(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for body in bodies(6):
        spool.put(body)
    batch = spool.take(4, MIB)
    spool.acknowledge([batch[1].key])
    spool.put_back([row.key for row in batch])
    assert [row.body for row in spool.take(10, MIB)] == [bodies(6)[n] for n in (0, 2, 3, 4, 5)]


def test_a_row_knows_when_it_was_put(tmp_path: Path) -> None:
    clock = FakeClock()
    spool = make_spool(tmp_path, clock=clock)
    spool.put(b"a")
    clock.sleep(5)
    spool.put(b"b")
    assert [row.stored_at for row in spool.take(2, MIB)] == [1_000.0, 1_005.0]


@pytest.mark.parametrize("fsync", ["always", "interval", "off"])
def test_what_many_threads_put_is_all_there(tmp_path: Path, fsync: str) -> None:
    spool = make_spool(tmp_path, fsync=fsync, max_bytes=6 * MIB)  # several files

    def put(thread: int) -> None:
        for n in range(60):
            spool.put(f"{thread}-{n}".encode().ljust(2_000, b"."))

    threads = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(row.body.rstrip(b".").decode() for row in take_all(spool)) == Counter(
        f"{thread}-{n}" for thread in range(8) for n in range(60)
    )


def test_a_span_that_ends_while_another_is_put_by_the_same_thread_is_stored_too(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)

    class Body(bytes):
        """Puts another row in the middle of its own put, as a signal handler can."""

        def __len__(self) -> int:
            if not spool.put_rows:
                spool._writer.put_rows += 1
                spool.put(b"inner")
            return super().__len__()

    spool.put(Body(b"outer"))
    assert {row.body for row in take_all(spool)} == {b"inner", b"outer"}


# --- From one process to the next -------------------------------------------------------------------------------------


def test_what_is_acknowledged_is_not_sent_by_the_next_process_and_all_else_is(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for body in bodies(10):
        spool.put(body)
    batch = spool.take(6, MIB)
    spool.acknowledge([row.key for row in batch[:3]])
    spool.close()

    assert [row.body for row in take_all(make_spool(tmp_path))] == bodies(10)[3:]


def test_nothing_is_left_on_the_disk_when_all_is_delivered(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.put(b"secret")
    take_all(spool)
    spool.close()
    assert files(tmp_path) == []


def test_rows_of_another_project_stay_where_they_are(tmp_path: Path) -> None:
    mine, other = make_spool(tmp_path), make_spool(tmp_path, project="https://langfuse.test pk-lf-2")
    other.put(b"theirs")
    other.close()
    assert take_all(mine) == []
    assert take_all(make_spool(tmp_path, project="https://langfuse.test pk-lf-2"))[0].body == b"theirs"


def test_the_files_of_a_living_owner_are_left_alone(tmp_path: Path) -> None:
    living, other = make_spool(tmp_path), make_spool(tmp_path)
    living.put(b"mine")
    assert take_all(other) == []
    assert [row.body for row in take_all(living)] == [b"mine"]


def test_an_orphan_has_one_adopter(tmp_path: Path) -> None:
    for n in range(12):
        gone = make_spool(tmp_path)
        gone.put(b"%d" % n)
        gone.close()
    adopters = [make_spool(tmp_path) for _ in range(4)]
    start = threading.Barrier(len(adopters))
    taken: list[bytes] = []

    def adopt(n: int) -> None:
        start.wait()
        taken.extend(row.body for row in take_all(adopters[n]))

    threads = [threading.Thread(target=adopt, args=(n,)) for n in range(len(adopters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(b"%d" % n for n in range(12))
    for adopter in adopters:
        adopter.close()
    assert files(tmp_path) == []


def test_new_rows_are_not_behind_a_backlog(tmp_path: Path) -> None:
    gone = make_spool(tmp_path)
    for body in bodies(100):
        gone.put(body)
    gone.close()
    spool = make_spool(tmp_path)
    for _ in range(100):
        spool.put(b"new")
    spool.maintain()
    batches = [[row.body for row in spool.take(10, MIB)] for _ in range(8)]
    assert sum(batch.count(b"new") for batch in batches) == 40
    assert sum(len(batch) for batch in batches) == 80


# --- Quarantine -------------------------------------------------------------------------------------------------------


def test_a_refused_row_is_kept_with_its_reason_and_not_sent_again(tmp_path: Path) -> None:
    from langfuse_otel.delivery.spool.quarantine import Quarantine

    spool = make_spool(tmp_path)
    spool.put(b"bad")
    spool.put(b"good")
    bad, good = spool.take(2, MIB)
    spool.quarantine(bad.key, "400: no name")
    spool.acknowledge([good.key])
    spool.close()
    (directory,) = (tmp_path / "spool").iterdir()
    assert [(row.reason, row.body_bytes) for row in Quarantine(directory).list()] == [("400: no name", 3)]
    assert take_all(make_spool(tmp_path)) == []


def test_the_quarantine_is_bounded_and_counts_what_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langfuse_otel.delivery.spool.quarantine.MAX_ROWS", 3)
    lost: Counter[str] = Counter()
    spool = make_spool(tmp_path, lost)
    for body in bodies(5):
        spool.put(body)
    for row in spool.take(5, MIB):
        spool.quarantine(row.key, "no")
    assert lost == {"quarantine_full": 2}
    assert spool.unacknowledged_rows == 0
