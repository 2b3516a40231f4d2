"""What models are sent and answer: the form is the model's, what is around it is Bedrock's."""

from __future__ import annotations

from typing import Any

import msgspec

from langfuse_otel.instrumentation import Attributes, Endpoint
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import field, fields, known, text, whole
from langfuse_otel_bedrock.answers import METADATA, transport

_OWN = "amazon-bedrock-"


class RequestBody:
    """What the model is sent: the body, decoded once, when it is asked for; or the parameters of a Converse call."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._sent = given.get("body", given)

    @property
    def decoded(self) -> dict[str, Any]:
        """Empty if it is no JSON object. One given as a file is the client's alone to read."""
        if isinstance(self._sent, (str, bytes, bytearray)):
            self._sent = msgspec.json.decode(self._sent)
        return self._sent if isinstance(self._sent, dict) else {}


class AnswerBody:
    """A body that the application reads: bytes, as it does."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}
        self._pieces: list[bytes] = []

    def add(self, piece: Any) -> bool:
        """Take in bytes, or the metadata of the answer. Not a stream of content, so no clock is stopped."""
        if isinstance(piece, bytes):
            self._pieces.append(piece)
        else:
            self._told = piece
        return False

    def response(self) -> dict[str, Any]:
        """The answer, if it was read to its end, and what Bedrock says of it."""
        try:
            answer = fields(msgspec.json.decode(b"".join(self._pieces)))
        except msgspec.DecodeError:
            answer = {}
        return {**self._told, **_own(answer), "answer": answer}


class AnswerEvents:
    """The events of a stream: those of the Converse API, or the chunks of a body."""

    def __init__(self, form: Endpoint) -> None:
        self._chunks = form.accumulator and form.accumulator()
        self._told: dict[str, Any] = {}

    def add(self, event: Any) -> bool:
        """Take in an event, or the metadata of the answer; True when it carries a piece of content."""
        if METADATA in event:
            self._told.update(event)
            return False
        data = field(event.get("chunk"), "bytes")
        chunk = event if data is None else msgspec.json.decode(data)
        self._told.update(_own(chunk))
        return self._chunks is not None and self._chunks.add(chunk)

    def response(self) -> dict[str, Any]:
        """The answer so far, and what Bedrock says of it."""
        return {**self._told, "answer": self._chunks and self._chunks.response()}


def answer_of(told: Any) -> Any:
    """The model's answer."""
    return told.get("answer", told) or {}


def answer_attributes(told: Any, form: Endpoint) -> Attributes:
    """Attributes of an answer. Bedrock's own counts stand where the model does not count."""
    answer = answer_of(told)
    attributes = {**_counted(told), **(form.response(answer) if answer else {}), **transport(told)}
    if told.get(_OWN + "guardrailAction") == "INTERVENED":
        attributes[names.RESPONSE_FINISH_REASONS] = ["guardrail_intervened"]
    return attributes


def _own(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name.startswith(_OWN)}


def _counted(told: Any) -> Attributes:
    """Tokens of any invoked model: in the headers of an answer, and in the last chunk of a stream."""
    metrics, headers = fields(told.get(_OWN + "invocationMetrics")), field(told.get(METADATA), "HTTPHeaders")
    attributes: dict[str, int | None] = {}
    for name, counted in ((names.USAGE_INPUT_TOKENS, "input"), (names.USAGE_OUTPUT_TOKENS, "output")):
        header = text(headers, f"x-amzn-bedrock-{counted}-token-count") or ""
        attributes[name] = int(header) if header.isdigit() else whole(metrics, f"{counted}TokenCount")
    return known(attributes)
