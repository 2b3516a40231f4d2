"""One pipeline for all exporters of this process that have the same settings: one queue, one thread, one connection.

Applications that make an exporter for each request would otherwise have as many threads as requests.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import fork
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.pipeline import Pipeline
from langfuse_otel.delivery.status import Status
from langfuse_otel.selection import Selection
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause

_MAX_UNUSED = 4  # pipelines that stay without users: those of many keys, each used once, would be as many threads


class SharedPipeline:
    """A pipeline and who uses it. It ends with the shutdown of the last user.

    When the last one is dropped without a shutdown, it stays for a flush interval, as the next one may come soon; four
    may so at a time.

    Args:
        pipeline: It.
        selection: Which of the users' spans go there.
        settings: Of all users.
        clock: Time.
    """

    def __init__(
        self, pipeline: Pipeline, selection: Selection, settings: Settings, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.pipeline = pipeline
        self.selection = selection
        self.settings = settings
        self._clock = clock
        # Sets, as these change in one step each: whoever leaves may be a finalizer or a signal handler, which must not
        # wait for a lock.
        self._users: set[object] = set()
        self._endings: set[object] = set()
        self._left_at = math.inf
        pipeline.on_upkeep = self._end_if_left

    def status(self) -> Status:
        """How things stand."""
        return self.pipeline.status()

    def join(self, user: object) -> bool:
        """Count a user; False when it comes too late, as the last one has just left."""
        self._users.add(user)
        if not self._endings:
            return True
        self._users.discard(user)
        return False

    def turn_away(self, span: ReadableSpan) -> Cause:
        """For spans of a user that has shut down while others go on: not taken, counted and logged."""
        self.pipeline.tally.count(Cause.SHUTDOWN)
        self.pipeline.account.say_refused(Cause.SHUTDOWN)
        return Cause.SHUTDOWN

    def leave(self, user: object) -> bool:
        """A user has shut down. True when none is left: nobody joins any more, and the pipeline is to be shut down.

        A second call for the same user asks the same again.
        """
        self._users.discard(user)
        return self._ends()

    def drop(self, user: object) -> None:
        """A user is gone without a word."""
        if user not in self._users:
            return
        self._left_at = self._clock.monotonic()
        self._users.discard(user)
        unused = sum(not shared._users for shared in _shared.copy())
        may_stay = self in _shared and self.pipeline.is_working and unused <= _MAX_UNUSED
        if not may_stay and self._ends():
            self.pipeline.let_go()

    def _end_if_left(self) -> None:
        """Called now and then by the pipeline's own thread, or by one that stands in for it and must not end it."""
        is_over = not self._users and self._clock.monotonic() - self._left_at >= self.settings.flush_interval_s
        if is_over and self.pipeline.is_working and not self._endings and self._ends():
            self.pipeline.let_go()

    def _ends(self) -> bool:
        # Who joins says so before it looks for endings, and this the other way round: one of the two gives way.
        ending = object()
        self._endings.add(ending)
        if self._users:
            self._endings.discard(ending)
            return False
        _shared.discard(self)
        return True


def share(user: object, settings: Settings, make: Callable[[], SharedPipeline]) -> SharedPipeline:
    """That of the settings, with one user more; made if there is none."""
    with _joining:
        for shared in _shared.copy():  # a finalizer may discard one meanwhile
            if shared.settings == settings and shared.join(user):
                return shared
        shared = make()
        shared.join(user)
        _shared.add(shared)
        return shared


_shared: set[SharedPipeline] = set()
_joining = threading.RLock()


class _AtFork:
    def after_fork_child(self) -> None:
        """A lock of the child's own: a thread of the parent's may hold the inherited one."""
        global _joining
        _joining = threading.RLock()


_at_fork = _AtFork()
fork.register(_at_fork)
