"""Say which settings are no longer those of the last night. `config.toml` is a person's file and
has no checksum: one that lost its end, or was emptied, gives another list without any other sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from features.clock import is_before
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.progress import warn
from pipeline.workspace.workspace import Workspace

MOST_SHOWN = 6
# an option of the command line, not a line of the file
_OPTIONS = {"decide.capacity"}


def report_changed_settings(workspace: Workspace, config: Config, as_of: date) -> None:
    """Print a note if settings differ from those of this night's last run, or else of the night
    before."""
    night, inputs = _last_inputs(workspace, as_of)
    now = config.settings_of_results()
    if changes := changed_settings(inputs.get("config", {}), now):
        shown = "; ".join(changes[:MOST_SHOWN])
        more = f"; and {len(changes) - MOST_SHOWN} more" if len(changes) > MOST_SHOWN else ""
        warn(f"settings differ from those of the night {night}: {shown}{more}")


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """`name: old value -> new value` of each setting that both versions of the program have."""
    old, new = _flat(before), _flat(now)
    return [
        f"{name}: {_shown(old[name])} -> {_shown(new[name])}"
        for name in sorted(old.keys() & new.keys() - _OPTIONS)
        if old[name] != new[name]
    ]


def _last_inputs(workspace: Workspace, as_of: date) -> tuple[date, Mapping[str, Any]]:
    if done := workspace.latest(as_of):
        return as_of, read_manifest(done).get("inputs", {})
    for link in sorted(workspace.folder.glob("runs/????-??-??/latest"), reverse=True):
        # a folder with another name, or a run that was removed
        with suppress(ValueError, OSError):
            night = date.fromisoformat(link.parent.name)
            if is_before(night, as_of):
                return night, read_manifest(link).get("inputs", {})
    return as_of, {}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _shown(value: object) -> str:
    return f"{value}"[:40]
