"""Where a source reads from, and what it may use besides the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.corrections import Corrections


@dataclass(frozen=True)
class SideFiles:
    """What was named beside the folder: the mapping file of SOURCE=mapped, if it is not in the
    folder; the folder of a tracking provider's files, if it is not the folder's own `tracking`."""

    mapping: Path | None = None
    tracking: Path | None = None


NO_SIDE_FILES = SideFiles()


@dataclass(frozen=True)
class SourceContext:
    """`folder` holds the files; `usd_per` the exchange rates of the config; `state` is where a
    source that learns from one night to the next keeps what it saw (None: nowhere, nothing is
    written); `loaded` is what the workspace's tables were made from, by name and hash."""

    folder: Path
    usd_per: Mapping[str, float] = field(default_factory=lambda: {"USD": 1.0})
    settings: SourceSettings = SourceSettings()
    corrections: Corrections = Corrections()
    state: Path | None = None
    loaded: Mapping[str, str] = field(default_factory=dict)
    side_files: SideFiles = NO_SIDE_FILES
