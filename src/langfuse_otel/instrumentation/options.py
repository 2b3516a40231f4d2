"""The settings of instrumentations: given to them, or from the environment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from langfuse_otel import log
from langfuse_otel.errors import SettingsError
from langfuse_otel.instrumentation.content import ContentPolicy, Mask
from langfuse_otel.setting_values import ContentCapture
from langfuse_otel.settings import Settings, load

_NAMES = ("capture_content", "stream_usage", "instrument_over_foreign")


def settings_of(options: Mapping[str, Any]) -> Settings:
    """The settings; when the environment is malformed, their defaults without content, which may have been unwanted.

    Instrumenting must not fail for that. Silent where the exporter has said the same.
    """
    try:
        return load(**{name: options.get(name) for name in _NAMES})
    except SettingsError as error:
        message = "Instrumentation uses default settings and records no message content: %s"
        log.once(logging.ERROR, f"settings:{error}", message, error)
        return load({}, capture_content=ContentCapture.NO_CONTENT)


def content_policy(settings: Settings, mask: Mask | None) -> ContentPolicy:
    """What is recorded of messages. Content that is wanted in events only is recorded nowhere, which is logged once."""
    capture = settings.capture_content
    if capture is ContentCapture.EVENT_ONLY or capture is ContentCapture.SPAN_AND_EVENT:
        log.once(
            logging.WARNING,
            "content events",
            "Instrumentation records message content on spans only, not in events; %s gives content %s",
            capture.value,
            "on spans" if capture.on_spans else "nowhere",
        )
    return ContentPolicy(capture.on_spans, mask)
