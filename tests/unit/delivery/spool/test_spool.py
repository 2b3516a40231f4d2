"""The spool: what is put is taken until it is acknowledged, within its limits."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.error import SpoolError, SpoolFullError, UnsafeSpoolError
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


# --- Limits -----------------------------------------------------------------------------------------------------------


def disk_bytes(tmp_path: Path) -> int:
    return sum(path.stat().st_size for path in (tmp_path / "spool").rglob("*") if path.is_file())


def test_a_full_spool_refuses_what_is_new_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    clock = FakeClock()
    spool = make_spool(tmp_path, lost, max_bytes=MIB, clock=clock)
    stored = 0
    with pytest.raises(SpoolFullError):
        for _ in range(1_000):
            spool.put(b"x" * 4_000)
            stored += 1
            assert disk_bytes(tmp_path) <= MIB
    assert stored > 80
    assert len(take_all(spool)) == stored
    clock.sleep(2)
    spool.put(b"y")
    assert lost == {}


def test_a_full_spool_drops_the_oldest_when_asked_and_counts_them(tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    spool = make_spool(tmp_path, lost, max_bytes=MIB, when_full="drop_oldest")
    for body in bodies(500, 4_000):
        spool.put(body)
        assert disk_bytes(tmp_path) <= MIB
    kept = [row.body for row in take_all(spool)]
    assert kept == bodies(500, 4_000)[-len(kept) :]
    assert lost == {"spool_full": 500 - len(kept)}


def test_rows_under_way_that_were_dropped_are_lost_only_when_they_come_back(tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    spool = make_spool(tmp_path, lost, max_bytes=MIB, when_full="drop_oldest")
    spool.put(b"a")
    spool.put(b"b")
    batch = spool.take(2, MIB)
    for body in bodies(500, 4_000):
        spool.put(body)
    before = lost["spool_full"]
    spool.acknowledge([batch[0].key])
    assert lost["spool_full"] == before
    spool.put_back([batch[1].key])
    assert lost["spool_full"] == before + 1


def test_rows_that_wait_too_long_expire_and_are_counted(tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    clock = FakeClock()
    spool = make_spool(tmp_path, lost, clock=clock, max_age_s=100.0)
    spool.put(b"old")
    spool.put(b"old too")
    clock.sleep(60)
    spool.put(b"young")
    clock.sleep(60)
    spool.maintain()
    assert lost == {"expired": 2}
    assert spool.oldest_at == 1_060.0
    assert [row.body for row in spool.take(10, MIB)] == [b"young"]


class JumpingClock(FakeClock):
    """A clock whose wall time can be set."""

    jump_s = 0.0

    def wall(self) -> float:
        return self.now_s + self.jump_s


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, -10 * 365 * 86_400.0, 10 * 365 * 86_400.0])
def test_nothing_expires_because_the_clock_is_set(tmp_path: Path, jump_s: float) -> None:
    lost: Counter[str] = Counter()
    clock = JumpingClock()
    clock.now_s = 1.8e9
    spool = make_spool(tmp_path, lost, clock=clock)
    spool.put(b"a")
    clock.jump_s = jump_s
    clock.sleep(100)
    spool.maintain()
    spool.close()
    clock.sleep(100)
    later = make_spool(tmp_path, lost, clock=clock)
    later.maintain()
    assert lost == {}
    assert later.waiting_rows == 1
    clock.sleep(86_500)
    later.maintain()
    assert lost == {"expired": 1}, "but in the end it does"


# --- Content on the disk ----------------------------------------------------------------------------------------------


def content(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((tmp_path / "spool").rglob("*")) if path.is_file())


def test_delivered_content_is_gone_within_ten_minutes_also_while_other_rows_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    spool = make_spool(tmp_path, clock=clock)
    spool.put(b"delivered secret" * 300)
    spool.put(b"waiting secret")
    spool.acknowledge([spool.take(1, MIB)[0].key])
    spool.take(1, MIB)
    assert b"delivered secret" in content(tmp_path)
    for _ in range(60):
        clock.sleep(10)
        spool.maintain()
    spool.close()  # as its descriptors may not be closed by reading while SQLite has them
    left = content(tmp_path)
    assert b"delivered secret" not in left
    assert b"waiting secret" in left
    assert [row.body for row in take_all(make_spool(tmp_path))] == [b"waiting secret"]


def test_a_file_of_which_all_is_delivered_does_not_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    spool = make_spool(tmp_path, clock=clock)
    spool.put(b"secret")
    clock.sleep(100)
    take_all(spool)
    assert files(tmp_path, "*.db*") == []
    spool.put(b"next")
    assert [row.body for row in take_all(spool)] == [b"next"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_everything_is_for_its_user_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        spool = make_spool(tmp_path)
        spool.put(b"a")
        spool.put(b"b")
        spool.quarantine(spool.take(1, MIB)[0].key, "no")
        spool.maintain()
        modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "spool").rglob("*")}
    finally:
        os.umask(before)
    assert len(modes) >= 5
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_nothing_on_the_disk_names_the_project(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.put(b"a")
    spool.maintain()
    everything = content(tmp_path) + repr(files(tmp_path)).encode()
    assert b"pk-lf" not in everything
    assert b"langfuse.test" not in everything


# --- Directories that are not safe ------------------------------------------------------------------------------------


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spool").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeSpoolError, match="symbolic link"):
        make_spool(tmp_path)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(mode)
    with pytest.raises(UnsafeSpoolError, match="writable for others"):
        make_spool(tmp_path)


def test_a_directory_in_one_where_anyone_may_rename_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UnsafeSpoolError, match="anyone may rename"):
        make_spool(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    os.chown(tmp_path / "spool", 12345, 12345)
    with pytest.raises(UnsafeSpoolError, match="another user"):
        make_spool(tmp_path)


def test_links_that_look_like_files_of_the_spool_are_not_followed(tmp_path: Path) -> None:
    gone = make_spool(tmp_path)
    gone.put(b"a")
    gone.close()
    (name,) = files(tmp_path, "*.db")
    (path,) = (tmp_path / "spool").glob("*/*.db")
    path.rename(tmp_path / "outside.db")
    path.symlink_to(tmp_path / "outside.db")
    assert take_all(make_spool(tmp_path)) == []
    assert (tmp_path / "outside.db").exists()
    assert name in files(tmp_path)


# --- A disk that fails ------------------------------------------------------------------------------------------------


def test_a_file_in_the_way_of_the_directory_fails_the_put_and_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    clock = FakeClock()
    spool = make_spool(blocked, clock=clock)
    with pytest.raises(SpoolError):
        spool.put(b"a")
    spool.maintain()
    assert spool.take(10, MIB) == []
    blocked.unlink()
    clock.sleep(2)
    spool.put(b"b")
    assert [row.body for row in take_all(spool)] == [b"b"]


def test_a_closed_spool_says_so_and_closing_twice_is_fine(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.close()
    spool.close()
    with pytest.raises(SpoolError, match="closed"):
        spool.put(b"a")
    assert spool.take(1, MIB) == []
    spool.maintain()


def test_a_backlog_is_looked_into_as_it_is_taken_when_upkeep_has_not_come_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        gone = make_spool(tmp_path)
        gone.put(b"%d" % n)
        gone.close()
    monkeypatch.setattr("langfuse_otel.delivery.spool.spool._LOAD_S", 0.0)
    spool = make_spool(tmp_path)
    spool.maintain()
    assert spool.waiting_rows == 0, "nobody knows yet"
    assert {row.body for row in spool.take(10, MIB)} == {b"0", b"1", b"2"}


def test_descriptors_stay_few_after_a_crash_loop(tmp_path: Path) -> None:
    for _ in range(40):
        gone = make_spool(tmp_path)
        gone.put(b"a")
        gone.close()
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    spool = make_spool(tmp_path)
    spool.put(b"own")
    for _ in range(40):
        spool._looked_around_at = float("-inf")
        spool.maintain()
    if before:
        assert len(os.listdir("/proc/self/fd")) - before <= 12
    assert len(take_all(spool)) == 41


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
