"""The same conversation through every instrumentation of the same client comes out as the same observations.

What remains different, and why, is in `differences`; ``docs/conventions.md`` shows that table.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from differences import DIFFERENCES, EVERYTHING
from expectation import observed, recordings

OURS = "openai-ours"
OTHERS = [name for name in recordings() if name.startswith("openai-") and name != OURS]
STEPS = ("tool call", "answer", "error", "embedding")
FIELDS = ("type", "model", "model_parameters", "usage", "input", "output", "level", "completion")


def step_of(observation: dict[str, Any]) -> str | None:
    """Which step of the conversation an observation tells; None for what is beside it."""
    if observation["type"] == "embedding":
        return "embedding"
    if observation.get("level") == "ERROR":
        return "error"
    if observation["type"] == "generation" and observation.get("output"):
        return "answer" if "18 °C" in json.dumps(observation["output"], ensure_ascii=False) else "tool call"
    return None


def steps(name: str) -> dict[str, dict[str, Any]]:
    """The conversation as a corpus tells it, by step."""
    return {step: _comparable(observation) for observation in observed(name) if (step := step_of(observation))}


def _comparable(observation: dict[str, Any]) -> dict[str, Any]:
    """Texts of JSON as what they say, and not when the first token came but whether it is known."""
    fields = {field: observation.get(field) for field in FIELDS}
    fields["completion"] = "completion_start_ns" in observation
    for side in ("input", "output"):
        if isinstance(fields[side], str) and fields[side].startswith(("[", "{")):
            fields[side] = json.loads(fields[side])
    return fields


@pytest.mark.parametrize("name", OTHERS)
def test_every_field_is_the_same_but_for_the_listed_differences(name: str) -> None:
    ours, theirs = steps(OURS), steps(name)
    assert ours.keys() == set(STEPS)
    different = {(name, step, EVERYTHING) for step in STEPS if step not in theirs}
    different |= {
        (name, step, field) for step in theirs for field in FIELDS if ours[step][field] != theirs[step][field]
    }
    assert different == {key for key in DIFFERENCES if key[0] == name}
