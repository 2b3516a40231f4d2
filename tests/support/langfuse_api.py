"""Reading back what arrived, through Langfuse's public API."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

FIELDS = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"


class LangfuseApi:
    """A project of a running server, local or real."""

    def __init__(self, base_url: str, public_key: str, secret_key: str) -> None:
        self.base_url, self.public_key, self.secret_key = base_url, public_key, secret_key
        self._authorization = "Basic " + base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()

    @property
    def env(self) -> dict[str, str]:
        """What a user exports."""
        return {
            "LANGFUSE_BASE_URL": self.base_url,
            "LANGFUSE_PUBLIC_KEY": self.public_key,
            "LANGFUSE_SECRET_KEY": self.secret_key,
        }

    def get(self, path: str, **query: str) -> Any:
        """Decoded answer of a GET."""
        url = f"{self.base_url}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": self._authorization})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def observations(self, **query: str) -> list[dict[str, Any]]:
        """All observations, oldest first."""
        rows: list[dict[str, Any]] = self.get("/api/public/v2/observations", fields=FIELDS, limit="1000", **query)[
            "data"
        ]
        return sorted(rows, key=lambda row: (row["startTime"], row["id"]))

    def wait_for(self, enough: Callable[[list[dict[str, Any]]], bool], **query: str) -> list[dict[str, Any]]:
        """The observations, as soon as there are enough; fails after 20 seconds."""
        deadline = time.monotonic() + 20
        while not enough(rows := self.observations(**query)):
            assert time.monotonic() < deadline, f"only {[row['name'] for row in rows]} arrived"
            time.sleep(0.05)  # another process writes: there is no event to await
        return rows
