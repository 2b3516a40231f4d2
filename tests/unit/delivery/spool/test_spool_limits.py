"""The limits of a spool: in size, in time, and for how long what was delivered is still on the disk."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.error import SpoolFullError
from support.clock import FakeClock
from support.spools import MIB, files, make_spool, take_all


def bodies(count: int, size: int = 100) -> list[bytes]:
    return [str(n).encode().ljust(size, b".") for n in range(count)]


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
