"""Settings: each one's value and where it comes from, what is malformed, whether the keys are a pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.environment_variables import SDK_DISABLED
from langfuse_otel.errors import SettingsError
from langfuse_otel.settings import ENV_FILE_VARIABLE, SETTINGS, Setting, load, origin

_PUBLIC = "pk-lf-"
_SHOWN_CHARACTERS = 4
_LONG_ENOUGH_TO_SHOW_PART = 16


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """All settings that are not at their default, then the keys and the switches."""
    try:
        origin(SETTINGS[0], env)
    except SettingsError as error:
        yield fault(error.variable, error.problem, error.fix)
        return
    at_default = 0
    for setting in SETTINGS:
        try:
            value = getattr(load(_only([setting], env)), setting.name)
        except SettingsError as error:
            if error.variable in _variables(setting):  # else: another's value in the file
                yield fault(error.variable, error.problem, error.fix)
            continue
        source = origin(setting, env)
        if source == "default":
            at_default += 1
        else:
            yield ok(setting.name, f"{_shown(setting, value)} (from {source})")
    yield ok("defaults", f"{at_default} of {len(SETTINGS)} settings are at their default; see docs/settings.md")
    yield from _keys(env)
    yield from _switches(env)


def _keys(env: Mapping[str, str]) -> Iterator[Finding]:
    """Alone, so that another setting that is malformed does not hide them."""
    pair = [setting for setting in SETTINGS if setting.name in ("public_key", "secret_key")]
    try:
        load(_only(pair, env)).require_keys()
    except SettingsError as error:
        if error.variable in [setting.env for setting in pair]:
            yield fault("keys", f"{error.variable} {error.problem}", error.fix)
    else:
        yield ok("keys", "both are set")


def _switches(env: Mapping[str, str]) -> Iterator[Finding]:
    """What turns everything off on purpose, and is as often forgotten."""
    try:
        settings = load(env)
    except SettingsError:
        return
    if not settings.tracing_enabled:
        yield note("tracing", "LANGFUSE_TRACING_ENABLED turns it off", "Unset it to trace")
    if settings.sample_rate == 0:
        yield note("sampling", "LANGFUSE_SAMPLE_RATE is 0: nothing is sent", "Unset it to send every trace")
    if env.get(SDK_DISABLED, "").strip().lower() == "true":
        yield note("OpenTelemetry", f"{SDK_DISABLED} turns all of it off", "Unset it to trace")


def _variables(setting: Setting) -> tuple[str, ...]:
    return (setting.env, *setting.also)


def _only(settings: Sequence[Setting], env: Mapping[str, str]) -> dict[str, str]:
    """The environment with these settings' variables, so that one malformed value does not hide the next."""
    names = [name for setting in settings for name in _variables(setting)]
    return {name: env[name] for name in (*names, ENV_FILE_VARIABLE) if name in env}


def _shown(setting: Setting, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}=***" for name in value)
    text = str(value)
    if not setting.secret and (setting.name != "public_key" or text.startswith(_PUBLIC)):  # else perhaps swapped
        return text
    if len(text) < _LONG_ENOUGH_TO_SHOW_PART:
        return "***"
    prefix = "sk-lf-" if text.startswith("sk-lf-") else ""
    return f"{prefix}…{text[-_SHOWN_CHARACTERS:]}"
