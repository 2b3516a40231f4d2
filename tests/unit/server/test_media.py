"""Media in, media out (langfuse-api.md, section 5.5)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from langfuse_otel.server import media, media_store
from langfuse_otel.server.context import Local
from langfuse_otel.server.problem import Problem, answer_problem
from langfuse_otel.server.project import load_project
from langfuse_otel.server.store import Store
from langfuse_otel.server.trace_deletion import delete_traces

MEDIA = "/api/public/media"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    app = Starlette(routes=media.ROUTES, exception_handlers={Problem: answer_problem})
    app.state.local = Local(load_project(store), store)
    with TestClient(app) as client:
        yield client


def sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def announce(client: TestClient, content: bytes = PNG, **fields: Any) -> Any:
    body = {
        "traceId": "t1",
        "observationId": "o1",
        "field": "input",
        "contentType": "image/png",
        "contentLength": len(content),
        "sha256Hash": sha256(content),
    }
    return client.post(MEDIA, json={**body, **fields})


def put(client: TestClient, url: str, content: bytes = PNG, content_type: str = "image/png") -> Any:
    return client.put(url, content=content, headers={"content-type": content_type})


def report(client: TestClient, media_id: str, status: int = 200, **fields: Any) -> Any:
    body = {"uploadedAt": "2026-11-21T06:00:00.000Z", "uploadHttpStatus": status, **fields}
    return client.patch(f"{MEDIA}/{media_id}", json=body)


def upload(client: TestClient, content: bytes = PNG, content_type: str = "image/png") -> str:
    announced = announce(client, content, contentType=content_type).json()
    assert put(client, announced["uploadUrl"], content, content_type).status_code == 200
    assert report(client, announced["mediaId"]).status_code == 200
    media_id: str = announced["mediaId"]
    return media_id


def test_what_was_uploaded_is_described_and_served(client: TestClient) -> None:
    media_id = upload(client)
    assert media_id == sha256(PNG)[:22].replace("+", "-").replace("/", "_")
    described = client.get(f"{MEDIA}/{media_id}").json()
    assert described | {"url": "", "urlExpiry": ""} == {
        "mediaId": media_id,
        "contentType": "image/png",
        "contentLength": len(PNG),
        "uploadedAt": "2026-11-21T06:00:00.000Z",
        "url": "",
        "urlExpiry": "",
    }
    assert client.get(described["url"]).content == PNG


def test_content_that_is_there_already_is_not_asked_for_again(client: TestClient) -> None:
    upload(client)
    again = announce(client, traceId="t2", observationId=None)
    assert again.status_code == 201
    assert again.json()["uploadUrl"] is None


def test_it_is_kept_where_a_content_belongs(client: TestClient, store: Store) -> None:
    upload(client)
    announce(client, observationId="o2", field="output")
    announce(client, observationId="o2", field="output")
    rows = store.connection().execute("SELECT trace_id, observation_id, field FROM media_places ORDER BY 2").fetchall()
    assert [tuple(row) for row in rows] == [("t1", "o1", "input"), ("t1", "o2", "output")]


def test_media_go_with_the_last_trace_that_they_belong_to(client: TestClient, store: Store) -> None:
    media_id = upload(client)
    announce(client, traceId="t2")
    for trace_id, status in (("t1", 200), ("t2", 404)):
        with store.write() as connection:
            delete_traces(connection, [trace_id])
        assert client.get(f"/media/{media_id}").status_code == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"contentType": "image/x-unheard-of"},
        {"contentLength": 0},
        {"contentLength": media_store.MAX_CONTENT_BYTES + 1},
        {"sha256Hash": "short"},
        {"sha256Hash": "../" + "A" * 40 + "="},
        {"field": "somewhere"},
        {"traceId": None},
        {"traceId": ""},
    ],
)
def test_an_announcement_that_breaks_a_rule_is_refused(client: TestClient, wrong: dict[str, Any]) -> None:
    assert announce(client, **wrong).status_code == 400


def test_the_types_are_those_of_the_official_sdk() -> None:
    official = pytest.importorskip("langfuse.api", reason="the Langfuse SDK needs Python 3.11")
    assert {kind.value for kind in official.MediaContentType} == media_store.CONTENT_TYPES


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (PNG[:-1], "image/png", 400),
        (PNG[:-1] + b"x", "image/png", 400),
        (PNG + b"x", "image/png", 413),
        (PNG, "text/html", 400),
    ],
)
def test_only_the_announced_content_is_taken(
    client: TestClient, content: bytes, content_type: str, status: int
) -> None:
    announced = announce(client).json()
    assert put(client, announced["uploadUrl"], content, content_type).status_code == status
    assert report(client, announced["mediaId"]).status_code == 404
    assert client.get(f"/media/{announced['mediaId']}").status_code == 404


def test_a_checksum_header_has_to_agree(client: TestClient) -> None:
    url = announce(client).json()["uploadUrl"]
    headers = {"content-type": "image/png", "x-amz-checksum-sha256": sha256(b"other")}
    assert client.put(url, content=PNG, headers=headers).status_code == 400


def test_an_upload_needs_the_address_that_was_given_for_it(client: TestClient) -> None:
    url = announce(client).json()["uploadUrl"]
    other = announce(client, b"other").json()["mediaId"]
    path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
    expires, token = query["expires"][0], query["token"][0]
    for address in (
        path,
        f"{path}?expires={expires}",
        f"{path}?expires={expires}&token={'0' * 64}",
        f"{path}?expires={int(expires) + 1}&token={token}",
        f"{path}?expires=1&token={token}",
        f"{path}?expires=x&token=é",
        f"/media-upload/{other}?expires={expires}&token={token}",
    ):
        assert put(client, address).status_code == 403, address


def test_a_failed_upload_says_so_and_can_be_repeated(client: TestClient) -> None:
    media_id = announce(client).json()["mediaId"]
    assert client.get(f"{MEDIA}/{media_id}").status_code == 404
    assert report(client, media_id, 403, uploadHttpError="expired").status_code == 200
    assert "expired" in client.get(f"{MEDIA}/{media_id}").json()["message"]
    assert upload(client) == media_id
    assert client.get(f"{MEDIA}/{media_id}").status_code == 200


@pytest.mark.parametrize("path", [f"{MEDIA}/unknown", "/media/unknown"])
def test_unknown_media_are_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert report(client, "unknown").status_code == 404


def test_a_report_with_a_broken_time_is_refused(client: TestClient) -> None:
    assert report(client, upload(client), uploadedAt="yesterday").status_code == 400


@pytest.mark.parametrize(
    ("content_type", "shown", "filename"),
    [
        ("image/png", "inline", "png"),
        ("image/jpeg", "inline", "jpeg"),
        ("image/svg+xml", "attachment", "svg"),
        ("text/html", "attachment", "html"),
        ("application/pdf", "attachment", "pdf"),
        ("audio/wav", "attachment", "wav"),
        ("application/vnd.ms-excel", "attachment", "ms-excel"),
    ],
)
def test_only_pictures_without_scripts_are_shown_and_nothing_is_run(
    client: TestClient, content_type: str, shown: str, filename: str
) -> None:
    content = b"<script>alert(1)</script>" + content_type.encode()
    media_id = upload(client, content, content_type)
    answer = client.get(f"/media/{media_id}")
    assert answer.content == content
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"] == f'{shown}; filename="{media_id}.{filename}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
