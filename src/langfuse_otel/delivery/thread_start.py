"""Whether this process is one for threads of ours."""

from __future__ import annotations

import logging

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
