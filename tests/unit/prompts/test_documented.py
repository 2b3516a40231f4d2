"""The examples of docs/prompts.md do what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

import langfuse_otel
from langfuse_otel.cli.main import main
from langfuse_otel.cli.prompts.outcome import Outcome
from langfuse_otel.server.run import LocalServer

PAGE = Path(__file__).parents[3] / "docs" / "prompts.md"
CHAT = [
    {"role": "system", "content": "You help {{customer}}"},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "content": "{{question}}"},
]


@pytest.fixture
def prompts(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> langfuse_otel.Prompts:
    """The client of a project that has what the page speaks of."""
    monkeypatch.setenv("LANGFUSE_BASE_URL", local_server.base_url)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", local_server.public_key)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", local_server.secret_key)
    prompts = langfuse_otel.prompts()
    prompts.create("support/answer", "Answer {{question}}", labels=["production"], tags=["support"])
    prompts.create("support/chat", CHAT, labels=["production"])
    return prompts


def test_the_python_in_its_order(prompts: langfuse_otel.Prompts, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"user_id": "ada", "app": Starlette(), "body": b"", "signature": ""}
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(example, names)
    assert [message["role"] for message in names["messages"]] == ["system", "user", "assistant", "user"]
    assert (names["chat"].variables, names["chat"].placeholders) == (("customer", "question"), ("history",))
    assert "support/answer (1, 2)" in capsys.readouterr().out
    assert [one.version for one in prompts.versions("support/answer")] == [2]


def test_the_commands_in_their_order(
    prompts: langfuse_otel.Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answer.txt").write_text("Answer {{question}} in a sentence\n")
    prompts.create("support/answer", "Version 2")
    prompts.create("support/answer", "Version 3")  # then the page's own is 4
    commands = re.findall(r"^\$ langfuse-otel (prompts [^>\n]*)", PAGE.read_text(), re.MULTILINE)
    ended = {arguments[1]: main(arguments) for arguments in map(shlex.split, commands)}
    assert ended == {**dict.fromkeys(ended, Outcome.DONE), "diff": Outcome.DIFFERENT}
    assert ended.keys() == {"list", "get", "create", "diff", "label", "export", "warm", "invalidate"}
    assert prompts.source("support/answer").version == 4


def test_the_statuses_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| (\d) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert [(int(value), meaning.replace("`", "")) for value, meaning in rows] == [
        (outcome.value, outcome.__doc__) for outcome in Outcome
    ]
