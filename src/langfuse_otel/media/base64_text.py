"""Base64 in texts: seeing cheaply that there is none, and decoding what others wrote."""

from __future__ import annotations

import base64
import binascii

MIN_CHARACTERS = 1_024
"""Of a run of base64 that is looked for: shorter data cost less where they are than in three requests of their own."""

_WINDOW = 16
_STEP = MIN_CHARACTERS - _WINDOW  # so that every run of MIN_CHARACTERS has a whole window in it
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\\\r\n"
"""Both alphabets of base64, and what breaks lines or escapes in JSON text and e-mails."""

_LINES = range(60, 100)  # lengths of line in e-mails and PEM files
_FILLED_UP = "A=="  # one character too many: cut off by somebody's limit, and what is there of a file is worth keeping
_TO_STANDARD = str.maketrans("-_", "+/")


def may_have_base64(text: str) -> bool:
    """Whether a run of at least 1,024 characters of base64 may be in ``text``; never False when there is one.

    Looks at 16 characters in a thousand. Prose has a space among those, so it is rarely taken for base64.
    """
    for start in range(0, len(text) - _WINDOW + 1, _STEP):
        window = text[start : start + _WINDOW]
        if " " not in window and not window.strip(_ALPHABET):  # strip leaves nothing only if all is in the alphabet
            return True
    return False


def decoded(text: str) -> bytes | None:
    """The bytes of base64 in either alphabet, in lines or not, with padding right or wrong. None: it is no base64."""
    if not text.isascii():
        return None
    if text.find("\n", 0, _LINES.stop) in _LINES:
        text = text.replace("\r", "").replace("\n", "")
    if "-" in text or "_" in text:
        text = text.translate(_TO_STANDARD)
    text = text.rstrip("=")
    padding = ("", _FILLED_UP, "==", "=")[len(text) % 4]
    try:
        content = base64.b64decode(text + padding, validate=True)
    except binascii.Error:
        return None
    return content[:-1] if padding is _FILLED_UP else content
