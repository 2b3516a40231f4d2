"""The server of ``bench.soak``: remembers the ids of spans, can be down, and compares with a ledger of ids.

``/down?503`` answers that status, ``/down?hang`` nothing, ``/down?reset`` cuts the connection; ``/up`` ends it.
``python -m bench.soak_sink`` prints its port.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_SPAN_ID = re.compile(rb'"spanId":"([0-9a-f]{16})"')
_ID_BYTES = 8
_seen: Counter[bytes] = Counter()
_state = {"down": ""}
_up = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if _state["down"]:
            self._fail(_state["down"])
            return
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        _seen.update(_ids(self.headers["Content-Type"], body))
        self._answer(b"{}")

    def do_GET(self) -> None:
        path, _, ledger = self.path.partition("?")
        if path in ("/down", "/up"):
            _state["down"] = (ledger or "503") if path == "/down" else ""
            (_up.clear if path == "/down" else _up.set)()
            self._answer(b"{}")
            return
        raw = Path(ledger).read_bytes()
        ended = {raw[at : at + _ID_BYTES] for at in range(0, len(raw) - len(raw) % _ID_BYTES, _ID_BYTES)}
        ended.discard(bytes(_ID_BYTES))  # room that was not used
        twice = sum(1 for times in _seen.values() if times > 1)
        figures = {"created": len(ended), "delivered": len(ended & _seen.keys()), "twice": twice}
        self._answer(json.dumps(figures).encode())

    def _fail(self, how: str) -> None:
        if how == "hang":
            _up.wait()
        if how in ("hang", "reset"):
            self.close_connection = True
        else:
            self._answer(b'{"message":"down"}', int(how))

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def _ids(content_type: str, body: bytes) -> list[bytes]:
    if "protobuf" not in content_type:
        return [bytes.fromhex(text.decode()) for text in _SPAN_ID.findall(body)]
    request = ExportTraceServiceRequest.FromString(body)
    return [
        span.span_id for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
