"""One deadline for a whole HTTP answer.

A socket's timeout begins anew with each byte, so a server that drips could hold a thread for hours. urllib3 sets the
socket's timeout to what is left of the total when the answer begins; from there on it is made to shrink.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _ShrinkingTimeout(io.RawIOBase):
    """A socket's incoming bytes, all of them within the timeout that the socket has now."""

    def __init__(self, sock: socket.socket) -> None:
        timeout_s = sock.gettimeout()
        self._sock = sock
        self._bytes: Any = sock.makefile("rb", buffering=0)
        self._deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer takes too long")
        if left_s < math.inf:
            self._sock.settimeout(left_s)
        count: int | None = self._bytes.readinto(buffer)
        return count

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _DeadlineSocket:
    """The part of a socket that ``http.client`` reads an answer from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_ShrinkingTimeout(self._sock))


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_DeadlineSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _DeadlineConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _DeadlineTLSConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _DeadlinePool(HTTPConnectionPool):
    ConnectionCls = _DeadlineConnection


class _DeadlineTLSPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineTLSConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter for a ``requests.Session`` whose total timeout covers the answer to its last byte."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _DeadlinePool, "https": _DeadlineTLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _DeadlinePool, "https": _DeadlineTLSPool}
        return manager
