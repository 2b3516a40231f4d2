"""The scripted model speaks OpenAI's API as the real client expects it, and the assistant works on top of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import requests
from openai.types.chat import ChatCompletion, ChatCompletionMessageFunctionToolCall

from support.loopback import Loopback, reply

ASSISTANT = Path(__file__).parents[2] / "examples" / "assistant"
MODEL = "gpt-4o-mini"
KETTLES = """Answer from the passages.
<passage source="brewing: Green tea">Heat the water for green tea to 80 °C. Let it steep for two minutes.</passage>
<passage source="warranty: Warranty">The warranty covers faults for three years. Keep the invoice.</passage>"""
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "order_status",
            "description": "Where an order is.",
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string", "pattern": "^[A-Z]-[0-9]{4}$"}},
                "required": ["order_id"],
            },
        },
    }
]


@pytest.fixture
def base_url() -> Iterator[str]:
    """Address of a scripted model, started as a user starts it."""
    command = [sys.executable, str(ASSISTANT / "scripted_model.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            exported = dict(word.split("=", 1) for word in process.stdout.readline().split() if "=" in word)
            yield exported["OPENAI_BASE_URL"]
        finally:
            process.terminate()


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="scripted", max_retries=0) as client:
        yield client


def asked(question: str, system: str = KETTLES) -> list[Any]:
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]


def only_call(completion: ChatCompletion) -> ChatCompletionMessageFunctionToolCall:
    calls = completion.choices[0].message.tool_calls
    assert calls is not None and len(calls) == 1 and calls[0].type == "function"
    return calls[0]


def test_no_one_can_take_it_for_a_model(client: openai.OpenAI) -> None:
    assert "scripted-model" in {model.id for model in client.models.list()}
    assert {model.owned_by for model in client.models.list()} == {"scripted"}
    completion = client.chat.completions.create(model=MODEL, messages=asked("How long is the warranty?"))
    assert completion.system_fingerprint == "scripted"


@pytest.mark.parametrize(
    ("question", "quoted"),
    [("How hot should water for green tea be?", "80 °C"), ("How long is the warranty?", "three years")],
)
def test_an_answer_quotes_the_passage_that_fits_the_question(client: openai.OpenAI, question: str, quoted: str) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=asked(question))
    assert completion.model == MODEL
    assert quoted in str(completion.choices[0].message.content)
    assert completion.choices[0].finish_reason == "stop"


def test_an_answer_depends_on_the_passages(client: openai.OpenAI) -> None:
    question = "How hot should water for green tea be?"
    other = KETTLES.replace("80 °C", "75 °C")
    completion = client.chat.completions.create(model=MODEL, messages=asked(question, other))
    assert "75 °C" in str(completion.choices[0].message.content)


def test_without_a_fitting_passage_it_says_so(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=asked("Who won the cup?"))
    assert "not in what I was given" in str(completion.choices[0].message.content)


def test_usage_adds_up_and_a_repeated_beginning_is_cached(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model=MODEL, messages=asked("How long is the warranty?")).usage
    second = client.chat.completions.create(model=MODEL, messages=asked("When should green tea steep?")).usage
    assert first is not None and first.prompt_tokens_details is not None
    assert second is not None and second.prompt_tokens_details is not None
    assert first.total_tokens == first.prompt_tokens + first.completion_tokens
    assert first.completion_tokens > 0
    assert first.prompt_tokens_details.cached_tokens == 0
    assert 0 < (second.prompt_tokens_details.cached_tokens or 0) < second.prompt_tokens


def test_the_token_limit_cuts_the_answer(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=asked("How long is the warranty?"), max_tokens=3)
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage is not None and completion.usage.completion_tokens == 3


def test_a_stream_says_in_pieces_what_a_plain_call_says(client: openai.OpenAI) -> None:
    messages = asked("How long is the warranty?")
    plain = client.chat.completions.create(model=MODEL, messages=messages)
    chunks = list(client.chat.completions.create(model=MODEL, messages=messages, stream=True))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == plain.choices[0].message.content
    assert len([piece for piece in pieces if piece]) > 3
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert {chunk.usage for chunk in chunks} == {None}


def test_a_stream_ends_with_usage_when_asked_for_it(client: openai.OpenAI) -> None:
    messages = asked("How long is the warranty?")
    plain = client.chat.completions.create(model=MODEL, messages=messages)
    *chunks, last = client.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage is not None and plain.usage is not None
    assert last.usage.completion_tokens == plain.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks)


def test_a_tool_is_called_when_the_question_has_its_arguments(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=asked("Where is order A-1042?"), tools=TOOLS)
    choice, call = completion.choices[0], only_call(completion)
    assert (call.function.name, call.function.arguments) == ("order_status", '{"order_id": "A-1042"}')
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)


@pytest.mark.parametrize("question", ["Where is my order?", "How long is the warranty of A-1042?"])
def test_no_tool_is_called_without_its_arguments_or_its_subject(client: openai.OpenAI, question: str) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=asked(question), tools=TOOLS)
    assert completion.choices[0].message.tool_calls is None


def test_a_tool_call_can_be_streamed(client: openai.OpenAI) -> None:
    tools: list[Any] = [{**TOOLS[0], "function": {**TOOLS[0]["function"], "strict": True}}]
    with client.chat.completions.stream(model=MODEL, messages=asked("Where is order A-1042?"), tools=tools) as stream:
        completion = stream.get_final_completion()
    assert only_call(completion).function.arguments == '{"order_id": "A-1042"}'
    assert completion.choices[0].finish_reason == "tool_calls"


def test_the_result_of_a_tool_is_in_the_answer(client: openai.OpenAI) -> None:
    messages = asked("Where is order A-1042?")
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
    result = {"role": "tool", "tool_call_id": only_call(first).id, "content": '{"status": "shipped"}'}
    messages += [first.choices[0].message, result]
    completion = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
    assert "status: shipped" in str(completion.choices[0].message.content)


def test_embeddings_of_like_texts_are_alike(client: openai.OpenAI) -> None:
    texts = ["Water for green tea", "Heat the water for tea", "Three years of warranty"]
    answer = client.embeddings.create(model="text-embedding-3-small", input=texts, dimensions=64)
    tea, hot, years = (item.embedding for item in answer.data)
    assert len(tea) == 64
    assert sum(a * b for a, b in zip(tea, hot, strict=True)) > sum(a * b for a, b in zip(tea, years, strict=True))
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 13


def test_embeddings_are_the_same_in_both_encodings(client: openai.OpenAI) -> None:
    decoded = client.embeddings.create(model="text-embedding-3-small", input="green tea")  # base64 on the wire
    plain = client.embeddings.create(model="text-embedding-3-small", input="green tea", encoding_format="float")
    assert decoded.data[0].embedding == pytest.approx(plain.data[0].embedding)


def test_an_unknown_model_is_refused_as_openai_does(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as chat:
        client.chat.completions.create(model="gpt-4o-kettle-preview", messages=asked("Hello?"), stream=True)
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=MODEL, input="not a model for embeddings")
    assert (chat.value.code, chat.value.type) == ("model_not_found", "invalid_request_error")
    assert "`gpt-4o-kettle-preview` does not exist" in chat.value.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"{}", b'{"model": "gpt-4o-mini", "messages": ["hello"]}'])
def test_a_malformed_request_is_refused_in_openais_shape(base_url: str, body: bytes) -> None:
    answer = requests.post(f"{base_url}/chat/completions", body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_the_assistant_answers_while_langfuse_is_down() -> None:
    with Loopback(reply(503)) as langfuse:
        keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1", "LANGFUSE_BASE_URL": langfuse.url}
        done = subprocess.run(
            [sys.executable, str(ASSISTANT / "main.py")],
            env={**os.environ, **keys},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Model: SCRIPTED")
    for expected in ("80 °C", "fahrenheit: 176.0", "status: shipped", "30 days"):
        assert expected in done.stdout


def test_the_assistant_says_what_keeps_it_from_running() -> None:
    done = subprocess.run([sys.executable, str(ASSISTANT / "main.py")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "LANGFUSE_PUBLIC_KEY" in done.stderr
    assert "Traceback" not in done.stderr
