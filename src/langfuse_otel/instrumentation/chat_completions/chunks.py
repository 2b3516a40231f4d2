"""Chunks of a stream → one completion, in the form of an answer that came whole."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from langfuse_otel.instrumentation.fields import field, own, text, whole


class ChatChunks:
    """Joins the chunks of a chat completion, or of a completion: model objects, or dicts."""

    def __init__(self) -> None:
        self._latest: dict[str, Any] | None = None
        self._usage: Any = None
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Any) -> bool:
        """Take in a chunk; True when it has text, a tool call, audio or a refusal."""
        given = getattr(chunk, "__dict__", chunk)  # as ``fields.own``
        choices: Sequence[Any] = given.get("choices") or ()
        if len(choices) == 1 and given.get("usage") is None:
            # Nearly every chunk is one more piece of the same text: nothing else is looked for then.
            said = getattr(choices[0], "__dict__", choices[0])
            begun = self._choices.get(said.get("index") or 0)
            if begun is not None and begun.goes_on(said):
                return True
        return self._add_any(given, choices)

    def _add_any(self, given: dict[str, Any], choices: Sequence[Any]) -> bool:
        if given.get("id") or self._latest is None:  # Azure's first and last chunk have neither id nor model
            self._latest = given
        if (usage := given.get("usage")) is not None:
            self._usage = usage
        has_content = False
        for choice in choices:
            said = own(choice)
            index = said.get("index") or 0  # not every compatible server numbers its only choice
            joined = self._choices.get(index)
            if joined is None:
                joined = self._choices[index] = _Choice()
            if joined.add(said):
                has_content = True
        return has_content

    def response(self) -> dict[str, Any] | None:
        """The completion so far; None before the first chunk."""
        if self._latest is None:
            return None
        choices = [joined.choice() for _, joined in sorted(self._choices.items())]
        return {**self._latest, "usage": self._usage, "choices": choices}


class _Choice:
    """One choice of a completion while it is streamed."""

    def __init__(self) -> None:
        self._finish_reason: str | None = None
        self._texts: dict[str, list[str]] = {}
        self._tool_calls = _ToolCalls()
        self._audio: dict[str, list[str]] = {}

    def goes_on(self, choice: dict[str, Any]) -> bool:
        """Add a piece that is text and nothing else; False, with nothing added, for any other."""
        delta = choice.get("delta")
        if delta is None or choice.get("finish_reason"):
            return False
        given = getattr(delta, "__dict__", delta)
        piece, pieces = given.get("content"), self._texts.get("content")
        if not piece or pieces is None or given.get("tool_calls") or getattr(delta, "__pydantic_extra__", None):
            return False
        pieces.append(piece)
        return True

    def add(self, choice: dict[str, Any]) -> bool:
        """Add a piece of any kind; True when it has content."""
        if reason := choice.get("finish_reason") or choice.get("stop_reason"):
            self._finish_reason = reason
        delta = choice.get("delta") or choice.get("message")  # not every compatible server calls it a delta
        if delta is None:  # a completion's choice has its text without a delta
            return self._add_fields({"text": choice.get("text")})
        extra = getattr(delta, "__pydantic_extra__", None)  # what only compatible servers send
        return self._add_fields({**own(delta), **extra} if extra else own(delta))

    def _add_fields(self, given: dict[str, Any]) -> bool:
        has_content = False
        for name, value in given.items():
            if value and name in _CONTENT:
                has_content = True
                if name in self._texts:
                    self._texts[name].append(value)
                elif name == "tool_calls":
                    for call in value:
                        self._tool_calls.add(call)
                elif name == "function_call":
                    self._tool_calls.add({"function": value})
                elif name == "audio":
                    self._add_audio(value)
                else:
                    self._texts[name] = [value]
        return has_content

    def _add_audio(self, audio: Any) -> None:
        for name in ("id", "data", "transcript"):
            if piece := text(audio, name):
                self._audio.setdefault(name, []).append(piece)

    def choice(self) -> dict[str, Any]:
        message: dict[str, Any] = {name: "".join(pieces) for name, pieces in self._texts.items()}
        message["tool_calls"] = self._tool_calls.joined()
        if self._audio:
            message["audio"] = {name: "".join(pieces) for name, pieces in self._audio.items()}
            message["audio"]["data"] = _joined_base64(self._audio.get("data", ()))
        return {"message": message, "text": message.pop("text", None), "finish_reason": self._finish_reason}


_CONTENT = frozenset(
    ("content", "text", "refusal", "reasoning_content", "reasoning", "tool_calls", "function_call", "audio")
)


class _ToolCalls:
    """The tool calls of one choice, joined from their pieces, in the order in which they begin."""

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._by_index: dict[int | None, dict[str, Any]] = {}

    def add(self, piece: Any) -> None:
        index, call_id = whole(piece, "index"), text(piece, "id")
        function = field(piece, "function")
        name = text(function, "name")
        call = self._by_index.get(index)
        # Some servers number all parallel calls 0, or not at all: a new id with a name begins a new one.
        if call is None or (name and call_id and call_id != call["id"]):
            call = self._by_index[index] = {"id": None, "name": "", "arguments": []}
            self._calls.append(call)
        call["id"] = call_id or call["id"]
        call["name"] = name or call["name"]
        call["arguments"].append(text(function, "arguments") or "")

    def joined(self) -> list[dict[str, Any]]:
        return [
            {"id": call["id"], "function": {"name": call["name"], "arguments": "".join(call["arguments"])}}
            for call in self._calls
        ]


def _joined_base64(pieces: Iterable[str]) -> str:
    """Each piece is base64 by itself, with padding of its own; one that is not is taken as cut anywhere."""
    pieces = list(pieces)
    try:
        return b64encode(b"".join(map(b64decode, pieces))).decode()
    except ValueError:
        return "".join(pieces)
