"""The generated pages of docs/reference say what the program says now."""

from __future__ import annotations

from pipeline.documentation.docs_reference import REFERENCE, current_pages


def test_the_committed_reference_pages_are_current() -> None:
    outdated = [
        name
        for name, text in current_pages().items()
        if (REFERENCE / name).read_text(encoding="utf-8") != text
    ]
    assert not outdated, "run make docs-reference"
