"""Record the corpus anew: ``python tests/conventions/record.py [name ...]``.

Each instrumentation package is installed, with what it instruments, into a virtual environment of its own, and holds
the conversation with the loopback endpoint; the spans that it makes go into ``corpus/<name>.json``. Needs PyPI.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from endpoint import serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OPENAI = "openai>=1.40"

PACKAGES: dict[str, tuple[str, list[str], dict[str, str]]] = {
    # corpus: (driver, requirements, environment)
    "openai-ours": ("openai_ours", [OPENAI, f"-e{ROOT}", f"-e{ROOT}/instrumentations/openai"], {}),
    "openai-official": (
        "openai_official",
        [OPENAI, "opentelemetry-instrumentation-genai-openai==1.3b0"],
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"},
    ),
    "openai-official-v2": (
        "openai_official_v2",
        ["openai<3", "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai<1"],
        {
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        },
    ),
    "openai-openllmetry": ("openai_openllmetry", [OPENAI, "opentelemetry-instrumentation-openai==0.62.4"], {}),
    "openai-openllmetry-0.40": (
        "openai_openllmetry",
        ["openai<2", "opentelemetry-instrumentation-openai==0.40.14", "setuptools<80"],
        {},
    ),
    "openai-openinference": ("openai_openinference", [OPENAI, "openinference-instrumentation-openai==0.1.66"], {}),
    "openai-langfuse": ("openai_langfuse", [OPENAI, "langfuse==5.0.4"], {}),
    "openai-logfire": ("openai_logfire", [OPENAI, "logfire==4.31.0"], {}),
    "pydantic-ai": ("pydantic_ai_agent", ["pydantic-ai-slim[openai]==2.68.0"], {}),
    "langchain-openinference": (
        "openinference_langchain",
        ["langchain-openai", "openinference-instrumentation-langchain==0.1.80"],
        {},
    ),
    "smolagents-openinference": (
        "smolagents_agent",
        ["smolagents[openai]==1.26.0", "openinference-instrumentation-smolagents==0.1.43"],
        {},
    ),
    "litellm": ("litellm_call", ["litellm[proxy]<1.109", "mcp<2"], {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}),
    "strands": ("strands_agent", ["strands-agents[openai,otel]==1.62.0"], {}),
}


def record(name: str) -> None:
    """Install, converse, keep the spans."""
    driver, requirements, variables = PACKAGES[name]
    uv = str(Path(sys.executable).parent / "uv")
    with tempfile.TemporaryDirectory() as folder, serving() as base_url:
        python = f"{folder}/bin/python"
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", python, *requirements, "opentelemetry-sdk"], check=True, cwd=ROOT
        )
        recording = HERE / "corpus" / f"{name}.json"
        model = {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "recorded"}
        env = {**os.environ, **variables, **model, "PYTHONPATH": str(HERE), "RECORDING": str(recording)}
        command = [python, str(HERE / "drivers" / f"{driver}.py")]
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, timeout=300)
    print(f"{name}: {recording.read_text(encoding='utf-8').count('start_ns')} spans")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PACKAGES:
        record(chosen)
