"""Whether media may be put where the server says: an address that comes over the network, so it is not just believed.

The keys never go there (``http``); this is about the media themselves and about requests into somebody's own network.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def objection(upload_url: str, base_url: str) -> str | None:
    """Why media must not be put to ``upload_url``; None when they may.

    Allowed are https anywhere, and plain http on the API's own host or this machine. Not allowed is a host in a private
    network when the API's is in none, nor a link-local one (cloud metadata services) at all.
    """
    try:
        target, api = urlsplit(upload_url), urlsplit(base_url)
        _ = target.port
    except ValueError:
        return "is not a URL"
    host = target.hostname
    if target.scheme not in ("http", "https") or not host or target.username or target.password:
        return "is not a plain http or https URL"
    if host == api.hostname:
        return None
    addresses = _addresses(target)
    if target.scheme == "http" and not (addresses and all(address.is_loopback for address in addresses)):
        return f"is not https ({host})"
    if any(address.is_link_local for address in addresses):
        return f"is a link-local address ({host})"
    if any(address.is_private for address in addresses):
        at_home = _addresses(api)
        if at_home and not any(address.is_private for address in at_home):
            return f"is in a private network ({host}), and Langfuse is not"
    return None


def _addresses(url: SplitResult) -> list[_Address]:
    """What the host's name stands for; nothing when only a proxy knows that."""
    try:
        found = socket.getaddrinfo(url.hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
