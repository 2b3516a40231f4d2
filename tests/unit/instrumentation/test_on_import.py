"""A client is patched whenever the application imports it, and it is never us who imports it."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from langfuse_otel.instrumentation import Endpoint, Hook, Instrumentor, Server
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.on_import import on_import

NAME = "parrot_client"
MODULES = {
    "__init__.py": f"from {NAME}.birds import Parrot\n",
    "birds.py": "class Parrot:\n    def say(self, text):\n        return text\n",
}


class ParrotInstrumentor(Instrumentor):
    scope = "parrot_instrumentation"
    supported = ()
    client = NAME
    hooks = (Hook(f"{NAME}.birds:Parrot.say", Endpoint(operation="chat", server=lambda client: Server("parrots"))),)


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / NAME).mkdir()
    for name, code in MODULES.items():
        (tmp_path / NAME / name).write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    forget()


@pytest.fixture
def recording(_installed: None) -> Iterator[Recording]:
    with Recording().of(ParrotInstrumentor()) as recorded:
        yield recorded


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def say_hello() -> None:
    """As an application does that imports late."""
    assert importlib.import_module(NAME).Parrot().say("hello") == "hello"


def test_a_client_that_the_application_does_not_import_is_not_imported(recording: Recording) -> None:
    assert NAME not in sys.modules


def test_a_client_imported_after_us_is_traced(recording: Recording) -> None:
    say_hello()
    assert len(recording.spans) == 1


@pytest.mark.usefixtures("_installed")
def test_a_client_imported_before_us_is_traced() -> None:
    say_hello()
    with Recording().of(ParrotInstrumentor()) as recording:
        say_hello()
    assert len(recording.spans) == 1


def test_a_client_imported_from_scratch_again_is_traced_once(recording: Recording) -> None:
    say_hello()
    forget()
    say_hello()
    assert len(recording.spans) == 2


@pytest.mark.parametrize("module", [NAME, f"{NAME}.birds"])
def test_a_reloaded_client_is_traced_once(recording: Recording, module: str) -> None:
    say_hello()
    importlib.reload(sys.modules[module])
    sys.modules[f"{NAME}.birds"].Parrot().say("hello")
    assert len(recording.spans) == 2


def test_a_part_that_is_imported_again_alone_is_traced(recording: Recording) -> None:
    say_hello()
    del sys.modules[f"{NAME}.birds"]
    importlib.import_module(f"{NAME}.birds").Parrot().say("hello")
    assert len(recording.spans) == 2


@pytest.mark.usefixtures("_installed")
def test_what_is_uninstrumented_before_the_import_stays_as_it_is() -> None:
    with Recording().of(ParrotInstrumentor()) as recording:
        pass
    say_hello()
    assert recording.spans == ()
    assert not hasattr(importlib.import_module(NAME).Parrot.say, "__wrapped__")


@pytest.mark.usefixtures("_installed")
def test_the_modules_know_nothing_of_it() -> None:
    without = importlib.import_module(NAME)
    forget()
    with Recording().of(ParrotInstrumentor()):
        watched = importlib.import_module(NAME)
    for module in (without, watched):
        assert module.__spec__ is not None
        assert module.__spec__.loader is module.__loader__
        assert type(module.__loader__) is type(without.__loader__)
    assert watched.__file__ == without.__file__


@pytest.mark.usefixtures("_installed")
def test_an_error_of_ours_does_not_reach_who_imports(caplog: pytest.LogCaptureFixture) -> None:
    def fail(module: ModuleType) -> None:
        raise ValueError("a secret")

    heard: list[str] = []
    cancels = [on_import({NAME}, fail), on_import({NAME}, lambda module: heard.append(module.__name__))]
    with caplog.at_level(logging.WARNING):
        importlib.import_module(NAME)
    for cancel in cancels:
        cancel()
    assert heard == [NAME]
    assert "ValueError" in caplog.text
    assert "a secret" not in caplog.text


@pytest.mark.usefixtures("_installed")
def test_a_client_that_cannot_be_imported_fails_as_it_does_without_us(tmp_path: Path) -> None:
    (tmp_path / NAME / "birds.py").write_text("raise ImportError('no birds')")
    with Recording().of(ParrotInstrumentor()), pytest.raises(ImportError, match="no birds"):
        importlib.import_module(NAME)


def test_threads_that_import_it_at_once_are_all_traced(recording: Recording) -> None:
    together = threading.Barrier(8)

    def import_and_say() -> None:
        together.wait(10)
        say_hello()

    threads = [threading.Thread(target=import_and_say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(recording.spans) == 8
