"""Langfuse's prompt endpoints on the loopback interface, as far as the prompt client uses them."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from support.loopback import Answer, Loopback, Received, reply

PATH = "/api/public/v2/prompts"


class PromptServer(Loopback):
    """Holds versions and labels.

    Attributes:
        trouble: Answers instead, while it is set.
        open: While it is cleared, requests wait for it.
    """

    def __init__(self) -> None:
        super().__init__(self._route)
        self.trouble: Answer | None = None
        self.open = threading.Event()
        self.open.set()
        self.versions: dict[str, list[dict[str, Any]]] = {}

    def publish(self, name: str, prompt: Any, *labels: str, **fields: Any) -> int:
        """Store a new version and point labels (production by default) at it; returns its number."""
        stored = self.versions.setdefault(name, [])
        labels = labels or ("production",)
        for other in stored:
            other["labels"] = [label for label in other["labels"] if label not in labels]
        kind = "text" if isinstance(prompt, str) else "chat"
        body = {"name": name, "version": len(stored) + 1, "type": kind, "prompt": prompt, "labels": [*labels]}
        stored.append({**body, "tags": [], "config": {}, "commitMessage": None, **fields})
        return len(stored)

    @property
    def reads(self) -> list[str]:
        """The targets of all reads so far."""
        return [request.target for request in self.requests if request.method == "GET"]

    def _route(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        while not (self.open.wait(0.05) or self.closing.is_set()):
            pass
        answer = self.trouble or getattr(self, f"_{received.method.lower()}")(received)
        answer(handler, received)

    def _get(self, received: Received) -> Answer:
        url = urlsplit(received.target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == PATH:
            return self._listing(query)
        segment = re.fullmatch(f"{PATH}/([^/]+)", url.path)
        name = unquote(segment[1]) if segment else ""
        query = query or {"label": "production"}
        for body in self.versions.get(name, ()):
            if query.get("version") == str(body["version"]) or query.get("label") in body["labels"]:
                return _json(body)
        return _json({"message": f"Prompt not found: '{name}'", "error": "LangfuseNotFoundError"}, 404)

    def _listing(self, query: dict[str, str]) -> Answer:
        page, limit = int(query["page"]), int(query["limit"])
        names = sorted(name for name in self.versions if query.get("name", name) == name)
        data = [
            {"name": name, "type": "text", "versions": [body["version"] for body in self.versions[name]], "labels": []}
            for name in names[(page - 1) * limit : page * limit]
        ]
        return _json({"data": data, "meta": {"page": page, "limit": limit, "totalPages": -(-len(names) // limit)}})

    def _post(self, received: Received) -> Answer:
        body = json.loads(received.body)
        labels = body.pop("labels") or ["latest"]
        self.publish(body.pop("name"), body.pop("prompt"), *labels, **body)
        return _json(list(self.versions.values())[-1][-1], 201)

    def _patch(self, received: Received) -> Answer:
        _, name, _, version = received.target.rsplit("/", 3)
        for body in self.versions.get(unquote(name), ()):
            if str(body["version"]) == version:
                body["labels"] += json.loads(received.body)["newLabels"]
                return _json(body)
        return _json({"message": "Prompt not found"}, 404)

    def _delete(self, received: Received) -> Answer:
        return reply(204) if self.versions.pop(unquote(received.target.rsplit("/", 1)[1]), None) else _json({}, 404)


def _json(body: Any, status: int = 200) -> Answer:
    return reply(status, json.dumps(body, ensure_ascii=False).encode())
