"""A pytest plugin: what would be done again in each of thousands of tests, although no test is about it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

END = "-----END CERTIFICATE-----\n"


def use(config: pytest.Config) -> None:
    """For the ``conftest.py`` of each folder of tests, as either may be run alone."""
    plugin = sys.modules[__name__]
    if not config.pluginmanager.is_registered(plugin):
        config.pluginmanager.register(plugin, __name__)


def pytest_collection_finish() -> None:
    forget_garbage()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is None or nextitem.path != item.path:
        forget_garbage()


def forget_garbage() -> None:
    """Have the tests that collect garbage not walk for seconds through all that was imported and made until now."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The clients trust a single authority: to load the usual 140 takes each new client 30 ms, and here is no TLS."""
    first = Path(certifi.where()).read_text().partition(END)[0] + END
    path = tmp_path_factory.mktemp("authorities") / "one.pem"
    path.write_text(first)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(path))
        yield path
