"""Only this machine may ask, and the API only with keys."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from langfuse_otel.server.run import LocalServer


def get(server: LocalServer, path: str, *, auth: Any = None, **headers: str) -> requests.Response:
    return requests.get(server.base_url + path, headers=headers, auth=auth, timeout=10, allow_redirects=False)


def test_the_project_s_keys_open_the_api(local_server: LocalServer) -> None:
    answer = get(local_server, "/api/public/projects", auth=(local_server.public_key, local_server.secret_key))
    assert answer.status_code == 200
    assert answer.json()["data"][0]["id"] == local_server.project_id


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("Basic !!!", 401), ("Basic " + "cGs6c2s=", 401), ("Bearer pk-lf-1", 403), ("Basic /w==", 401)],
)
def test_without_them_it_is_closed(local_server: LocalServer, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    # requests would look for a netrc entry without an auth of its own
    answer = get(local_server, "/api/public/projects", auth=lambda request: request, **headers)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_health_needs_no_key(local_server: LocalServer) -> None:
    answer = get(local_server, "/api/public/health")
    assert answer.json() == {"status": "OK", "version": "4.60.0"}


@pytest.mark.parametrize("path", ["/", "/api/public/health", "/static/style.css"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:3000"},
        {"Host": "["},
        {"Origin": "https://evil.example"},
    ],
)
def test_names_and_pages_from_elsewhere_are_refused(
    local_server: LocalServer, path: str, headers: dict[str, str]
) -> None:
    assert get(local_server, path, **headers).status_code == 403


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1", "[::1]:3000"])
def test_every_name_of_this_machine_is_fine(local_server: LocalServer, host: str) -> None:
    assert get(local_server, "/api/public/health", Host=host).status_code == 200


@pytest.mark.parametrize("path", ["/", "/nothing/here", "/api/public/health", "/api/public/projects"])
def test_every_answer_is_hardened(local_server: LocalServer, path: str) -> None:
    headers = get(local_server, path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_unknown_paths_of_the_api_answer_in_json(local_server: LocalServer) -> None:
    keys = (local_server.public_key, local_server.secret_key)
    assert get(local_server, "/api/public/nothing", auth=keys).json()["error"] == "LangfuseNotFoundError"
    wrong_method = requests.put(f"{local_server.base_url}/api/public/projects", auth=keys, timeout=10)
    assert (wrong_method.status_code, wrong_method.json()["error"]) == (405, "MethodNotAllowedError")
