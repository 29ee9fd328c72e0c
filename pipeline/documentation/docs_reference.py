"""docs-reference: write the generated pages of `docs/reference`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.documentation.reference_pages import reference_pages
from pipeline.settings.policy_files import load_policy, policy_names

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def docs_reference(folder: Path = REFERENCE) -> list[Path]:
    """Write every generated page into `folder`; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = current_pages()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]


def current_pages() -> dict[str, str]:
    """File name -> text of every generated page, as the program is now."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    policies = {name: load_policy(name) for name in policy_names()}
    return reference_pages(makefile, command_line_help(), policies)


def command_line_help() -> str:
    """What Typer's own documentation command writes about the command line.

    Raises `subprocess.CalledProcessError` if it fails.
    """
    command = [sys.executable, "-m", "typer", "pipeline.cli.app"]
    written = subprocess.run(
        [*command, "utils", "docs", "--name", "python -m pipeline"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return written.stdout
