"""The files of a night that are uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.deliver.published_night import PublishedNight


def files_to_upload(night: PublishedNight, names: Sequence[str]) -> list[Path]:
    """Those of `names` that the night has, checked, in their order; `manifest.json` comes last, so
    whoever sees it there knows that the others are complete."""
    ordered = sorted(names, key=lambda name: name == "manifest.json")
    return [path for name in ordered if (path := night.file(name))]
