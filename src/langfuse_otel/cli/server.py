"""``langfuse-otel server``: a local Langfuse until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from langfuse_otel.errors import MissingExtraError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(arguments: Sequence[str]) -> int:
    """Serve; 1 when the port or the data file cannot be used, or the extra ``server`` is not installed."""
    options = _parser().parse_args(arguments)
    try:
        return _serve(options)
    except MissingExtraError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="langfuse-otel server",
        description="A local, Langfuse-compatible server for demos, development and tests: traces, prompts and scores "
        "in one file, with pages to look at them. It answers to this machine only, and is not for production.",
    )
    parser.add_argument("--host", default="127.0.0.1", choices=_LOOPBACK, help="loopback only; default %(default)s")
    parser.add_argument("--port", type=_port, default=3000, help="0 takes a free one; default %(default)s")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("langfuse.db"),
        metavar="FILE",
        help="where traces, prompts and keys are kept; made when missing; default %(default)s",
    )
    parser.add_argument("--open", action="store_true", help="open the pages in the browser")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError
    return port


def _serve(options: argparse.Namespace) -> int:
    try:
        from langfuse_otel.server.project import load_project
        from langfuse_otel.server.run import listening_socket, serve
        from langfuse_otel.server.store import Store, StoreError
    except ModuleNotFoundError as error:
        raise MissingExtraError("server", error.name or "a package") from error
    try:
        listening = listening_socket("127.0.0.1" if options.host == "localhost" else options.host, options.port)
    except OSError as error:
        print(f"Port {options.port} of {options.host} cannot be used: {error.strerror}. Try --port 0", file=sys.stderr)
        return 1
    with listening:
        try:
            store = Store(options.data)
        except StoreError as error:
            print(error, file=sys.stderr)
            return 1
        project = load_project(store)
        host = f"[{options.host}]" if ":" in options.host else options.host
        base_url = f"http://{host}:{listening.getsockname()[1]}"
        print(f"Local Langfuse at {base_url}, data in {options.data}. Ctrl-C stops it.\n")
        print(f"export LANGFUSE_BASE_URL={base_url}")
        print(f"export LANGFUSE_PUBLIC_KEY={project.public_key}")
        print(f"export LANGFUSE_SECRET_KEY={project.secret_key}", flush=True)
        if options.open:
            webbrowser.open(base_url)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
        with suppress(KeyboardInterrupt), closing(store):
            serve(store, listening)
    return 0
