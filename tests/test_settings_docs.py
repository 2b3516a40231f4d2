"""The settings table in the docs is the settings in the code."""

from __future__ import annotations

from pathlib import Path

from langfuse_otel.settings import SETTINGS
from settings_docs import document


def test_the_page_is_what_the_code_says() -> None:
    page = Path(__file__).parent.parent / "docs" / "settings.md"
    assert page.read_text() == document(), "run `make docs`"


def test_each_setting_has_one_variable_of_its_own() -> None:
    variables = [name for setting in SETTINGS for name in (setting.env, *setting.also)]
    assert len(variables) == len(set(variables))
    assert all(name.startswith(("LANGFUSE_", "OTEL_")) for name in (setting.env for setting in SETTINGS))
