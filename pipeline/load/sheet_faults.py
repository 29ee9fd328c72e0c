"""The cells of contact lists that could not be read, in `quarantine/sheets/`. A file there is named
after its content, so the next sheet of the same name does not replace it: it stays until its rows
were corrected and loaded, or until a person dismisses it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.output.safe_text import neutral_frame, one_line
from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace, write_whole

COLUMNS = ("file", "row", "column", "value", "reason", "record", "record_id")
DISMISSED = "dismissed"
ALL = "all"


def sheet_folder(workspace: Workspace) -> Path:
    """The folder with the faulty cells of contact lists."""
    return workspace.quarantine / "sheets"


def keep_faults(workspace: Workspace, sheet_name: str, faults: pl.DataFrame) -> str:
    """Write the faults of a sheet, one file per content. Returns its name; empty without faults."""
    if faults.is_empty():
        return ""
    text = neutral_frame(faults).write_csv()
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    name = f"{Path(sheet_name).stem[:80]}-{digest}.csv"
    folder = sheet_folder(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / name, text)
    return name


def read_faults(path: Path) -> pl.DataFrame:
    """One file of faults. Raises `BadInput` if it is damaged."""
    advice = f"Fix it, or dismiss it: make quarantine DISMISS={path.name}"
    try:
        faults = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(
            f"sheets/{path.name}: can no longer be read ({one_line(str(error), 200)}). {advice}"
        ) from None
    if missing := [column for column in COLUMNS if column not in faults.columns]:
        raise BadInput(f"sheets/{path.name}: column {', '.join(missing)} is missing. {advice}")
    return faults.select(COLUMNS)


def fault_files(workspace: Workspace) -> list[Path]:
    """The files of faults that are not settled yet."""
    return sorted(sheet_folder(workspace).glob("*.csv"))


def dismiss(workspace: Workspace, name: str) -> list[str]:
    """Move a file of faults, or all of them, to `quarantine/dismissed/`. Returns their names.
    Raises `BadInput` if there is no such file."""
    files = fault_files(workspace)
    chosen = [path for path in files if name in (ALL, path.name, f"sheets/{path.name}")]
    if not chosen:
        known = ", ".join(path.name for path in files[:10]) or "none"
        raise BadInput(
            f"DISMISS: {one_line(name)!r} is not a file of quarantine/sheets. There: {known}. "
            f"{ALL} dismisses every file."
        )
    folder = workspace.quarantine / DISMISSED
    folder.mkdir(parents=True, exist_ok=True)
    for path in chosen:
        path.replace(folder / path.name)
    return [path.name for path in chosen]


def first_fault(fault: Mapping[str, Any]) -> str:
    """One fault in a short line; the file in quarantine has the whole cell."""
    value = None if fault["value"] is None else one_line(str(fault["value"]), 60)
    return f"row {fault['row']}, {one_line(str(fault['column']))} = {value!r}: {fault['reason']}"
