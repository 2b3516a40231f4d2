"""With everything turned on, the keys are nowhere but in this process's memory and on their way to Langfuse (X1)."""

from __future__ import annotations

import base64
import logging
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel.errors import LangfuseError
from langfuse_otel.prompt_telemetry import observe_prompts
from langfuse_otel.prompts import Prompts
from langfuse_otel.settings import load
from support.loopback import raw, reply
from support.prompt_server import PromptServer
from support.spans import Collector
from support.valkey_server import Valkey

PUBLIC, SECRET = "pk-lf-canary/1", "sk-lf-canary+9876543210"
TOKEN = base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
FORMS = [SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode(), TOKEN, SECRET[:12]]


def test_no_form_of_the_secret_key_is_anywhere(
    server: PromptServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector, tracers, reader = Collector(), TracerProvider(shutdown_on_exit=False), InMemoryMetricReader()
    tracers.add_span_processor(collector)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracers)
    meters = MeterProvider([reader], shutdown_on_exit=False)
    told: list[str] = []
    with Valkey() as valkey, caplog.at_level(logging.DEBUG):
        settings = load(
            {},
            public_key=PUBLIC,
            secret_key=SECRET,
            base_url=server.url,
            prompt_cache_directory=str(tmp_path / "cache"),
            prompt_redis_url=valkey.url,
            prompt_spans=True,
            debug=True,
        )
        prompts = Prompts.from_settings(settings)
        observe_prompts(prompts, meters)
        server.publish("p", "x")
        assert prompts.get("p").version == 1
        assert server.requests[0].headers["authorization"] == f"Basic {TOKEN}"
        talkative = reply(500, f'{{"message": "your key is {SECRET}"}}'.encode())
        for number, trouble in enumerate((reply(401), talkative, reply(302, Location="/"), raw())):
            server.trouble = trouble
            for act in (prompts.get, lambda name: prompts.create(name, "x")):
                with pytest.raises(LangfuseError) as caught:
                    act(f"p{number}")
                told += traceback.format_exception(caught.value)
                told.append(f"{caught.value!r} {vars(caught.value)}")
        told += [repr(prompts), repr(settings), repr(vars(prompts)), repr(prompts.status())]
        told += [span.to_json() for span in collector.spans]
        told += [str(reader.get_metrics_data()), caplog.text]
        client = valkey.client()
        shared = [repr((key, client.hgetall(key))) for key in client.scan_iter()]
        prompts.close()
    files = [path.read_bytes().decode("latin-1") for path in (tmp_path / "cache").iterdir()]
    assert len(collector.spans) >= 9
    assert shared
    assert files
    for form in FORMS:
        assert [text for text in (*told, *shared, *files) if form in text] == []
    meters.shutdown()
