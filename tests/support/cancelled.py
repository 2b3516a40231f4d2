"""Asynchronous work that is cancelled when it has begun."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest


def cancelled(work: Callable[[], Coroutine[Any, Any, Any]], begun: threading.Event) -> None:
    """Run it in a loop of its own until ``begun`` is set, and cancel it, which it has to let through."""

    async def cancel() -> None:
        task = asyncio.create_task(work())
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
