"""Steps that change an observation, one after the other; when one fails, what cannot be vouched for stays here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeAlias

from opentelemetry.sdk.resources import Resource

from langfuse_otel import log
from langfuse_otel.observation import Observation

Rewrite: TypeAlias = Callable[[Observation], Observation]
"""One step. It returns the observation itself when it has nothing to change, and never alters it or a value of it in
place."""

POLICY_FAILED = "langfuse_otel.policy_failed"
"""Metadata key on an observation that lost all its content because a step failed: the name of the error's type."""


def compose(rewrites: Iterable[Rewrite]) -> Rewrite:
    """All steps in their order as one that never raises.

    If a step raises, the observation goes without anything that anybody wrote freely: what was to be hidden may be
    anywhere in it. Its place in the trace, type, times, model, usage and cost stay.
    """
    steps = tuple(rewrites)

    def rewrite(observation: Observation) -> Observation:
        try:
            for step in steps:
                observation = step(observation)
            return observation
        except Exception as error:
            cause = type(error).__name__  # its message may quote the content
            log.limited(logging.ERROR, "policy.chain", "a span goes without content, as its policy failed: %s", cause)
            return _bare(observation, cause)

    return rewrite


def _bare(observation: Observation, cause: str) -> Observation:
    return Observation(
        trace_id=observation.trace_id,
        span_id=observation.span_id,
        parent_span_id=observation.parent_span_id,
        name=observation.type,
        start_ns=observation.start_ns,
        end_ns=observation.end_ns,
        is_app_root=observation.is_app_root,
        type=observation.type,
        level=observation.level,
        metadata={POLICY_FAILED: cause},
        model=observation.model,
        usage=observation.usage,
        cost=observation.cost,
        completion_start_ns=observation.completion_start_ns,
        environment=observation.environment,
        resource=_NOBODY,
        scope=observation.scope,
    )


_NOBODY = Resource({})
