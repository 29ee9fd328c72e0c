"""python -m pipeline [--engine spark] STEP --workspace DIR [--as-of YYYY-MM-DD] [...]; make writes such lines."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import evaluation_steps, load_steps, product_steps
from pipeline.cli.options import (
    AsOf,
    Capacity,
    Dimension,
    EngineChoice,
    Every,
    Folder,
    Force,
    MappingFile,
    Raw,
    SourceName,
    SparkMaster,
    TrackingFolder,
    both_or_none,
    day,
    open_workspace,
)
from pipeline.settings.errors import UserError
from pipeline.sources.source_context import SideFiles
from pipeline.workspace.disk_errors import disk_trouble
from pipeline.workspace.progress import say, warn
from pipeline.workspace.run_log import close_run_log, current_folder, name_step

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(load_steps.app)
app.add_typer(evaluation_steps.app)
app.add_typer(product_steps.app)


FIRST_DAY = date(2024, 1, 1)


@app.callback()
def settings(context: typer.Context, engine: EngineChoice = None, spark_master: SparkMaster = None) -> None:
    name_step(context.invoked_subcommand or "")
    context.obj = {"engine": engine and engine.value, "spark_master": spark_master}


@app.command()
def simulate(
    workspace: Folder,
    orders: Annotated[int, typer.Option(min=100, max=100_000_000, help="how many orders")] = 5000,
    seed: Annotated[
        int | None, typer.Option(min=0, help="another seed, another store; default: that of the config")
    ] = None,
    first: Annotated[date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="the store's first day")] = FIRST_DAY,
    days: Annotated[int, typer.Option(min=60, max=3650, help="how many days of history")] = 731,
    is_exported: Annotated[bool, typer.Option("--exports", help="also as API dumps, order sheet, tracking")] = False,
) -> None:
    """Write the raw files of a made-up store, and the truth behind them, into the workspace."""
    from pipeline.simulation.simulate import simulate as step

    place, config, progress = open_workspace(workspace)
    with place.locked():
        step(place, config, progress, orders=orders, seed=seed, first=first, days=days, is_exported=is_exported)


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
        say(f"training matrix: {write_matrix(place, config, progress, as_of=as_of, is_kept=is_kept)}")


@app.command()
def describe_features(context: typer.Context, workspace: Folder, as_of: AsOf) -> None:
    """Write a page that lists every feature with its reason, how often it is missing, and an example."""
    from pipeline.training.describe_features import describe_features as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say(f"every feature: {step(place, config, progress, as_of=as_of)}")


@app.command()
def train(context: typer.Context, workspace: Folder, as_of: AsOf) -> None:
    """Fit a model on what had matured by a day: the challenger, or the first champion."""
    from pipeline.training.train import train as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        step(place, config, progress, as_of=as_of)


@app.command()
def promote(
    context: typer.Context,
    workspace: Folder,
    every: Every = 3,
    is_refitted: Annotated[
        bool, typer.Option("--refit/--as-judged", help="then learn from all that has matured, or stay as judged")
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


@app.command()
def score(
    context: typer.Context, workspace: Folder, as_of: AsOf, capacity: Capacity = None, is_forced: Force = False
) -> None:
    """Score one night with the champion and write its contact list."""
    from pipeline.night.nightly import say_summary
    from pipeline.night.score import score as step

    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of, is_forced=is_forced)
    say_summary(run)


@app.command()
def clock(workspace: Folder, as_of: AsOf) -> None:
    """Write every open dispute by deadline; a night's run holds the same."""
    from pipeline.indicators.open_disputes import clock as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"dispute clock: {step(place, config, progress, as_of=as_of) / 'dispute_clock.csv'}")


@app.command()
def report(workspace: Folder, as_of: AsOf) -> None:
    """Make the page of a published night anew; a night's run holds the same."""
    from pipeline.pages.report import PAGE
    from pipeline.pages.report import report as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"page: {step(place, config, progress, as_of=as_of) / PAGE}")


@app.command()
def kpi(
    workspace: Folder,
    as_of: AsOf,
    by: Annotated[list[Dimension] | None, typer.Option(help="also by this; may be given several times")] = None,
    window: Annotated[int | None, typer.Option(min=1, help="days of the window; default: the policy's")] = None,
) -> None:
    """Write the indicators that the platform judges by, as they were knowable on a day."""
    from pipeline.indicators.kpi import kpi as step

    place, config, progress = open_workspace(workspace)
    groups = [dimension.value for dimension in by or []]
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of, by=groups, window_days=window)
    say(f"the same as tables: {run / 'kpi.csv'}, {run / 'kpi.xlsx'}")


@app.command()
def contacts(
    workspace: Folder,
    file: Annotated[Path, typer.Option("--file", help="the contact list with contacted_at and outcome filled in")],
) -> None:
    """Take a contact list back that agents have filled in: their contacts become facts."""
    from pipeline.load.contacts import take_contacts as step

    place, _, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, progress, file=file)


@app.command()
def nightly(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    source: SourceName = None,
    raw: Raw = None,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
    capacity: Capacity = None,
    is_forced: Force = False,
) -> None:
    """Ingest, train if there is no champion, score: tonight's list in one step."""
    from pipeline.night.nightly import nightly as step
    from pipeline.night.nightly import say_summary

    both_or_none(source, raw)
    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked():
        run = step(
            place, config, progress, as_of=as_of, source=source, raw=raw, is_forced=is_forced,
            beside=SideFiles(mapping, tracking),
        )  # fmt: skip
    say_summary(run)


def main(run: Callable[[], None] = app) -> None:
    """Run a step; a user's error is a message and its exit code, a defect of ours says so and shows where."""
    code, told = 0, ""
    try:
        run()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except UserError as error:
        code, told = error.exit_code, str(error)
    except Exception as error:
        if trouble := disk_trouble(error, current_folder()):
            code, told = trouble.exit_code, str(trouble)
        else:
            traceback.print_exc()
            code, told = 1, "a defect of the program, not of your data; the last good output is kept."
    for odd in close_run_log(code, told):
        warn(odd)
    if told:
        typer.echo(f"pipeline: {told}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
