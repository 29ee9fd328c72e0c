"""A separate run besides the nightly one, such as the dispute clock or the indicators alone. It is
published whole, with a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipeline.settings.config import Config
from pipeline.settings.policy_files import policy_sha256
from pipeline.workspace.manifest import new_id, program_facts
from pipeline.workspace.workspace import Workspace, write_json


@contextmanager
def publish(
    workspace: Workspace, config: Config, as_of: date, name: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A new folder `runs/<as_of>/<name>-<id>`. It is written under a temporary name; once it is
    complete, `latest-<name>` points to it. What the block adds to the dictionary goes into the
    manifest. The `latest` link of the nightly run does not change."""
    nights = workspace.folder / "runs" / as_of.isoformat()
    run_id = f"{name}-{new_id()}"
    facts: dict[str, Any] = {}
    with workspace.replaced(nights / run_id) as folder:
        yield folder, facts
        ingested = workspace.read_ingest_facts()
        write_json(
            folder / "manifest.json",
            {
                "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "run_id": run_id,
                "as_of": as_of,
                "inputs": {
                    "sha256": ingested["input_sha256"],
                    "policy_sha256": policy_sha256(config.policy, workspace.folder),
                    "config": config.settings_of_results(),
                },
                **facts,
                **program_facts(),
            },
        )
    workspace.point(nights / f"latest-{name}", nights / run_id)
