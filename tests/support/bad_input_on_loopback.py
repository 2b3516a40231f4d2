"""The part of the contract for bad input that every client of a loopback server keeps alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from support.on_loopback import OnLoopback


class BadInputOnLoopback(OnLoopback, ABC):
    """Mix it into the contract: ``method`` is called with ``arguments``, and the server's ``answer`` is the reply."""

    arguments: ClassVar[dict[str, Any]]
    """Of a usual call."""

    @property
    @abstractmethod
    def method(self) -> tuple[Any, str]:
        """Of the contract."""

    def ask(self, **changed: Any) -> Any:
        owner, name = self.method
        return getattr(owner, name)(**{**self.arguments, **changed})

    def reply_with(self, body: Any) -> None:
        self.server.answer = body
