"""At least once, from a span's end to the disk and to the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from langfuse_otel import fork, uwsgi
from langfuse_otel.delivery.assembly import assemble
from langfuse_otel.delivery.pipeline import Pipeline
from langfuse_otel.delivery.spool.error import SpoolError
from langfuse_otel.delivery.spool.spool import Spool
from langfuse_otel.errors import SettingsError
from langfuse_otel.settings import load
from langfuse_otel.tally import Cause
from langfuse_otel.transport.outcome import Held, Outcome, Refused, RetryAfter
from langfuse_otel.wire.encoded import Encoded
from support.spans import finished, span_id, span_ids
from support.transports import ScriptedTransport, StuckTransport, observe

SPANS = finished(600)
DOWN = RetryAfter("HTTP 503", 3_600.0)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@contextmanager
def pipeline(directory: Path, transport: ScriptedTransport, **settings: object) -> Iterator[Pipeline]:
    options = {"flush_interval_s": 3_600.0, "public_key": "pk-lf-1", **settings}
    made = assemble(transport, observe, load({}, delivery="at_least_once", spool_directory=str(directory), **options))
    yield made
    made.abandon()


def test_accepted_means_on_disk(directory: Path) -> None:
    with pipeline(directory, ScriptedTransport(rule=lambda ids: DOWN)) as it:
        assert {it.accept(span) for span in SPANS[:10]} == {Cause.ACCEPTED}
        assert it.status().spooled_spans == 10


def test_what_uwsgis_master_left_to_this_process_is_on_disk_with_the_first_span_that_ends_here(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the master they wait in memory. A worker that is killed in a request runs no exit hooks."""
    monkeypatch.setattr(uwsgi, "is_master", lambda: True)
    with pipeline(directory, ScriptedTransport(rule=lambda ids: DOWN)) as it:
        assert {it.accept(span) for span in SPANS[:2]} == {Cause.ACCEPTED}
        assert it.status().spooled_spans == 0

        monkeypatch.setattr(uwsgi, "is_master", lambda: False)
        monkeypatch.setattr(fork, "is_heir", lambda: True)
        it._intake.reset()
        it.accept(SPANS[2])
        assert it.status().spooled_spans == 3
        assert it.tally.get(Cause.ACCEPTED) == 3


def test_what_was_delivered_is_no_longer_on_disk(directory: Path) -> None:
    transport = ScriptedTransport()
    with pipeline(directory, transport) as it:
        for span in SPANS:
            it.accept(span)
        assert it.flush(10.0)

        assert transport.accepted == span_ids(SPANS)
        assert it.status().spooled_spans == 0
        assert it.tally.snapshot() == {"accepted": 600, "delivered": 600}


def test_what_could_not_be_delivered_is_reported_as_spooled_and_sent_by_the_next_process(directory: Path) -> None:
    with pipeline(directory, ScriptedTransport(rule=lambda ids: DOWN)) as it:
        for span in SPANS[:10]:
            it.accept(span)
        assert not it.flush(0.2)
        report = it.shutdown(10.0)
        assert (report.delivered, report.lost, report.spooled) == (0, {}, 10)

    transport = ScriptedTransport()
    with pipeline(directory, transport) as it:
        it.accept(SPANS[10])
        it._keep_up()  # adopts
        assert it.flush(10.0)
        it.wake()
        it.shutdown(10.0)
        assert transport.accepted == span_ids(SPANS[:11])


def test_what_an_earlier_process_left_is_sent_without_a_first_span(directory: Path) -> None:
    """And without waiting for the flush interval, an hour."""
    with pipeline(directory, ScriptedTransport(rule=lambda ids: DOWN)) as it:
        for span in SPANS[:10]:
            it.accept(span)
        it.shutdown(0.0)

    transport = StuckTransport()
    with pipeline(directory, transport):
        assert transport.entered.wait(10)
        transport.release.set()


def test_the_end_of_the_program_waits_no_longer_than_there_is_progress(directory: Path) -> None:
    """With a budget of an hour: what is on disk is safe."""
    with pipeline(directory, ScriptedTransport(rule=lambda ids: Held("HTTP 401"))) as it:
        it.accept(SPANS[0])
        report = it.shutdown(3_600.0)
        assert (report.lost, report.spooled) == ({}, 1)


