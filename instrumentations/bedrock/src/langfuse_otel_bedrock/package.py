"""What this package instruments, as data."""

from __future__ import annotations

SUPPORTED = ("boto3 >= 1.34.131",)
"""The client's versions: the oldest has ``converse`` with tools and guardrails. No upper bound."""
