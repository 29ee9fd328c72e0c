"""Copies of the program in which one line is wrong: the tests must notice."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# files that another test is just writing next to the compiled code
UNFINISHED = shutil.ignore_patterns("*.pyc.*", "*.tmp*")


def copy_program(
    folder: Path, packages: Sequence[str] = ("features", "models", "pipeline")
) -> None:
    """Copy the packages into `folder`, with their compiled code: compiling it anew takes longer
    than some of these tests. Python compiles a changed file again."""
    for package in packages:
        shutil.copytree(ROOT / package, folder / package, ignore=UNFINISHED)
