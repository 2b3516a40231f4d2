"""The functions of the application that the client runs between the turns of a model."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import tool_endpoint
from langfuse_otel.instrumentation.generate_content import get

TOOL = tool_endpoint(
    name=lambda given: given["function_to_invoke"].__name__,
    arguments=lambda given: dict(given["args"]),
    positional=("args", "function_to_invoke"),
)


def runs_tools(config: Any) -> bool:
    """Whether the client runs the tools that the model wants, and asks again."""
    calling = get(config, "automatic_function_calling")
    limit = get(calling, "maximum_remote_calls")
    if get(calling, "disable") or (limit is not None and limit <= 0):
        return False
    return any(callable(tool) or hasattr(tool, "call_tool") for tool in get(config, "tools") or ())
