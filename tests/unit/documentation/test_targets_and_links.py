"""Pages name only targets that exist, every target is explained, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_target_in_the_docs_exists_and_every_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    written = [page for page in pages() if page.parent.name != "reference"]
    named = {
        name
        for page in written
        for name in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", code_of(page.read_text("utf-8")))
    }
    assert named <= targets, "the pages name targets that the Makefile does not have"
    assert targets - named <= {"help"}, "write about these targets in a page outside reference/"


def pages() -> list[Path]:
    """All pages that people read in the repository."""
    root = [*ROOT.glob("*.md"), ROOT / "notebooks" / "README.md"]
    return [*sorted((ROOT / "docs").rglob("*.md")), *root]


def code_of(markdown: str) -> str:
    """The code of a page: its fenced blocks and what is between backticks."""
    blocks = re.findall(r"```.*?```", markdown, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`]+)`", prose)])


def test_the_pages_link_to_what_is_there() -> None:
    for page in [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "notebooks" / "README.md",
    ]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
