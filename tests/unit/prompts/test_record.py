"""What stores hold: read back as it was, or a miss."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.errors import (
    ConnectionFailedError,
    LangfuseError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Prompt, Selector, TextPrompt
from langfuse_otel.prompts.record import Codec, FailureNote, Record
from langfuse_otel.prompts.stores.base import store_key

SELECTOR = Selector("p", label="beta")
KEY = store_key("here", SELECTOR)
SIGNED = Codec(b"secret")
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
parts = st.one_of(st.builds(ChatMessage, text, text), st.builds(Placeholder, text))
common = {
    "name": st.just("p"),
    "version": st.integers(1, 10_000),
    "labels": st.lists(text).map(tuple),
    "tags": st.lists(text).map(tuple),
    "commit_message": st.none() | text,
    "label": st.just("beta"),
    "config_json": st.dictionaries(text, st.none() | text | st.integers(-(2**53), 2**53)).map(msgspec.json.encode),
}
prompts = st.one_of(
    st.builds(TextPrompt, prompt=text, **common),
    st.builds(ChatPrompt, prompt=st.lists(parts).map(tuple), **common),
)


def record(version: int = 1) -> Record:
    return Record(TextPrompt(name="p", version=version, prompt="x", label="beta"), 1_000.0)


@given(prompts, st.sampled_from([Codec(), SIGNED]))
def test_a_record_comes_back_as_it_was(prompt: Prompt, codec: Codec) -> None:
    back = codec.decode(KEY, SELECTOR, codec.encode(KEY, Record(prompt, 1_000.5)), "redis")
    assert back == Record(prompt, 1_000.5, None, "redis")
    assert back.prompt is not None
    assert back.prompt.label == "beta"


@given(st.binary(max_size=200), st.sampled_from([Codec(), SIGNED]))
def test_junk_is_refused(junk: bytes, codec: Codec) -> None:
    with pytest.raises(ValueError, match=r".+"):
        codec.decode(KEY, SELECTOR, junk, "redis")


@given(st.data())
def test_a_signed_record_with_one_byte_changed_is_refused_or_the_same(data: st.DataObject) -> None:
    encoded = bytearray(SIGNED.encode(KEY, record()))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        back = SIGNED.decode(KEY, SELECTOR, bytes(encoded), "redis")
    except ValueError:
        return
    assert back.prompt == record().prompt


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94", id="a pickle"),
        pytest.param(Codec().encode(KEY, record()), id="not signed"),
        pytest.param(Codec(b"other").encode(KEY, record()), id="signed by another project"),
        pytest.param(SIGNED.encode(store_key("here", Selector("p")), record()), id="of another label"),
        pytest.param(SIGNED.encode(store_key("there", SELECTOR), record()), id="of another host"),
        pytest.param(b'{"record": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="nested"),
        pytest.param(b'{"record": {}, "signature": "\xc3\xa9"}', id="a signature that is none"),
    ],
)
def test_what_others_put_there_is_a_miss(planted: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        SIGNED.decode(KEY, SELECTOR, planted, "redis")


def test_another_prompts_value_is_a_miss_even_unsigned() -> None:
    codec = Codec()
    other = Record(TextPrompt(name="p2", version=1, prompt="x"), 1.0)
    with pytest.raises(ValueError, match="another prompt"):
        codec.decode(KEY, SELECTOR, codec.encode(KEY, other), "redis")
    by_version = Selector("p", version=2)
    with pytest.raises(ValueError, match="another prompt"):
        codec.decode(KEY, by_version, codec.encode(KEY, record(version=1)), "redis")


def test_a_record_of_a_later_format_is_a_miss() -> None:
    later = Codec().encode(KEY, record()).replace(b'"format":1', b'"format":2')
    with pytest.raises(ValueError, match="format is 2"):
        Codec().decode(KEY, SELECTOR, later, "redis")


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("gone", status=404),
        ServerError("down", status=503),
        RateLimitedError("slow down", status=429),
        TimedOutError("late"),
        ConnectionFailedError("refused"),
        ConnectionFailedError("not asked", code="circuit_open"),
    ],
)
def test_a_failure_is_the_same_for_those_who_hear_of_it(error: LangfuseError) -> None:
    note = Record(None, 1.0, FailureNote.of(error, until=10.0))
    back = SIGNED.decode(KEY, SELECTOR, SIGNED.encode(KEY, note), "redis")
    assert back.failure is not None
    told = back.failure.error(now=4.0)
    assert (type(told), told.code, told.message) == (type(error), error.code, error.message)
    if isinstance(told, RateLimitedError):
        assert told.retry_after_s == 6.0


def test_the_key_shows_nowhere() -> None:
    codec = Codec(b"a-secret-key")
    assert "a-secret-key" not in f"{vars(codec)}"
    assert b"a-secret-key" not in codec.encode(KEY, record())
