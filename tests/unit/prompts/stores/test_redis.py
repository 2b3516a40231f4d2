"""The Redis tier: what it touches, what it tells, and how quickly it gives up. What all stores do: tests/contract."""

from __future__ import annotations

import builtins
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from langfuse_otel.errors import MissingExtraError, SettingsError
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.stores.base import store_key
from langfuse_otel.prompts.stores.redis import RedisStore
from support.valkey_server import Valkey

KEY = store_key("here", Selector("p"))
PASSWORD = "a-secret-password"


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with Valkey() as running:
        yield running


@pytest.fixture
def store(valkey: Valkey) -> Iterator[RedisStore]:
    made = RedisStore(valkey.url, prefix="mine:")
    yield made
    made.close()


def put(store: RedisStore, value: bytes = b"value") -> None:
    assert store.lock(KEY.prompt, owner="me", expiry_s=20.0)
    assert store.put(KEY, value, owner="me")


@contextmanager
def serving(answer: bytes, tls: ssl.SSLContext | None = None, heard: list[bytes] | None = None) -> Iterator[int]:
    """A port at which every command gets this answer; ``heard`` gets what arrived."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                talk = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                while received := talk.recv(65536):
                    if heard is not None:
                        heard.append(received)
                    talk.sendall(answer + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()


class TestKeys:
    def test_all_begin_with_the_prefix_and_expire(self, store: RedisStore, valkey: Valkey) -> None:
        put(store)
        store.lock(KEY.prompt, owner="me", expiry_s=20.0)
        client = valkey.client()
        keys = client.keys("*")
        assert len(keys) == 2
        for key in keys:
            assert key.startswith(b"mine:{")
            assert client.ttl(key) > 0

    def test_a_least_privileged_user_suffices(self, valkey: Valkey) -> None:
        """The rule in the module's docstring."""
        assert sys.modules[RedisStore.__module__].__doc__
        rule = sys.modules[RedisStore.__module__].__doc__.split("::\n\n")[1].split("\n\n")[0]
        words = rule.replace("<prefix>", "mine:").split()
        valkey.client().execute_command("ACL", "SETUSER", "app", "on", f">{PASSWORD}", *words)
        url = valkey.url.replace("unix://", f"unix://app:{PASSWORD}@")
        store = RedisStore(url, prefix="mine:")
        put(store)
        assert store.get(KEY) == b"value"
        assert store.claim(KEY, owner="me", expiry_s=1.0) == b"value"
        assert list(store.messages(0.01)) == []
        store.announce(b"news")
        store.unlock(KEY.prompt, owner="me")
        store.forget(KEY.prompt)
        with pytest.raises(redis.exceptions.NoPermissionError):
            RedisStore(url, prefix="others:").get(KEY)


class TestJunk:
    @pytest.mark.parametrize("plant", ["string", "list", "huge"])
    def test_what_cannot_be_ours_is_removed(self, store: RedisStore, valkey: Valkey, plant: str) -> None:
        client, at = valkey.client(), f"mine:{{{KEY.prompt}}}"
        if plant == "string":
            client.set(at, "junk")
        elif plant == "list":
            client.rpush(at, "junk")
        else:
            client.hset(at, KEY.which, b"x" * (store.max_bytes + 1))
        assert store.get(KEY) is None
        assert client.exists(at) == 0
        put(store)
        assert store.get(KEY) == b"value"

    def test_a_huge_value_is_not_read(self, store: RedisStore, valkey: Valkey) -> None:
        client = valkey.client()
        client.hset(f"mine:{{{KEY.prompt}}}", KEY.which, b"x" * 20_000_000)
        before = client.info("stats")["total_net_output_bytes"]
        assert store.get(KEY) is None
        assert client.info("stats")["total_net_output_bytes"] - before < 20_000

    def test_scripts_that_were_flushed_are_loaded_again(self, store: RedisStore, valkey: Valkey) -> None:
        put(store)
        valkey.client().script_flush()
        assert store.get(KEY) == b"value"


