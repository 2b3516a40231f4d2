"""How threads and tasks wait for an answer in the making: each in its way, the answer is made in one place."""

from __future__ import annotations

import asyncio
import logging

from langfuse_otel import log
from langfuse_otel.prompts.detail import PromptDetail
from langfuse_otel.prompts.resolver import Steps
from langfuse_otel.resilience.single_flight import wait, wait_async


def waited(steps: Steps) -> PromptDetail:
    """The answer; the thread waits for it."""
    try:
        step = next(steps)
        _warn_on_event_loop()
        while True:
            try:
                entry = wait(step.flight, step.patience_s)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(entry)
    except StopIteration as answer:
        detail: PromptDetail = answer.value
        return detail


async def awaited(steps: Steps) -> PromptDetail:
    """The answer; the event loop runs on meanwhile."""
    try:
        step = next(steps)
        while True:
            try:
                entry = await wait_async(step.flight, step.patience_s)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(entry)
    except StopIteration as answer:
        detail: PromptDetail = answer.value
        return detail


def _warn_on_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    log.once(logging.WARNING, "prompts-blocking", "prompts.get() blocks the event loop on a first read: use aget()")
