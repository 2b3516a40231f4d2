"""Images, speech, transcriptions and moderations: what goes in and comes out besides text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langfuse_otel.instrumentation import Arguments, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, text, texts
from langfuse_otel.instrumentation.messages import Part


def media_input(arguments: Arguments) -> Content:
    """The prompt, and the files that are sent with it, as one message."""
    parts = [said.text(given) for given in texts(arguments, "prompt") or ()]
    parts += [_upload("audio", arguments["file"])] if "file" in arguments else []
    images = arguments.get("image")
    parts += [_upload("image", image) for image in (images if isinstance(images, list) else [images]) if image]
    return {names.INPUT_MESSAGES: [said.message("user", parts)] if parts else None}


def moderation_input(arguments: Arguments) -> Content:
    """The text, or texts and images, to judge."""
    given = arguments.get("input")
    judged = [given] if isinstance(given, str) else items(arguments, "input")
    parts = [_to_judge(part) for part in judged]
    return {names.INPUT_MESSAGES: [said.message("user", parts)] if parts else None}


def images_output(answer: Any) -> Content:
    """The images, as one message."""
    kind = f"image/{text(answer, 'output_format') or 'png'}"
    parts = [
        said.blob("image", data, kind)
        if (data := text(image, "b64_json"))
        else said.uri("image", text(image, "url") or "")
        for image in items(answer, "data")
    ]
    return _answer(parts)


def speech_output(speech: Any) -> Content:
    """The audio, if it has been read."""
    response = speech.response
    return _answer([said.data(response.content, response.headers.get("content-type"))] if response.is_closed else [])


def transcript_output(transcript: Any) -> Content:
    """The text, which formats such as ``srt`` give as it is."""
    shown = transcript if isinstance(transcript, str) else text(transcript, "text")
    return _answer([said.text(shown)] if shown else [])


def moderation_output(moderation: Any) -> Content:
    """The verdicts as the provider gives them."""
    return _answer([{"type": "moderation", "content": verdict} for verdict in items(moderation, "results")])


class MediaEvents:
    """Joins the events of images or of a transcription. The last event carries all, if it comes."""

    def __init__(self) -> None:
        self._images: list[Any] = []
        self._pieces: list[str] = []
        self._usage: Any = None

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries an image or a piece of text."""
        self._usage = field(event, "usage") or self._usage
        if event.type.endswith(".completed"):
            self._images.append(event)
        elif event.type == "transcript.text.done":
            self._pieces = [event.text]
        elif piece := text(event, "delta"):
            self._pieces.append(piece)
        return True

    def response(self) -> dict[str, Any]:
        """What has come so far."""
        return {"data": self._images, "text": "".join(self._pieces), "usage": self._usage}


def _answer(parts: list[Part]) -> Content:
    return {names.OUTPUT_MESSAGES: [said.message("assistant", parts)] if parts else None}


def _to_judge(part: Any) -> Part:
    if isinstance(part, str):
        return said.text(part)
    image = text(field(part, "image_url"), "url")
    return said.media("image", image) if image else said.text(text(part, "text") or "")


def _upload(modality: str, file: Any) -> Part:
    """A file as the client takes it: content, path, open file, or a tuple of name, content and MIME type."""
    name, content, kind = (*file, None, None, None)[:3] if isinstance(file, tuple) else (None, file, None)
    if isinstance(content, bytes):
        return said.blob(modality, said.data(content, None)["content"], kind)
    # An open file is not ours to read, and neither is the disk.
    path = content if isinstance(content, (str, Path)) else field(content, "name")
    return {"type": "upload", "modality": modality, "name": str(name or path or "")}
