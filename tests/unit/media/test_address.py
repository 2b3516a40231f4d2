"""Where media may be put."""

from __future__ import annotations

import pytest

from langfuse_otel.media.address import objection

CLOUD = "https://198.51.100.9"  # any address that is nobody's own network


@pytest.mark.parametrize(
    ("upload_url", "base_url"),
    [
        ("https://198.51.100.7/bucket?X-Amz-Signature=x", CLOUD),
        ("http://127.0.0.1:9090/bucket", "http://127.0.0.1:3000"),
        ("http://[::1]:9090/bucket", "http://127.0.0.1:3000"),
        ("http://langfuse.invalid:9090/bucket", "http://langfuse.invalid:3000"),
        ("https://10.0.0.5/bucket", "https://10.0.0.4"),
        ("https://storage.invalid/bucket", CLOUD),  # only a proxy knows it
    ],
)
def test_allowed(upload_url: str, base_url: str) -> None:
    assert objection(upload_url, base_url) is None


@pytest.mark.parametrize(
    ("upload_url", "base_url", "why"),
    [
        ("http://198.51.100.7/bucket", CLOUD, "not https"),
        ("http://storage.invalid/bucket", CLOUD, "not https"),
        ("https://10.0.0.5/bucket", "https://8.8.8.8", "private network"),
        ("https://127.0.0.1/bucket", "https://8.8.8.8", "private network"),
        ("https://169.254.169.254/", "https://10.0.0.4", "link-local"),
        ("https://[fe80::1]/", "https://10.0.0.4", "link-local"),
        ("ftp://127.0.0.1/", "http://127.0.0.1:3000", "plain http"),
        ("https://key@198.51.100.7/", CLOUD, "plain http"),
        ("/relative", CLOUD, "plain http"),
        ("https://[/", CLOUD, "not a URL"),
        ("https://host:port/", CLOUD, "not a URL"),
    ],
)
def test_objected_to(upload_url: str, base_url: str, why: str) -> None:
    assert why in str(objection(upload_url, base_url))
