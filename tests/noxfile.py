"""The tests on every declared Python that this machine has: ``make test-all``."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
ROOT = Path(__file__).parent.parent


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Install all distributions with everything the tests use, and run them."""
    session.chdir(ROOT)
    packages = [argument for folder in sorted(ROOT.glob("instrumentations/*/")) for argument in ("-e", str(folder))]
    session.install("-e", ".[server]", *packages, "--group", "test")
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)
