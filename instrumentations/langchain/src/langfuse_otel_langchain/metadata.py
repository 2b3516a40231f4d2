"""What a run's tags and metadata say: attributes of its span, and the prompt it uses."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import fields, items, texts

_HIDDEN = "langsmith:hidden"  # LangGraph's tag on its own wiring
_PROMPT = "langfuse_prompt"
_WIRING = ("ls_", "__", "checkpoint_", "langgraph_checkpoint", "langgraph_triggers", "langgraph_path", "lc_")

_POSITIONS = ("seq:", "map:", "graph:", "langsmith:", "condition:")  # tags that LangChain adds itself


def is_hidden(run: dict[str, Any]) -> bool:
    """Whether the framework wants the run left out."""
    return any(isinstance(tag, str) and tag == _HIDDEN for tag in items(run, "tags"))


def prompt_of(run: dict[str, Any]) -> Any:
    """The Langfuse prompt that the metadata names, as with Langfuse's own handler; None if there is none."""
    prompt = fields(run.get("metadata")).get(_PROMPT)
    return prompt if hasattr(prompt, "name") and hasattr(prompt, "version") else None


def told(run: dict[str, Any]) -> Attributes:
    """The user's metadata and tags, and the thread of a graph as the conversation."""
    metadata = fields(run.get("metadata"))
    attributes: Attributes = {
        names.STEP_METADATA + name: value
        for name, value in metadata.items()
        if isinstance(value, (str, bool, int, float)) and not name.startswith(_WIRING)
    }
    tags = [tag for tag in items(run, "tags") if isinstance(tag, str) and not tag.startswith(_POSITIONS)]
    if tags := tags + (texts(metadata, "langfuse_tags") or []):
        attributes[names.TRACE_TAGS if run.get("parent_run_id") is None else names.STEP_METADATA + "tags"] = tags
    if thread := metadata.get("thread_id"):
        attributes[names.CONVERSATION_ID] = str(thread)
    return attributes
