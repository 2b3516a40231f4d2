"""The guide's example runs, and is as short as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "docs" / "instrument-your-client.md"
RECORDED = """
import json
from langfuse_otel.instrumentation.contract import Recording
from opentelemetry import trace
recording = Recording()
trace.set_tracer_provider(recording.tracer_provider)
import app, asyncio
from acme_llm import Client
asyncio.run(Client().ask_async("Still?"))
print("SPANS", json.dumps([{"name": span.name, **span.attributes} for span in recording.spans]))
"""


def files() -> dict[str, str]:
    """The guide's code by the file name in its first line."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(blocks)


def test_the_instrumentation_is_30_lines() -> None:
    code = [line for line in files()["acme_instrumentation.py"].splitlines() if line.strip()]
    assert len(code) <= 30


def test_the_example_runs_and_its_calls_are_generations(tmp_path: Path) -> None:
    for name, code in files().items():
        (tmp_path / name).write_text(code)
    ran = subprocess.run(
        [sys.executable, "-c", RECORDED],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    call, stream, later = json.loads(ran.stdout.partition("SPANS")[2])
    assert call["name"] == "chat acme-small"
    assert call["gen_ai.provider.name"] == "acme"
    assert call["server.address"] == "llm.acme.example"
    assert call["gen_ai.usage.output_tokens"] == 5
    assert json.loads(call["gen_ai.input.messages"])[0]["parts"][0]["content"] == "How are you?"
    assert json.loads(stream["gen_ai.output.messages"])[0]["parts"][0]["content"] == "HOW ARE YOU?"
    assert stream["gen_ai.response.time_to_first_chunk"] > 0
    assert json.loads(later["gen_ai.output.messages"])[0]["parts"][0]["content"] == "STILL?"
