"""nightly: ingest, train if there is no champion yet, score: the whole job in one step."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from pipeline.config import Config
from pipeline.deliver import say_list
from pipeline.ingest import ingest
from pipeline.progress import Progress, say, warn
from pipeline.score import score
from pipeline.sources.origin import NOTHING_BESIDE, Beside
from pipeline.store import Workspace, read_json
from pipeline.tracking import find_model
from pipeline.train import train


def nightly(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    source: str | None,
    raw: Path | None,
    is_forced: bool,
    beside: Beside = NOTHING_BESIDE,
) -> Path:
    """Do the night of `as_of` and return its run folder; a night already done is left as it is unless forced."""
    done = workspace.latest(as_of)
    if done and not is_forced:
        say(f"nightly   {as_of} is already done: {done} (FORCE=1 makes it again)")
        return done
    if source and raw:
        ingest(workspace, config, progress, source=source, raw=raw, beside=beside)
    if find_model(workspace) is None:
        train(workspace, config, progress, as_of=as_of)
    return score(workspace, config, progress, as_of=as_of, is_forced=is_forced)


def say_summary(run: Path) -> None:
    """One screen of a night: its warnings, the head of the list, how good lists were, where the files are."""
    facts = read_json(run / "manifest.json")
    for line in facts.get("banner", []):
        warn(line)
    # a run of a former version of this program has no such file
    if (run / "contact_list.parquet").exists():
        for line in say_list(pl.read_parquet(run / "contact_list.parquet")):
            say(line)
    if "last_month" in facts:
        say(facts["last_month"])
    if (run / "report.html").exists():
        say(f"to open in the morning: {run / 'report.html'}")
    say(f"the list: {run / 'contact_list.xlsx'} (or .csv); what it is: {run / 'README.txt'}")
    say(f"all scores: {run / 'scores.parquet'}; how they were made: {run / 'manifest.json'}")
