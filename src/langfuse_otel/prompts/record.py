"""What a tier knows of a prompt, and its JSON in shared stores.

A record that was damaged, planted, swapped with another or written by a future version of us is a miss: every field is
checked, the prompt must be the one that the key means, and with a signing key nobody without it can write one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from langfuse_otel.errors import (
    ConnectionFailedError,
    LangfuseError,
    MalformedResponseError,
    RateLimitedError,
    TimedOutError,
    error_for_status,
)
from langfuse_otel.json_encoding import to_json
from langfuse_otel.prompts.body import PromptBody, body_of
from langfuse_otel.prompts.models import Prompt, Selector
from langfuse_otel.prompts.stores.base import StoreKey

_FORMAT = 1
_MAX_MESSAGE_CHARACTERS = 500
_KINDS: dict[str, type[LangfuseError]] = {
    kind.code: kind for kind in (ConnectionFailedError, TimedOutError, MalformedResponseError)
}


class FailureNote(msgspec.Struct, frozen=True):
    """A read that failed, for those who would try the same.

    Attributes:
        until: Nobody need try before this, seconds since the epoch.
        code: Kind of error.
        message: Its text.
        status: HTTP status, when there was one.
    """

    until: float
    code: str
    message: str
    status: int | None = None

    @classmethod
    def of(cls, error: LangfuseError, until: float) -> FailureNote:
        """What to write down of an error."""
        status = getattr(error, "status", None)
        return cls(until, error.code, error.message[:_MAX_MESSAGE_CHARACTERS], status)

    def error(self, now: float) -> LangfuseError:
        """The error as its first finder saw it."""
        if self.status is not None:
            error = error_for_status(self.status, self.message)
            if isinstance(error, RateLimitedError):
                error.retry_after_s = self.until - now
            return error
        kind = _KINDS.get(self.code, ConnectionFailedError)
        return kind(self.message, code=self.code)


@dataclass(frozen=True, slots=True)
class Record:
    """What a tier knows of one version or label of a prompt.

    Attributes:
        prompt: The prompt; None when there is only a failure, or when it is too large for the store.
        asked_at: When the request for it was sent, seconds since the epoch: the prompt is at least as new.
        failure: How the last attempt to renew it failed.
        source: The tier that it was found in.
    """

    prompt: Prompt | None
    asked_at: float
    failure: FailureNote | None = None
    source: str = "network"


class _Stored(msgspec.Struct):
    format: int
    asked_at: float
    prompt: PromptBody | None = None
    failure: FailureNote | None = None


class _Signed(msgspec.Struct, omit_defaults=True):
    record: msgspec.Raw
    signature: str = ""


_decode_stored, _decode_signed = msgspec.json.Decoder(_Stored).decode, msgspec.json.Decoder(_Signed).decode


class Codec:
    """Records to bytes and back.

    Args:
        signing_key: Shared by all processes of the project. Without one, records are not signed.
    """

    def __init__(self, signing_key: bytes | None = None) -> None:
        self._signature = _signer(signing_key) if signing_key else None

    def encode(self, key: StoreKey, record: Record) -> bytes:
        """The record as JSON. Where it was found is not in it."""
        body = None if record.prompt is None else body_of(record.prompt)
        raw = to_json({"format": _FORMAT, "asked_at": record.asked_at, "prompt": body, "failure": record.failure})
        signature = self._signature(key, raw) if self._signature else ""
        return to_json(_Signed(msgspec.Raw(raw), signature))

    def decode(self, key: StoreKey, selector: Selector, data: bytes, source: str) -> Record:
        """The record that ``encode`` made for this key.

        Raises:
            ValueError: It is none. The message has none of its content.
        """
        try:
            signed = _decode_signed(data)
            raw = bytes(signed.record)
            if self._signature and not hmac.compare_digest(self._signature(key, raw), signed.signature):
                raise ValueError("it is not signed by this project")
            stored = _decode_stored(raw)
            if stored.format != _FORMAT:
                raise ValueError(f"its format is {stored.format}, not {_FORMAT}")
            prompt = None if stored.prompt is None else _fitting(stored.prompt.model(), selector)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except TypeError:  # hmac, of a signature that is not ASCII
            raise ValueError("its signature is none") from None
        return Record(prompt, stored.asked_at, stored.failure, source)


def _signer(signing_key: bytes) -> Callable[[StoreKey, bytes], str]:
    """A closure, so that ``vars`` and pickles do not show the key."""
    keyed = hmac.new(signing_key, b"langfuse-otel prompt record", hashlib.sha256)

    def signature(key: StoreKey, record: bytes) -> str:
        digest = keyed.copy()
        digest.update(to_json(key))
        digest.update(record)
        return digest.hexdigest()

    return signature


def _fitting(prompt: Prompt, selector: Selector) -> Prompt:
    if prompt.name != selector.name or selector.version not in (None, prompt.version):
        raise ValueError("it is another prompt")
    return replace(prompt, label=selector.label)
