"""Everything that a load leaves behind, to compare with a load from scratch."""

from __future__ import annotations

from pathlib import Path

from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace


def load(
    folder: Path,
    raw: Path,
    config: Config | None = None,
    *,
    side_files: SideFiles = NO_SIDE_FILES,
    is_forced: bool = False,
    source: str = "canonical",
) -> Path:
    """Load files into the workspace, and return the folder of the tables in use."""
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder)
    with workspace.locked():
        ingest(
            workspace,
            config or Config(),
            Progress(),
            source=source,
            raw=raw,
            side_files=side_files,
            is_forced=is_forced,
        )
    return workspace.tables.resolve()


def loads(folder: Path, raw: Path, config: Config) -> bool:
    """Whether the files can be loaded; False if the load refuses them."""
    try:
        load(folder, raw, config)
    except BadInput:
        return False
    return True


def state(folder: Path) -> dict[str, bytes]:
    """The bytes of each file of the tables and of the quarantine, by name."""
    files = [*(folder / "tables").glob("*"), *(folder / "quarantine").rglob("*.csv")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
