"""What holds for the instrumentor of every client library: a test class to subclass, and a neighbour."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from wrapt import wrap_function_wrapper

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.wrap import find


class InstrumentorContract:
    """Putting it on and off.

    Attributes:
        instrumentor: Of a package whose distribution is in the folder above that of the test.
        least: How many functions it patches, at the least.
    """

    instrumentor: ClassVar[type[Instrumentor]]
    least: ClassVar[int]

    def test_importing_the_package_imports_no_client(self) -> None:
        code = f"import sys, {self.instrumentor.scope}; print({self.instrumentor.client!r} in sys.modules)"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert ran.stdout.strip() == "False"

    def test_uninstrumenting_leaves_no_trace(self) -> None:
        made = self.instrumentor
        targets = {*(hook.target for hook in made.hooks), *made.requests, *made.self_traced}
        places = [place for target in targets if (place := find(target))]
        assert len(places) >= self.least
        for _ in range(3):
            with Recording().of(made()):
                assert all(vars(place.owner)[place.name] is not place.found for place in places)
            assert all(vars(place.owner)[place.name] is place.found for place in places)

    def test_a_client_that_is_too_old_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (supported,) = self.instrumentor.supported
        monkeypatch.setattr(self.instrumentor, "supported", (f"{supported.split()[0]} >= 1000",))
        with pytest.raises(DependencyConflictError):
            self.instrumentor().instrument(skip_dep_check=True)
        assert not self.instrumentor().is_instrumented_by_opentelemetry

    def test_the_distribution_asks_for_the_versions_that_the_instrumentor_supports(self) -> None:
        package = find_spec(self.instrumentor.scope)
        assert package is not None
        assert package.origin is not None
        declared = (Path(package.origin).parents[2] / "pyproject.toml").read_text()
        assert f"instruments-any = [{', '.join(map(json.dumps, self.instrumentor.supported))}]" in declared

    def test_opentelemetry_finds_it_by_a_name_of_its_own(self) -> None:
        name = self.instrumentor.scope.replace("_otel", "")
        found = entry_points(group="opentelemetry_instrumentor", name=name)
        if not found:
            pytest.skip("the distribution is not installed, only on the path")
        assert next(iter(found)).load() is self.instrumentor


@contextmanager
def beside_foreign(
    place: tuple[type, str], module: str, instrumentor: type[Instrumentor], first: str = "foreign", **options: Any
) -> Iterator[Recording]:
    """Record while a wrapper of another instrumentation, told by its module, is around a method as well.

    Args:
        place: Class and name of the method.
        module: Where that wrapper is from.
        instrumentor: Ours.
        first: Which of them is put on before the other: "foreign" or "ours".
        **options: Of ``instrument()``.
    """

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    wrapper.__module__ = module
    owner, name = place
    own = vars(owner).get(name)
    try:
        if first == "foreign":
            wrap_function_wrapper(owner, name, wrapper)
        with Recording().of(instrumentor(), **options) as recording:
            if first == "ours":
                wrap_function_wrapper(owner, name, wrapper)
            yield recording
    finally:
        delattr(owner, name) if own is None else setattr(owner, name, own)
