"""A loopback server that takes spans and does nothing else; counts them afterwards, when asked.

Runs as a process of its own, so that its work is on the other core: ``python -m bench.sink`` prints its port.
"""

from __future__ import annotations

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_bodies: list[tuple[str, str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, else each answer waits for a delayed acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _bodies.append((self.headers["Content-Type"], self.headers.get("Content-Encoding", ""), body))
        self._answer(b"{}")

    def do_GET(self) -> None:
        """``/stats``: what has come so far; and forget it."""
        taken, _bodies[:] = _bodies[:], []
        raw = [gzip.decompress(body) if encoding == "gzip" else body for _, encoding, body in taken]
        spans = sum(_count(kind, body) for (kind, _, _), body in zip(taken, raw, strict=True))
        stats = {
            "requests": len(taken),
            "spans": spans,
            "wire": sum(len(b) for *_, b in taken),
            "raw": sum(map(len, raw)),
        }
        self._answer(json.dumps(stats).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def _count(content_type: str, body: bytes) -> int:
    if "protobuf" in content_type:
        request = ExportTraceServiceRequest.FromString(body)
        return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
    spans = json.loads(body).get("resourceSpans", [])
    return sum(len(scope["spans"]) for resource in spans for scope in resource["scopeSpans"])


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
