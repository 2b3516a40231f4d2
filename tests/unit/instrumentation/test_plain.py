"""Values of an application as plain structures."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from langfuse_otel.instrumentation.plain import plain


@dataclass
class _State:
    name: str
    left_out: int | None = None


class _Text(str):
    pass


def _same(value: Any) -> Any:
    return value


def test_containers_and_state_objects_become_lists_and_dicts() -> None:
    model = SimpleNamespace(model_fields_set={"a"}, a=(1, 2))
    assert plain({1: [_State("x")], "model": model}, _same)["1"] == [{"name": "x"}]
    assert plain(model, _same)["a"] == [1, 2]


def test_text_is_of_the_plain_class() -> None:
    assert type(plain(_Text("hi"), _same)) is str


def test_values_of_the_framework_are_converted_wherever_they_are() -> None:
    def convert(value: Any) -> Any:
        return {"state": value.name} if isinstance(value, _State) else value

    assert plain([{"at": _State("x")}], convert) == [{"at": {"state": "x"}}]


def test_a_cycle_ends_at_the_depth() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    assert plain(cyclic, _same, depth=1) == {"self": cyclic}
