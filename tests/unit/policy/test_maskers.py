"""Ready-made maskers: what they find, what they leave, and that no text makes them slow."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource

from langfuse_otel.observation import Message, Observation
from langfuse_otel.policy import maskers
from langfuse_otel.policy.maskers import MASKERS, masker
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire

if sys.version_info >= (3, 11):
    from re import _parser as sre_parse
else:
    import sre_parse

Make = Callable[..., Observation]

EMAILS = (
    "jane@example.com",
    "jane.doe+news@mail.example.co.uk",
    "JANE_DOE%x@EXAMPLE.COM",
    "j@x.io",
    "jürgen@müller.de",
    "用户@例子.公司",
    "jane@xn--mller-kva.de",
    "jane%40example.com",
    "1234567890@163.com",
    f"{'a' * 200}@example.com",
)
PHONES = (
    "+49 151 12345678",
    "+4915112345678",
    "+49 (0)30 901820",
    "+1 (415) 555-2671",
    "+1-415-555-2671",
    "+1.415.555.2671",
    "+1.4155552671",
    "+44 20 7946 0958",
    "+33 1 23 45 67 89",
    "+354 123 4567",
    "+86 138 1234 5678",
    "0049 151 12345678",
    "0044 (20) 7946 0958",
    "(415) 555-2671",
    "(415)555-2671",
)
CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4222222222222",
    "5555555555554444",
    "2223 0031 2200 3222",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "3056 930902 5904",
    "6011111111111117",
    "3530111333300000",
    "6212345678900000003",
    "6212 3456 7890 0000 003",
)
KEYS = (
    "sk-lf-0b7c9d1e-1111-2222-3333-444455556666",
    "pk-lf-0b7c9d1e-1111-2222-3333-444455556666",
    "sk-abcdEFGH1234ijklMNOP5678qrstUVWX9012yzAB",
    "sk-proj-a1B2c3D4e5F6g7H8i9J0",
    "sk-ant-api03-abcdefghijklmnopqrstuvwxyz-AA",
    "sk-or-v1-0123456789abcdef",
    "sk_live_51H8abcdefghijklmnop",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "glpat-abcdefghij0123456789",
    "hf_abcdefghijklmnopqrstuvwxyz",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "xoxb-123456789012-abcdefghijkl",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOM.48V1_ALb6US04U3b.5eym8TW_c8SuK0.XFBoMYUZodetZdvT",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASC/+==\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123\n\nMIIEv\n"
    "-----END RSA PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjE\\n-----END OPENSSH PRIVATE KEY-----",
)
SECRETS = [
    *(("email", secret) for secret in EMAILS),
    *(("phone", secret) for secret in PHONES),
    *(("card", secret) for secret in CARDS),
    *(("key", secret) for secret in KEYS),
]

HARMLESS = (
    # what looks like an address
    "user@localhost",
    "@decorator.name",
    "pip install pkg@1.2.3",
    "@types/node@18.0.1",
    "icon@2x.png",
    "image@sha256:9f86d081884c7d65",
    "a @ b.com",
    "3.5 @ 4.5",
    # numbers that are no phones
    "2024-01-31T12:30:45.123456+02:00",
    "Sat, 31 Jan 2024 12:30:45 +0000",
    "2024-01-31 00:00:00",
    "31/01/2024",
    "order 4711-0815-2024",
    "order 123-4567890-1234567",
    "0012345678901",
    "1+2345678901",
    "a+4915112345678",
    "+1000000",
    "+12 %",
    "GMT+0200 (CEST)",
    "(2024) 555",
    "f(415) 555-2671",
    "tokens: 12345678901",
    # and no cards
    "4111111111111112",
    "1700000000000",
    "1700000000000000000",
    "0.4111111111111111",
    "4.111111111111111",
    "4111111111111111.5",
    "41111111111111111111111111",
    "x4111111111111111",
    "id-4111111111111111",
    "4111-1111-1111-1111-1111-1111",
    "550e8400-e29b-41d4-a716-446655440000",
    "41111111-1111-4111-8111-111111111111",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "chatcmpl-9xyzABCDEF0123456789",
    # words that begin like keys
    "sk-learn-like-pipelines",
    "task-0123456789abcdefghij",
    "desk-lf-0123456789abcdefghij",
    "pk-index-name-of-table",
    "a bearer of bad news",
    "Basic understanding of things",
    "-----BEGIN CERTIFICATE-----\nMIIEvQ\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIEvQ\n-----END PUBLIC KEY-----",
    "eyJust kidding",
    "ghp_short",
    "AKIA",
    # plain
    "",
    "The quick brown fox (and 2 dogs) cost 3.50 €, 100% off.",
    '{"a": [1, 2.5, null, true], "b": "c"}',
    "\ud800",
)


def all_masked(text: str) -> str:
    for mask in MASKERS.values():
        text = mask(text)
    return text


@pytest.mark.parametrize(("name", "secret"), SECRETS)
@pytest.mark.parametrize(
    "sentence",
    ["{}", "It is {}, or so", "<{}>", "({})", '{{"it": "{}"}}', "it={}\n", "it: {}", "{}. Next", "是 {} 不是"],
)
def test_a_secret_becomes_a_mark(name: str, secret: str, sentence: str) -> None:
    assert MASKERS[name](sentence.format(secret)) == sentence.format(f"[{name}]")


@pytest.mark.parametrize(("name", "secret"), SECRETS)
def test_every_one_of_several_secrets_becomes_a_mark(name: str, secret: str) -> None:
    assert MASKERS[name](f"{secret}, {secret}\n{secret}") == f"[{name}], [{name}]\n[{name}]"


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_the_same_object_afterwards(text: str) -> None:
    assert all_masked(text) is text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer [key]"),
        ("authorization: basic cGstbGYtMTpzay1sZi0yMzQ1", "authorization: basic [key]"),
    ],
)
def test_credentials_keep_their_scheme(text: str, masked: str) -> None:
    assert MASKERS["key"](text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111 1111 1111 1111 123", "[card] 123"),
        ("4111 1111 1111 1111 12/29", "[card] 12/29"),
        ("in 2024 4111 1111 1111 1111", "in 2024 [card]"),
        ("5100 4111 1111 1111 1111 and 378282246310005", "5100 [card] and [card]"),
        ("4111111111111112 4111111111111111", "4111111111111112 [card]"),
        ('{"card": 4111111111111111}', '{"card": [card]}'),
    ],
)
def test_a_card_is_found_among_other_numbers(text: str, masked: str) -> None:
    assert MASKERS["card"](text) == masked


@pytest.mark.parametrize("header", ["", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123\n\n"])
def test_a_private_key_that_was_cut_off_is_masked_to_the_end_of_its_text(header: str) -> None:
    cut = f"-----BEGIN RSA PRIVATE KEY-----\n{header}MIIEvQIBADANBgkqhkiG9w0BA"
    assert MASKERS["key"](f'{{"a": "{cut}", "b": 1}}') == '{"a": "[key]", "b": 1}'


ORDINARY = st.one_of(
    st.uuids().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.dates().map(str),
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False).map(repr),
    st.binary(min_size=16, max_size=32).map(bytes.hex).map(lambda digest: f"x{digest}"),
    st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True),
)


@given(st.lists(ORDINARY).map(" ".join))
def test_numbers_dates_and_ids_stay_whatever_they_are(text: str) -> None:
    # Zone names such as ``+10`` make no phone, but two numbers beside each other may make a card by chance.
    assert MASKERS["email"](text) == MASKERS["key"](text) == MASKERS["phone"](text) == text


@given(st.lists(ORDINARY).map(", ".join))
def test_numbers_that_are_told_apart_make_no_card(text: str) -> None:
    assert MASKERS["card"](text) == text


@given(st.text(), st.sampled_from(SECRETS), st.text())
def test_a_secret_is_found_in_any_surroundings(before: str, secret: tuple[str, str], after: str) -> None:
    name, text = secret
    assert text not in MASKERS[name](f"{before}\n{text}\n{after}")


@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    all_masked(text)


def test_all_texts_of_an_observation_are_masked(call: Make) -> None:
    secret = "jane@example.com"
    fields = ("name", "user_id", "session_id", "trace_name", "release", "version", "model")
    before = call(
        secret,
        **dict.fromkeys(fields, secret),
        tags=(f"of {secret}",),
        model_parameters={"user": secret},
        resource=Resource({"host.owner": secret, "process.command_args": ("run", secret)}),
        is_app_root=True,
    )
    masked = masker(["email"])(before)

    for wire in (OtlpWire(), IngestionWire()):
        assert secret.encode() in b"".join(wire.encode(before)[:2])
        assert secret.encode() not in b"".join(wire.encode(masked)[:2])
    assert masked.tags == ("of [email]",)
    assert masked.input["messages"][0] == Message("system", "You are [email].")


def test_what_the_server_looks_up_is_left_alone(observation: Make) -> None:
    before = observation(prompt_name="a@b.com", prompt_version=1, environment="prod", usage={"a@b.com": 1})
    assert masker(MASKERS)(before) is before


def test_keys_of_dicts_are_left_alone(observation: Make) -> None:
    before = observation(metadata={"jane@example.com": "x"})
    assert masker(["email"])(before) is before


def test_an_observation_without_secrets_is_itself(call: Make) -> None:
    before = call("nobody")
    assert masker(MASKERS)(before) is before


def test_spans_of_one_resource_share_one_masked_resource(observation: Make) -> None:
    """A wire writes each resource once a request, and knows it by identity."""
    rewrite, resource = masker(["email"]), Resource({"owner": "jane@example.com"}, "schema")
    first, second = rewrite(observation(resource=resource)), rewrite(observation(resource=resource))

    assert first.resource is second.resource
    assert first.resource.attributes["owner"] == "[email]"
    assert first.resource.schema_url == "schema"


def test_only_the_named_maskers_apply(observation: Make) -> None:
    masked = masker(["card"])(observation(input="jane@example.com 4111111111111111"))
    assert masked.input == "jane@example.com [card]"


def test_an_unknown_masker_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"'iban'.*email, phone, card, key"):
        masker(["email", "iban"])


def test_marks_are_not_masked_again(observation: Make) -> None:
    rewrite = masker(MASKERS)
    once = rewrite(observation(input=[secret for _, secret in SECRETS]))
    assert rewrite(once) is once


# Time. What makes an expression slow is a repetition inside a repetition, where both may be long: many ways to say the
# same. And a repetition without a bound that may begin anywhere: each beginning scans to the end.


def repetitions(parsed: Any) -> Iterator[tuple[int, int, Any]]:
    """Every (fewest, most, what) repetition of a parsed expression, at any depth."""
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            yield argument
            yield from repetitions(argument[2])
        elif name == "SUBPATTERN":
            yield from repetitions(argument[3])
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from repetitions(branch)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from repetitions(argument[1])


EXPRESSIONS = [value for value in vars(maskers).values() if isinstance(value, re.Pattern)]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.pattern.split()[0])
def test_a_repetition_around_another_has_a_small_bound(expression: re.Pattern[str]) -> None:
    found = list(repetitions(sre_parse.parse(expression.pattern, expression.flags)))
    assert found
    for _, most, inner in found:
        if most > 1 and any(True for _, length, _ in repetitions(inner) if length > 1):
            assert most <= 18


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "1",
            "4",
            "-",
            " ",
            "@",
            "+",
            "(",
            "0",
            ".",
            "_",
            "%40",
            "a@",
            "@a",
            "a.",
            "a@b.",
            "a%40b.",
            "+1",
            "+1 ",
        ),
        *("00", "001 ", "(415) ", "4 ", "4111 ", "4111-", "4111 1111 1111 1111 ", "sk-", "sk-a", "sk-lf-", "eyJ"),
        *("eyJaaaaaaaa.", "Bearer ", "Bearer a", "gh", "ghp_", "AKIA", "-----BEGIN ", "-----BEGIN A PRIVATE KEY-----"),
        *("-----BEGIN PRIVATE KEY-----a-", "PRIVATE KEY-----", "xox", "\u00a0", "ü", "\ud800"),
    ],
)
def test_a_great_deal_of_anything_is_masked_within_the_time_limit_of_a_test(piece: str) -> None:
    """Quadratic time would be minutes."""
    hostile = piece * (300_000 // len(piece))
    for before, after in (("", ""), ("a@b ghp_ sk- eyJ bearer +1 ", ""), ("", "!@")):
        all_masked(before + hostile + after)
