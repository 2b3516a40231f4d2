"""What ``opentelemetry-instrument`` makes command-line flags of."""

from __future__ import annotations

from importlib.metadata import entry_points

from langfuse_otel import environment_variables
from langfuse_otel.settings import SETTINGS

OURS = {name for name in dir(environment_variables) if name.startswith("OTEL_")}


def test_every_exporter_setting_is_a_flag() -> None:
    assert {setting.env for setting in SETTINGS if setting.env.startswith("OTEL_EXPORTER_LANGFUSE_")} == OURS


def test_each_name_is_its_own_value() -> None:
    assert all(getattr(environment_variables, name) == name for name in OURS)


def test_no_flag_is_another_package_s_as_well() -> None:
    """``opentelemetry-instrument`` would end with an argument conflict."""
    for entry_point in entry_points(group="opentelemetry_environment_variables"):
        if entry_point.name != "langfuse":
            assert not OURS & set(dir(entry_point.load()))
