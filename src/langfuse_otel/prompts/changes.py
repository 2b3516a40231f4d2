"""News of changed prompts, from process to process through a shared store.

Best effort: a message may be lost, late or doubled. It only makes a process look again, through the same locks as ever,
so the worst of a lost one is that a change is seen when the TTL is over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from weakref import WeakMethod

import msgspec

from langfuse_otel import fork, log
from langfuse_otel.json_encoding import to_json
from langfuse_otel.prompts.stores.base import Store
from langfuse_otel.resilience.backoff import Backoff

_LISTEN_S = 1.0
_BACKOFF = Backoff(initial_s=1.0, max_s=30.0)


class News(msgspec.Struct, frozen=True):
    """One prompt was changed.

    Attributes:
        scope: The project that it belongs to.
        name: Its name.
    """

    scope: str
    name: str

    def encode(self) -> bytes:
        """As JSON."""
        return to_json(self)


_decode = msgspec.json.Decoder(News).decode


class Listener:
    """A daemon thread that passes on a store's news.

    It starts with the first ``start``, never holds up the end of the program, and ends when its owner is gone. After a
    fork, the child's first ``start`` gives it a thread of its own.

    Args:
        store: Where news come from.
        scope: News of other projects are left out.
        on_news: Called with the name of a changed prompt; a bound method, whose owner is not kept alive.
    """

    def __init__(self, store: Store, *, scope: str, on_news: Callable[[str], None]) -> None:
        self._store = store
        self._scope = scope
        self._on_news = WeakMethod(on_news)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        fork.register(self)

    def start(self) -> None:
        """Listen, if nobody does yet. Does not wait, and takes no lock once there is a thread."""
        if self._thread is not None or self._closed.is_set():
            return
        self._thread = threading.Thread(
            target=self._listen, name=f"langfuse-prompt-news-{self._store.name}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # no more threads, or the interpreter is shutting down: changes are seen after the TTL
            self._thread = None

    def close(self) -> None:
        """Stop within a second."""
        self._closed.set()

    def after_fork_child(self) -> None:
        """The thread did not come along."""
        self._thread = None
        closed = self._closed.is_set()
        self._closed = threading.Event()
        if closed:
            self._closed.set()

    def _listen(self) -> None:
        failures = 0
        while self._on_news() is not None and not self._closed.is_set():
            try:
                messages = self._store.messages(_LISTEN_S)
                failures = 0
            except Exception as error:  # a store may be anyone's code
                message = "changes of prompts are not heard of through the %s store: %s: %.200s"
                name = self._store.name
                log.limited(logging.INFO, f"prompt-news:{name}", message, name, type(error).__name__, error)
                self._closed.wait(_BACKOFF.pause_s(failures) or 0.0)
                failures += 1
                continue
            for encoded in messages:
                self._pass_on(encoded)

    def _pass_on(self, encoded: bytes) -> None:
        try:
            news = _decode(encoded)
        except (ValueError, RecursionError):  # junk, or of a future version of us
            return
        tell = self._on_news()
        if tell is not None and news.scope == self._scope:
            tell(news.name)
