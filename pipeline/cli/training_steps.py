"""The steps that build features and change the model that a night uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsOf, Every, WorkspaceFolder, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command()
def features(
    context: typer.Context,
    folder: WorkspaceFolder,
    as_of: AsOf,
    is_kept: Annotated[
        bool, typer.Option("--keep", help="also write the table of each feature family")
    ] = False,
) -> None:
    """Write the rows that train would learn from on a day, with features and labels.

    Reads tables/.
    Writes features/training_matrix.parquet.
    """
    from pipeline.training.feature_matrix import write_matrix

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        written = write_matrix(workspace, config, progress, as_of=as_of, is_kept=is_kept)
        say(f"training matrix: {written}")


@app.command()
def describe_features(context: typer.Context, folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Describe every feature: its reason, how often it is missing, and an example.

    Reads tables/ and the champion.
    Writes features.md and features.html.
    """
    from pipeline.training.describe_features import describe_features as step

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        say(f"all features: {step(workspace, config, progress, as_of=as_of)}")


@app.command()
def leak_proof(
    folder: WorkspaceFolder,
    nights: Annotated[
        int, typer.Option(min=1, max=10_000, help="number of nights, drawn at random")
    ] = 4,
    seed: Annotated[
        int, typer.Option(min=0, max=2_147_483_647, help="seed of the nights and of the changes")
    ] = 1,
) -> None:
    """Change facts that past nights could not know, and check that no feature changes.

    Reads tables/.
    Writes leak_proof.csv.
    """
    from pipeline.training.leak_proof import RESULT
    from pipeline.training.leak_proof import leak_proof as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        step(workspace, config, progress, nights=nights, seed=seed)
    say(f"night by night: {workspace.folder / RESULT}")


@app.command()
def train(
    context: typer.Context,
    folder: WorkspaceFolder,
    as_of: AsOf,
    pool: Annotated[
        Path | None,
        typer.Option(
            "--pool", help="folder of workspaces: train on the rows of their stores and of this one"
        ),
    ] = None,
) -> None:
    """Train a model on the outcomes known on a day: the first champion, or a challenger.

    Reads tables/ and past runs, with --pool also those of the stores in that folder.
    Writes a new model version into mlflow.db.
    """
    from pipeline.training.train import train as step
    from pipeline.training.train_pooled import train_pooled

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        if pool is None:
            step(workspace, config, progress, as_of=as_of)
        else:
            train_pooled(workspace, config, progress, as_of=as_of, pool=pool)


@app.command()
def tune(
    context: typer.Context,
    folder: WorkspaceFolder,
    as_of: AsOf,
    minutes: Annotated[float, typer.Option(min=0.01, max=100_000, help="minutes to search")] = 10.0,
) -> None:
    """Look for better settings for the model, judged on outcomes known on a day.

    Reads tables/.
    Writes tuned.toml if it finds better settings; train then uses them.
    """
    from pipeline.training.tune import tune as step

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        step(workspace, config, progress, as_of=as_of, minutes=minutes)


@app.command()
def promote(
    context: typer.Context,
    folder: WorkspaceFolder,
    every: Every = 3,
    is_refitted: Annotated[
        bool,
        typer.Option(
            "--refit/--as-judged",
            help="train the new champion again on all known outcomes, or keep it as judged",
        ),
    ] = True,
) -> None:
    """Make the challenger the champion if it passes the promotion gate; else show why not.

    Reads tables/, the champion and the challenger.
    Writes the new champion into mlflow.db.
    """
    from pipeline.training.promote import promote as step

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        step(workspace, config, progress, every=every, is_refitted=is_refitted)


@app.command()
def rollback(folder: WorkspaceFolder) -> None:
    """Return to the previous champion.

    Reads and writes mlflow.db.
    """
    from pipeline.training.promote import rollback as step

    workspace, _, _ = open_workspace(folder)
    with workspace.locked(must_exist=True):
        step(workspace)