class TestTrouble:
    def test_nobody_listens(self, store: RedisStore, valkey: Valkey) -> None:
        valkey.server.terminate()
        with pytest.raises(redis.ConnectionError):
            store.get(KEY)

    def test_one_that_hangs_is_given_up_soon(self, store: RedisStore, valkey: Valkey) -> None:
        put(store)
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(redis.TimeoutError):
                store.get(KEY)
            assert time.monotonic() - started < 10.0  # 50 ms, and up to 2 s on a machine without a free CPU
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        assert store.get(KEY) == b"value"

    def test_one_that_accepts_and_says_nothing_is_given_up_as_well(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}")
            with pytest.raises(redis.TimeoutError):
                store.claim(KEY, owner="me", expiry_s=1.0)

    @pytest.mark.parametrize("answer", [b"-MOVED 1 127.0.0.1:1", b"-LOADING from disk", b"-NOAUTH who?", b"<html>"])
    def test_one_that_answers_something_else_is_an_error(self, answer: bytes) -> None:
        """A node of a cluster, one that starts, one that wants a password, and no Redis at all."""
        with serving(answer) as port, pytest.raises(redis.RedisError):
            RedisStore(f"redis://127.0.0.1:{port}").claim(KEY, owner="me", expiry_s=1.0)

    @pytest.mark.parametrize("order", ["READONLY", "OOM"])
    def test_one_that_refuses_to_write_is_an_error(self, store: RedisStore, valkey: Valkey, order: str) -> None:
        client = valkey.client()
        if order == "READONLY":
            client.replicaof("127.0.0.1", 1)
            client.config_set("replica-read-only", "yes")
        else:
            client.config_set("maxmemory", "1")
        with pytest.raises(redis.RedisError):
            store.lock(KEY.prompt, owner="me", expiry_s=1.0)

    def test_news_are_heard_again_after_a_restart_of_the_connection(self, store: RedisStore, valkey: Valkey) -> None:
        store.messages(0.01)
        valkey.client().client_kill_filter(_type="pubsub")
        with pytest.raises(redis.ConnectionError):
            store.messages(0.1)
        store.messages(0.01)
        RedisStore(valkey.url, prefix="mine:").announce(b"news")
        assert list(store.messages(5.0)) == [b"news"]


class TestSecrets:
    @pytest.mark.parametrize("url", ["http://host", "nonsense", f"redis://:{PASSWORD}@host:port/0"])
    def test_what_is_no_url_is_said_without_repeating_it(self, url: str) -> None:
        with pytest.raises(SettingsError, match="LANGFUSE_PROMPT_REDIS_URL") as caught:
            RedisStore(url)
        assert PASSWORD not in f"{caught.value!r}{caught.value}{caught.value.__cause__}"

    def test_the_password_is_not_in_errors_or_repr(self, valkey: Valkey) -> None:
        store = RedisStore(valkey.url.replace("unix://", f"unix://nobody:{PASSWORD}@"))
        with pytest.raises(redis.RedisError) as caught:
            store.get(KEY)
        assert PASSWORD not in f"{caught.value!r}{store!r}"

    def test_over_tls_the_password_goes_to_nobody_unknown(self, tmp_path: Path) -> None:
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(made, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        heard: list[bytes] = []
        with serving(b"+OK", context, heard) as port:
            url = f"rediss://user:{PASSWORD}@127.0.0.1:{port}"
            with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                RedisStore(url, timeout_s=20.0).get(KEY)
            assert heard == []
            RedisStore(f"{url}?ssl_ca_certs={certificate}", timeout_s=20.0).get(KEY)
            assert PASSWORD.encode() in heard[0]


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "redis" or name.startswith("redis."):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.delitem(sys.modules, RedisStore.__module__)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"langfuse-otel\[redis\]"):
        __import__(RedisStore.__module__)
