"""What LangChain tells when a run starts, without what it adds for itself."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.fields import field, fields, text, texts
from langfuse_otel.instrumentation.frameworks import Run, Told, asked

_HIDDEN = "langsmith:hidden"  # LangGraph's tag on its own wiring
_WIRING = ("ls_", "__", "checkpoint_", "langgraph_checkpoint", "langgraph_triggers", "langgraph_path", "lc_")
_POSITIONS = ("seq:", "map:", "graph:", "langsmith:", "condition:")


def run_of(told: Told) -> Run:
    """The run. The thread of a graph is a conversation."""
    metadata, tags = fields(told.get("metadata")), texts(told, "tags") or []
    return Run(
        id=told["run_id"],
        parent_id=told.get("parent_run_id"),
        metadata={name: value for name, value in metadata.items() if not str(name).startswith(_WIRING)},
        tags=[tag for tag in tags if not tag.startswith(_POSITIONS)],
        conversation=metadata.get("thread_id"),
        is_hidden=_HIDDEN in tags,
    )


def call_of(given: Any, serialized: Any, told: Told) -> dict[str, Any]:
    """The arguments of a model's call."""
    metadata = told.get("metadata")
    return asked(
        given,
        provider=text(metadata, "ls_provider"),
        settings=field(serialized, "kwargs"),
        params=fields(told.get("invocation_params")),
        described=metadata,
    )
