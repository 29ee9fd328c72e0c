"""Whether the last load used the same inputs, and all that it wrote is still there."""

from __future__ import annotations

from typing import Any

from pipeline.settings.errors import BadInput, Damaged
from pipeline.workspace.workspace import Workspace, sync, write_whole

# in the workspace: the load that the quarantine belongs to, once that load is complete
MARK = ".quarantine_of"


def same_load(workspace: Workspace, made_from: str) -> dict[str, Any] | None:
    """The facts of the last load, if it was made from this and its tables are as they were written;
    else None.

    The quarantine must belong to the same load: a later load may have replaced it and then failed.
    Its files may be edited, for `requarantine`.
    """
    try:
        facts = workspace.read_ingest_facts()
        if not made_from or facts.get("made_from") != made_from:
            return None
        workspace.table_files()
    except (BadInput, Damaged):
        return None
    return facts if _has_quarantine_of(workspace, facts, made_from) else None


def _has_quarantine_of(workspace: Workspace, facts: dict[str, Any], made_from: str) -> bool:
    try:
        mark = (workspace.folder / MARK).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    names = {path.name for path in workspace.quarantine.glob("*.csv")}
    return mark == made_from and names == set(facts.get("quarantined_rows", ()))


def unmark_quarantine(workspace: Workspace) -> None:
    """Call this before the quarantine is replaced."""
    mark = workspace.folder / MARK
    if mark.exists():
        mark.unlink()
        sync(workspace.folder)


def mark_quarantine(workspace: Workspace, made_from: str) -> None:
    """Call this once the tables that belong to the quarantine are in use."""
    if made_from:
        write_whole(workspace.folder / MARK, made_from)
