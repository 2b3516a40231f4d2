"""The tests on every declared Python that this machine has (``make test-all``), and each package's at both ends of the
versions of its client that it declares: ``nox -f tests/noxfile.py -s oldest newest``.
"""

from __future__ import annotations

import re
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]
ROOT = Path(__file__).parent.parent
PACKAGES = sorted(path.parent.name for path in ROOT.glob("instrumentations/*/pyproject.toml"))
TOOLS = ("pytest>=8", "pytest-timeout>=2.3", "pytest-xdist>=3.6")
# What the tests of a package use besides its client, in whatever version fits that.
ALSO = {
    "langchain": ("-e", "instrumentations/openai", "langchain", "langchain-openai", "langgraph"),
    "openai": ("opentelemetry-instrumentation-genai-openai", "pydantic"),
}
# What an old client needs in an older version than it says.
ONLY_OLD = {
    "openai": ("httpx<0.28",),
    "langchain": ("langgraph==1.0.0", "langgraph-prebuilt==1.0.0", "langgraph-checkpoint<3.1"),
}


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Install all distributions with everything the tests use, and run them."""
    session.chdir(ROOT)
    packages = [argument for package in PACKAGES for argument in ("-e", f"instrumentations/{package}")]
    session.install("-e", ".[server]", *packages, "--group", "test")
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session
@nox.parametrize("package", PACKAGES)
def oldest(session: nox.Session, package: str) -> None:
    """A package's tests with the oldest client that it declares."""
    with_client(session, package, client_of(package).replace(">=", "=="), *ONLY_OLD.get(package, ()))


@nox.session
@nox.parametrize("package", PACKAGES)
def newest(session: nox.Session, package: str) -> None:
    """A package's tests with the newest client that there is."""
    with_client(session, package, client_of(package))


def client_of(package: str) -> str:
    """The declared range, such as ``openai>=1.40``."""
    declared = (ROOT / "instrumentations" / package / "pyproject.toml").read_text(encoding="utf-8")
    (found,) = re.findall(r'^instruments-any = \["(.+)"\]$', declared, re.MULTILINE)
    return str(found).replace(" ", "")


def with_client(session: nox.Session, package: str, *client: str) -> None:
    """Install a package with this client, and run its tests."""
    session.chdir(ROOT)
    ours = ("-e", ".", "-e", f"instrumentations/{package}")
    session.install(*ours, *client, *TOOLS, *ALSO.get(package, ()), "--upgrade")
    session.run("python", "-m", "pytest", f"instrumentations/{package}", *session.posargs)
