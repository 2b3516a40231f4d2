"""Handlers among those of a framework."""

from __future__ import annotations

import logging
from typing import Any

from langfuse_otel.instrumentation.frameworks import Listed, beside


def test_only_our_entry_is_taken_out_of_the_same_list() -> None:
    ours, equal = ["handler"], ["handler"]
    entries: list[Any] = [equal]
    entries.append(ours)
    listed = Listed(entries, ours)
    entries.insert(0, "later")
    listed.remove()
    listed.remove()
    assert entries == ["later", equal]
    assert entries[1] is equal


def test_beside_ours_and_other_instrumentations_handlers_ours_is_not_added(caplog: Any) -> None:
    class Ours:
        pass

    class Foreign:
        __module__ = "openinference.instrumentation.framework"

    with caplog.at_level(logging.WARNING):
        kind = beside(Ours, "framework_of_this_test")
        assert isinstance(Ours(), kind)
        assert not isinstance(object(), kind)
        assert not caplog.records
        assert isinstance(Foreign(), kind)
        assert isinstance(Foreign(), kind)
    (record,) = caplog.records
    assert "OpenInference" in record.getMessage()
