"""A transparent proxy of streams, raw responses and loaders; ``isinstance`` sees the class of what it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from wrapt import ObjectProxy

if TYPE_CHECKING:
    Proxy: TypeAlias = ObjectProxy[Any]
else:
    Proxy = ObjectProxy  # wrapt 1 has no type argument

__all__ = ["Proxy"]
