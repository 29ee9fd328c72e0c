"""The steps that build features and change which model a night uses."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import AsOf, Every, Folder, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command()
def features(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    is_kept: Annotated[bool, typer.Option("--keep", help="write each family's table too")] = False,
) -> None:
    """Write the training matrix, as `train` would learn from it standing at a day."""
    from pipeline.training.feature_matrix import write_matrix

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say(
            f"training matrix: {write_matrix(place, config, progress, as_of=as_of, is_kept=is_kept)}"
        )


@app.command()
def describe_features(context: typer.Context, workspace: Folder, as_of: AsOf) -> None:
    """Write a page that lists every feature with its reason, how often it is missing, and an
    example."""
    from pipeline.training.describe_features import describe_features as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say(f"every feature: {step(place, config, progress, as_of=as_of)}")


@app.command()
def leak_proof(
    workspace: Folder,
    nights: Annotated[int, typer.Option(min=1, help="how many nights, drawn at random")] = 4,
    seed: Annotated[
        int, typer.Option(min=0, help="another seed, other nights and disturbances")
    ] = 1,
) -> None:
    """Alter, delete and add facts that a night could not know, and see that none of its features
    moves."""
    from pipeline.training.leak_proof import RESULT
    from pipeline.training.leak_proof import leak_proof as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, nights=nights, seed=seed)
    say(f"night by night: {place.folder / RESULT}")


@app.command()
def train(context: typer.Context, workspace: Folder, as_of: AsOf) -> None:
    """Fit a model on what had matured by a day: the challenger, or the first champion."""
    from pipeline.training.train import train as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        step(place, config, progress, as_of=as_of)


@app.command()
def tune(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    minutes: Annotated[float, typer.Option(min=0.01, help="how long to search")] = 10.0,
) -> None:
    """Search the booster's settings on forward folds of what had matured by a day."""
    from pipeline.training.tune import tune as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        step(place, config, progress, as_of=as_of, minutes=minutes)


@app.command()
def promote(
    context: typer.Context,
    workspace: Folder,
    every: Every = 3,
    is_refitted: Annotated[
        bool,
        typer.Option(
            "--refit/--as-judged", help="then learn from all that has matured, or stay as judged"
        ),
    ] = True,
) -> None:
    """Make the challenger champion if nothing speaks against it; otherwise say what does."""
    from pipeline.training.promote import promote as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        step(place, config, progress, every=every, is_refitted=is_refitted)


@app.command()
def rollback(workspace: Folder) -> None:
    """Return to the former champion."""
    from pipeline.training.promote import rollback as step

    place, _, _ = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place)
