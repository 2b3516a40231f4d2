"""What this package instruments, as data."""

from __future__ import annotations

SUPPORTED = ("boto3 >= 1.37.24",)
"""The client's versions: the oldest whose ``converse`` has reasoning and the prompt cache. No upper bound."""
