"""Ready-made maskers: personal data and secrets of a known form, wherever they stand in an observation.

They find what has a form of its own; a name or a street has none, and needs a mask function (`mask`). Each is one
expression behind a cheap look for what it cannot do without. No expression scans a stretch of text more than a fixed
number of times: repetitions that may meet start only at the beginning of a run of their characters, or are bounded.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource

from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.observation import Observation
from langfuse_otel.policy.chain import Rewrite
from langfuse_otel.policy.texts import any_text, each_text

_EMAIL = re.compile(
    r"""
    (?<![\w.%+-]) [\w.%+-]+ (?:@|%40)
    (?![123]x\.)                            # icon@2x.png
    (?:[^\W_](?:[\w-]{0,62})\.){1,8} (?:xn--[\w-]{2,59}|[^\W\d_]{2,24})
    """,
    re.VERBOSE,
)
_PHONE = re.compile(
    r"""
    \+(?<![\w+]\+)
      [1-9](?:[ .\-/()\u00a0\u202f]{0,2}[0-9]){8,14}(?![0-9])
  | 00(?<![\w+.,:-]00)
      [1-9][0-9]{0,2}[ (\u00a0](?:[ .\-/()\u00a0\u202f]{0,2}[0-9]){6,12}(?![0-9])
  | \((?<!\w\()
      [2-9][0-9]{2}\)[ ]?[2-9][0-9]{2}[-. ][0-9]{4}(?![\w-])
    """,
    re.VERBOSE,
)
_CARD = re.compile(
    r"""
    [2-6](?<![\w.+][2-6])(?<!\w-[2-6])
    (?: [0-9]{12,18}
      | [0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?P<tail>\1[0-9]{3})?
      | [0-9]{3}([ -])[0-9]{6}\3[0-9]{4,5}
    )
    (?!\w|[.-][0-9])
    """,
    re.VERBOSE,
)
_KEY = re.compile(
    r"""
    (?<![\w-])
    (?: [sp]k-(?:lf|ant|or|proj|svcacct|admin)-[\w-]{8,}
      | sk-(?=[A-Za-z_-]*[0-9])[\w-]{16,}
      | [prs]k_(?:live|test)_[A-Za-z0-9]{16,}                       # Stripe
      | (?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)                             # AWS
      | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,}
      | glpat-[\w-]{16,} | hf_[A-Za-z0-9]{20,} | AIza[\w-]{30,} | xox[abeoprs]-[\w-]{10,}
      | eyJ[\w-]{8,}(?:\.{1,2}[\w-]+){1,4}                          # JWT
      | (?P<scheme>[Bb]earer|[Bb]asic)[ ]{1,4}(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{16,}
    )
  | -----BEGIN[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
    [^-"'<>{}]*(?:-{1,4}[^-"'<>{}]+){0,8}   # there are hyphens in the headers of a body
    (?:-----END[ ][A-Z0-9 ]{0,40}-----)?    # a key that was cut off has no end
    """,
    re.VERBOSE,
)
_SHORTEST_CARD, _SHORTEST_KEY = 13, 14
_DIGITS = "0123456789"
_LONG_TEXT = 500  # from here on, asking for digits first is worth its while
_NO_DIGITS = bytes(code for code in range(256) if not chr(code).isdecimal())


def _may_hold_email(text: str) -> bool:
    return "@" in text or "%40" in text


def _emails(text: str) -> str:
    return _EMAIL.sub("[email]", text) if _may_hold_email(text) else text


def _may_hold_phone(text: str) -> bool:
    return "+" in text or "00" in text or "(" in text


def _phones(text: str) -> str:
    return _PHONE.sub("[phone]", text) if _may_hold_phone(text) else text


def _may_hold_card(text: str) -> bool:
    return len(text.encode("ascii", "ignore").translate(None, _NO_DIGITS)) >= _SHORTEST_CARD


def _cards(text: str) -> str:
    if len(text) < _SHORTEST_CARD or not _may_hold_card(text):
        return text
    found = _CARD.search(text)
    pieces: list[str] = []
    kept = 0
    while found is not None:
        end = _end_of_card(found)
        if end:
            pieces += (text[kept : found.start()], "[card]")
            kept = end
        found = _CARD.search(text, end or found.start() + 1)  # a card may begin inside what is none
    return "".join((*pieces, text[kept:])) if pieces else text


def _end_of_card(found: re.Match[str]) -> int:
    """Where the card's number ends; 0 if none does. A group of three behind it may be its security code."""
    if _luhn(found[0]):
        return found.end()
    if found["tail"] and _luhn(found[0][: -len(found["tail"])]):
        return found.start("tail")
    return 0


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _may_hold_key(text: str) -> bool:
    """Whether it has something of what no key is without.

    Looking for one character is many times faster than for a word, so that comes first; spelled out, as this runs for
    every text of every span.
    """
    return (
        ("-" in text and _has_hyphened_sign(text))
        or ("_" in text and _has_underscored_sign(text))
        or ("A" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text))
        or ("J" in text and "eyJ" in text)
        or (" " in text and _may_hold_digit(text) and ("earer " in text or "asic " in text))
    )


def _has_hyphened_sign(text: str) -> bool:
    return "sk-" in text or "pk-" in text or "glpat-" in text or "xox" in text or "PRIVATE KEY" in text


def _has_underscored_sign(text: str) -> bool:
    if "gh" in text and ("ghp_" in text or "gho_" in text or "ghu_" in text or "ghs_" in text or "ghr_" in text):
        return True
    return "k_live_" in text or "k_test_" in text or "hf_" in text or "github_pat_" in text


def _may_hold_digit(text: str) -> bool:
    return len(text) < _LONG_TEXT or any(map(text.__contains__, _DIGITS))


def _keys(text: str) -> str:
    return _KEY.sub(_key_mark, text) if len(text) >= _SHORTEST_KEY and _may_hold_key(text) else text


def _key_mark(found: re.Match[str]) -> str:
    return f"{found['scheme']} [key]" if found["scheme"] else "[key]"


MASKERS: dict[str, Callable[[str], str]] = {"email": _emails, "phone": _phones, "card": _cards, "key": _keys}
"""By name, in the order in which they are applied: text → text with marks such as ``[email]``, and the same object if
there is nothing to mask.

- ``email``: e-mail addresses, also with ``%40`` for the at sign and with letters of any script.
- ``phone``: numbers with a country code (``+49 …``, ``0049 …``) of 9 to 15 digits, and ``(415) 555-2671``. Numbers
  without either look like any other number.
- ``card``: payment cards, 13 to 19 digits with a valid check digit, in one piece or in the groups that are printed on
  cards.
- ``key``: keys and tokens of Langfuse, OpenAI, Anthropic, AWS, GitHub, GitLab, Google, Hugging Face, Slack and Stripe;
  JSON web tokens, ``Bearer`` and ``Basic`` credentials, private keys in PEM."""

_SIGNS: dict[str, Callable[[str], bool]] = {
    "email": _may_hold_email,
    "phone": _may_hold_phone,
    "card": _may_hold_card,
    "key": _may_hold_key,
}
_SHORTEST = {"card": _SHORTEST_CARD, "key": _SHORTEST_KEY}
_FIELDS = (
    *("name", "status_message", "user_id", "session_id", "trace_name", "release", "version", "model"),
    *("input", "output", "metadata", "trace_metadata", "model_parameters", "tags", "passthrough"),
)
_values = operator.attrgetter(*_FIELDS)


def masker(names: Iterable[str]) -> Rewrite:
    """A step that applies maskers by name to every text of an observation, its resource's included.

    Left alone are the keys of dicts, ids of trace and span, and what must match the server's: prompt name, environment,
    usage keys.

    Raises:
        ValueError: A name is unknown.
    """
    wanted = tuple(names)
    unknown = [name for name in wanted if name not in MASKERS]
    if unknown:
        raise ValueError(f"has no masker {unknown[0]!r}; known are {', '.join(MASKERS)}")
    chosen = [mask for name, mask in MASKERS.items() if name in wanted]

    signs = [sign for name, sign in _SIGNS.items() if name in wanted]
    min_characters = min((_SHORTEST.get(name, 0) for name in wanted), default=0)

    def may_hold_any(text: str) -> bool:
        return any(sign(text) for sign in signs)

    is_suspect = signs[0] if len(signs) == 1 else may_hold_any

    def replace(text: str) -> str:
        for mask in chosen:
            text = mask(text)
        return text

    def masked_resource(resource: Resource) -> Resource:
        attributes = dict(resource.attributes)
        masked = each_text(attributes, replace)
        return resource if masked is attributes else Resource(masked, resource.schema_url)

    resources = IdentityCache(masked_resource)

    def rewrite(observation: Observation) -> Observation:
        changed: dict[str, Any] = {}
        values = _values(observation)
        if any_text(filter(None, values), is_suspect, min_characters):
            for field, value in zip(_FIELDS, values, strict=True):
                masked = each_text(value, replace)
                if masked is not value:
                    changed[field] = masked
        resource = resources.of(observation.resource)
        if resource is not observation.resource:
            changed["resource"] = resource
        return msgspec.structs.replace(observation, **changed) if changed else observation

    return rewrite
