"""What this package instruments, as data."""

from __future__ import annotations

SUPPORTED = ("google-genai >= 1.17",)
"""The client's versions: the oldest is the one tested. No upper bound: an endpoint that is gone is skipped."""