def test_a_refused_span_is_kept_with_its_reason_and_sent_no_more(directory: Path) -> None:
    poison = span_id(SPANS[3])

    def rule(ids: Sequence[str]) -> Outcome:
        return Refused("bad span") if poison in ids else ScriptedTransport().rule(list(ids))

    with pipeline(directory, ScriptedTransport(rule=rule)) as it:
        for span in SPANS[:8]:
            it.accept(span)
        assert it.flush(10.0)
        counts = it.tally.snapshot()
        counts.pop("split", None)  # how often depends on how many spans the worker took at once
        assert counts == {"accepted": 8, "delivered": 7, "refused": 1}
        it.shutdown(10.0)

    transport = ScriptedTransport()
    with pipeline(directory, transport) as it:
        it._keep_up()
        it.accept(SPANS[9])
        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[9:10])


def test_while_the_disk_fails_spans_wait_in_memory_and_arrive(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(spool: Spool, body: bytes) -> None:
        raise SpoolError("disk I/O error")

    transport = ScriptedTransport()
    with pipeline(directory, transport) as it:
        it.accept(SPANS[0])
        monkeypatch.setattr(Spool, "put", full)
        assert {it.accept(span) for span in SPANS[1:10]} == {Cause.ACCEPTED}
        assert it.status().pending_spans + it.tally.get(Cause.DELIVERED) >= 10  # in both: delivered in between
        assert it.flush(10.0)

        assert transport.accepted == span_ids(SPANS[:10])
        assert it.tally.snapshot() == {"accepted": 10, "delivered": 10}
        assert len([line for line in caplog.messages if "wait in memory" in line]) <= 1


def test_a_full_spool_refuses_the_newest_and_counts_it(directory: Path) -> None:
    transport = ScriptedTransport(rule=lambda ids: DOWN)
    with pipeline(directory, transport, max_spool_bytes=1024 * 1024) as it:
        big = finished(300, payload="x" * 10_000)
        causes = [it.accept(span) for span in big]

        assert causes[0] is Cause.ACCEPTED
        assert causes[-1] is Cause.QUEUE_FULL
        assert it.status().utilisation > 0.5


def test_projects_do_not_see_each_others_spans(directory: Path) -> None:
    with pipeline(directory, ScriptedTransport(rule=lambda ids: DOWN), public_key="pk-lf-1") as it:
        it.accept(SPANS[0])
        it.shutdown(0.0)
    transport = ScriptedTransport()
    with pipeline(directory, transport, public_key="pk-lf-2") as it:
        it._keep_up()
        it.accept(SPANS[1])
        assert it.flush(10.0)
        it.shutdown(10.0)
    assert transport.accepted == span_ids(SPANS[1:2])


def test_a_span_that_cannot_be_read_is_counted_and_harms_nobody(directory: Path) -> None:
    transport = ScriptedTransport()
    with pipeline(directory, transport) as it:
        assert it.accept(object()) is Cause.MALFORMED  # type: ignore[arg-type]
        it.accept(SPANS[0])
        assert it.flush(10.0)
        assert it.tally.snapshot() == {"accepted": 1, "delivered": 1, "malformed": 1}


def test_a_row_of_another_version_is_set_aside_and_harms_nobody(directory: Path) -> None:
    transport = ScriptedTransport()
    with pipeline(directory, transport) as it:
        it._intake._spool.put(b'{"of": "the future"}')  # type: ignore[attr-defined]
        it.accept(SPANS[0])
        assert it.flush(10.0)
        assert it.tally.snapshot() == {"accepted": 2, "delivered": 1, "malformed": 1}


def test_a_flush_waits_for_every_span_on_disk_although_others_are_delivered_before(directory: Path) -> None:
    class Once(ScriptedTransport):
        """Fails the first batch for a while."""

        def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
            return (
                RetryAfter("HTTP 503")
                if not self.batches and not self.batches.append([])
                else super().send(batch, timeout_s)
            )

    transport = Once()
    with pipeline(directory, transport, retry_initial_s=0.01, max_batch_spans=50) as it:
        for span in SPANS[:200]:
            it.accept(span)
        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[:200])


def test_a_directory_that_others_can_write_to_is_a_wrong_setting(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)
    with (
        pytest.raises(SettingsError, match="SPOOL_DIRECTORY"),
        pipeline(directory, ScriptedTransport()),
    ):
        pass
