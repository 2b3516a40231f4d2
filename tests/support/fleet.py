"""Many processes with a prompt client each, forked from one as a prefork server does it, that do what a test says.

In the test: ``Fleet(count, **settings)``. Run as a program, this is the server: it reads commands and writes what the
workers answered, one line of JSON each.
"""

from __future__ import annotations

import faulthandler
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

TESTS = Path(__file__).parent.parent


class Fleet(AbstractContextManager["Fleet"]):
    """The processes, from the test's side.

    Args:
        count: How many.
        **settings: Of their clients.
    """

    def __init__(self, count: int, **settings: Any) -> None:
        self._count = count
        command = [sys.executable, "-m", "support.fleet", str(count), json.dumps(settings)]
        path = os.pathsep.join((str(TESTS), str(TESTS.parent / "src")))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )

    def all(self, do: str, **arguments: Any) -> list[dict[str, Any]]:
        """Have all processes do something at the same time; their answers, None for those that were killed."""
        return self._ask({"do": do, **arguments})

    def one(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Have one of them do something."""
        return self._ask({"do": do, "only_first": True, **arguments})[0]

    def begin(self, do: str, **arguments: Any) -> None:
        """``all`` without waiting for the answers; ``end`` has them."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def end(self) -> list[dict[str, Any]]:
        """The answers of those that are alive to what ``begin`` asked."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the fleet has died"
        answers: list[dict[str, Any]] = [answer for answer in json.loads(line) if answer is not None]
        return answers

    def _ask(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        self.begin(**command)
        answers = self.end()
        assert len(answers) == (1 if command.get("only_first") else self._count), "a process has died"
        return answers

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)


class Worker:
    """One process, from inside."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from langfuse_otel.prompts import Prompts
        from langfuse_otel.settings import load

        keys = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1", "headers": {"X-Pid": str(os.getpid())}}
        self._prompts = Prompts.from_settings(load({}, **{**keys, **settings}))

    def get(self, names: list[str], threads: int = 1, **options: Any) -> dict[str, Any]:
        """Each thread reads all prompts, each beginning with another."""
        ready = threading.Barrier(threads)
        versions: list[int] = []
        errors: list[str] = []
        took_s: list[float] = []

        def read(number: int) -> None:
            ready.wait()
            for name in names[number:] + names[:number]:
                started = time.monotonic()
                try:
                    versions.append(self._prompts.get(name, **options).version)
                except Exception as error:
                    errors.append(f"{type(error).__name__}: {error}")
                took_s.append(time.monotonic() - started)

        running = [threading.Thread(target=read, args=(number,)) for number in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return {"versions": versions, "errors": errors, "longest_s": max(took_s), "pid": os.getpid()}

    def get_until(self, name: str, version: int, patience_s: float) -> dict[str, Any]:
        """Read until this version is served."""
        started = time.monotonic()
        while (served := self._prompts.get(name).version) != version and time.monotonic() - started < patience_s:
            time.sleep(0.01)
        return {"version": served, "took_s": time.monotonic() - started}

    def renew(self, name: str) -> dict[str, Any]:
        """As a webhook has it."""
        self._prompts.renew(name)
        return {}

    def listen(self, patience_s: float) -> dict[str, Any]:
        """Wait until the disk tier's listener hears of what comes: news from before it began are none to it."""
        from langfuse_otel.prompts.stores.disk import DiskStore

        until = time.monotonic() + patience_s
        for tier in self._prompts._resolver._tiers:
            while isinstance(tier.store, DiskStore) and tier.store._read_until is None:
                assert time.monotonic() < until
                time.sleep(0.01)
        return {}

    def status(self) -> dict[str, Any]:
        """What was counted."""
        status = self._prompts.status()
        return {"hits": dict(status.hits), "requests": status.requests, "store_failures": dict(status.store_failures)}


def _work(connection: socket.socket, settings: dict[str, Any]) -> None:
    worker = Worker(settings)
    with connection.makefile("rw") as stream:
        for line in stream:
            command = json.loads(line)
            answer = getattr(worker, command.pop("do"))(**command)
            stream.write(json.dumps(answer) + "\n")
            stream.flush()


def main() -> None:
    """The server."""
    import langfuse_otel.prompts.client
    import langfuse_otel.prompts.stores.disk
    import langfuse_otel.prompts.stores.redis  # noqa: F401  (before the fork, as a prefork server preloads)

    count, settings = int(sys.argv[1]), json.loads(sys.argv[2])
    streams = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            try:
                faulthandler.enable()
                ours.close()
                for stream in streams:
                    stream.close()
                _work(theirs, settings)
            finally:
                os._exit(0)
        theirs.close()
        streams.append(ours.makefile("rw"))
    for line in sys.stdin:
        command = json.loads(line)
        asked = streams[:1] if command.pop("only_first", False) else streams
        for stream in asked:
            try:
                stream.write(json.dumps(command) + "\n")
                stream.flush()
            except OSError:  # killed
                continue
        sys.stdout.write(json.dumps([_answer(stream) for stream in asked]) + "\n")
        sys.stdout.flush()


def _answer(stream: Any) -> Any:
    try:
        line = stream.readline()
    except OSError:
        return None
    return json.loads(line) if line else None


if __name__ == "__main__":
    main()
