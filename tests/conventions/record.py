"""Record the corpus anew: ``python tests/conventions/record.py [name ...]``.

Each instrumentation package is installed, with what it instruments, into a folder of its own, and holds the
conversation with the loopback endpoint; the spans that it makes go into ``corpus/<name>.json``. Needs PyPI, and for
the drivers in JavaScript Node.js with npm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import conversation
from endpoint import serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OPENAI = "openai>=1.40"
SAID = {name: getattr(conversation, name) for name in ("SYSTEM", "QUESTION", "PIXEL", "RESULT")}
NODE_OTEL = ["@opentelemetry/api@1", "@opentelemetry/sdk-trace-node@2", "zod@4"]

PACKAGES: dict[str, tuple[str, list[str], dict[str, str]]] = {
    # corpus: (driver, requirements, environment)
    "openai-ours": ("openai_ours.py", [OPENAI, f"-e{ROOT}", f"-e{ROOT}/instrumentations/openai"], {}),
    "openai-official": (
        "openai_official.py",
        [OPENAI, "opentelemetry-instrumentation-genai-openai==1.3b0"],
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"},
    ),
    "openai-official-v2": (
        "openai_official_v2.py",
        ["openai<3", "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai<1"],
        {
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        },
    ),
    "openai-openllmetry": ("openai_openllmetry.py", [OPENAI, "opentelemetry-instrumentation-openai==0.62.4"], {}),
    "openai-openllmetry-0.40": (
        "openai_openllmetry.py",
        ["openai<2", "opentelemetry-instrumentation-openai==0.40.14", "setuptools<80"],
        {},
    ),
    "openai-openinference": ("openai_openinference.py", [OPENAI, "openinference-instrumentation-openai==0.1.66"], {}),
    "openai-langfuse": ("openai_langfuse.py", [OPENAI, "langfuse==5.0.4"], {}),
    "openai-logfire": ("openai_logfire.py", [OPENAI, "logfire==4.31.0"], {}),
    "pydantic-ai": ("pydantic_ai_agent.py", ["pydantic-ai-slim[openai]==2.68.0"], {}),
    "langchain-openinference": (
        "openinference_langchain.py",
        ["langchain-openai", "openinference-instrumentation-langchain==0.1.80"],
        {},
    ),
    "smolagents-openinference": (
        "smolagents_agent.py",
        ["smolagents[openai]==1.26.0", "openinference-instrumentation-smolagents==0.1.43"],
        {},
    ),
    "litellm": ("litellm_call.py", ["litellm[proxy]<1.109", "mcp<2"], {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}),
    "strands": ("strands_agent.py", ["strands-agents[openai,otel]==1.62.0"], {}),
    "openai-mlflow": ("openai_mlflow.py", [OPENAI, "mlflow==3.17.2"], {"MLFLOW_USE_DEFAULT_TRACER_PROVIDER": "false"}),
    "openai-langsmith": ("openai_langsmith.py", [OPENAI, "langsmith[otel]==0.15.0"], {"LANGSMITH_TRACING": "true"}),
    "google-adk": (
        "google_adk_agent.py",
        ["google-adk==2.13.0", "litellm<1.90"],
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ),
    "google-adk-schema-1": (
        "google_adk_agent.py",
        ["google-adk==2.13.0", "litellm<1.90"],
        {"ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ),
    "livekit": ("livekit_agent.py", ["livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9"], {}),
    "genkit": ("genkit_flow.py", ["genkit==0.9.0", "genkit-openai==0.9.0"], {}),
    "vercel-ai": ("vercel_ai.mjs", ["ai@7.0.173", "@ai-sdk/otel@1", "@ai-sdk/openai-compatible@3", *NODE_OTEL], {}),
    "vercel-ai-6": ("vercel_ai.mjs", ["ai@6.0.326", "@ai-sdk/openai-compatible@2", *NODE_OTEL], {}),
}


def record(name: str) -> None:
    """Install, converse, keep the spans."""
    driver, requirements, variables = PACKAGES[name]
    recording = HERE / "corpus" / f"{name}.json"
    with tempfile.TemporaryDirectory() as folder, serving() as base_url:
        install = _install_node if driver.endswith(".mjs") else _install_python
        command = install(Path(folder), requirements, HERE / "drivers" / driver)
        model = {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "recorded"}
        env = {**os.environ, **variables, **model, "PYTHONPATH": str(HERE), "RECORDING": str(recording)}
        subprocess.run(command, cwd=folder, env=env | SAID, check=True, stdout=subprocess.DEVNULL, timeout=300)
    print(f"{name}: {recording.read_text(encoding='utf-8').count('start_ns')} spans")


def _install_python(folder: Path, requirements: list[str], driver: Path) -> list[str]:
    """The command that runs the driver, with what it needs in a virtual environment."""
    uv, python = str(Path(sys.executable).parent / "uv"), f"{folder}/bin/python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, *requirements, "opentelemetry-sdk"], check=True, cwd=ROOT
    )
    return [python, str(driver)]


def _install_node(folder: Path, requirements: list[str], driver: Path) -> list[str]:
    """The same for one in JavaScript, which has to lie beside the packages that it imports."""
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *requirements], check=True, cwd=folder)
    for script in (driver, driver.with_name("collector.mjs")):
        shutil.copy(script, folder)
    return ["node", str(folder / driver.name)]


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PACKAGES:
        record(chosen)
