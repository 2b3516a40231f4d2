"""What the exceptions of clients say besides their class."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import whole

_FIRST_ERROR_STATUS = 400


def http_failure(error: BaseException) -> dict[str, Any]:
    """The status code of the answer, where the exception has it as ``status_code``.

    An error inside a stream comes with the status of the answer that began it, which was none.
    """
    status = whole(error, "status_code")
    return {names.STATUS_CODE: status} if status is not None and status >= _FIRST_ERROR_STATUS else {}
