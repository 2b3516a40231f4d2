"""Serving beside a program."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import requests

from langfuse_otel.server.run import LocalServer


def test_it_serves_from_the_moment_it_is_made_and_not_after_its_end() -> None:
    before = {*threading.enumerate()}
    with LocalServer() as server:
        health = f"{server.base_url}/api/public/health"
        assert requests.get(health, timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(health, timeout=10)
    assert "langfuse-local-server" not in {thread.name for thread in {*threading.enumerate()} - before}


def test_a_temporary_data_file_goes_with_it() -> None:
    with LocalServer() as server:
        folder = server.database.parent
        assert server.database.exists()
    assert not folder.exists()


def test_a_named_data_file_keeps_keys_and_data(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with LocalServer(file) as first:
        keys = first.public_key, first.secret_key
    with LocalServer(file) as second:
        assert (second.public_key, second.secret_key) == keys


def test_two_serve_side_by_side() -> None:
    with LocalServer() as one, LocalServer() as other:
        assert one.base_url != other.base_url
        assert one.secret_key != other.secret_key


def test_a_taken_port_is_an_error() -> None:
    with LocalServer() as server, pytest.raises(OSError, match="in use"):
        LocalServer(port=int(server.base_url.rpartition(":")[2]))


def test_closing_twice_is_fine() -> None:
    server = LocalServer()
    server.close()
    server.close()


def test_the_secret_key_is_not_in_its_text() -> None:
    with LocalServer() as server:
        assert server.secret_key not in repr(server)
