"""A handler of callbacks among those that a framework has: beside others, and taken back."""

from __future__ import annotations

from typing import Any, NamedTuple

from langfuse_otel.instrumentation.foreign import foreign_wrapper
from langfuse_otel.instrumentation.wrap import step_aside


class Listed(NamedTuple):
    """An entry of a framework's list, which has no function to take it back, and may have changed since.

    Attributes:
        entries: The list.
        entry: The entry, as it was put there.
    """

    entries: list[Any]
    entry: Any

    def remove(self) -> None:
        """Take the entry out, wherever it stands now; nothing if it is gone."""
        self.entries[:] = [entry for entry in self.entries if entry is not self.entry]


def beside(handler: type, client: str) -> type:
    """A class of which instances of ``handler`` are, and the handlers of other instrumentations.

    For frameworks that add a handler only where none of a given class is: ours then steps aside, and says so once.

    Args:
        handler: Our own.
        client: The framework's module, for the log.
    """

    class Foreign(type):
        def __instancecheck__(cls, found: object) -> bool:
            foreign = None if isinstance(found, handler) else foreign_wrapper(type(found))
            if foreign is not None:
                step_aside(client, foreign)
            return foreign is not None or isinstance(found, handler)

    return Foreign("TracesAlready", (), {})
