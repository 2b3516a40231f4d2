"""An image in a message, through the exporter and a real server, until the official SDK reads it back."""

from __future__ import annotations

import base64
import json
import re

import pytest
import requests
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.server.run import LocalServer
from support.langfuse_api import LangfuseApi

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


@pytest.mark.parametrize("wire", ["otlp", "ingestion"])
def test_an_image_is_uploaded_once_and_referred_to_by_each_observation(wire: str) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    content = [{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": uri}}]
    with LocalServer() as server:
        exporter = LangfuseSpanExporter(
            base_url=server.base_url, public_key=server.public_key, secret_key=server.secret_key, wire=wire
        )
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        for name in ("first", "second"):
            with provider.get_tracer("t").start_as_current_span(name) as span:
                span.set_attribute("langfuse.observation.type", "generation")
                span.set_attribute("langfuse.observation.input", json.dumps([{"role": "user", "content": content}]))
        assert exporter.force_flush(20_000)
        status = exporter.status()
        exporter.shutdown()
        assert status.counts["media_uploaded"] == 2
        assert "media_lost" not in status.counts
        rows = LangfuseApi(server.base_url, server.public_key, server.secret_key).observations()
        references = {json.loads(row["input"])[0]["content"][1]["image_url"]["url"] for row in rows}
        assert len(rows) == 2
        (reference,) = references
        media_id = re.fullmatch(r"@@@langfuseMedia:type=image/png\|id=([\w-]{22})\|source=\w+@@@", reference)[1]  # type: ignore[index]
        described = requests.get(
            f"{server.base_url}/api/public/media/{media_id}",
            auth=(server.public_key, server.secret_key),
            timeout=10,
        ).json()
        assert requests.get(described["url"], timeout=10).content == PNG
