"""Answers other than success, in the bodies that Langfuse gives them (langfuse-api.md, section 1)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_NAMES = {
    400: "InvalidRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "LangfuseNotFoundError",
    405: "MethodNotAllowedError",
    409: "LangfuseConflictError",
    413: "PayloadTooLargeError",
    500: "InternalServerError",
}


class Problem(Exception):  # noqa: N818  # the word of RFC 9457
    """Ends a request with a status.

    Args:
        status: HTTP status.
        message: For the reader.
        error: Langfuse's name of the error or its details; by default the name that goes with the status.
    """

    def __init__(self, status: int, message: str, error: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "error": error or _NAMES.get(status, "Error")}


def answer_problem(request: Request, problem: Exception) -> Response:
    """Starlette's handler for ``Problem``."""
    assert isinstance(problem, Problem)
    return JSONResponse(problem.body, problem.status)


def invalid(*issues: str) -> Problem:
    """A request that fails validation; ``issues`` say where and why."""
    return Problem(400, "Invalid request data", [{"message": issue} for issue in issues])
