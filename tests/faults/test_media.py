"""What is wrong with media must not cost their observations."""

from __future__ import annotations

import pytest

from support.app import run_app
from support.sink import OTLP_PATH, FaultSink, Hang, Mode, Reply, Request, Reset, hang, reset, status, taken

SPANS = """
import base64
tracing()
for number in range(3):
    image = base64.b64encode(bytes([0x89]) + b"PNG" + bytes([13, 10, 26, 10]) + bytes(9_000) + bytes([number])).decode()
    span = tracer.start_span("s", attributes={"langfuse.observation.input": "data:image/png;base64," + image})
    span.end()
    print(format(span.get_span_context().span_id, "016x"))
"""


def media_api(broken: Mode) -> Mode:
    """The rest of Langfuse works."""

    def mode(request: Request) -> Reply | Hang | Reset:
        return taken(request) if request.path == OTLP_PATH else broken(request)

    return mode


BROKEN = {
    "hangs": hang,
    "resets": reset,
    "503": status(503),
    "500": status(500),
    "404": status(404),
    "403": status(403),
    "429": status(429, Retry_After="60"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_spans_arrive_at_exit_although_their_media_do_not(broken: Mode) -> None:
    with FaultSink(media_api(broken)) as sink:
        app = run_app(SPANS, sink.url)

        assert len(app.span_ids) == 3
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)


def test_without_a_media_api_the_media_stay_in_their_observations() -> None:
    with FaultSink(media_api(status(404))) as sink:
        run_app(SPANS, sink.url)

        (sent,) = (request for request in sink.requests if request.span_ids)
        assert sent.body.count(b"data:image/png;base64,") == 3
