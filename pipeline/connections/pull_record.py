"""What the last pull of each store did, in one small file per store: a night and `doctor` read it.

pull/PLATFORM/NAME/last_pull.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.workspace.workspace import write_json

FILE = "last_pull.json"


@dataclass(frozen=True)
class PullRecord:
    """`failure`: why the pull failed, empty if it did not. `missing`: by method that the account
    may not call, what is missing without it and what the service said. `left`: the number of
    requests by kind that later runs will make. No text holds a secret."""

    platform: str
    store: str
    ended_at: str
    failure: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)


def write_pull_record(folder: Path, record: PullRecord) -> None:
    """Replace the record in the state folder of a store."""
    write_json(folder / FILE, asdict(record))


def read_pull_records(workspace: Path) -> list[PullRecord]:
    """The records of all stores, by platform and name. A record that cannot be read is left out:
    the next pull writes it anew."""
    records = []
    for path in sorted((workspace / "pull").glob(f"*/*/{FILE}")):
        try:
            records.append(PullRecord(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return records
