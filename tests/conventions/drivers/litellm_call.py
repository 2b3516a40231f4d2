"""LiteLLM's OpenTelemetry callback."""

import os

import litellm
from collector import collecting, dump
from conversation import QUESTION, SYSTEM, TOOL
from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

provider, collector = collecting()
litellm.callbacks = [OpenTelemetry(OpenTelemetryConfig(exporter="none"), tracer_provider=provider)]
litellm.completion(
    "openai/gpt-4o-mini",
    messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
    tools=[TOOL],
    temperature=0.2,
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key="recorded",
)
import time  # noqa: E402

deadline = time.monotonic() + 20
while not collector.spans and time.monotonic() < deadline:
    time.sleep(0.05)  # its callbacks run on a thread of their own
time.sleep(0.5)
dump(collector)
