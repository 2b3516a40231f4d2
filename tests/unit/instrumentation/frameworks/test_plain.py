"""Values of an application as plain structures."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from langfuse_otel.instrumentation.frameworks.plain import plain


@dataclass
class _State:
    name: str
    left_out: int | None = None


class _Text(str):
    pass


def test_containers_and_state_objects_become_lists_and_dicts() -> None:
    model = SimpleNamespace(model_fields_set={"a"}, a=(1, 2))
    assert plain({1: [_State("x")], "model": model}, {})["1"] == [{"name": "x"}]
    assert plain(model, {})["a"] == [1, 2]


def test_text_is_of_the_plain_class() -> None:
    assert type(plain(_Text("hi"), {})) is str


def test_values_of_the_framework_are_converted_wherever_they_are() -> None:
    readers = {_State: lambda state: {"state": state.name}, object: lambda other: other}
    assert plain([{"at": _State("x")}], readers) == [{"at": {"state": "x"}}]


def test_a_cycle_ends_at_the_depth() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    assert plain(cyclic, {}, depth=1) == {"self": cyclic}
