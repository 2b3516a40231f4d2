"""From settings to stores, and from stores to nested tiers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from langfuse_otel.clock import Clock
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.network import Network, Source
from langfuse_otel.prompts.record import Codec
from langfuse_otel.prompts.snapshot import Snapshot, load
from langfuse_otel.prompts.stores.base import Store
from langfuse_otel.prompts.tiers import LOCK_S, SharedTier
from langfuse_otel.settings import Settings

_OUTERMOST, _INNERMOST = 0.8, 0.5
"""Expiry of locks as shares of the deadline, where tiers are nested: who waits for an inner lock holds an outer one."""


def stores_of(settings: Settings) -> list[Store]:
    """The stores that are set, the host's before the fleet's.

    Nothing is touched yet: a store makes what it needs when it is first asked, and one that cannot be used is passed
    over then, and said once.

    Raises:
        SettingsError: The Redis URL is none.
        MissingExtraError: Its extra is not installed.
    """
    stores: list[Store] = []
    if settings.prompt_cache_path is not None:
        from langfuse_otel.prompts.stores.disk import DiskStore  # SQLite only where it is wanted

        stores.append(DiskStore(settings.prompt_cache_path))
    if settings.prompt_redis_url is not None:
        from langfuse_otel.prompts.stores.redis import RedisStore  # needs an extra

        stores.append(RedisStore(settings.prompt_redis_url, prefix=settings.prompt_redis_prefix))
    return stores


def signing_key_of(settings: Settings) -> bytes:
    """A key that all processes of the project have, and nobody without its secret key."""
    secret = (settings.secret_key or "").encode()
    return hmac.new(secret, b"langfuse-otel prompt stores", hashlib.sha256).digest()


def snapshot_of(settings: Settings) -> Snapshot | None:
    """The snapshot that is set.

    Raises:
        SettingsError: It cannot be read.
    """
    return None if settings.prompt_snapshot is None else load(settings.prompt_snapshot)


def tiers_over(
    network: Network,
    stores: Sequence[Store],
    *,
    scope: str,
    signing_key: bytes | None,
    deadline_s: float,
    counters: PromptCounters,
    clock: Clock,
) -> list[SharedTier]:
    """One tier a store, each over the next, the last over the network."""
    codec = Codec(signing_key)
    tiers: list[SharedTier] = []
    below: Source = network
    for number, store in reversed(list(enumerate(stores))):
        lock_s = min(LOCK_S, deadline_s * 0.6) if len(stores) == 1 else deadline_s * _share(number, len(stores))
        tier = SharedTier(store, below, scope=scope, codec=codec, counters=counters, lock_s=lock_s, clock=clock)
        tiers.insert(0, tier)
        below = tier
    return tiers


def _share(number: int, count: int) -> float:
    return _OUTERMOST - (_OUTERMOST - _INNERMOST) * number / (count - 1)
