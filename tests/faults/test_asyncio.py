"""asyncio: nothing of ours blocks the event loop, and flushing waits without holding it up."""

from __future__ import annotations

import pytest

from support.app import assert_all_delivered, run_app
from support.sink import FaultSink, hang

pytest.importorskip("blockbuster")

BLOCKBUSTER = """
import asyncio
from blockbuster import blockbuster_ctx  # raises where a blocking call is made on a loop's thread
tracing()
"""


def test_ending_spans_and_flushing_make_no_blocking_call_on_the_loop() -> None:
    with FaultSink() as sink:
        app = run_app(
            f"""{BLOCKBUSTER}
ended = []
async def work():
    span = tracer.start_span("s", attributes={{"input": "x" * 4_000}})
    await asyncio.sleep(0)
    span.end()
    ended.append(span.get_span_context().span_id)
async def main():
    with blockbuster_ctx():
        await asyncio.gather(*(work() for _ in range(1_000)))
        assert await exporter.aflush(20)
        await exporter.ashutdown(20)
asyncio.run(main())
for span_id in ended:
    os.write(1, b"%016x\\n" % span_id)
""",
            sink.url,
        )

        assert (app.code, app.errors) == (0, "")
        assert len(app.span_ids) == 1_000
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)


@pytest.mark.parametrize(
    ("size", "count", "bar_s"), [(4_000, 1_000, 0.05), (20_000_000, 3, 0.15)], ids=["4 KB", "20 MB"]
)
def test_the_loop_runs_on_while_spans_end_and_the_server_hangs(size: int, count: int, bar_s: float) -> None:
    """The bar is for the application's thread (CPU time), which no other process can take."""
    with FaultSink(hang) as sink:
        app = run_app(
            f"""
            import asyncio, time
            tracing()
            text = "x" * {size}
            worst = 0.0
            async def main():
                global worst
                for _ in range({count}):
                    span = tracer.start_span("s")
                    span.set_attribute("input", text)
                    began = time.thread_time()
                    span.end()
                    worst = max(worst, time.thread_time() - began)
                    await asyncio.sleep(0)
                began = asyncio.get_running_loop().time()
                assert await exporter.aflush(0.3) is False
            asyncio.run(main())
            assert worst < {bar_s}, worst
            """,
            sink.url,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="0.1",
        )

        assert app.code == 0, app.errors


def test_a_loop_runs_on_while_it_waits_for_a_flush() -> None:
    with FaultSink(hang) as sink:
        app = run_app(
            """
            import asyncio
            tracing()
            end_spans(5)
            async def main():
                flush = asyncio.ensure_future(exporter.aflush(0.5))
                turns = 0
                while not flush.done():
                    turns += 1
                    await asyncio.sleep(0.01)
                assert flush.result() is False
                assert turns > 1
            asyncio.run(main())
            """,
            sink.url,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="0.1",
        )

        assert app.code == 0, app.errors


def test_loops_may_come_and_go_and_a_cancelled_flush_loses_nothing(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import asyncio
            tracing()
            async def work():
                end_spans(5)
                flush = asyncio.ensure_future(exporter.aflush(20))
                await asyncio.sleep(0)
                flush.cancel()
                end_spans(5)
            asyncio.run(work())
            asyncio.run(work())
            async def last():
                end_spans(5)
                await exporter.ashutdown(5)
            asyncio.run(last())
            """,
            sink.url,
            **delivery,
        )

        assert app.code == 0, app.errors
        assert len(app.span_ids) == 25
        assert_all_delivered(sink, app.span_ids, delivery)
