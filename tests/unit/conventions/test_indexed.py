"""Structures put together from flattened attribute keys."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.conventions.indexed import MAX_DEPTH, MAX_SLOTS, unflatten

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1).filter(
    lambda name: not name.isdigit()
)
_LEAVES = st.one_of(st.text(), st.integers(), st.booleans())
_STRUCTURES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=12) | st.dictionaries(_NAMES, inner, min_size=1, max_size=4),
    max_leaves=30,
)


def _flatten(structure: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(structure, (list, dict)):
        entries = enumerate(structure) if isinstance(structure, list) else structure.items()
        flat: dict[str, Any] = {}
        for name, entry in entries:
            flat.update(_flatten(entry, f"{prefix}{name}."))
        return flat
    return {prefix[:-1]: structure}


def _leaves(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, list):
        return [leaf for entry in structure for leaf in _leaves(entry)]
    return [structure]


def test_a_list_of_messages_is_put_together_from_its_indices() -> None:
    assert unflatten(
        {
            "0.role": "user",
            "0.content": "Weather?",
            "1.role": "assistant",
            "1.tool_calls.0.name": "weather",
            "1.tool_calls.1.name": "time",
        }
    ) == [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "tool_calls": [{"name": "weather"}, {"name": "time"}]},
    ]


@given(st.one_of(st.lists(_STRUCTURES, min_size=1), st.dictionaries(_NAMES, _STRUCTURES, min_size=1)), st.randoms())
def test_it_undoes_flattening_in_whatever_order_the_keys_come(structure: Any, random: Any) -> None:
    flat = list(_flatten(structure).items())
    random.shuffle(flat)
    assert unflatten(dict(flat)) == structure


@given(st.dictionaries(st.text("01a.") | st.text(), st.integers()))
def test_every_value_is_in_the_result_once_whatever_the_keys(family: dict[str, int]) -> None:
    assert sorted(_leaves(unflatten(family))) == sorted(family.values())


def test_no_keys_are_an_empty_dict() -> None:
    assert unflatten({}) == {}


def test_indices_are_ordered_as_numbers() -> None:
    assert unflatten({"10": "c", "9": "b", "0": "a"}) == ["a", "b", "c"]


def test_gaps_that_a_limit_on_attributes_left_are_closed() -> None:
    assert unflatten({"7.role": "user", "3.role": "system"}) == [{"role": "system"}, {"role": "user"}]


def test_other_entries_keep_their_order() -> None:
    assert list(unflatten({"b": 1, "a.x": 2, "c": 3})) == ["b", "a", "c"]


def test_indices_among_names_are_names() -> None:
    assert unflatten({"0.role": "user", "count": 1}) == {"0": {"role": "user"}, "count": 1}


@pytest.mark.parametrize("name", [str(MAX_SLOTS), "9" * 5_000, "00", "-1", "+1", "1e3", "²", "٣", "", " 1", "1\n"])
def test_what_is_no_index_is_a_name(name: str) -> None:
    assert unflatten({name: "a"}) == {name: "a"}
    assert unflatten({f"{name}.role": "user", "0.role": "system"}) == {name: {"role": "user"}, "0": {"role": "system"}}


def test_the_last_index_makes_a_list_of_one() -> None:
    assert unflatten({str(MAX_SLOTS - 1): "a"}) == ["a"]


@pytest.mark.parametrize("family", [{"0": "a", "0.b.c": "d"}, {"0.b.c": "d", "0": "a"}])
def test_a_name_with_a_value_and_entries_keeps_both(family: dict[str, Any]) -> None:
    assert unflatten(family) == {"0": "a", "0.b.c": "d"}


def test_entries_below_a_value_stay_flat_at_any_depth() -> None:
    assert unflatten({"0.text": "a", "0.text.size": 1}) == [{"text": "a", "text.size": 1}]


def test_a_mapping_that_is_a_value_is_not_looked_into() -> None:
    assert unflatten({"0": {"0": "a"}}) == [{"0": "a"}]


def test_what_is_nested_too_deeply_stays_flat() -> None:
    structure = unflatten({"0." * 100_000 + "end": "a"})
    for _ in range(MAX_DEPTH - 1):
        (structure,) = structure
    assert structure == {"0." * (100_000 - MAX_DEPTH + 1) + "end": "a"}
