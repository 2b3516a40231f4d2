"""How media get to Langfuse, and what happens to their observations while they do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import pytest

from langfuse_otel.http import HttpClient
from langfuse_otel.media.medium import Medium, sha256_base64
from langfuse_otel.media.upload import ASK_AGAIN_S, MAX_TRIES, GivenUp, Later, MediaUploader, NotServed, Uploaded
from support.clock import FakeClock

TIMEOUT_S = 20.0


def medium(content: bytes = b"\x89PNG" * 500, observation_id: str = "o1", content_type: str = "image/png") -> Medium:
    return Medium(content, content_type, sha256_base64(content), "t1", observation_id, "input")


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class MediaServer(AbstractContextManager["MediaServer"]):
    """Answers by method: POST for a place, PUT into the bucket, PATCH for the report. ``status`` overrides."""

    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    upload_url: str | None = None
    media_id: str | None = None
    asked: list[Asked] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, body)
                server.asked.append(asked)
                status = server.status.get(self.command, 200)
                answer = json.dumps(server._answer(asked) if status < 300 else {"message": "no"}).encode()
                self.send_response(status)
                for name, value in {**server.headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_PUT = do_PATCH = do_POST

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _answer(self, asked: Asked) -> Any:
        if asked.method == "PUT":
            self.stored[asked.path.rpartition("/")[2]] = asked.body
            return {}
        if asked.method == "PATCH":
            return {}
        media_id = asked.json["sha256Hash"][:22].replace("+", "-").replace("/", "_")
        there = media_id in self.stored
        place = f"{self.url}/bucket/{media_id}" if self.upload_url is None else self.upload_url
        return {
            "mediaId": self.media_id or media_id,
            "uploadUrl": None if there else place,
        }

    @property
    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def client(server: MediaServer) -> Iterator[HttpClient]:
    client = HttpClient(server.url, "pk-lf-1", "sk-lf-1", timeout_s=TIMEOUT_S)
    yield client
    client.close()


@dataclass
class Counts:
    uploaded: int = 0
    lost: int = 0

    def count_uploaded(self, number: int) -> None:
        self.uploaded += number

    def count_lost(self, number: int) -> None:
        self.lost += number


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def uploader(client: HttpClient, counts: Counts) -> MediaUploader:
    return MediaUploader(client, on_uploaded=counts.count_uploaded, on_lost=counts.count_lost)


def test_a_medium_is_announced_put_and_reported(server: MediaServer, uploader: MediaUploader, counts: Counts) -> None:
    image = medium()
    assert uploader.upload([image], TIMEOUT_S) == Uploaded()
    announced, put, reported = server.asked
    assert announced.json == {
        "traceId": "t1",
        "observationId": "o1",
        "field": "input",
        "contentType": "image/png",
        "contentLength": 2_000,
        "sha256Hash": image.sha256,
    }
    assert server.stored == {image.media_id: image.content}
    assert put.headers["content-type"] == "image/png"
    assert put.headers["x-amz-checksum-sha256"] == image.sha256
    assert put.headers["x-ms-blob-type"] == "BlockBlob"
    assert (reported.method, reported.path) == ("PATCH", f"/api/public/media/{image.media_id}")
    assert reported.json["uploadHttpStatus"] == 200
    assert reported.json["uploadedAt"].endswith("Z")
    assert counts == Counts(uploaded=1)


def test_the_keys_go_to_the_api_only(server: MediaServer, uploader: MediaUploader) -> None:
    uploader.upload([medium()], TIMEOUT_S)
    by_method = {asked.method: asked.headers for asked in server.asked}
    assert "authorization" in by_method["POST"]
    assert not {name for name in by_method["PUT"] if name == "authorization" or name.startswith("x-langfuse")}


def test_content_goes_out_once_and_each_observation_is_told_once(server: MediaServer, uploader: MediaUploader) -> None:
    for _ in range(3):
        assert uploader.upload([medium(), medium(), medium(observation_id="o2")], TIMEOUT_S) == Uploaded()
    assert server.methods == ["POST", "PUT", "PATCH", "POST"]
    assert [asked.json["observationId"] for asked in server.asked if asked.method == "POST"] == ["o1", "o2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_what_fails_for_a_while_holds_its_observation_back_and_succeeds_later(
    method: str, server: MediaServer, uploader: MediaUploader, counts: Counts
) -> None:
    server.status[method] = 503
    held = uploader.upload([medium()], TIMEOUT_S)
    assert isinstance(held, Later)
    assert "503" in held.reason
    assert held.delay_s is None
    server.status.clear()
    assert uploader.upload([medium()], TIMEOUT_S) == Uploaded()
    assert counts == Counts(uploaded=1)


def test_a_wish_to_wait_is_obeyed_unless_the_program_ends(server: MediaServer, client: HttpClient) -> None:
    clock = FakeClock()
    uploader = MediaUploader(client, clock=clock)
    server.status["POST"], server.headers["Retry-After"] = 429, "7"
    assert isinstance(uploader.upload([medium()], TIMEOUT_S), Later)
    server.status.clear()
    clock.sleep(6.9)
    assert isinstance(uploader.upload([medium()], TIMEOUT_S), Later)
    assert isinstance(uploader.upload([medium()], TIMEOUT_S / 4), GivenUp)
    assert server.methods == ["POST"]
    clock.sleep(0.2)
    assert uploader.upload([medium()], TIMEOUT_S) == Uploaded()


def test_nobody_waits_longer_than_half_a_minute_at_once(server: MediaServer, client: HttpClient) -> None:
    clock = FakeClock()
    uploader = MediaUploader(client, clock=clock)
    server.status["POST"], server.headers["Retry-After"] = 429, "86400"
    uploader.upload([medium()], TIMEOUT_S)
    clock.sleep(31)
    uploader.upload([medium()], TIMEOUT_S)
    assert server.methods == ["POST", "POST"]


def test_after_some_success_the_next_try_comes_at_once(server: MediaServer, uploader: MediaUploader) -> None:
    there, missing = medium(b"there"), medium(b"not there yet")
    server.stored[there.media_id] = there.content
    server.status["PUT"] = 503
    assert uploader.upload([there, missing], TIMEOUT_S) == Later(
        "media upload: the storage of media answered 503: " + """{"message": "no"}""", 0.0
    )


def test_observations_go_without_after_some_tries_and_the_loss_counts_when_they_are_sent(
    server: MediaServer, uploader: MediaUploader, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    server.status["PUT"] = 500
    image = medium()
    for _ in range(MAX_TRIES - 1):
        assert isinstance(uploader.upload([image], TIMEOUT_S), Later)
    given_up = uploader.upload([image], TIMEOUT_S)
    assert isinstance(given_up, GivenUp)
    assert given_up.media == (image,)
    assert counts == Counts()  # the observations may still fail, and then the media get another chance
    assert isinstance(uploader.upload([image], TIMEOUT_S), GivenUp)
    uploader.write_off(given_up)
    assert counts == Counts(lost=1)
    assert "1 media could not be uploaded" in caplog.text
    asked = len(server.asked)
    assert uploader.upload([image], TIMEOUT_S) == Uploaded()
    assert len(server.asked) == asked


def test_a_failed_put_is_reported_with_its_status(server: MediaServer, uploader: MediaUploader) -> None:
    server.status["PUT"] = 403
    assert isinstance(uploader.upload([medium()], TIMEOUT_S), GivenUp)
    assert server.asked[-1].json["uploadHttpStatus"] == 403


def test_while_storage_is_broken_only_the_first_observations_wait(server: MediaServer, uploader: MediaUploader) -> None:
    server.status["PUT"] = 500
    for _ in range(MAX_TRIES):
        uploader.upload([medium()], TIMEOUT_S)
    assert isinstance(uploader.upload([medium(observation_id="o2")], TIMEOUT_S), GivenUp)
    server.status.clear()
    assert uploader.upload([medium(observation_id="o3")], TIMEOUT_S) == Uploaded()
    server.status["POST"] = 500
    assert isinstance(uploader.upload([medium(observation_id="o4")], TIMEOUT_S), Later)


def test_one_bad_medium_does_not_keep_the_others(server: MediaServer, uploader: MediaUploader, counts: Counts) -> None:
    bad, good = medium(b"bad"), medium(b"good")
    server.stored[good.media_id] = good.content
    server.status["PUT"] = 400
    given_up = uploader.upload([bad, good], TIMEOUT_S)
    assert isinstance(given_up, GivenUp)
    assert given_up.media == (bad,)
    assert counts == Counts(uploaded=1)


@pytest.mark.parametrize("status", [400, 401, 403, 413, 302])
def test_what_will_never_work_holds_nothing_back(status: int, server: MediaServer, uploader: MediaUploader) -> None:
    server.status["POST"] = status
    given_up = uploader.upload([medium()], TIMEOUT_S)
    assert isinstance(given_up, GivenUp)
    assert str(status) in given_up.reason


def test_when_the_program_ends_nothing_is_held_back(server: MediaServer, uploader: MediaUploader) -> None:
    server.status["POST"] = 503
    assert isinstance(uploader.upload([medium()], TIMEOUT_S / 4), GivenUp)


def test_without_any_time_nothing_is_asked(server: MediaServer, uploader: MediaUploader) -> None:
    assert isinstance(uploader.upload([medium()], 0.0), GivenUp)
    assert server.asked == []


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_media_api_is_asked_again_after_a_while(
    status: int, server: MediaServer, client: HttpClient
) -> None:
    clock = FakeClock()
    uploader = MediaUploader(client, clock=clock)
    server.status["POST"] = status
    assert uploader.served
    assert uploader.upload([medium()], TIMEOUT_S) == NotServed()
    assert not uploader.served
    clock.sleep(ASK_AGAIN_S)
    assert uploader.served


@pytest.mark.parametrize(
    "upload_url",
    [
        "http://198.51.100.7/bucket/x",  # plain http to somewhere else
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://user:pass@127.0.0.1/",
        "//127.0.0.1/x",
        "https://[/",
        "",
    ],
)
def test_media_are_not_put_just_anywhere(upload_url: str, server: MediaServer, uploader: MediaUploader) -> None:
    server.upload_url = upload_url
    given_up = uploader.upload([medium()], TIMEOUT_S)
    assert isinstance(given_up, GivenUp)
    assert "address" in given_up.reason
    assert server.methods == ["POST"]


def test_redirects_of_the_storage_are_not_followed(server: MediaServer, uploader: MediaUploader) -> None:
    server.status["PUT"], server.headers["Location"] = 307, f"{server.url}/elsewhere"
    assert isinstance(uploader.upload([medium()], TIMEOUT_S), GivenUp)
    assert [asked.path for asked in server.asked if "elsewhere" in asked.path] == []


def test_an_id_that_is_not_the_contents_own_is_refused(server: MediaServer, uploader: MediaUploader) -> None:
    server.media_id = "another"
    assert isinstance(uploader.upload([medium()], TIMEOUT_S), GivenUp)
    assert server.methods == ["POST"]


def test_googles_storage_gets_no_headers_that_it_did_not_sign(server: MediaServer, uploader: MediaUploader) -> None:
    server.upload_url = f"{server.url}/storage.googleapis.com/x"
    assert uploader.upload([medium()], TIMEOUT_S) == Uploaded()
    put = next(asked for asked in server.asked if asked.method == "PUT")
    assert not {"x-amz-checksum-sha256", "x-ms-blob-type"} & put.headers.keys()


def test_an_unreachable_server_is_a_reason_to_wait(counts: Counts) -> None:
    with MediaServer() as gone:
        pass
    client = HttpClient(gone.url, "pk-lf-1", "sk-lf-1", timeout_s=TIMEOUT_S)
    assert isinstance(MediaUploader(client).upload([medium()], TIMEOUT_S), Later)
