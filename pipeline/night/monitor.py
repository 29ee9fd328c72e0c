"""monitor: check whether the model is still right and its inputs are as usual, with one verdict."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pipeline.night.night_health import FILE, assess_health, read_means
from pipeline.output.safe_text import neutral_frame
from pipeline.registry.model_registry import require_champion
from pipeline.settings.config import Config
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace, write_json


def monitor(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write `health.json`, `health.csv` and `health.txt` into their own run folder; return it.

    Raises NoChampion when there is no model.
    """
    champion, files = require_champion(workspace), workspace.table_files()
    published = workspace.latest(as_of)
    with progress.piece("monitor") as notes:
        tonight = read_means(published) if published else None
        health = assess_health(workspace, files, config, champion, as_of, [], tonight)
        notes.append(f"{len(health.findings)} findings")
    lines = [health.sentence(), *(f"{f.level}: {f.says}; {f.propose}" for f in health.findings)]
    with publish(workspace, config, as_of, "monitor") as (folder, manifest):
        write_json(folder / FILE, health.manifest_facts())
        neutral_frame(health.table).write_csv(folder / "health.csv", float_precision=6)
        (folder / "health.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        manifest["health"] = health.manifest_facts()
    for line in lines:
        say(line)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-monitor").resolve()
