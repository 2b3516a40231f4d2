"""The HTTP client: every status is an answer, the key stays where it belongs, and time and size have an end."""

from __future__ import annotations

import base64
import gzip
import logging
import os
import pickle
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

from langfuse_otel.errors import ConnectionFailedError, LangfuseError, MalformedResponseError, TimedOutError
from langfuse_otel.http import MAX_ANSWER_BYTES, Answer, HttpClient
from support.loopback import Loopback, raw, reply

SECRET = "sk-lf-canary-5e1f"
TOKEN = base64.b64encode(f"pk-lf-1:{SECRET}".encode()).decode()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


def client_of(server: Loopback, **options: object) -> HttpClient:
    return HttpClient(server.url, "pk-lf-1", SECRET, **options)  # type: ignore[arg-type]


class TestWhatIsSent:
    def test_the_keys_go_as_basic_authorization(self, server: Loopback) -> None:
        client_of(server).send("GET", "/x")
        assert server.requests[0].headers["authorization"] == f"Basic {TOKEN}"

    def test_method_path_query_and_body_arrive_as_given(self, server: Loopback) -> None:
        client_of(server).send(
            "POST",
            "/a%2Fb",
            query={"label": "a b&c"},
            body=b"\x00\xff",
            content_type="application/x-protobuf",
            content_encoding="gzip",
            headers={"X-One": "1"},
        )
        (request,) = server.requests
        assert (request.method, request.target, request.body) == ("POST", "/a%2Fb?label=a+b%26c", b"\x00\xff")
        sent = {name: request.headers[name] for name in ("content-type", "content-encoding", "x-one")}
        assert sent == {"content-type": "application/x-protobuf", "content-encoding": "gzip", "x-one": "1"}

    def test_it_names_itself_and_not_the_official_sdk(self, server: Loopback) -> None:
        client_of(server).send("GET", "/")
        assert server.requests[0].headers["x-langfuse-sdk-name"] == "langfuse-otel"
        assert server.requests[0].headers["user-agent"].startswith("langfuse-otel/")

    def test_configured_headers_are_added_but_never_replace_the_keys(self, server: Loopback) -> None:
        client_of(server, headers={"X-Tenant": "7", "authorization": "Bearer other"}).send("GET", "/")
        assert server.requests[0].headers["x-tenant"] == "7"
        assert server.requests[0].headers["authorization"] == f"Basic {TOKEN}"

    def test_a_netrc_never_replaces_the_keys(
        self, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        client_of(server).send("GET", "/")
        assert server.requests[0].headers["authorization"] == f"Basic {TOKEN}"

    def test_cookies_are_not_kept(self, server: Loopback) -> None:
        server.answer = reply(set_cookie="session=1; Path=/")
        client = client_of(server)
        client.send("GET", "/")
        client.send("GET", "/")
        assert "cookie" not in server.requests[1].headers

    def test_connections_are_reused(self, server: Loopback) -> None:
        client = client_of(server)
        client.send("GET", "/")
        client.send("GET", "/")
        assert server.requests[0].client_port == server.requests[1].client_port

    def test_a_base_url_may_have_a_path(self, server: Loopback) -> None:
        HttpClient(server.url + "/langfuse/", "pk", "sk").send("GET", "/api")
        assert server.requests[0].target == "/langfuse/api"

    def test_http_instrumentations_see_nothing_of_it(self, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
        enabled: list[bool] = []
        original = requests.Session.send

        def instrumented(session: requests.Session, *args: object, **options: object) -> object:
            enabled.append(is_http_instrumentation_enabled())
            return original(session, *args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(requests.Session, "send", instrumented)
        client_of(server).send("GET", "/")
        assert enabled == [False]
        assert is_http_instrumentation_enabled()


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 207, 400, 401, 404, 429, 500, 503])
    def test_every_status_is_an_answer(self, server: Loopback, status: int) -> None:
        server.answer = reply(status, b'{"a": 1}', X_Request_Id="r-1")
        answer = client_of(server).send("GET", "/")
        assert (answer.status, answer.body, answer.request_id) == (status, b'{"a": 1}', "r-1")
        assert answer.ok is (status < 300)
        assert answer.headers["CONTENT-type"] == "application/json"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_are_answers_and_nothing_reaches_their_target(self, server: Loopback, status: int) -> None:
        with Loopback() as elsewhere:
            server.answer = reply(status, location=elsewhere.url + "/steal")
            assert client_of(server).send("POST", "/", body=b"spans").status == status
            assert elsewhere.requests == []
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("encoding", "encoded"), [("gzip", gzip.compress(b"abc", mtime=0)), ("deflate", zlib.compress(b"abc"))]
    )
    def test_compressed_answers_are_inflated(self, server: Loopback, encoding: str, encoded: bytes) -> None:
        server.answer = reply(200, encoded, content_encoding=encoding)
        assert client_of(server).send("GET", "/").body == b"abc"

    def test_chunked_answers_are_joined(self, server: Loopback) -> None:
        server.answer = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        assert client_of(server).send("GET", "/").body == b"abc"

    def test_an_answer_over_the_limit_is_refused(self, server: Loopback) -> None:
        server.answer = reply(200, b" " * (MAX_ANSWER_BYTES + 1))
        with pytest.raises(MalformedResponseError, match="over the limit"):
            client_of(server).send("GET", "/")

    def test_an_answer_at_the_limit_is_taken(self, server: Loopback) -> None:
        server.answer = reply(200, gzip.compress(b" " * MAX_ANSWER_BYTES), content_encoding="gzip")
        assert len(client_of(server).send("GET", "/").body) == MAX_ANSWER_BYTES

    def test_a_decompression_bomb_is_refused_before_it_unfolds(self, server: Loopback) -> None:
        bomb = gzip.compress(b"\0" * (256 * 1024 * 1024), compresslevel=1)
        server.answer = reply(200, bomb, content_encoding="gzip")
        with pytest.raises(MalformedResponseError, match="over the limit"):
            client_of(server).send("GET", "/")

    @pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "x" * 1_000])
    def test_a_compression_that_was_not_asked_for_is_refused(self, server: Loopback, encoding: str) -> None:
        server.answer = reply(200, b"abc", content_encoding=encoding)
        with pytest.raises(MalformedResponseError, match="not asked for"):
            client_of(server).send("GET", "/")

    def test_a_broken_compression_is_malformed(self, server: Loopback) -> None:
        server.answer = reply(200, b"this is no gzip", content_encoding="gzip")
        with pytest.raises(MalformedResponseError, match="compression is broken"):
            client_of(server).send("GET", "/")


