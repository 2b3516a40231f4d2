"""``langfuse-otel spool``, as an operator uses it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.cli import spool
from langfuse_otel.cli.main import main
from langfuse_otel.exporter import LangfuseSpanExporter
from support.sink import FaultSink, poisoned_by, status, taken
from support.spans import finished, span_ids
from support.spools import MIB, files, make_spool, take_all


def spool_command(tmp_path: Path, *arguments: str) -> int:
    return main(["spool", *arguments, "--directory", str(tmp_path / "spool")])


def listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert spool_command(tmp_path, "list", "--json") == 0
    return json.loads(capsys.readouterr().out)


def leave(tmp_path: Path, *bodies: bytes) -> Path:
    """Rows of a process that is gone; its file."""
    gone = make_spool(tmp_path)
    for body in bodies:
        gone.put(body)
    gone.close()
    (path,) = (tmp_path / "spool").glob("*/*.db")
    return path


def test_nothing_waits_where_there_is_no_spool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert spool_command(tmp_path, "list") == 0
    assert capsys.readouterr().out == "Nothing waits.\n"


def test_list_tells_the_living_from_orphans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(tmp_path, b"a", b"b")
    living = make_spool(tmp_path, max_age_s=1e9)
    living._holdings.orphans.adopt = lambda *_: None  # type: ignore[method-assign]  # so that both are there
    living.put(b"c")
    living.maintain()

    (project,) = listed(tmp_path, capsys)
    owners = {owner["alive"]: owner for owner in project["owners"]}
    assert owners[False]["rows"] == 2
    assert owners[True]["rows"] == 1
    assert owners[True]["pid"]
    assert all(owner["size_bytes"] > 0 for owner in owners.values())
    assert spool_command(tmp_path, "list") == 0
    assert "no process, 2 spans" in capsys.readouterr().out


def test_refused_rows_are_listed_with_their_reason_and_sent_again_after_retry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = make_spool(tmp_path)
    refused.put(b"bad")
    refused.quarantine(refused.take(1, MIB)[0].key, "400: it has no name")
    refused.close()
    assert [row["reason"] for row in listed(tmp_path, capsys)[0]["quarantined"]] == ["400: it has no name"]

    assert spool_command(tmp_path, "retry") == 0

    assert capsys.readouterr().out == "1 spans will be sent again.\n"
    assert listed(tmp_path, capsys)[0]["quarantined"] == []
    assert [row.body for row in take_all(make_spool(tmp_path))] == [b"bad"]


def test_verify_finds_a_sound_spool_sound(tmp_path: Path) -> None:
    leave(tmp_path, b"a", b"b")
    assert spool_command(tmp_path, "verify") == 0
    assert len(take_all(make_spool(tmp_path))) == 2


def test_verify_fails_on_damage_and_leaves_it_to_be_rescued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = leave(tmp_path, *(str(n).encode().ljust(3_000, b".") for n in range(50)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)

    assert spool_command(tmp_path, "verify") == 1

    assert "damaged:" in capsys.readouterr().out
    assert path.read_bytes() == bytes(data)
    assert len(take_all(make_spool(tmp_path))) >= 48


def test_purge_asks_first_and_leaves_the_living_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(tmp_path, b"a")
    living = make_spool(tmp_path)
    living.put(b"b")
    before = files(tmp_path)

    assert spool_command(tmp_path, "purge") == 1
    assert "--yes" in capsys.readouterr().err
    assert files(tmp_path) == before

    assert spool_command(tmp_path, "purge", "--yes") == 0
    assert [row.body for row in take_all(living)] == [b"b"]
    living.close()
    assert files(tmp_path) == []


def test_an_unsafe_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(0o777)
    assert spool_command(tmp_path, "list") == 1
    assert "writable for others" in capsys.readouterr().err


# --- Send -------------------------------------------------------------------------------------------------------------

_KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultSink]:
    """The server that the environment names. The command finds its exporter sending."""

    def sending(**options: Any) -> LangfuseSpanExporter:
        before = len(made.requests)
        waiting = files(tmp_path, "*.db")
        exporter = LangfuseSpanExporter(**options)
        if waiting:
            made.wait_for_requests(before + 1)
        return exporter

    monkeypatch.setattr(spool, "LangfuseSpanExporter", sending)
    with FaultSink() as made:
        for name, value in {**_KEYS, "LANGFUSE_BASE_URL": made.url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL", "0.01")
        monkeypatch.setenv("LANGFUSE_FLUSH_INTERVAL", "0.05")  # where the process before is slow to let go
        yield made


def leave_spans(tmp_path: Path, sink: FaultSink, count: int) -> set[str]:
    """Spans of a process that ended while the server was down."""
    sink.mode = status(503)
    before = {*threading.enumerate()}
    exporter = LangfuseSpanExporter(delivery="at_least_once", spool_directory=str(tmp_path / "spool"))
    spans = finished(count)
    exporter.export(spans)
    exporter.shutdown(0)
    for thread in {*threading.enumerate()} - before:  # a process that has ended has none
        if thread.name.startswith("langfuse-otel-delivery"):
            thread.join(20)
    return span_ids(spans)


def test_send_delivers_what_waits_and_says_how_much(
    tmp_path: Path, sink: FaultSink, capsys: pytest.CaptureFixture[str]
) -> None:
    left = leave_spans(tmp_path, sink, 3) | leave_spans(tmp_path, sink, 2)
    sink.mode = taken
    assert spool_command(tmp_path, "send") == 0
    assert sink.delivered.keys() == left
    assert "5 spans sent, 0 refused, 0 left." in capsys.readouterr().out
    assert files(tmp_path, "*.db") == []

    assert spool_command(tmp_path, "send", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"sent": 0, "refused": 0, "left": 0}


class TimeOfAttempts:
    """Stands still until the server was asked ``attempts`` times more; then a minute has passed."""

    def __init__(self, sink: FaultSink, attempts: int) -> None:
        self.sink = sink
        self.requests = len(sink.requests) + attempts
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.sink.wait_for_requests(self.requests)
        self.now_s += 60.0


def test_send_gives_up_in_time_and_what_is_left_is_still_there(
    tmp_path: Path, sink: FaultSink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = leave_spans(tmp_path, sink, 3)
    with monkeypatch.context() as patched:
        patched.setattr(spool, "time", TimeOfAttempts(sink, 2))  # when the second begins, the first was answered
        patched.setenv("OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT", "0")
        assert spool_command(tmp_path, "send", "--timeout", "60", "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {"sent": 0, "refused": 0, "left": 3}
    assert "503" in said.err
    sink.mode = taken
    assert spool_command(tmp_path, "send") == 0
    assert sink.delivered.keys() == left


def test_send_does_not_wait_where_the_keys_are_wrong(
    tmp_path: Path, sink: FaultSink, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_spans(tmp_path, sink, 3)
    sink.mode = status(401)
    assert spool_command(tmp_path, "send", "--timeout", "3600", "--json") == 1
    assert json.loads(capsys.readouterr().out)["left"] == 3


def test_send_keeps_what_the_server_refuses(
    tmp_path: Path, sink: FaultSink, capsys: pytest.CaptureFixture[str]
) -> None:
    left = leave_spans(tmp_path, sink, 3)
    poison = min(left)
    sink.mode = poisoned_by(poison)
    assert spool_command(tmp_path, "send", "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"sent": 2, "refused": 1, "left": 0}
    (project,) = listed(tmp_path, capsys)
    assert len(project["quarantined"]) == 1


def test_send_without_keys_says_which_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in _KEYS:
        monkeypatch.delenv(name, raising=False)
    assert spool_command(tmp_path, "send") == 1
    assert "LANGFUSE_PUBLIC_KEY" in capsys.readouterr().err
