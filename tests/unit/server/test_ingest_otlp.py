"""The OTLP endpoint (reference: langfuse-api.md, sections 3.1 and 3.4)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from langfuse_otel.server.ingest_otlp import MAX_BODY_BYTES
from langfuse_otel.server.run import LocalServer
from support.langfuse_api import LangfuseApi

JSON, PROTOBUF = "application/json", "application/x-protobuf"
Post = Callable[..., requests.Response]


@pytest.fixture
def api(local_server: LocalServer) -> LangfuseApi:
    return LangfuseApi(local_server.base_url, local_server.public_key, local_server.secret_key)


@pytest.fixture
def post(local_server: LocalServer) -> Post:
    def send(body: bytes, content_type: str = JSON, **headers: str) -> requests.Response:
        return requests.post(
            f"{local_server.base_url}/api/public/otel/v1/traces",
            body,
            headers={
                "content-type": content_type,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            auth=(local_server.public_key, local_server.secret_key),
            timeout=10,
        )

    return send


def span(**fields: Any) -> dict[str, Any]:
    attributes = [{"key": "langfuse.observation.type", "value": {"stringValue": "generation"}}]
    base = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "chat", "startTimeUnixNano": "1795000000000000000"}
    return {**base, "endTimeUnixNano": 1795000001000000000, "attributes": attributes, **fields}


def export(*spans: dict[str, Any]) -> bytes:
    scope_spans = [{"scope": {"name": "a.scope", "version": "2"}, "spans": list(spans)}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": scope_spans}]}).encode()


def protobuf_export() -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    sent = message.resource_spans.add().scope_spans.add().spans.add()
    sent.trace_id, sent.span_id, sent.name = b"\xab" * 16, b"\xcd" * 8, "chat"
    sent.start_time_unix_nano, sent.end_time_unix_nano = 1795000000 * 10**9, 1795000001 * 10**9
    return message


def test_json_is_taken(post: Post, api: LangfuseApi) -> None:
    answer = post(export(span()), x_langfuse_ingestion_version="4")
    assert (answer.status_code, answer.json()) == (200, {})
    (row,) = api.observations()
    assert (row["id"], row["traceId"], row["type"], row["latency"]) == ("cd" * 8, "ab" * 16, "GENERATION", 1.0)


def test_protobuf_is_taken_and_gives_the_same(post: Post, api: LangfuseApi) -> None:
    message = protobuf_export()
    sent = message.resource_spans[0].scope_spans[0].spans[0]
    kind = sent.attributes.add()
    kind.key, kind.value.string_value = "langfuse.observation.type", "generation"
    assert post(message.SerializeToString(), PROTOBUF).status_code == 200
    (row,) = api.observations()
    assert (row["id"], row["traceId"], row["type"], row["latency"]) == ("cd" * 8, "ab" * 16, "GENERATION", 1.0)


def test_gzip_is_inflated(post: Post, api: LangfuseApi) -> None:
    assert post(gzip.compress(export(span())), content_encoding="gzip").status_code == 200
    assert len(api.observations()) == 1


def test_a_span_sent_again_takes_the_place_of_the_first(post: Post, api: LangfuseApi) -> None:
    post(export(span()))
    post(export(span(name="later")))
    assert [row["name"] for row in api.observations()] == ["later"]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"boolValue": True}, "true"),
        ({"intValue": "7"}, "7"),
        ({"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "a"}]}}, '[1,"a"]'),
        ({"arrayValue": {}}, '{"arrayValue":{}}'),
        ({"kvlistValue": {"values": []}}, '{"kvlistValue":{"values":[]}}'),
    ],
)
def test_what_no_simple_value_stands_for_stays_the_protocol_s_own_json(
    post: Post, api: LangfuseApi, value: dict[str, Any], stored: str
) -> None:
    post(export(span(attributes=[{"key": "own", "value": value}])))
    (row,) = api.observations()
    assert row["metadata"]["attributes"]["own"] == stored


@pytest.mark.parametrize(
    "bad",
    [
        {"traceId": None},
        {"spanId": ""},
        {"spanId": 7},
        {"parentSpanId": 7},
        {"attributes": {"a": 1}},
        {"events": {}},
        {"attributes": [{"key": "no value"}]},
    ],
)
def test_one_bad_span_refuses_the_whole_export(post: Post, api: LangfuseApi, bad: dict[str, Any]) -> None:
    answer = post(export(span(), span(spanId="ef" * 8, **bad) if "spanId" not in bad else span(**bad)))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid OTLP trace export: 1 of 2 span(s) cannot be processed")
    assert api.observations() == []


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "said"),
    [
        (b"{}", "text/plain", {}, "Invalid content type"),
        (b"{", JSON, {}, "Failed to parse OTel JSON Trace"),
        (b"[]", JSON, {}, "Failed to parse OTel JSON Trace"),
        (b"\xff\xff", PROTOBUF, {}, "Failed to parse OTel Protobuf Trace"),
        (b"no gzip", JSON, {"content_encoding": "gzip"}, "Failed to decompress request body"),
        (gzip.compress(b"{}", mtime=0)[:-4], JSON, {"content_encoding": "gzip"}, "Failed to decompress request body"),
        (b"{}", JSON, {"x_langfuse_ingestion_version": "5"}, 'Unsupported x-langfuse-ingestion-version: "5"'),
        (b"{}", JSON, {"x_langfuse_ingestion_version": "four"}, 'Unsupported x-langfuse-ingestion-version: "four"'),
    ],
)
def test_a_request_that_cannot_be_read_is_400(
    post: Post, body: bytes, content_type: str, headers: dict[str, str], said: str
) -> None:
    answer = post(body, content_type, **headers)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)


def test_an_empty_export_is_taken(post: Post) -> None:
    assert post(b"{}").json() == {}


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_over_the_limit_is_413(post: Post, packed: bool) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    answer = post(gzip.compress(body), content_encoding="gzip") if packed else post(body)
    assert answer.status_code == 413
    assert f"exceeds {MAX_BODY_BYTES} bytes" in answer.json()["message"]