class TestNoAnswer:
    def test_a_refused_connection(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ConnectionFailedError, match="refused") as caught:
            HttpClient(url, "pk", "sk").send("GET", "/")
        assert caught.value.retryable
        assert isinstance(caught.value.cause, ConnectionRefusedError)

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param((), id="at once"),
            pytest.param((b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",), id="in the body"),
            pytest.param((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",), id="in a chunk"),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(os.urandom(99))[:60]), id="in gzip"
            ),
        ],
    )
    def test_an_answer_that_breaks_off(self, server: Loopback, parts: tuple[bytes, ...]) -> None:
        server.answer = raw(*parts)
        with pytest.raises(ConnectionFailedError):
            client_of(server).send("GET", "/")

    def test_an_answer_that_is_not_http(self, server: Loopback) -> None:
        server.answer = raw(b"220 smtp.example.org ESMTP\r\n")
        with pytest.raises(MalformedResponseError, match="not HTTP"):
            client_of(server).send("GET", "/")

    def test_a_silent_server(self, server: Loopback) -> None:
        server.answer = server.hang
        with pytest.raises(TimedOutError, match=r"within 0\.2 s"):
            client_of(server, timeout_s=0.2).send("GET", "/")

    @pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX:", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
    def test_a_dripping_server_is_left_at_the_deadline_though_it_never_pauses(
        self, server: Loopback, first: bytes
    ) -> None:
        server.answer = server.drip(first)
        with pytest.raises(TimedOutError):
            client_of(server).send("GET", "/", timeout_s=0.5)

    def test_no_time_left_means_nothing_is_sent(self, server: Loopback) -> None:
        with pytest.raises(TimedOutError):
            client_of(server).send("GET", "/", timeout_s=0.0)
        assert server.requests == []

    def test_after_a_timeout_the_next_request_gets_its_own_answer(self, server: Loopback) -> None:
        client = client_of(server)
        server.answer = server.hang
        with pytest.raises(TimedOutError):
            client.send("GET", "/slow", timeout_s=0.1)
        server.answer = reply(200, b"mine")
        assert client.send("GET", "/").body == b"mine"

    def test_a_header_that_cannot_be_sent_is_no_reason_to_try_again(self, server: Loopback) -> None:
        with pytest.raises(ConnectionFailedError) as caught:
            client_of(server).send("GET", "/", headers={"X": "a\r\nInjected: b"})
        assert not caught.value.retryable
        assert server.requests == []


class TestSecrets:
    def test_the_secret_is_in_no_repr_no_vars_and_no_pickle(self, server: Loopback) -> None:
        client = client_of(server, headers={"X-Other": "secret-too"})
        client.send("GET", "/")
        shown = repr(client) + repr(vars(client)) + repr(vars(client._session))
        assert not any(secret in shown for secret in (SECRET, TOKEN, "secret-too"))
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            pickle.dumps(client)

    def test_a_failure_leads_to_no_frame_that_holds_the_key(self, server: Loopback) -> None:
        """Crash reporters send the local variables of every frame of an error and of those underneath."""
        server.answer = raw()
        with pytest.raises(LangfuseError) as caught:
            client_of(server).send("GET", "/")
        for error in (caught.value, caught.value.__cause__, caught.value.__context__):
            trace = error.__traceback__ if error else None
            while trace is not None:
                if trace.tb_frame.f_code.co_filename != __file__:
                    assert TOKEN not in repr(trace.tb_frame.f_locals)
                    assert SECRET not in repr(trace.tb_frame.f_locals)
                trace = trace.tb_next

    def test_plain_http_beyond_this_machine_is_warned_of(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "langfuse_otel"):
            for url in ("http://10.1.2.3:3000", "http://10.1.2.3:3000", "http://localhost:1", "http://127.0.0.1:1"):
                HttpClient(url, "pk", "sk")
        assert [record.getMessage() for record in caplog.records] == [
            "the Langfuse keys and all traces go unencrypted to 10.1.2.3: use https"
        ]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that no one has signed, with its key in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(made, check=True, capture_output=True)
    return pem


class TestTLS:
    @pytest.fixture
    def tls_server(self, certificate: Path) -> Iterator[Loopback]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))
        with Loopback(tls=context) as loopback:
            yield loopback

    def test_an_unknown_certificate_is_refused_before_a_byte_is_sent(self, tls_server: Loopback) -> None:
        with pytest.raises(ConnectionFailedError, match="CERTIFICATE_VERIFY_FAILED"):
            client_of(tls_server).send("GET", "/")
        assert tls_server.requests == []

    def test_a_certificate_that_was_given_is_trusted(self, tls_server: Loopback, certificate: Path) -> None:
        assert client_of(tls_server, certificate=str(certificate)).send("GET", "/").ok

    def test_a_dripping_server_is_left_at_the_deadline_here_too(self, tls_server: Loopback, certificate: Path) -> None:
        tls_server.answer = tls_server.drip(b"HTTP/1.1 200 OK\r\nX:")
        with pytest.raises(TimedOutError):
            client_of(tls_server, certificate=str(certificate)).send("GET", "/", timeout_s=0.5)


