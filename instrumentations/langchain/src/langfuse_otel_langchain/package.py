"""What this package instruments, as data."""

from __future__ import annotations

SUPPORTED = ("langchain-core >= 1.0",)
"""The library's versions: no upper bound. LangGraph needs no entry: it runs on langchain-core's callbacks."""
