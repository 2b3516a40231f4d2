"""Definitions of tools → the form of the conventions."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.fields import field, known, text

_SCHEMAS = ("parameters", "input_schema")


def tool_definition(tool: Any) -> dict[str, Any]:
    """One tool: chat completions nest the function, the Responses API and other makers' do not."""
    kind = text(tool, "type") or "function"
    function = field(tool, kind) if field(tool, kind) is not None else tool
    return known(
        {
            "type": kind,
            "name": text(function, "name") or text(tool, "server_label") or kind,
            "description": text(function, "description"),
            "parameters": next((schema for name in _SCHEMAS if (schema := field(function, name)) is not None), None),
        }
    )
