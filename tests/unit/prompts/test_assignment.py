"""Which label for whom: sticky, in the right shares, and moved as little as can be."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel import propagate_attributes
from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.assignment import choose_label
from langfuse_otel.prompts.client import Prompts
from langfuse_otel.provenance import recall_among
from support.prompt_server import PromptServer

USERS = [f"user-{number}" for number in range(4_000)]
labels = st.text(min_size=1, max_size=5)


def shares(weights: dict[str, float], name: str = "p") -> Counter[str]:
    return Counter(choose_label(name, weights, user) for user in USERS)


@given(st.dictionaries(labels, st.floats(0.1, 100), min_size=1), st.text())
def test_the_same_key_gets_the_same_label_in_any_order(weights: dict[str, float], key: str) -> None:
    assert choose_label("p", weights, key) == choose_label("p", dict(reversed(weights.items())), key)
    assert choose_label("p", weights, key) in weights


def test_and_in_any_process() -> None:
    code = f"""
from langfuse_otel.prompts.assignment import choose_label
print(*(choose_label("p", {{"a": 1, "b": 1}}, user) for user in {USERS[:50]}))
"""
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert elsewhere.stdout.split() == [choose_label("p", {"a": 1, "b": 1}, user) for user in USERS[:50]]


def test_labels_get_their_shares_whatever_the_unit() -> None:
    for weights in ({"a": 0.9, "b": 0.1}, {"a": 90, "b": 10}):
        assert shares(weights)["b"] == pytest.approx(400, abs=100)  # five standard deviations


def test_a_label_without_a_share_is_never_chosen() -> None:
    assert shares({"a": 1, "off": 0}) == {"a": 4_000}


def test_a_larger_share_takes_users_and_gives_none_away() -> None:
    before = {user: choose_label("p", {"a": 90, "b": 10}, user) for user in USERS}
    after = {user: choose_label("p", {"a": 80, "b": 20}, user) for user in USERS}
    moved = {(before[user], after[user]) for user in USERS if before[user] != after[user]}
    assert moved == {("a", "b")}


def test_each_prompt_divides_the_users_anew() -> None:
    one, other = ({user for user in USERS if choose_label(name, {"a": 1, "b": 1}, user) == "a"} for name in ("p", "q"))
    assert len(one & other) == pytest.approx(1_000, abs=150)


def test_the_user_of_the_trace_is_the_key_and_else_its_session() -> None:
    weights = {"a": 1, "b": 1}
    for user in USERS[:20]:
        with propagate_attributes(user_id=user, session_id="s"):
            assert choose_label("p", weights) == choose_label("p", weights, user)
        with propagate_attributes(session_id=user):
            assert choose_label("p", weights) == choose_label("p", weights, user)


def test_nobody_gets_the_largest_share() -> None:
    assert choose_label("p", {"challenger": 1, "production": 9}) == "production"


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}, {"a": math.nan}, {"a": math.inf}])
def test_shares_that_are_none_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(InvalidRequestError, match="weights"):
        choose_label("p", weights, "user")


def test_the_label_is_known_of_what_its_prompt_compiles_to(server: PromptServer) -> None:
    server.publish("p", "The answer of production", "production")
    server.publish("p", "The answer of the challenger", "challenger")
    prompts = Prompts(PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1")))
    for user in USERS[:10]:
        label = choose_label("p", {"production": 1, "challenger": 1}, user)
        text = prompts.get("p", label=label).compile()
        ref = recall_among([text])
        assert ref is not None
        assert (ref.label, ref.version) == (label, {"production": 1, "challenger": 2}[label])
