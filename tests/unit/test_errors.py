"""One family of errors, told apart by status and by whether another try can help."""

from __future__ import annotations

import pytest

from langfuse_otel import errors


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, errors.InvalidRequestError, False),
        (401, errors.AuthenticationError, False),
        (403, errors.AuthenticationError, False),
        (404, errors.NotFoundError, False),
        (408, errors.ServerError, True),
        (409, errors.InvalidRequestError, False),
        (413, errors.PayloadTooLargeError, False),
        (429, errors.RateLimitedError, True),
        (500, errors.ServerError, True),
        (503, errors.ServerError, True),
    ],
)
def test_a_status_has_its_class(status: int, kind: type[errors.ApiError], retryable: bool) -> None:
    error = errors.error_for_status(status, "text", request_id="r", retry_after_s=3.0)
    assert type(error) is kind
    assert error.status == status
    assert error.request_id == "r"
    assert errors.is_retryable(error) is retryable
    assert isinstance(error, errors.LangfuseError)


def test_a_rate_limit_says_how_long() -> None:
    error = errors.error_for_status(429, "text", retry_after_s=3.0)
    assert isinstance(error, errors.RateLimitedError)
    assert error.retry_after_s == 3.0


def test_the_cause_is_the_error_underneath() -> None:
    try:
        raise errors.ConnectionFailedError("refused") from OSError("111")
    except errors.LangfuseError as error:
        assert isinstance(error.cause, OSError)
        assert errors.is_retryable(error)


def test_a_foreign_error_is_not_retryable() -> None:
    assert not errors.is_retryable(ValueError())


def test_a_missing_extra_says_what_to_install() -> None:
    assert "pip install 'langfuse-otel[server]'" in str(errors.MissingExtraError("server", "starlette"))
