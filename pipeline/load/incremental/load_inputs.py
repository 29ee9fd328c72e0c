"""Everything that determines the tables of a load, as hashes: the source's files, the settings,
the corrections and the program itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from features.tables import TABLES
from pipeline.settings.config import Config
from pipeline.settings.regular_files import require_regular
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import tracking_files, tracking_folder

PROGRAM = Path(__file__).resolve().parents[3]
# the folders with the code and the word lists that make tables from files
MAKES_TABLES = (
    "features",
    "models/texts",
    "pipeline/load",
    "pipeline/output",
    "pipeline/settings",
    "pipeline/sources",
    "pipeline/workspace",
)
_CODE = (".json", ".py", ".toml")
# of the context: hashed in their own way, or without effect on the tables of unchanged files
_KNOWN = {"folder", "usd_per", "settings", "corrections", "state", "loaded", "side_files"}
_KNOWN |= {"erased"}


@dataclass(frozen=True)
class LoadInputs:
    """The sha256 of each file by name, and one hash of all that determines the tables.

    `made_from` is empty if it is not known: such a load is never taken for an earlier one.
    `written_at`: when each file was last changed in any way, in nanoseconds.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    made_from: str = ""
    written_at: Mapping[str, int] = field(default_factory=dict)

    def confirmed(self, again: LoadInputs, read: Mapping[str, str]) -> str:
        """`made_from`, or "" if a file was changed during the load.

        `again`: the inputs after the load. `read`: the hashes of what was read, by file name, as
        far as they are known. A file that was changed and changed back counts as changed.
        """
        is_other = any(self.files.get(name, digest) != digest for name, digest in read.items())
        return "" if is_other or again != self else self.made_from


def load_inputs(
    source: str, files: list[Path] | None, context: SourceContext, config: Config
) -> LoadInputs:
    """The inputs of a load from `files`; None: the files of the source are not known. Raises
    `BadInput` for a mapping file or a tracking folder that cannot be used."""
    if files is None:
        return LoadInputs()
    paths = {path.relative_to(context.folder).as_posix(): path for path in files}
    if mapping := context.side_files.mapping:
        require_regular(mapping)
        # its name is shown to the user
        paths[f"mapping/{mapping.name}"] = mapping
    paths |= _tracking_paths(context)
    try:
        written_at = {name: path.stat().st_ctime_ns for name, path in paths.items()}
        hashes = {name: sha256(path) for name, path in paths.items()}
    except OSError:
        # the reader of the source says what is wrong with the file
        return LoadInputs()
    inputs = [
        source,
        hashes,
        context.corrections.records,
        context.erased.sha256(),
        _others(context),
        _program_sha256(),
        repr(TABLES),
        config.sources.model_dump(),
        dict(config.usd_per),
        config.max_fault_share,
    ]
    text = json.dumps(inputs, sort_keys=True, default=str)
    return LoadInputs(hashes, hashlib.sha256(text.encode()).hexdigest(), written_at)


def _others(context: SourceContext) -> dict[str, str]:
    """All other fields of the context, so that a new one cannot be forgotten here."""
    names = [each.name for each in fields(context) if each.name not in _KNOWN]
    return {name: repr(getattr(context, name)) for name in names}


def tracking_sha256(context: SourceContext) -> dict[str, str]:
    """The sha256 of each file of a tracking provider, by its name below `tracking/`."""
    return {name: sha256(path) for name, path in _tracking_paths(context).items()}


def _tracking_paths(context: SourceContext) -> dict[str, Path]:
    folder = tracking_folder(context)
    if folder is None:
        return {}
    return {
        f"tracking/{path.relative_to(folder).as_posix()}": path for path in tracking_files(folder)
    }


def sha256(path: Path) -> str:
    """The SHA-256 hash of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _program_sha256() -> str:
    """A hash of the code that makes tables, and of what it runs on."""
    files = {
        path.relative_to(PROGRAM).as_posix(): sha256(path)
        for folder in MAKES_TABLES
        for path in sorted((PROGRAM / folder).rglob("*"))
        if path.suffix in _CODE
    }
    program = [files, python_version(), version("polars")]
    return hashlib.sha256(json.dumps(program).encode()).hexdigest()
