"""Counters by cause, and which of them a span is counted under."""

from __future__ import annotations

from langfuse_otel.delivery.assembly import assemble
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.settings import load
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.transport.outcome import Accepted, Refused
from support.spans import finished, span_id
from support.transports import ScriptedTransport, StuckTransport, observe

KEYS = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1"}


def test_it_counts_by_cause_and_shows_what_is_not_zero() -> None:
    tally = Tally()
    tally.count(Cause.ACCEPTED, 3)
    tally.count(Cause.DELIVERED)
    assert tally.get(Cause.ACCEPTED) == 3
    assert tally.snapshot() == {"accepted": 3, "delivered": 1}
    tally.reset()
    assert tally.snapshot() == {}


class TestTurnedAwayAtTheDoor:
    """Counted under the reason and not as accepted."""

    def test_by_a_full_queue(self) -> None:
        transport = StuckTransport()
        pipeline = assemble(
            transport, observe, load({}, max_queue_spans=1, max_batch_spans=1, flush_interval_s=3_600.0)
        )
        taken, waiting, *late = finished(4)
        pipeline.accept(taken)
        assert transport.entered.wait(10)  # with the first, so that the second fills the queue
        for span in (waiting, *late):
            pipeline.accept(span)
        assert pipeline.tally.snapshot() == {"accepted": 2, "queue_full": 2}
        transport.release.set()
        pipeline.abandon()

    def test_after_shutdown(self) -> None:
        pipeline = assemble(ScriptedTransport(), observe, load({}))
        early, late = finished(2)
        pipeline.accept(early)
        pipeline.shutdown(10.0)
        pipeline.accept(late)
        assert pipeline.tally.snapshot() == {"accepted": 1, "delivered": 1, "shutdown": 1}

    def test_by_the_sample_rate(self) -> None:
        exporter = LangfuseSpanExporter(**KEYS, sample_rate=0.0)
        exporter.export(finished(2))
        assert exporter.tally.snapshot() == {"sampled": 2}
        exporter.shutdown()

    def test_where_tracing_is_off(self) -> None:
        exporter = LangfuseSpanExporter(**KEYS, tracing_enabled=False)
        exporter.export(finished(2))
        assert exporter.tally.snapshot() == {"disabled": 2}


def test_what_is_accepted_ends_under_one_cause_each() -> None:
    delivered, refused, malformed = finished(3)
    transport = ScriptedTransport(rule=lambda ids: Refused("bad span") if span_id(refused) in ids else Accepted())
    transport.unreadable = {span_id(malformed)}
    pipeline = assemble(transport, observe, load({}, flush_interval_s=3_600.0))
    for span in (delivered, refused, malformed):
        pipeline.accept(span)
    assert pipeline.flush(10.0)
    counts = pipeline.tally.snapshot()
    assert counts.pop("accepted") == 3
    assert counts.pop("split") == 1  # a batch, not a span
    assert counts == {"delivered": 1, "refused": 1, "malformed": 1}
    pipeline.abandon()


def test_what_is_left_when_the_time_is_up_ends_as_shutdown() -> None:
    pipeline = assemble(ScriptedTransport(), observe, load({}, flush_interval_s=3_600.0))
    for span in finished(2):
        pipeline.accept(span)
    pipeline.abandon()
    assert pipeline.tally.snapshot() == {"accepted": 2, "shutdown": 2}
