"""Which clients are known, and what tells one project from another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.prompts.known import scope_of

part = st.text('ab|@\\", ', max_size=5)
projects = st.tuples(part.map("https://h/{}x".format), part)


@given(projects, projects)
def test_two_projects_have_one_scope_only_if_they_are_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (scope_of(*one) == scope_of(*other)) is (one == other)


@pytest.mark.parametrize("between", ["|", '", "', "\n"])
def test_whatever_could_stand_between_address_and_key_may_be_part_of_either(between: str) -> None:
    assert scope_of(f"https://h/a{between}b", "c") != scope_of("https://h/a", f"b{between}c")


def test_a_slash_at_the_end_of_the_address_makes_no_difference() -> None:
    assert scope_of("https://h/", "pk") == scope_of("https://h", "pk")
