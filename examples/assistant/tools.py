"""What the assistant can do besides talking. Tools run here, for real; the model only asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openai.types.chat import ChatCompletionMessageFunctionToolCall, ChatCompletionToolParam
from opentelemetry import trace

_ORDERS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("orders.json").read_text(encoding="utf-8"))
_tracer = trace.get_tracer("tarn.assistant")


def order_status(order_id: str) -> dict[str, Any]:
    """What became of an order."""
    return {"order_id": order_id, **_ORDERS.get(order_id, {"status": "there is no such order"})}


def convert_to_fahrenheit(celsius: float) -> dict[str, Any]:
    """A temperature in both units."""
    return {"celsius": celsius, "fahrenheit": round(celsius * 9 / 5 + 32, 1)}


_FUNCTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "order_status": order_status,
    "convert_to_fahrenheit": convert_to_fahrenheit,
}


def _tool(name: str, description: str, **properties: dict[str, str]) -> ChatCompletionToolParam:
    parameters: dict[str, object] = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("order_status", "Where an order is.", order_id={"type": "string", "pattern": "^[A-Z]-[0-9]{4}$"}),
    _tool("convert_to_fahrenheit", "A temperature in Fahrenheit.", celsius={"type": "number"}),
]


def execute(call: ChatCompletionMessageFunctionToolCall) -> str:
    """Run the tool that the model asked for; what goes wrong is told to the model, as JSON like any result."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.function.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call.id,
        "gen_ai.tool.call.arguments": call.function.arguments,
    }
    with _tracer.start_as_current_span(f"execute_tool {call.function.name}", attributes=attributes) as span:
        try:
            result = json.dumps(_FUNCTIONS[call.function.name](**json.loads(call.function.arguments)))
        except (KeyError, TypeError, ValueError) as error:  # models invent tools and arguments
            span.set_status(trace.StatusCode.ERROR, str(error))
            span.set_attribute("error.type", type(error).__name__)
            result = json.dumps({"error": f"{type(error).__name__}: {error}"})
        span.set_attribute("gen_ai.tool.call.result", result)
        return result
