"""nightly: ingest, train if there is no champion yet, score: the whole job in one step."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from pipeline.config import Config
from pipeline.ingest import ingest
from pipeline.progress import Progress, say
from pipeline.score import score
from pipeline.store import Workspace
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
) -> Path:
    """Do the night of `as_of` and return its run folder; a night already done is left as it is unless forced."""
    done = workspace.latest(as_of)
    if done and not is_forced:
        say(f"nightly   {as_of} is already done: {done} (FORCE=1 makes it again)")
        return done
    if source and raw:
        ingest(workspace, config, progress, source=source, raw=raw)
    if find_model(workspace) is None:
        train(workspace, config, progress, as_of=as_of)
    return score(workspace, config, progress, as_of=as_of, is_forced=is_forced)


def say_first_rows(run: Path, count: int = 5) -> None:
    """The head of the contact list, for people: ids only."""
    ids = dict.fromkeys(("order_id", "buyer_id", "product_id"), pl.String)
    rows = pl.read_csv(run / "contact_list.csv", schema_overrides=ids)
    for row in rows.head(count).iter_rows(named=True):
        say(
            f"{row['rank']:>3}. order {row['order_id']} ({row['stage']}): risk {row['probability']:.0%}, worth "
            f"{row['expected_value_usd']:.2f} USD, write by {row['contact_by']}"
        )
        for reason in (row["reason_1"], row["reason_2"], row["reason_3"]):
            if reason:
                say(f"       - {reason}")
    say(f"{rows.height} orders to contact: {run / 'contact_list.csv'}")
    say(f"all scores: {run / 'scores.parquet'}; how they were made: {run / 'manifest.json'}")
