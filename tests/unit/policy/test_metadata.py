"""Choosing metadata by key, down into span events and links."""

from __future__ import annotations

from langfuse_otel.policy.metadata import kept

EVENT = {"name": "exception", "time_unix_nano": 1, "attributes": {"a": 1, "b": 2}}


def test_what_is_kept_whole_is_the_same_object() -> None:
    metadata = {"a": 1, "otel.events": [EVENT]}
    assert kept(metadata, lambda key: True) is metadata


def test_unwanted_keys_go_and_the_original_stays_as_it_was() -> None:
    metadata = {"a": 1, "b": 2}
    assert kept(metadata, lambda key: key != "b") == {"a": 1}
    assert metadata == {"a": 1, "b": 2}


def test_attributes_of_events_and_links_are_chosen_likewise() -> None:
    metadata = {"otel.events": [EVENT], "otel.links": [{"trace_id": "t", "attributes": {"b": 1}}]}
    assert kept(metadata, lambda key: key != "b") == {
        "otel.events": [{**EVENT, "attributes": {"a": 1}}],
        "otel.links": [{"trace_id": "t", "attributes": {}}],
    }
    assert EVENT["attributes"] == {"a": 1, "b": 2}


def test_an_unwanted_event_keeps_its_name_and_time() -> None:
    metadata = {"otel.events": [EVENT]}
    assert kept(metadata, lambda key: True, lambda name: name != "exception") == {
        "otel.events": [{**EVENT, "attributes": {}}]
    }


def test_what_a_program_put_in_the_place_of_events_passes() -> None:
    metadata = {"otel.events": ["a", {"attributes": "b"}, {}], "otel.links": "text"}
    assert kept(metadata, lambda key: True) is metadata
