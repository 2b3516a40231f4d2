"""Who answers the requests of clients that have a base URL: found once a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.instrumentation.declare import Server


def by_base_url(find: Callable[[type, str], Server]) -> Callable[[Any], Server]:
    """A function that gives the server of a client, from its class and its ``base_url``.

    Args:
        find: Class of a client, and its base URL → the server. Called once for each pair: to make text of a URL object
            takes longer than much else in a call.
    """
    servers = IdentityCache(lambda kind, url: find(kind, str(url)))
    return lambda client: servers.of(type(client), client.base_url)
