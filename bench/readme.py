"""The tables of ``bench/README.md``, each between two comments that name it."""

from __future__ import annotations

from pathlib import Path

_README = Path(__file__).parent / "README.md"


def write_table(name: str, table: str) -> None:
    """Put a table in the place of the one with this name, and print it."""
    before, begin, rest = _README.read_text().partition(f"<!-- table {name} -->")
    _, end, after = rest.partition("<!-- /table -->")
    assert begin and end, f"bench/README.md has no place for a table {name}"
    _README.write_text(f"{before}{begin}\n{table}\n{end}{after}")
    print(table)
