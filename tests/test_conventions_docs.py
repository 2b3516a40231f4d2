"""The page about conventions says what the conventions do."""

from __future__ import annotations

from pathlib import Path

import pytest
from expectation import recorded, recordings

from conventions_docs import FIELDS, WRITTEN_BY, attribute, document
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.registry import CONVENTIONS, explain
from langfuse_otel.observation import Observation

BY_NAME = {convention.name: convention for convention in CONVENTIONS}
FAMILIES = {prefix for convention in CONVENTIONS for prefix in convention.families}
WITHOUT_A_PAGE = {"trace_id", "span_id", "parent_span_id", "start_ns", "end_ns", "resource", "scope"}
# They tell that a span is the convention's, or whether a value counts, and are no value themselves.
SIGNS = {"gen_ai.agent.name", "agent_name", "langsmith.span.id", "anthropic.request.id", "prompt.vendor"}

each_convention = pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.name)


def named(convention: Convention) -> set[str]:
    """Attribute keys, and prefixes with a ``*``, of which a convention says that it composes something."""
    entries = (entry for listed in convention.composes.values() for entry in listed)
    return {key for entry in entries if (key := attribute(entry)) is not None}


def test_the_page_is_what_the_code_says() -> None:
    page = Path(__file__).parent.parent / "docs" / "conventions.md"
    assert page.read_text(encoding="utf-8") == document(), "run `make docs`"


def test_the_page_has_every_convention_and_every_field() -> None:
    assert list(WRITTEN_BY) == [convention.name for convention in CONVENTIONS]
    assert FIELDS.keys() == set(Observation.__struct_fields__) - WITHOUT_A_PAGE


@each_convention
def test_what_is_composed_is_a_field(convention: Convention) -> None:
    assert convention.composes.keys() <= FIELDS.keys()


@pytest.mark.parametrize("name", recordings())
def test_what_is_composed_of_recorded_spans_is_listed(name: str) -> None:
    origins = {given for span in recorded(name) for given in explain(span).items()}
    composed = {(origin, field) for field, origin in origins if origin in BY_NAME}
    assert composed
    assert composed <= {(convention.name, field) for convention in CONVENTIONS for field in convention.composes}


@each_convention
def test_what_is_listed_is_what_the_convention_gets_to_see(convention: Convention) -> None:
    own = convention.parts | convention.fields.keys()
    for key in named(convention):
        if key.endswith("*"):
            assert key[:-1] in FAMILIES or key.startswith(convention.families)
        elif convention.parts or convention.families:
            assert key in own or key.startswith(convention.families)


@each_convention
def test_what_the_convention_gets_to_see_is_listed(convention: Convention) -> None:
    listed = named(convention)
    assert convention.parts - SIGNS <= listed
    for prefix in convention.families:
        assert any(key.startswith(prefix) for key in listed)


def test_a_key_belongs_to_one_convention() -> None:
    keys = [key for convention in CONVENTIONS for key in (*convention.fields, *convention.parts)]
    assert len(keys) == len(set(keys))
