"""The page about instrumentations says what their tests prove."""

from __future__ import annotations

from pathlib import Path

import pytest

from instrumentations_docs import LIBRARIES, PROVEN_BY, contracts, document, proofs_of

ROOT = Path(__file__).parent.parent


def test_the_page_is_what_the_tests_say() -> None:
    assert (ROOT / "docs" / "instrumentations.md").read_text(encoding="utf-8") == document(), "run `make docs`"


def test_every_distribution_is_on_it() -> None:
    assert set(LIBRARIES) == {path.name for path in (ROOT / "instrumentations").iterdir() if (path / "src").is_dir()}


@pytest.mark.parametrize("capability", PROVEN_BY)
def test_every_proof_is_a_test(capability: str) -> None:
    missing = {library: proof for library, proof in PROVEN_BY[capability].items() if proof not in proofs_of(library)}
    assert missing == {}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_package_keeps_the_contract_of_transparency(library: str) -> None:
    assert {"TransparentCallContract", "TransparentStreamContract", "BadInputContract"} <= contracts(library).keys()
