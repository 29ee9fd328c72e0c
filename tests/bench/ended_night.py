"""Shared by the tests of sudden ends: run a night, check the workspace, and print the result."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AS_OF = "2026-01-01"
FILES = (
    "README.txt",
    "contact_list.csv",
    "contact_list.parquet",
    "contact_list.xlsx",
    "dispute_clock.csv",
    "dispute_clock.xlsx",
    "manifest.json",
    "scores.parquet",
)


def step(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pipeline", *map(str, arguments)]


def night(workspace: Path, raw: Path) -> list[str]:
    options = ("--workspace", workspace, "--source", "canonical", "--raw", raw, "--as-of", AS_OF)
    return step("nightly", *options, "--force")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def latest(workspace: Path) -> Path:
    return (workspace / "runs" / AS_OF / "latest").resolve(strict=True)


class ExpectedFiles:
    """The files that a workspace must have after any end: those of the first complete night."""

    def __init__(self, workspace: Path) -> None:
        self.files = {
            name: (latest(workspace) / name).read_bytes()
            for name in FILES
            if name != "manifest.json"
        }
        self.contacts = (workspace / "own_contacts.parquet").read_bytes()

    def faults(self, workspace: Path) -> list[str]:
        """What differs from the expected files; empty if nothing does."""
        faults = [
            name
            for name, data in self.files.items()
            if (latest(workspace) / name).read_bytes() != data
        ]
        try:
            json.loads((latest(workspace) / "manifest.json").read_text())
            with zipfile.ZipFile(latest(workspace) / "contact_list.xlsx") as book:
                assert book.testzip() is None
        except (OSError, ValueError, AssertionError) as error:
            faults.append(f"run: {error}")
        if (workspace / "own_contacts.parquet").read_bytes() != self.contacts:
            faults.append("own contacts")
        if (
            not (workspace / "tables" / "orders.parquet").exists()
            or not (workspace / "mlflow.db").exists()
        ):
            faults.append("tables or model")
        return faults


def unfinished_files(workspace: Path) -> list[Path]:
    """Files and folders that a run leaves if it ends before it renames them."""
    return list(workspace.rglob(".new-*"))


def say(trial: str, faults: list[str], details: str) -> None:
    sys.stdout.write(f"{trial}: {f'{len(faults)} FAULTS' if faults else 'passed'}; {details}\n")
    sys.stdout.writelines(f"    {fault}\n" for fault in faults[:20])
    sys.stdout.flush()
