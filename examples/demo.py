"""The main job, end to end: ``make demo``.

A local Langfuse (or yours, when its keys are set), two prompts in it, the assistant traced with no line of code; its
traces are then read back through Langfuse's public API and shown as trees.

====================  ================================================================================================
LANGFUSE_*            keys (and ``LANGFUSE_BASE_URL``) of a Langfuse to use instead of the local one
OPENAI_API_KEY        use OpenAI, or the server at ``OPENAI_BASE_URL``, instead of the scripted model: this costs money
MODEL=local           use a small real model on this machine's CPU; it is compiled once, which takes some minutes
SERVE=1               keep the local Langfuse running until Ctrl-C
====================  ================================================================================================
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from assistant import prompts
from assistant.conversations import CONVERSATIONS
from assistant.local_model import LocalModelError, local_model
from trace_tree import Row, is_complete, lines, traces

import langfuse_otel
from langfuse_otel.server.run import LocalServer

_HERE = Path(__file__).parent
_DATA = _HERE.parent / ".demo"
_CLOUD = "https://cloud.langfuse.com"
_LOCAL_DEADLINE_S, _REMOTE_DEADLINE_S = 20.0, 90.0  # a Langfuse with a queue shows a trace only after some seconds
_FIELDS = "core,basic,io,model,usage,prompt,metrics,trace_context"


class DemoError(Exception):
    """What went wrong, and what to do about it."""


@dataclass(frozen=True)
class Project:
    """Where the traces go."""

    base_url: str
    public_key: str
    secret_key: str
    is_local: bool

    def settings(self) -> dict[str, str]:
        """As keyword arguments of ``langfuse_otel``."""
        return {"base_url": self.base_url, "public_key": self.public_key, "secret_key": self.secret_key}

    def environment(self) -> dict[str, str]:
        """As a user would export it."""
        return {f"LANGFUSE_{name.upper()}": value for name, value in self.settings().items()}

    def observations(self, session_id: str) -> list[Row]:
        """All observations of a session.

        Raises:
            DemoError: The server cannot be reached, or cannot be read in this way.
        """
        query = {"sessionId": session_id, "fields": _FIELDS, "limit": "1000"}
        url = f"{self.base_url}/api/public/v2/observations"
        try:
            answer = requests.get(url, query, auth=(self.public_key, self.secret_key), timeout=10)
            if answer.status_code == 404:
                raise DemoError(f"{self.base_url} has no v2 observations to read back; look at its pages instead")
            answer.raise_for_status()
            rows: list[Row] = answer.json()["data"]
        except requests.RequestException as error:
            raise DemoError(f"The traces cannot be read back: {error}") from error
        return rows


def main() -> int:
    """Run the demo; 1 when the traces did not arrive as they should."""
    # A proxy that the environment names cannot reach this machine's loopback interface.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = f"127.0.0.1,{os.environ.get('NO_PROXY', '')}"
    try:
        with _langfuse() as project, _model() as model:
            prompts.store(langfuse_otel.prompts(**project.settings()))
            run = uuid.uuid4().hex[:6]
            _run_assistant({**project.environment(), **model, "ASSISTANT_RUN": run})
            _show(_read_back(project, run), project)
            if project.is_local and os.environ.get("SERVE") == "1":
                print("Serving until Ctrl-C.", flush=True)
                threading.Event().wait()
    except (DemoError, LocalModelError, langfuse_otel.LangfuseError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


@contextmanager
def _langfuse() -> Iterator[Project]:
    """The Langfuse of the environment's keys, else a local one for the block."""
    base_url, public_key, secret_key = (
        os.environ.get(f"LANGFUSE_{name}", "") for name in ("BASE_URL", "PUBLIC_KEY", "SECRET_KEY")
    )
    if public_key and secret_key:
        project = Project((base_url or _CLOUD).rstrip("/"), public_key, secret_key, is_local=False)
        print(f"Langfuse: {project.base_url}")
        yield project
    elif base_url or public_key or secret_key:
        raise DemoError(
            "Set both LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY for your Langfuse, or no LANGFUSE_ for a local one"
        )
    else:
        _DATA.mkdir(exist_ok=True)
        with LocalServer(database=_DATA / "langfuse.db") as server:
            print(f"Langfuse: {server.base_url} (local, data in {_DATA.name}/langfuse.db)")
            yield Project(server.base_url, server.public_key, server.secret_key, is_local=True)


def _model() -> Any:
    """A context manager for the variables that choose the model; none leaves it to the assistant."""
    chosen = os.environ.get("MODEL", "")
    if chosen not in ("", "local"):
        raise DemoError(
            f"MODEL={chosen} is unknown; there is MODEL=local, and no MODEL for OpenAI or the scripted model"
        )
    return local_model(_DATA) if chosen else nullcontext({})


def _run_assistant(environment: dict[str, str]) -> None:
    command = ["-m", "langfuse_otel", "run", "--", sys.executable, str(_HERE / "assistant" / "main.py")]
    print("$ langfuse-otel run -- python examples/assistant/main.py", flush=True)
    defaults = {
        "LANGFUSE_STREAM_USAGE": "true",  # the assistant streams its answers, and does not ask for their usage itself
        # `make test` installs OpenTelemetry's own openai instrumentation beside ours, which would step aside for it.
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai",
    }
    done = subprocess.run([sys.executable, *command], env={**defaults, **os.environ, **environment}, check=False)
    if done.returncode != 0:
        raise DemoError(f"the assistant ended with status {done.returncode}")


def _read_back(project: Project, run: str) -> list[list[Row]]:
    """The traces of all questions, as soon as they are complete.

    Raises:
        DemoError: They were not within the deadline; says what was there.
    """
    questions = sum(len(conversation.questions) for conversation in CONVERSATIONS)
    deadline_s = _LOCAL_DEADLINE_S if project.is_local else _REMOTE_DEADLINE_S
    deadline = time.monotonic() + deadline_s
    while True:
        sessions = [project.observations(f"{conversation.user_id}-{run}") for conversation in CONVERSATIONS]
        found = traces([row for rows in sessions for row in rows])
        complete = sum(map(is_complete, found))
        if complete >= questions:
            return found
        if time.monotonic() > deadline:
            raise DemoError(
                f"after {deadline_s:.0f} s, {complete} of {questions} traces have a generation that is linked to its "
                f"prompt ({len(found)} traces arrived). `langfuse-otel doctor` checks the set-up"
            )
        time.sleep(0.2)


def _show(found: list[list[Row]], project: Project) -> None:
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for rows in found:
        print("", *lines(rows, color=color), sep="\n")
        print(f"{project.base_url}/project/{rows[0]['projectId']}/traces/{rows[0]['traceId']}")
    print()


if __name__ == "__main__":
    sys.exit(main())
