"""From the text of a setting to its value. A parser raises ValueError with what is wrong, and never shows the value."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class ContentCapture(str, enum.Enum):
    """Where prompts and answers are recorded (values of the GenAI semantic conventions)."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"

    @property
    def on_spans(self) -> bool:
        """Whether messages belong on spans."""
        return self in (ContentCapture.SPAN_ONLY, ContentCapture.SPAN_AND_EVENT)


def text(value: Any) -> str:
    return str(value).strip()


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "1", "yes", "on"):
        return True
    if word in ("false", "0", "no", "off"):
        return False
    raise ValueError("is neither true nor false")


def number(low: float, high: float = math.inf, *, whole: bool = False) -> Callable[[Any], Any]:
    def parse(value: Any) -> float | int:
        try:
            number = int(value) if whole else float(value)
        except (TypeError, ValueError):
            raise ValueError(f"is not a {'whole ' if whole else ''}number") from None
        if not low <= number <= high:  # also refuses NaN
            raise ValueError(f"is not between {low:g} and {high:g}" if high < math.inf else f"is below {low:g}")
        return number

    return parse


def choice(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        word = str(value).strip().lower()
        if word not in words:
            raise ValueError(f"is unknown; known are {', '.join(words)}")
        return word

    return parse


def url(value: Any) -> str:
    text = str(value).strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a URL such as https://cloud.langfuse.com")
    if parts.username or parts.password:
        raise ValueError("has credentials in it; keys go into LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY")
    if parts.query or parts.fragment:
        raise ValueError("has a query or fragment; only scheme, host, port and path are used")
    return text.rstrip("/")


def headers(value: Any) -> dict[str, str]:
    """``name=value,name2=value2``, percent-encoded, as in OTEL_EXPORTER_OTLP_HEADERS; or a mapping."""
    if isinstance(value, Mapping):
        pairs = [(str(name), str(content)) for name, content in value.items()]
    else:
        parts = [part for part in str(value).split(",") if part.strip()]
        if not all("=" in part for part in parts):
            raise ValueError("has an entry that is no 'name=value' header")
        pairs = [(name, unquote(content.strip())) for name, _, content in (part.partition("=") for part in parts)]
    headers: dict[str, str] = {}
    for name, content in pairs:
        name = name.strip()
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", content):
            raise ValueError("has an entry that is no 'name=value' header")
        headers[name] = content
    return headers


def names(value: Any) -> tuple[str, ...]:
    """``name,name``, or a list."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise ValueError("is no list of names with commas between")
    return tuple(str(name).strip() for name in names if str(name).strip())


MASKERS = ("email", "phone", "card", "key")  # those of ``policy.maskers``; a test holds the two together


def masks(value: Any) -> tuple[Any, ...]:
    """Names of maskers with commas between, a function, or a list of both."""
    if value in ("none", "None"):
        return ()
    found = (value,) if callable(value) else tuple(value) if isinstance(value, (list, tuple)) else names(value)
    unknown = [one for one in found if not callable(one) and one not in MASKERS]
    if unknown:
        raise ValueError(f"has {str(unknown[0])!r}, which is unknown; known are {', '.join(MASKERS)}")
    return found


def environment(value: Any) -> str:
    text = str(value).strip()
    if not re.fullmatch(r"(?!langfuse)[a-z0-9_-]{1,40}", text):
        raise ValueError("must be 1 to 40 of a-z, 0-9, '-', '_' and not begin with 'langfuse'")
    return text


def existing_file(value: Any) -> str:
    path = Path(str(value).strip())
    if not path.is_file():
        raise ValueError(f"names a file that does not exist ({path})")
    return str(path)


def content_capture(value: Any) -> ContentCapture:
    """Accepts ``true`` and ``false`` as well, which older instrumentations used."""
    if isinstance(value, ContentCapture):
        return value
    word = str(value).strip().upper()
    older = {"TRUE": ContentCapture.SPAN_ONLY, "FALSE": ContentCapture.NO_CONTENT}
    if word in older:
        return older[word]
    try:
        return ContentCapture(word)
    except ValueError:
        raise ValueError(f"is unknown; known are {', '.join(ContentCapture.__members__)}") from None
