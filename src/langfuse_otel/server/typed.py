"""Typed reading by msgspec, for threads.

msgspec 0.22 crashes the process when two threads use a struct type for the first time at the same moment: a type's
decoder is made by one thread at a time here, and what it works out about the type serves ``convert`` too.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_making = threading.Lock()


def decode(body: bytes | str, kind: type[T]) -> T:
    """JSON as this type.

    Raises:
        msgspec.DecodeError: It is no JSON, or (``ValidationError``) none of this type.
    """
    decoded: T = _decoder(kind).decode(body)
    return decoded


def convert(value: object, kind: type[T], *, strict: bool = True) -> T:
    """Decoded JSON as this type.

    Raises:
        msgspec.ValidationError: It is none.
    """
    _decoder(kind)
    return msgspec.convert(value, kind, strict=strict)


def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _decoders.get(kind)
    if decoder is None:
        with _making:
            decoder = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return decoder
