"""What the committed pictures and notebooks show of the demo's night, to notice when it changes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace

FACTS = "demo_facts.json"
DEMO_NIGHT = date(2026, 1, 1)
FIRST_ROW = ("order_id", "stage", "likely_cause", "probability", "expected_value_usd", "contact_by")


def demo_facts(workspace: Workspace, as_of: date = DEMO_NIGHT) -> dict[str, Any]:
    """The first row of the night's contact list, the number of contacts and the net saving.

    Raises `BadInput` if the night is not published.
    """
    run = workspace.latest(as_of)
    if run is None:
        raise BadInput(f"{workspace.folder}: no night of {as_of} is published. Run `make demo`.")
    listed = pl.read_csv(run / "contact_list.csv", infer_schema=False)
    saving = listed["expected_value_usd"].cast(pl.Float64).sum()
    first = listed.head(1).select(FIRST_ROW).to_dicts()
    return {"first_row": first, "contacts": listed.height, "net_saving_usd": round(saving, 2)}


def write_demo_facts(workspace: Workspace, as_of: date, folder: Path) -> Path:
    """Write the facts into `folder` next to what was made from them; returns the path."""
    text = json.dumps(demo_facts(workspace, as_of), indent=2, ensure_ascii=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")
    return folder / FACTS


def read_demo_facts(folder: Path) -> dict[str, Any]:
    """The facts that the files in `folder` were made from."""
    facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return facts
