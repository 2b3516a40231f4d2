"""The prompt endpoints of the local server, each in a line."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.testclient import TestClient

PROMPTS = "/api/public/v2/prompts"


def create(client: TestClient, name: str = "greeting", prompt: Any = "Hello {{name}}", **fields: Any) -> dict[str, Any]:
    answer = client.post(PROMPTS, json={"name": name, "prompt": prompt, **fields})
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


def get(client: TestClient, name: str = "greeting", **query: Any) -> Any:
    return client.get(f"{PROMPTS}/{quote(name, safe='')}", params=query)


def delete(client: TestClient, name: str = "greeting", **query: Any) -> Any:
    return client.delete(f"{PROMPTS}/{quote(name, safe='')}", params=query)


def label(client: TestClient, version: int, *labels: str, name: str = "greeting") -> Any:
    return client.patch(f"{PROMPTS}/{quote(name, safe='')}/versions/{version}", json={"newLabels": labels})
