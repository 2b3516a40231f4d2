"""What tests of ``configure`` give it, and programs that call it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import Any

from langfuse_otel.cli.doctor.listener import Listener

KEYS = {"public_key": "pk-lf-test", "secret_key": "sk-lf-test-test-test"}
KEY_VARIABLES = {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test-test-test"}


def to(langfuse: Listener, **settings: Any) -> dict[str, Any]:
    """Settings for the listener; uncompressed, so that names can be found in what it got."""
    return {**KEYS, "base_url": langfuse.url, "compression": "none", "instrument": False, **settings}


def application(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, because there is one global provider a process, and one line of log a problem."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGFUSE_"))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**clean, "LANGFUSE_OTEL_COMPRESSION": "none", **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
