"""The part of the contracts that every provider's loopback server serves alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import pytest


class OnLoopback:
    """Mix it into a contract: calls go to the fixture ``client``, and by that to ``server``."""

    server: Any
    client: Any

    @pytest.fixture(autouse=True)
    def _loopback(self, server: Any, client: Any) -> None:
        self.server = server
        self.client = client

    def sent(self) -> list[Any]:
        """Path and body of each request."""
        return list(zip(self.server.paths, self.server.requests, strict=True))


class CallOnLoopback(OnLoopback, ABC):
    """The same for the contract of calls: one fails because the server answers 404."""

    @abstractmethod
    def call(self) -> Any:
        """Of the contract."""

    def fail(self) -> Any:
        self.server.status = [404]
        return self.call()
