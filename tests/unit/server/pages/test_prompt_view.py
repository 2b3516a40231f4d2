from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.prompts.template import variables as template_variables
from langfuse_otel.server.pages.prompt_view import Block, Piece, blocks, variables


def test_variables_of_a_text_are_set_apart() -> None:
    assert blocks("Hi {{ name }}!") == [
        Block("", [Piece("Hi ", False), Piece("{{ name }}", True), Piece("!", False)]),
    ]


def test_messages_keep_their_roles_and_placeholders_their_names() -> None:
    found = blocks([{"role": "system", "content": "{{a}}{{b}}{{a}}"}, {"type": "placeholder", "name": "history"}])
    assert [block.role for block in found] == ["system", "placeholder"]
    assert found[1].pieces == [Piece("history", False)]
    assert variables(found) == ["a", "b"]


@pytest.mark.parametrize(
    "prompt", [None, 7, {"a": 1}, [None, "x", {"role": 5}], [{"role": "user", "content": ["{{x}}"]}]]
)
def test_what_is_no_prompt_is_still_shown(prompt: Any) -> None:
    assert all(block.pieces for block in blocks(prompt))


@given(st.text(alphabet="ab{} \n"))
def test_the_page_finds_the_variables_that_the_client_fills(text: str) -> None:
    found = blocks(text)
    assert "".join(piece.text for piece in found[0].pieces) == text
    assert variables(found) == list(dict.fromkeys(template_variables(text)))
