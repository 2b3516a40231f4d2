"""Serving: in a thread of another program (``LocalServer``), or as a program of its own (``serve``)."""

from __future__ import annotations

import socket
import tempfile
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

from langfuse_otel.server.app import create_app
from langfuse_otel.server.project import load_project
from langfuse_otel.server.store import Store

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0


class LocalServer(AbstractContextManager["LocalServer"]):
    """A local Langfuse in a thread of this process, for demos and tests; serves from the moment it is made.

    Args:
        database: The data file, made when missing; a temporary one, gone with the server, by default.
        port: On 127.0.0.1; 0 takes a free one.

    Attributes:
        base_url: Its address.
        database: The data file.
        project_id: Of its project, as in the addresses of its pages.
        public_key: Of its project.
        secret_key: Of its project.

    Raises:
        StoreError: The data file cannot be used.
        OSError: The port is taken.
    """

    def __init__(self, database: Path | str | None = None, port: int = 0) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="langfuse-otel-") if database is None else None
        self.database = Path(self._temporary.name) / "langfuse.db" if self._temporary else Path(database or "")
        self._store = Store(self.database)
        project = load_project(self._store)
        self.project_id = project.id
        self.public_key, self.secret_key = project.public_key, project.secret_key
        try:
            self._socket = listening_socket("127.0.0.1", port)
        except OSError:
            self._store.close()
            raise
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._started = threading.Event()
        self._server = _Server(_config(create_app(project, self._store)), self._started)
        self._thread = threading.Thread(target=self._serve, name="langfuse-local-server", daemon=True)
        self._thread.start()
        if not self._started.wait(_START_TIMEOUT_S):
            self.close()
            raise RuntimeError(f"the local server did not start within {_START_TIMEOUT_S:.0f} seconds")

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def close(self) -> None:
        """Answer what is being asked, then stop. Calling it again does nothing."""
        self._server.should_exit = True
        self._thread.join(_STOP_TIMEOUT_S)
        self._socket.close()
        self._store.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def serve(store: Store, listening: socket.socket) -> None:
    """Serve a data file until SIGINT or SIGTERM, which it then raises again."""
    uvicorn.Server(_config(create_app(load_project(store), store))).run(sockets=[listening])


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket, so that the port is known, and nobody else's, before anything is served.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP, or asyncio leaves Nagle's algorithm on: each answer would wait 40 ms for an acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        server_header=False,
    )


class _Server(uvicorn.Server):
    """Says when it serves; leaves the process's signals alone, as it runs beside somebody's program."""

    def __init__(self, config: uvicorn.Config, serving: threading.Event) -> None:
        super().__init__(config)
        self._serving = serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._serving.set()
