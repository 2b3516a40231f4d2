"""A shared tier for a fleet: Redis or Valkey. The only module that imports ``redis`` (extra ``redis``).

For a prompt with digest ``d`` there are two keys, in one slot of a cluster:

- ``<prefix>{d}``: a hash, a field a version or label, expires when nobody has renewed it for 30 days;
- ``<prefix>{d}:lock``: the lock's owner, set with ``NX PX`` and deleted only by its owner.

News go through the channel ``<prefix>changes``. Nothing else is touched. A user for this (ACL) needs::

    ~<prefix>* &<prefix>* +@connection +eval +evalsha +script|load +set +get +del +hget +hset +hstrlen +pexpire
    +publish +subscribe

A hash whose value is over the limit is not read (``HSTRLEN`` first); anything that is no hash is removed. No command
waits longer than ``timeout_s`` but on a machine that is short of CPU, and none is repeated: the tier goes on without.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from langfuse_otel import fork
from langfuse_otel.clock import SYSTEM_CLOCK
from langfuse_otel.errors import MissingExtraError, SettingsError
from langfuse_otel.prompts.stores.base import StoreKey

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as error:
    raise MissingExtraError("redis", "redis") from error

MAX_VALUE_BYTES = 1024 * 1024
KEEP_S = 30 * 24 * 3600
_NAMELESS: dict[str, Any] = (
    {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
)
_MAX_CONNECTIONS = 3  # a process: a fleet of thousands must stay below Redis' limit of 10,000; one is for news
_STARVED_S = 2.0
_LATE = 1.5
_SCHEDULING = Path("/proc/thread-self/schedstat")  # https://docs.kernel.org/scheduler/sched-stats.html
_LOAD = Path("/proc/loadavg")  # https://man7.org/linux/man-pages/man5/proc_loadavg.5.html
DEFAULT_PREFIX = "langfuse-otel:prompts:"

_GET = """
local size = redis.call('HSTRLEN', KEYS[1], ARGV[1])
if size == 0 then return false end
if size > tonumber(ARGV[2]) then return -1 end
return redis.call('HGET', KEYS[1], ARGV[1])
"""
_LOCK = """
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[2]) == ARGV[1] then return 1 end
return 0
"""
_CLAIM = """
local size = redis.call('HSTRLEN', KEYS[1], ARGV[1])
if size > tonumber(ARGV[2]) then return -1 end
if size > 0 then return redis.call('HGET', KEYS[1], ARGV[1]) end
if redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[4]) then return 1 end
if redis.call('GET', KEYS[2]) == ARGV[3] then return 1 end
return 0
"""
_PUT = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('DEL', KEYS[2])
return 1
"""
_UNLOCK = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
"""


class RedisStore:
    """See the module. Usable by all threads, and after a fork.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password if need be. Kept out of ``repr``,
            logs and errors.
        prefix: Of all keys and of the channel.
        timeout_s: Longest that connecting, or one command, may take.

    Raises:
        SettingsError: The URL is none. The message has nothing of it.
    """

    name = "redis"
    max_bytes = MAX_VALUE_BYTES

    def __init__(self, url: str, *, prefix: str = DEFAULT_PREFIX, timeout_s: float = 0.05) -> None:
        self._prefix = prefix
        self._channel = f"{prefix}changes"
        try:
            self._pool = redis.BlockingConnectionPool.from_url(
                url,
                max_connections=_MAX_CONNECTIONS,
                timeout=_STARVED_S,
                socket_connect_timeout=timeout_s,
                socket_timeout=_STARVED_S,
                retry=Retry(NoBackoff(), 0),  # else redis-py tries for seconds
                protocol=2,  # so, and without telling its name, connecting takes no round trip
                **_NAMELESS,
            )
        except ValueError:
            fix = "Give redis://host:port/0, rediss:// for TLS, or unix:///path"
            raise SettingsError("LANGFUSE_PROMPT_REDIS_URL", "is not the URL of a Redis", fix) from None
        self._pool.connection_class = _impatient(self._pool.connection_class, timeout_s)
        self._redis = redis.Redis(connection_pool=self._pool)
        self._get = self._redis.register_script(_GET)
        self._lock = self._redis.register_script(_LOCK)
        self._claim = self._redis.register_script(_CLAIM)
        self._put = self._redis.register_script(_PUT)
        self._unlock = self._redis.register_script(_UNLOCK)
        self._subscription: Any = None
        self._sender = os.urandom(8)
        fork.register(self)

    def get(self, key: StoreKey) -> bytes | None:
        """See ``Store``."""
        found = self._run(self._get, key.prompt, key.which, self.max_bytes)
        return found if isinstance(found, bytes) else None

    def claim(self, key: StoreKey, *, owner: str, expiry_s: float) -> bytes | bool:
        """See ``Store``."""
        found = self._run(self._claim, key.prompt, key.which, self.max_bytes, owner, _milliseconds(expiry_s))
        return found if isinstance(found, bytes) else bool(found)

    def put(self, key: StoreKey, value: bytes, *, owner: str) -> bool:
        """See ``Store``."""
        return bool(self._run(self._put, key.prompt, owner, key.which, value, _milliseconds(KEEP_S)))

    def forget(self, prompt: str) -> None:
        """See ``Store``."""
        self._redis.delete(self._at(prompt), self._lock_at(prompt))

    def lock(self, prompt: str, *, owner: str, expiry_s: float) -> bool:
        """See ``Store``."""
        return bool(self._run(self._lock, prompt, owner, _milliseconds(expiry_s)))

    def unlock(self, prompt: str, *, owner: str) -> None:
        """See ``Store``."""
        self._run(self._unlock, prompt, owner)

    def announce(self, message: bytes) -> None:
        """See ``Store``."""
        self._redis.publish(self._channel, self._sender + message)

    def messages(self, timeout_s: float) -> Sequence[bytes]:
        """See ``Store``. Holds one connection."""
        if self._subscription is None:
            subscription: Any = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            subscription.subscribe(self._channel)
            self._subscription = subscription
        received: list[bytes] = []
        try:
            message = self._subscription.get_message(timeout=timeout_s)
            while message is not None:
                received.append(cast("bytes", message["data"]))
                message = self._subscription.get_message(timeout=0.0)
        except Exception:
            self._unsubscribe()
            raise
        size = len(self._sender)
        return [message[size:] for message in received if message[:size] != self._sender]

    def close(self) -> None:
        """See ``Store``."""
        self._pool.disconnect()

    def after_fork_child(self) -> None:
        """redis-py itself leaves the parent's connections alone; the subscription is ours."""
        self._sender = os.urandom(8)
        self._subscription = None

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _run(self, script: Any, prompt: str, *arguments: Any) -> Any:
        """Run a script on the prompt's keys. What is there and cannot be ours is removed: None."""
        keys = [self._at(prompt), self._lock_at(prompt)]
        try:
            found = script(keys=keys, args=arguments)
        except redis.ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            found = -1
        if found == -1:
            self._redis.delete(*keys)
            return None
        return found

    def _at(self, prompt: str) -> str:
        return f"{self._prefix}{{{prompt}}}"

    def _lock_at(self, prompt: str) -> str:
        return f"{self._at(prompt)}:lock"


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _impatient(kind: type[Any], timeout_s: float) -> type[Any]:
    """A connection that waits ``timeout_s`` for an answer, and longer, up to ``_STARVED_S``, on a machine that is short
    of CPU: as when all processes of a server start at once. Nothing is known of Redis then, and going on without it
    would send each of them to the API, which is the very thing that it is there to prevent.
    """

    class Impatient(kind):  # type: ignore[misc]
        def read_response(self, *arguments: Any, **options: Any) -> Any:
            started, is_starved = SYSTEM_CLOCK.monotonic(), False
            deadline = started + _STARVED_S
            while not self.can_read(timeout=timeout_s):
                now = SYSTEM_CLOCK.monotonic()
                is_starved = is_starved or now - started > _LATE * timeout_s or _is_short_of_cpu()
                if not is_starved or now > deadline:
                    self.disconnect()
                    raise redis.TimeoutError(f"no answer within {timeout_s:g} s")
                started = now
            return super().read_response(*arguments, **options)

    return Impatient


def _is_short_of_cpu() -> bool:
    """Whether this thread has waited for a CPU for a fifth of its time or more, or more threads of the machine want to
    run than it has CPUs: Redis may be one of them (Linux; elsewhere it is not known).
    """
    try:
        ran_ns, waited_ns, _ = map(int, _SCHEDULING.read_text().split())
        running = int(_LOAD.read_text().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return False
    return 4 * waited_ns > ran_ns or running > (os.cpu_count() or 1)
