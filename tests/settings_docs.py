"""``docs/settings.md``, made from the settings themselves. ``make docs`` writes it; a test compares."""

from __future__ import annotations

from langfuse_otel.settings import ENV_FILE_VARIABLE, SETTINGS, Setting

HEAD = f"""# Settings

Made by `make docs` from `src/langfuse_otel/settings.py`; a test holds the two together.

A value is looked up as **argument → environment → file → default**; an empty string counts as unset. The argument is
the keyword of `configure()`, `LangfuseSpanExporter()` and, in a declarative OpenTelemetry configuration file, the key
under `langfuse:`. The file is the one that `{ENV_FILE_VARIABLE}` names, with `NAME=value` lines; the current folder is
never searched. A malformed value is an error at start-up that names the variable, its problem and the fix.
`opentelemetry-instrument` makes command-line flags of the variables that begin with `OTEL_`.

| argument | variable | default | meaning |
| --- | --- | --- | --- |
"""


def row(setting: Setting) -> str:
    """One line of the table."""
    also = f" (also {', '.join(f'`{name}`' for name in setting.also)})" if setting.also else ""
    default = "" if setting.default in (None, {}) else f"`{getattr(setting.default, 'value', setting.default)}`"
    return f"| `{setting.name}` | `{setting.env}`{also} | {default} | {setting.help} |"


def document() -> str:
    """The whole page."""
    return HEAD + "\n".join(map(row, SETTINGS)) + "\n"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
