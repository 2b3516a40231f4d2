"""``import langfuse_otel``: light, and with every name that it promises."""

from __future__ import annotations

import pytest

import langfuse_otel
from support.configured import application


def test_importing_it_is_light() -> None:
    heavy = ("requests", "msgspec", "opentelemetry.sdk", "opentelemetry.instrumentation")
    process = application(f"import sys, langfuse_otel; print([m for m in {heavy} if m in sys.modules])")
    assert process.stdout.strip() == "[]", process.stderr


def test_functions_are_not_hidden_by_modules_of_their_names() -> None:
    process = application(
        """
        import langfuse_otel.prompts.client, langfuse_otel.configure, langfuse_otel.distro
        print(callable(langfuse_otel.prompts), callable(langfuse_otel.configure))
        """
    )
    assert process.stdout.strip() == "True True", process.stderr


@pytest.mark.parametrize("name", langfuse_otel.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(langfuse_otel, name) is not None
