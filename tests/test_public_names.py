"""What others build on: names that can be imported, and entry points that OpenTelemetry loads. A change here is one."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import typing
from importlib import import_module
from importlib.metadata import EntryPoint, distribution, entry_points

import pytest
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _BaseConfigurator
from opentelemetry.sdk.trace.export import SpanExporter

PUBLIC: dict[str, set[str]] = {
    "langfuse_otel": {
        "LangfuseError",
        "LangfuseSpanExporter",
        "LangfuseSpanProcessor",
        "Prompts",
        "SettingsError",
        "TraceFields",
        "TraceFieldsProcessor",
        "Tracing",
        "configure",
        "current_trace_fields",
        "flush_after",
        "generation",
        "observe",
        "prompts",
        "propagate_attributes",
        "score",
        "span",
        "using",
    },
    "langfuse_otel.tracing": {
        "LiveObservation",
        "PastObservation",
        "current_observation",
        "event",
        "generation",
        "observe",
        "record",
        "score",
        "span",
        "track_llm_call",
    },
    "langfuse_otel.prompts": {
        "ChatMessage",
        "ChatPrompt",
        "Placeholder",
        "Prompt",
        "PromptDetail",
        "PromptSummary",
        "PromptWebhook",
        "Prompts",
        "Selector",
        "TextPrompt",
        "choose_label",
    },
    "langfuse_otel.instrumentation": {
        "Accumulator",
        "Arguments",
        "Attributes",
        "Content",
        "Endpoint",
        "Hook",
        "Instrumentor",
        "Mask",
        "Server",
        "StreamUsage",
        "agent_endpoint",
        "tool_endpoint",
    },
}
NAMES = [(module, name) for module, names in PUBLIC.items() for name in sorted(names)]
ENTRY_POINTS = {
    "opentelemetry_traces_exporter": "langfuse_otel.exporter:LangfuseSpanExporter",
    "opentelemetry_distro": "langfuse_otel.distro:LangfuseDistro",
    "opentelemetry_configurator": "langfuse_otel.distro:LangfuseConfigurator",
    "opentelemetry_pre_instrument": "langfuse_otel.distro:pre_instrument",
    "opentelemetry_environment_variables": "langfuse_otel.environment_variables",
    "opentelemetry_genai_completion_hook": "langfuse_otel.instrumentation.completion_hook:CompletionHook",
    "console_scripts": "langfuse_otel.cli.main:main",
}


@pytest.mark.parametrize("module", PUBLIC)
def test_a_package_has_these_public_names_and_says_what_it_is(module: str) -> None:
    imported = import_module(module)
    assert set(imported.__all__) == PUBLIC[module]
    assert imported.__doc__


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_public_name_can_be_imported_and_is_documented(module: str, name: str) -> None:
    public = getattr(import_module(module), name)
    is_alias = typing.get_origin(public) is not None  # of a type; on Python 3.10 that is a class as well
    if not is_alias and (inspect.isclass(public) or inspect.isfunction(public)):
        assert public.__module__.startswith("langfuse_otel.")
        assert public.__doc__
        assert not public.__doc__.startswith(f"{name}("), "what dataclass writes for want of one"
    else:  # an alias has no docstring of its own that is looked up
        assert is_alias, f"{name} is neither class nor function nor type"


@pytest.mark.parametrize("module", PUBLIC)
def test_a_name_that_is_not_there_is_an_attribute_error(module: str) -> None:
    with pytest.raises(AttributeError, match=rf"'{module}' has no attribute 'nope'"):
        _ = import_module(module).nope


def ours(group: str) -> EntryPoint:
    """The entry point of the installed distribution, not what another one may have put under our name."""
    (found,) = distribution("langfuse-otel").entry_points.select(group=group)
    return found


def test_these_entry_points_are_declared_and_no_others() -> None:
    assert {point.group: point.value for point in distribution("langfuse-otel").entry_points} == ENTRY_POINTS


@pytest.mark.parametrize("group", ENTRY_POINTS)
def test_opentelemetry_finds_them_and_they_load(group: str) -> None:
    name = "langfuse-otel" if group == "console_scripts" else "langfuse"
    assert name == ours(group).name
    (found,) = entry_points(group=group, name=name)
    assert found.load() is not None


def test_entry_points_are_what_opentelemetry_takes_them_for() -> None:
    assert issubclass(ours("opentelemetry_traces_exporter").load(), SpanExporter)
    assert issubclass(ours("opentelemetry_distro").load(), BaseDistro)
    assert issubclass(ours("opentelemetry_configurator").load(), _BaseConfigurator)
    assert inspect.signature(ours("opentelemetry_pre_instrument").load()).parameters == {}
    flags = [name for name in vars(ours("opentelemetry_environment_variables").load()) if name.startswith("OTEL_")]
    assert flags
    assert all(name.startswith("OTEL_EXPORTER_LANGFUSE_") for name in flags)


class TestPromptsTheFunctionAndPromptsThePackage:
    """One name for both: as an attribute it is the function, in an import statement the package."""

    @pytest.mark.parametrize(
        "first",
        [
            "import langfuse_otel",
            "import langfuse_otel.prompts",
            "import langfuse_otel.prompts.client",
            "from langfuse_otel.prompts import ChatPrompt, TextPrompt",
            "from langfuse_otel.prompts.models import TextPrompt",
            "from langfuse_otel import prompts",
            "import langfuse_otel.configure",
            "import langfuse_otel.exporter, langfuse_otel.distro",
            "import importlib; importlib.import_module('langfuse_otel.prompts')",
        ],
    )
    def test_both_are_reached_whatever_is_imported_first(self, first: str) -> None:
        code = f"""
{first}
import langfuse_otel, inspect, sys
from langfuse_otel import prompts
from langfuse_otel.prompts import ChatPrompt, Prompts, TextPrompt
from langfuse_otel.prompts.client import Prompts as same
assert Prompts is same and inspect.isclass(ChatPrompt) and inspect.isclass(TextPrompt)
assert inspect.isfunction(prompts) and prompts is langfuse_otel.prompts
assert inspect.ismodule(sys.modules["langfuse_otel.prompts"])
assert isinstance(langfuse_otel.prompts(public_key="pk-lf-1", secret_key="sk-lf-1"), Prompts)
"""
        ended = subprocess.run(
            [sys.executable, "-c", code], env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")
