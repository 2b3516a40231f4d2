"""Images, speech, transcriptions and moderations."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.resources.audio import Transcriptions
from openai.resources.images import Images

PARTS = [{"type": "blob", "modality": "image", "content": "aW1n", "mime_type": "image/webp"}]
IMAGE_USAGE = {
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 40,
    "gen_ai.usage.image.input_tokens": 4,
    "gen_ai.output.type": "image",
}


def parts(recording: Any, which: str) -> list[dict[str, Any]]:
    (message,) = json.loads(recording.attributes[f"gen_ai.{which}.messages"])
    shown: list[dict[str, Any]] = message["parts"]
    return shown


def has(recording: Any, expected: dict[str, Any]) -> bool:
    return expected.items() <= recording.attributes.items()


def test_an_image_is_shown_with_its_prompt_and_usage(recording: Any, client: OpenAI) -> None:
    client.images.generate(model="gpt-image-1", prompt="A pier", n=2)
    assert recording.span.name == "generate_content gpt-image-1"
    assert parts(recording, "input") == [{"type": "text", "content": "A pier"}]
    assert parts(recording, "output") == PARTS
    assert has(recording, {**IMAGE_USAGE, "gen_ai.request.choice.count": 2})


def test_images_by_address(recording: Any, client: OpenAI, server: Any) -> None:
    server.answer = {"created": 1, "data": [{"url": "https://images.test/1.png"}]}
    client.images.create_variation(image=b"png", model="dall-e-2")
    assert parts(recording, "input") == [{"type": "blob", "modality": "image", "content": "cG5n"}]
    assert parts(recording, "output") == [{"type": "uri", "modality": "image", "uri": "https://images.test/1.png"}]


@pytest.mark.skipif("stream" not in inspect.signature(Images.generate).parameters, reason="a client from before 1.92")
def test_a_stream_of_images_is_its_finished_ones(recording: Any, client: OpenAI) -> None:
    events = list(client.images.generate(model="gpt-image-1", prompt="A pier", stream=True, partial_images=1))
    assert len(events) == 2
    assert [part["content"] for part in parts(recording, "output")] == ["aW1n"]
    assert has(recording, IMAGE_USAGE)


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        (b"RIFF", {"type": "blob", "content": "UklGRg=="}),
        (("a.wav", b"RIFF", "audio/wav"), {"type": "blob", "content": "UklGRg==", "mime_type": "audio/wav"}),
        (("a.wav", io.BytesIO(b"RIFF")), {"type": "upload", "name": "a.wav"}),
        (io.BytesIO(b"RIFF"), {"type": "upload", "name": ""}),
    ],
)
def test_a_transcription_shows_the_audio_that_is_given_as_bytes(
    recording: Any, client: OpenAI, file: Any, shown: dict[str, Any]
) -> None:
    client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, prompt="A greeting")
    assert parts(recording, "input") == [{"type": "text", "content": "A greeting"}, {**shown, "modality": "audio"}]
    assert parts(recording, "output") == [{"type": "text", "content": "Hello there"}]
    assert has(recording, {"gen_ai.usage.input_tokens": 14, "gen_ai.usage.audio.input_tokens": 12})


@pytest.mark.skipif(
    "stream" not in inspect.signature(Transcriptions.create).parameters, reason="a client from before 1.68"
)
def test_a_streamed_transcription_left_early_keeps_what_came(recording: Any, client: OpenAI) -> None:
    with client.audio.transcriptions.create(model="gpt-4o-transcribe", file=b"RIFF", stream=True) as stream:
        next(iter(stream))
    assert parts(recording, "output") == [{"type": "text", "content": "Hello"}]


def test_a_translation_in_a_format_that_is_text(recording: Any, client: OpenAI) -> None:
    client.audio.translations.create(model="whisper-1", file=b"RIFF", response_format="text")
    assert "Hello there" in parts(recording, "output")[0]["content"]


def test_speech_is_audio_and_can_still_be_read(recording: Any, client: OpenAI, server: Any) -> None:
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hi")
    assert speech.read() == server.speech
    assert parts(recording, "input") == [{"type": "text", "content": "Hi"}]
    (audio,) = parts(recording, "output")
    assert (audio["type"], audio["modality"], audio["mime_type"]) == ("blob", "audio", "audio/mpeg")


def test_speech_that_streams_to_a_file(recording: Any, client: OpenAI, server: Any, tmp_path: Any) -> None:
    speech = client.audio.speech.with_streaming_response
    with speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hi") as response:
        response.stream_to_file(tmp_path / "hi.mp3")
    assert (tmp_path / "hi.mp3").read_bytes() == server.speech
    assert recording.span.status.is_unset


def test_a_moderation_is_a_guardrail_with_its_verdicts(recording: Any, client: OpenAI) -> None:
    images = [{"type": "image_url", "image_url": {"url": "https://images.test/1.png"}}, {"type": "text", "text": "Hi"}]
    client.moderations.create(model="omni-moderation-latest", input=images)
    assert [part["type"] for part in parts(recording, "input")] == ["uri", "text"]
    assert parts(recording, "output")[0]["content"]["flagged"] is True
    assert has(recording, {"langfuse.observation.type": "guardrail", "gen_ai.response.id": "modr-1"})


def test_async(recording: Any, async_client: AsyncOpenAI, server: Any) -> None:
    async def calls() -> None:
        await async_client.images.generate(model="gpt-image-1", prompt="A pier")
        speech = await async_client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hi")
        assert await speech.aread() == server.speech
        await async_client.audio.transcriptions.create(model="gpt-4o-transcribe", file=b"RIFF")
        await async_client.moderations.create(model="omni-moderation-latest", input="Hi")

    asyncio.run(calls())
    assert [span.name.split()[0] for span in recording.spans] == [*["generate_content"] * 3, "moderation"]
