"""The folder a source reads, and what else it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.corrections import Corrections
from pipeline.sources.erased_ids import NO_ERASED_IDS, ErasedIds


@dataclass(frozen=True)
class SideFiles:
    """Paths outside the source's folder.

    `mapping`: the mapping file of SOURCE=mapped, if it is not in the folder. `tracking`: the
    folder with a tracking provider's files, if it is not the subfolder `tracking`.
    """

    mapping: Path | None = None
    tracking: Path | None = None


NO_SIDE_FILES = SideFiles()


@dataclass(frozen=True)
class SourceContext:
    """What a source reads from.

    `folder` holds the files. `usd_per` has the exchange rates of the config. `state` is the folder
    where a source keeps what it has read from one night to the next (None: it writes nothing).
    `loaded` has the sha256, by name, of what the workspace's tables were built from. `erased`: the
    ids of buyers who were forgotten.
    """

    folder: Path
    usd_per: Mapping[str, float] = field(default_factory=lambda: {"USD": 1.0})
    settings: SourceSettings = SourceSettings()
    corrections: Corrections = Corrections()
    state: Path | None = None
    loaded: Mapping[str, str] = field(default_factory=dict)
    side_files: SideFiles = NO_SIDE_FILES
    erased: ErasedIds = NO_ERASED_IDS
