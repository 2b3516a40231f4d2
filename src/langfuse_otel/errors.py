"""Every error that langfuse-otel raises to its caller, one family.

    LangfuseError
    ├── SettingsError            a setting is missing, malformed or contradicts another
    ├── ApiError                 the server answered with an error status
    │   ├── AuthenticationError      401, 403
    │   ├── NotFoundError            404
    │   ├── PayloadTooLargeError     413
    │   ├── RateLimitedError         429
    │   ├── InvalidRequestError      every other 4xx
    │   └── ServerError              408, 5xx
    ├── ConnectionFailedError    no answer: refused, reset, unresolvable, TLS
    ├── TimedOutError            no complete answer within the deadline
    ├── MalformedResponseError   an answer that is not what the API promises
    ├── SpansLostError           spans that were to be delivered never will be
    ├── PromptCompileError       a prompt's template cannot be filled as asked
    └── MissingExtraError        an optional dependency is not installed

Nothing of this family reaches an application through its traced calls: these are for start-up, the prompt client,
the exporter's ``on_error``, the command line and tests. All of them can be pickled and copied, as ``multiprocessing``
and executors do with what a worker raises; like every exception they travel without traceback and cause.
"""

from __future__ import annotations

from typing import Any


class LangfuseError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: Stable, machine-readable kind, for example ``"not_found"``.
        retryable: Whether the same call can succeed later without a change by the caller.
        request_id: The server's id of the request, when it sent one.
        details: What else is known, for example the decoded error body. Never contains a credential.
    """

    code = "error"
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retryable: bool | None = None,
        request_id: str | None = None,
        details: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
        self.request_id = request_id
        self.details = details

    @property
    def cause(self) -> BaseException | None:
        """The error underneath, as given by ``raise ... from``."""
        return self.__cause__

    def __reduce__(self) -> tuple[Any, ...]:
        """Past ``__init__``, which an exception is otherwise restored by: each class has a signature of its own."""
        return _restored, (type(self), self.message), self.__dict__


class SettingsError(LangfuseError):
    """A setting is missing, malformed, or contradicts another one.

    Attributes:
        variable: Environment variable (and argument) that is wrong.
        problem: What is wrong with its value. A secret's value is never repeated.
        fix: What to do about it.
    """

    code = "settings"

    def __init__(self, variable: str, problem: str, fix: str) -> None:
        super().__init__(f"{variable}: {problem}. {fix}")
        self.variable = variable
        self.problem = problem
        self.fix = fix


class ApiError(LangfuseError):
    """The server answered with an error status.

    Attributes:
        status: HTTP status code of the answer.
    """

    code = "api"

    def __init__(self, message: str, *, status: int, request_id: str | None = None, details: object = None) -> None:
        super().__init__(message, request_id=request_id, details=details)
        self.status = status


class AuthenticationError(ApiError):
    """401 or 403: the keys are unknown, belong elsewhere, or may not do this."""

    code = "authentication"


class NotFoundError(ApiError):
    """404."""

    code = "not_found"


class PayloadTooLargeError(ApiError):
    """413: the body is over the server's limit."""

    code = "payload_too_large"


class RateLimitedError(ApiError):
    """429.

    Attributes:
        retry_after_s: Seconds that the server asked to wait, or None.
    """

    code = "rate_limited"
    retryable = True
    retry_after_s: float | None = None


class InvalidRequestError(ApiError):
    """A 4xx without a class of its own: the request cannot succeed as it is."""

    code = "invalid_request"


class ServerError(ApiError):
    """408 or 5xx: the server's fault, worth another try."""

    code = "server"
    retryable = True


class ConnectionFailedError(LangfuseError):
    """No answer came: connection refused or reset, name not found, TLS refused."""

    code = "connection_failed"
    retryable = True


class TimedOutError(LangfuseError):
    """No complete answer came within the deadline."""

    code = "timed_out"
    retryable = True


class MalformedResponseError(LangfuseError):
    """The answer is not what the API promises: HTML, half a JSON, a wrong type, a body over the limit."""

    code = "malformed_response"


class SpansLostError(LangfuseError):
    """Spans were lost since this was last said; told to ``on_error``, never raised.

    Attributes:
        lost: How many, by cause (``tally.Cause``).
    """

    code = "spans_lost"

    def __init__(self, lost: dict[str, int]) -> None:
        super().__init__("spans lost: " + ", ".join(f"{cause}={n}" for cause, n in lost.items()), details=lost)
        self.lost = lost


class PromptCompileError(LangfuseError):
    """A prompt's template cannot be filled as asked."""

    code = "prompt_compile"


class MissingExtraError(LangfuseError, ImportError):
    """An optional dependency is not installed.

    Attributes:
        extra: The extra of ``langfuse-otel`` that brings it.
        package: What is not installed.
    """

    code = "missing_extra"

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'langfuse-otel[{extra}]'")
        self.extra = extra
        self.package = package


def _restored(kind: type[LangfuseError], message: str) -> LangfuseError:
    error = kind.__new__(kind, message)
    super(LangfuseError, error).__init__(message)  # the built-in base; ImportError keeps its text apart
    return error


def is_retryable(error: BaseException) -> bool:
    """Whether trying again later can help, for any exception."""
    return isinstance(error, LangfuseError) and error.retryable


def error_for_status(
    status: int,
    message: str,
    *,
    request_id: str | None = None,
    retry_after_s: float | None = None,
    details: object = None,
) -> ApiError:
    """The error class that stands for an HTTP status (statuses: langfuse-api.md, section 1)."""
    kind: type[ApiError]
    if status in (401, 403):
        kind = AuthenticationError
    elif status == 404:
        kind = NotFoundError
    elif status == 413:
        kind = PayloadTooLargeError
    elif status == 429:
        kind = RateLimitedError
    elif status == 408 or status >= 500:
        kind = ServerError
    else:
        kind = InvalidRequestError
    error = kind(message, status=status, request_id=request_id, details=details)
    if isinstance(error, RateLimitedError):
        error.retry_after_s = retry_after_s
    return error
