"""The three packages, what each may import, and the files of a package."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "features": {"features"},
    "models": {"features", "models"},
    "pipeline": {"features", "models", "pipeline"},
}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def folder_of(path: Path) -> str:
    return path.parent.relative_to(ROOT).as_posix()
