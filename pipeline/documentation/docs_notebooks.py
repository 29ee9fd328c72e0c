"""docs-notebooks: the committed notebooks, run on the demo's night with a season of nights before.

The fourth notebook needs nights whose outcomes are final, so 95 earlier nights are listed first, by
a model that was trained before them.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

from pipeline.documentation.demo_facts import DEMO_NIGHT, write_demo_facts
from pipeline.evaluation.run_notebooks import NOTEBOOKS, run_notebooks
from pipeline.night.nightly import nightly
from pipeline.night.score import score
from pipeline.settings.config import Config, load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST_NIGHT, LAST_NIGHT = date(2025, 8, 25), date(2025, 11, 27)
# the earlier nights' pages are not looked at, so their charts and rates are left out
QUICK_PAGES = "page = {charts = false, indicator_weeks = 0}\n"


def docs_notebooks(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date = DEMO_NIGHT
) -> Path:
    """Write every notebook with its outputs into `notebooks/`; returns that folder.

    The workspace of the demo stays as it is: all work is done in copies.
    """
    with tempfile.TemporaryDirectory() as temporary:
        season = Path(temporary) / "season"
        season.mkdir()
        (season / "config.toml").write_text(QUICK_PAGES, encoding="utf-8")
        _list_season(Workspace(season), workspace.folder / "raw", progress)
        copied = Path(temporary) / workspace.folder.name
        shutil.copytree(workspace.folder, copied, symlinks=True)
        for night in sorted((season / "runs").iterdir()):
            shutil.copytree(night, copied / "runs" / night.name, symlinks=True)
        run_folder = run_notebooks(Workspace(copied), progress, as_of=as_of)
        for path in sorted(run_folder.glob("*.ipynb")):
            shutil.copy(path, NOTEBOOKS / path.name)
    write_demo_facts(workspace, as_of, NOTEBOOKS)
    return NOTEBOOKS


def _list_season(workspace: Workspace, raw: Path, progress: Progress) -> None:
    """Train on what was known on the first night, then list every night of the season."""
    config = load_config(workspace.folder)
    with workspace.locked():
        nightly(
            workspace,
            config,
            progress,
            as_of=FIRST_NIGHT,
            source="canonical",
            raw=raw,
            is_forced=False,
        )
        for days in range(1, (LAST_NIGHT - FIRST_NIGHT).days + 1):
            score(workspace, config, progress, as_of=FIRST_NIGHT + timedelta(days=days))
