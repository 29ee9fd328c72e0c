"""What the tries of sudden ends share: a night, what a workspace must hold after any end, and how
it is told."""

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


def night(place: Path, raw: Path) -> list[str]:
    where = ("--workspace", place, "--source", "canonical", "--raw", raw, "--as-of", AS_OF)
    return step("nightly", *where, "--force")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def latest(place: Path) -> Path:
    return (place / "runs" / AS_OF / "latest").resolve(strict=True)


class Wanted:
    """What a workspace must hold after any end: the bytes of the first good night."""

    def __init__(self, place: Path) -> None:
        self.files = {
            name: (latest(place) / name).read_bytes() for name in FILES if name != "manifest.json"
        }
        self.contacts = (place / "own_contacts.parquet").read_bytes()

    def missing(self, place: Path) -> list[str]:
        """What is not as it must be; empty: all is well."""
        found = [
            name for name, data in self.files.items() if (latest(place) / name).read_bytes() != data
        ]
        try:
            json.loads((latest(place) / "manifest.json").read_text())
            with zipfile.ZipFile(latest(place) / "contact_list.xlsx") as book:
                assert book.testzip() is None
        except (OSError, ValueError, AssertionError) as error:
            found.append(f"run: {error}")
        if (place / "own_contacts.parquet").read_bytes() != self.contacts:
            found.append("own contacts")
        if not (place / "tables" / "orders.parquet").exists() or not (place / "mlflow.db").exists():
            found.append("tables or model")
        return found


def half_done(place: Path) -> list[Path]:
    return list(place.rglob(".new-*"))


def say(what: str, faults: list[str], details: str) -> None:
    sys.stdout.write(
        f"{what}: {'as it must be' if not faults else f'{len(faults)} FAULTS'}; {details}\n"
    )
    sys.stdout.writelines(f"    {fault}\n" for fault in faults[:20])
    sys.stdout.flush()
