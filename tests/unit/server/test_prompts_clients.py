"""Clients of prompts, our own and Langfuse's, understand what the local server answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from langfuse_otel.http import Answer, HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Selector, TextPrompt


class _Loop(HttpClient):
    """Our HTTP client's interface, straight into the application."""

    def __init__(self, client: TestClient) -> None:
        super().__init__("http://testserver", "pk", "sk")
        self._client = client

    def send(
        self, method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None, **_: Any
    ) -> Answer:
        answer = self._client.request(method, path, content=body, params=query)
        return Answer(answer.status_code, answer.content, answer.headers)


def test_our_own_prompt_client_understands_the_answers(client: TestClient) -> None:
    api = PromptApi(_Loop(client))
    created = api.create("folder/a b", [ChatMessage("user", "x"), Placeholder("history")], labels=["production"])
    assert isinstance(created, ChatPrompt)
    assert api.get(Selector("folder/a b"), deadline_s=5) == created
    assert "staging" in api.update_labels("folder/a b", 1, ["staging"]).labels
    assert isinstance(api.create("text", "Hi", config={"a": 1}, tags=["t"], commit_message="m"), TextPrompt)
    assert [one.name for one in api.list(deadline_s=5)] == ["folder/a b", "text"]


def test_langfuses_own_client_understands_the_answers(client: TestClient) -> None:
    api_module = pytest.importorskip("langfuse.api")
    api = api_module.LangfuseAPI(base_url="http://testserver", httpx_client=client)
    text = api_module.CreateTextPromptRequest(name="folder/a b", prompt="Hi {{x}}", labels=["production"])
    assert api.prompts.create(request=text).version == 1
    chat = api_module.CreateChatPromptRequest(
        name="chat",
        type="chat",
        prompt=[
            api_module.ChatMessage(role="user", content="x"),
            api_module.PlaceholderMessage(name="history", type="placeholder"),
        ],
    )
    assert api.prompts.create(request=chat).type == "chat"
    assert api.prompts.get(quote("folder/a b", safe="")).prompt == "Hi {{x}}"
    assert api.prompt_version.update(quote("folder/a b", safe=""), 1, new_labels=["a"]).labels[-1] == "a"
    assert [one.name for one in api.prompts.list().data] == ["chat", "folder/a b"]
    api.prompts.delete("chat")
    with pytest.raises(api_module.NotFoundError):
        api.prompts.get("chat")
