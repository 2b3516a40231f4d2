"""How settings are found, checked and shown."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from langfuse_otel.errors import SettingsError
from langfuse_otel.setting_values import ContentCapture
from langfuse_otel.settings import SETTINGS, Settings, load, origin

KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-hush-hush"}


def test_the_record_has_exactly_the_declared_settings() -> None:
    assert [f.name for f in fields(Settings)] == [setting.name for setting in SETTINGS]


def test_everything_has_a_default() -> None:
    settings = load({})
    assert settings.base_url == "https://cloud.langfuse.com"
    assert settings.capture_content is ContentCapture.SPAN_ONLY
    assert settings.public_key is None


def test_argument_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "langfuse.env"
    file.write_text("# ours\nexport LANGFUSE_RELEASE='from file'\nLANGFUSE_TIMEOUT=7\nLANGFUSE_FLUSH_AT=9\n")
    env = {"LANGFUSE_ENV_FILE": str(file), "LANGFUSE_TIMEOUT": "8", "LANGFUSE_FLUSH_AT": "10"}
    settings = load(env, max_batch_spans=11)
    assert settings.release == "from file"
    assert settings.timeout_s == 8
    assert settings.max_batch_spans == 11
    assert settings.flush_interval_s == 5


def test_nothing_is_read_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("LANGFUSE_RELEASE=planted\n")
    monkeypatch.chdir(tmp_path)
    assert load({}).release is None


def test_an_empty_string_counts_as_unset() -> None:
    assert (
        load({"LANGFUSE_BASE_URL": " ", "LANGFUSE_HOST": "http://localhost:3000/"}).base_url == "http://localhost:3000"
    )


def test_langfuse_s_own_names_work_and_the_new_one_wins() -> None:
    env = {"LANGFUSE_BASE_URL": "https://a.example", "LANGFUSE_HOST": "https://b.example"}
    assert load(env).base_url == "https://a.example"


def test_the_release_is_the_commit_that_the_build_system_exports() -> None:
    assert load({"GITHUB_SHA": "abc"}).release == "abc"
    assert load({"GITHUB_SHA": "abc", "LANGFUSE_RELEASE": "v1"}).release == "v1"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("LANGFUSE_BASE_URL", "cloud.langfuse.com", "not a URL"),
        ("LANGFUSE_BASE_URL", "https://pk:sk@cloud.langfuse.com", "credentials"),
        ("LANGFUSE_BASE_URL", "https://h:port", "not a URL"),
        ("LANGFUSE_HOST", "ftp://h", "not a URL"),
        ("OTEL_EXPORTER_LANGFUSE_WIRE", "grpc", "known are auto, otlp, ingestion"),
        ("LANGFUSE_SAMPLE_RATE", "1.5", "between 0 and 1"),
        ("LANGFUSE_SAMPLE_RATE", "nan", "between 0 and 1"),
        ("LANGFUSE_FLUSH_AT", "0", "below 1"),
        ("LANGFUSE_FLUSH_AT", "many", "whole number"),
        ("LANGFUSE_TRACING_ENABLED", "maybe", "neither true nor false"),
        ("LANGFUSE_TRACING_ENVIRONMENT", "Prod EU", "a-z, 0-9"),
        ("LANGFUSE_TRACING_ENVIRONMENT", "langfuse-x", "not begin with"),
        ("OTEL_EXPORTER_LANGFUSE_CERTIFICATE", "/nowhere.pem", "does not exist"),
        ("OTEL_EXPORTER_LANGFUSE_HEADERS", "x", "name=value"),
        ("OTEL_EXPORTER_LANGFUSE_HEADERS", "x=a%0d%0ay", "name=value"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "some", "known are NO_CONTENT"),
        ("LANGFUSE_ENV_FILE", "/nowhere.env", "cannot be read"),
    ],
)
def test_a_wrong_value_names_the_variable_the_problem_and_a_fix(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({variable: value})
    assert caught.value.variable == variable
    assert says in caught.value.problem
    assert caught.value.fix


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(SettingsError, match="pubic_key"):
        load({}, pubic_key="x")


@pytest.mark.parametrize(
    ("text", "capture"), [("true", "SPAN_ONLY"), ("False", "NO_CONTENT"), ("span_and_event", "SPAN_AND_EVENT")]
)
def test_content_capture_takes_old_and_new_words(text: str, capture: str) -> None:
    settings = load({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": text})
    assert settings.capture_content is ContentCapture[capture]


def test_headers_are_decoded() -> None:
    assert load({"OTEL_EXPORTER_LANGFUSE_HEADERS": "a=b%20c, d=e"}).headers == {"a": "b c", "d": "e"}


@pytest.mark.parametrize(
    ("env", "variable", "problem"),
    [
        ({}, "LANGFUSE_PUBLIC_KEY", "nor is LANGFUSE_SECRET_KEY"),
        ({"LANGFUSE_PUBLIC_KEY": "pk-lf-1"}, "LANGFUSE_SECRET_KEY", "although LANGFUSE_PUBLIC_KEY is"),
        ({"LANGFUSE_SECRET_KEY": "sk-lf-1"}, "LANGFUSE_PUBLIC_KEY", "although LANGFUSE_SECRET_KEY is"),
        (
            {"LANGFUSE_PUBLIC_KEY": "sk-lf-1", "LANGFUSE_SECRET_KEY": "pk-lf-1"},
            "LANGFUSE_PUBLIC_KEY",
            "holds the secret",
        ),
    ],
)
def test_half_a_key_pair_says_which_half(env: dict[str, str], variable: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(env).require_keys()
    assert caught.value.variable == variable
    assert problem in caught.value.problem


def test_a_whole_key_pair_is_returned() -> None:
    assert load(KEYS).require_keys() == ("pk-lf-1", "sk-lf-hush-hush")


def test_secrets_are_not_shown() -> None:
    settings = load(KEYS, headers={"x-token": "hush-hush"})
    assert "hush-hush" not in repr(settings)
    assert "pk-lf-1" in repr(settings)
    with pytest.raises(SettingsError) as caught:
        load({"OTEL_EXPORTER_LANGFUSE_HEADERS": "hush hush=1"})
    assert "hush" not in str(caught.value)


def test_the_origin_of_a_value_can_be_told(tmp_path: Path) -> None:
    file = tmp_path / "f.env"
    file.write_text("LANGFUSE_HOST=http://x\n")
    base_url = next(setting for setting in SETTINGS if setting.name == "base_url")
    assert origin(base_url, {}) == "default"
    assert origin(base_url, {"LANGFUSE_HOST": "http://y"}) == "LANGFUSE_HOST"
    assert origin(base_url, {"LANGFUSE_ENV_FILE": str(file)}) == f"LANGFUSE_HOST in {file}"


class TestPromptCachePath:
    """Where the processes of a host share prompts."""

    def test_it_is_in_the_users_cache_unless_a_directory_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert load({}).prompt_cache_path == tmp_path / "langfuse-otel" / "prompts"
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert load({}).prompt_cache_path == tmp_path / ".cache" / "langfuse-otel" / "prompts"
        assert load({"LANGFUSE_PROMPT_CACHE_DIRECTORY": "/here"}).prompt_cache_path == Path("/here")

    def test_a_redis_takes_its_place_unless_both_are_named(self) -> None:
        redis = {"LANGFUSE_PROMPT_REDIS_URL": "redis://host"}
        assert load(redis).prompt_cache_path is None
        assert load({**redis, "LANGFUSE_PROMPT_CACHE_DIRECTORY": "/here"}).prompt_cache_path == Path("/here")

    @pytest.mark.parametrize("word", ["none", "None", "NONE"])
    def test_it_can_be_turned_off(self, word: str) -> None:
        assert load({"LANGFUSE_PROMPT_CACHE_DIRECTORY": word}).prompt_cache_path is None

    def test_without_a_home_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_home() -> Path:
            raise RuntimeError("could not determine home directory")

        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", no_home)
        assert load({}).prompt_cache_path is None
