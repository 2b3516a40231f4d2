"""What this package instruments, as data."""

from __future__ import annotations

SUPPORTED = ("anthropic >= 1.0",)
"""The client's versions: the oldest is the one tested. No upper bound: an endpoint that is gone is skipped."""
