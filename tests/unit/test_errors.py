"""One family of errors, told apart by status and by whether another try can help."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from langfuse_otel import errors
from langfuse_otel.settings import load


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


def family(kind: type[errors.LangfuseError] = errors.LangfuseError) -> Iterator[type[errors.LangfuseError]]:
    """The whole tree, so that an error that is added later is tested too."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("langfuse_otel"):
            yield from family(child)


def example(kind: type[errors.LangfuseError]) -> errors.LangfuseError:
    """One with every field away from its default."""
    if issubclass(kind, errors.SettingsError):
        return kind("LANGFUSE_TIMEOUT", "is not a number", "Give seconds")
    if issubclass(kind, errors.MissingExtraError):
        return kind("server", "starlette")
    if issubclass(kind, errors.SpansLostError):
        return kind({"expired": 2})
    error = (
        kind("text", status=418, request_id="r", details={"a": [1]})
        if issubclass(kind, errors.ApiError)
        else kind("text", code="other", retryable=True, request_id="r", details={"a": [1]})
    )
    if isinstance(error, errors.RateLimitedError):
        error.retry_after_s = 3.0
    return error


COPIES: dict[str, Callable[[errors.LangfuseError], errors.LangfuseError]] = {
    **{f"pickle {n}": lambda e, n=n: pickle.loads(pickle.dumps(e, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("kind", list(family()), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_has_every_field(way: str, kind: type[errors.LangfuseError]) -> None:
    error = example(kind)
    restored = COPIES[way](error)
    assert type(restored) is kind
    assert (str(restored), restored.args, vars(restored)) == (str(error), error.args, vars(error))
    assert (restored.code, restored.retryable) == (error.code, error.retryable)
    if isinstance(error, ImportError) and isinstance(restored, ImportError):
        assert restored.msg == error.msg


def test_an_error_comes_back_from_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        failed = pool.submit(load, {}, timeout_s="soon").exception(timeout=60)
    assert isinstance(failed, errors.SettingsError)
    assert failed.variable == "timeout_s (LANGFUSE_TIMEOUT)"
    assert failed.fix
