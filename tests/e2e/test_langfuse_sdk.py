"""The official Langfuse SDK, pointed at the local server, works as with a Langfuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry.sdk.trace import TracerProvider

from support.langfuse_api import LangfuseApi

langfuse_sdk = pytest.importorskip("langfuse", reason="the Langfuse SDK needs Python 3.11")


@pytest.fixture
def sdk(langfuse: LangfuseApi) -> Iterator[Any]:
    provider = TracerProvider(shutdown_on_exit=False)
    client = langfuse_sdk.Langfuse(
        base_url=langfuse.base_url,
        public_key=langfuse.public_key,
        secret_key=langfuse.secret_key,
        tracer_provider=provider,
    )
    yield client
    client.shutdown()


def test_its_keys_are_checked(sdk: Any) -> None:
    assert sdk.auth_check()


def test_it_creates_and_gets_prompts(sdk: Any) -> None:
    sdk.create_prompt(name="greet/er", prompt="Hello {{name}}", labels=["production"], config={"model": "m"})
    sdk.create_prompt(
        name="chatty",
        type="chat",
        prompt=[{"role": "system", "content": "Be {{mood}}"}, {"type": "placeholder", "name": "history"}],
        labels=["production"],
    )
    text = sdk.get_prompt("greet/er")
    assert (text.version, text.config, text.compile(name="Ada")) == (1, {"model": "m"}, "Hello Ada")
    chat = sdk.get_prompt("chatty", type="chat")
    assert chat.compile(mood="kind", history=[{"role": "user", "content": "hi"}]) == [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "hi"},
    ]
    sdk.create_prompt(name="greet/er", prompt="Hi {{name}}", labels=["staging"])
    sdk.update_prompt(name="greet/er", version=2, new_labels=["production"])
    sdk.clear_prompt_cache()
    assert sdk.get_prompt("greet/er").version == 2
    assert sdk.get_prompt("greet/er", version=1).prompt == "Hello {{name}}"


def test_its_trace_is_on_our_pages(sdk: Any, langfuse: LangfuseApi) -> None:
    prompt = sdk.create_prompt(name="p", prompt="Say hi", labels=["production"])
    with (
        langfuse_sdk.propagate_attributes(user_id="ada", session_id="s-1", tags=["sdk"]),
        sdk.start_as_current_observation(name="request", as_type="agent", input="question") as agent,
        agent.start_as_current_observation(
            name="answer",
            as_type="generation",
            model="gpt-4o-mini",
            input=[{"role": "user", "content": "hi"}],
            prompt=prompt,
        ) as generation,
    ):
        generation.update(output="ho", usage_details={"input": 10, "output": 5})
        generation.score(name="good", value=1.0)
    sdk.flush()
    rows = {row["type"]: row for row in langfuse.observations()}
    agent_row, generation_row = rows["AGENT"], rows["GENERATION"]
    assert (agent_row["userId"], agent_row["sessionId"]) == ("ada", "s-1")
    assert generation_row["usageDetails"] == {"input": 10, "output": 5, "total": 15}
    assert (generation_row["promptName"], generation_row["promptVersion"]) == ("p", 1)
    assert generation_row["parentObservationId"] == agent_row["id"]
    assert [score["name"] for score in langfuse.get("/api/public/v3/scores")["data"]] == ["good"]
    url = f"{langfuse.base_url}/project/local/traces/{agent_row['traceId']}"
    page = requests.get(url, timeout=10).text
    assert 'data-name="answer"' in page
    assert "gpt-4o-mini" in page
