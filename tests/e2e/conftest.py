"""What the applications of the end-to-end tests talk to: a local Langfuse and a scripted model."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence

import pytest
from scripted_model import ScriptedModel

from langfuse_otel.server.run import LocalServer
from support.langfuse_api import LangfuseApi

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def langfuse(new_server: LocalServer) -> LangfuseApi:
    """The local Langfuse, through its public API."""
    return LangfuseApi(new_server.base_url, new_server.public_key, new_server.secret_key)


@pytest.fixture
def run(langfuse: LangfuseApi) -> Run:
    """Run a command as a user would who exported what both servers print; each time with a scripted model of its own,
    as one that was asked before counts cached tokens.
    """

    def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        with ScriptedModel() as model:
            servers = {**langfuse.env, "OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "scripted"}
            everything = {**os.environ, **servers, **(env or {})}
            return subprocess.run(command, env=everything, capture_output=True, text=True, timeout=60, check=False)

    return run
