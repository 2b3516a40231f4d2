"""Whether this process is one for threads of ours."""

from __future__ import annotations

import logging
import sys

from langfuse_otel import log, uwsgi


def may_start() -> bool:
    """False in uWSGI's master. Where uWSGI lets threads run only now and then, the log says so once."""
    if not uwsgi.has_threads():
        message = (
            "uWSGI runs without threads: spans are delivered while requests are handled, and when a worker ends. "
            "The option enable-threads lets them go at once"
        )
        log.once(logging.WARNING, "delivery.uwsgi", message)
    return not uwsgi.is_master()


def say_patched_late() -> None:
    """To be called when the locks of ``threading`` are others than when a thread of ours began.

    gevent's can be shared with such a thread, eventlet's cannot: who waits for one may not be told of its release.
    """
    if "eventlet" in sys.modules:
        message = (
            "eventlet.monkey_patch() was called after Langfuse's exporter had begun: flushes take all their time, and "
            "spans may be late or lost. Call it first, before configure() and all imports"
        )
        log.once(logging.ERROR, "delivery.eventlet", message)
