"""From spans to observations: read, completed from the settings, each call told once, cleared of what must stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.conventions.registry import read
from langfuse_otel.errors import SettingsError
from langfuse_otel.observation import Observation
from langfuse_otel.policy.attributes import AttributeFilter
from langfuse_otel.policy.capture import capture
from langfuse_otel.policy.chain import Rewrite, compose
from langfuse_otel.policy.mask import Mask
from langfuse_otel.policy.maskers import masker
from langfuse_otel.policy.prices import Price, priced_by, public_prices
from langfuse_otel.policy.twins import Twins
from langfuse_otel.prompts.completion import completed_by
from langfuse_otel.prompts.known import in_memory, scope_of
from langfuse_otel.selection import Selection
from langfuse_otel.settings import Settings


class Observer:
    """Makes observations of spans, on the threads that deliver them or, at least once, on those that end them.

    Args:
        settings: Environment and release for spans that have none of their own; what to leave out and to mask.
        selection: Knows the parents of spans that hang higher than they did, as what was between is left out.
        price: The user's own prices (``policy.prices``).
        on_mask_failed: Called for each observation that a mask of the user's failed on.

    Raises:
        SettingsError: A mask cannot be called with one value, or is asynchronous.
        MissingExtraError: The setting ``prices`` needs a package that is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        selection: Selection,
        *,
        price: Price | None = None,
        on_mask_failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._rewrite = compose(_policies(settings, price, on_mask_failed))
        self._selection = selection
        self._defaults = {
            name: value
            for name, value in (("environment", settings.environment), ("release", settings.release))
            if value is not None
        }
        self._twins = Twins()

    def read(self, span: ReadableSpan) -> Observation:
        """What a span means, cleared of what must not leave the process. May be called by several threads at a time."""
        return self._rewrite(self._completed(span))

    def tell_once(self, observations: Iterable[Observation]) -> list[Observation]:
        """The same observations in the same order, with each call billed by one of them. For one thread at a time."""
        return self._twins.tell_once(observations)

    def _completed(self, span: ReadableSpan) -> Observation:
        observation = read(span)
        own = span.attributes or {}
        changed: dict[str, Any] = {
            name: value for name, value in self._defaults.items() if f"langfuse.{name}" not in own
        }
        is_moved, parent = self._selection.moved(span)
        if is_moved:
            changed["parent_span_id"] = None if parent is None else f"{parent:016x}"
            changed["is_app_root"] = observation.is_app_root or parent is None
        return msgspec.structs.replace(observation, **changed) if changed else observation


def _policies(settings: Settings, price: Price | None, on_mask_failed: Callable[[], None]) -> list[Rewrite]:
    """Only those that have something to do; what leaves something out before what has to look through the rest."""
    project = scope_of(settings.base_url, settings.public_key or "")
    steps: list[Rewrite] = [completed_by(partial(in_memory, project))]
    if price is not None:
        steps.append(priced_by(price))
    if settings.prices == "public":
        steps.append(priced_by(public_prices()))
    if settings.attributes_allow or settings.attributes_deny:
        steps.append(AttributeFilter(settings.attributes_allow, settings.attributes_deny))
    captured = capture(settings.capture)
    if captured is not None:
        steps.append(captured)
    names = [one for one in settings.mask if isinstance(one, str)]
    if names:
        steps.append(masker(names))
    for function in settings.mask:
        if callable(function):
            try:
                steps.append(Mask(function, on_failed=on_mask_failed))
            except ValueError as error:
                raise SettingsError("mask", str(error), "give a function that takes a value as `data`") from error
    return steps