class TestProcessesAndThreads:
    def test_a_forked_child_has_connections_of_its_own(self, server: Loopback) -> None:
        client = client_of(server)
        client.send("GET", "/parent")
        child = os.fork()
        if child == 0:
            os._exit(0 if client.send("GET", "/child").ok else 1)
        assert os.waitpid(child, 0)[1] == 0
        client.send("GET", "/parent-again")
        ports = {request.target: request.client_port for request in server.requests}
        assert ports["/parent"] == ports["/parent-again"] != ports["/child"]

    def test_threads_get_their_own_answers(self, server: Loopback) -> None:
        server.answer = lambda handler, received: reply(200, received.target.encode())(handler, received)
        client = client_of(server)
        wrong: list[str] = []

        def ask(number: int) -> None:
            for turn in range(20):
                path = f"/{number}/{turn}"
                if client.send("GET", path).body != path.encode():
                    wrong.append(path)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(server.requests) == 160

    def test_a_closed_client_opens_new_connections(self, server: Loopback) -> None:
        client = client_of(server)
        client.send("GET", "/")
        client.close()
        assert client.send("GET", "/").ok


class TestRetryAfter:
    @staticmethod
    def seconds(value: str) -> float | None:
        return Answer(429, b"", {"retry-after": value}).retry_after_s

    @pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("7", 7.0), (" 1.5 ", 1.5)])
    def test_seconds(self, value: str, seconds: float) -> None:
        assert self.seconds(value) == seconds

    def test_a_date(self) -> None:
        seconds = self.seconds(formatdate(time.time() + 100, usegmt=True))
        assert seconds is not None
        assert 90 < seconds <= 100

    def test_a_date_in_the_past_means_now(self) -> None:
        assert self.seconds("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0

    @pytest.mark.parametrize("junk", ["", "-1", "nan", "inf", "soon", "1e9", "9" * 400, "٣", "Fri, 99 Foo 2026"])
    def test_junk_is_none(self, junk: str) -> None:
        assert self.seconds(junk) is None

    def test_no_header_is_none(self) -> None:
        assert Answer(429, b"", {}).retry_after_s is None

    @given(st.text())
    def test_whatever_it_says_the_result_is_none_or_a_real_duration(self, value: str) -> None:
        seconds = self.seconds(value)
        assert seconds is None or 0 <= seconds < float("inf")


class TestPutElsewhere:
    def test_neither_keys_nor_headers_of_the_client_go_along(
        self, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        client = HttpClient("http://127.0.0.1:1", "pk-lf-1", SECRET, headers={"X-Tenant": "7"})
        answer = client.put(f"{server.url}/bucket/x?Signature=s", b"content", headers={"Content-Type": "image/png"})
        assert answer.status == 200
        (put,) = server.requests
        assert (put.method, put.target, put.body) == ("PUT", "/bucket/x?Signature=s", b"content")
        assert put.headers["content-type"] == "image/png"
        assert not {"authorization", "x-tenant", "x-langfuse-sdk-name"} & put.headers.keys()

    def test_redirects_are_not_followed(self, server: Loopback) -> None:
        server.answer = reply(307, location=f"{server.url}/elsewhere")
        client = client_of(server)
        assert client.put(f"{server.url}/bucket", b"", headers={}).status == 307
        assert len(server.requests) == 1

    def test_the_signature_is_in_no_message(self, server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "langfuse_otel")
        client = client_of(server)
        client.put(f"{server.url}/bucket?Signature=canary", b"", headers={})
        server.answer = raw(b"")
        with pytest.raises(ConnectionFailedError) as failed:
            client.put(f"{server.url}/bucket?Signature=canary", b"", headers={})
        assert "canary" not in caplog.text + str(failed.value)
