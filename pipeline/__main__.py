"""python -m pipeline [--engine spark] STEP --workspace DIR [--as-of YYYY-MM-DD] [...]; make writes such lines."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipeline.config import Config, load_config
from pipeline.errors import UserError
from pipeline.options import (
    AsOf,
    Capacity,
    EngineChoice,
    Every,
    Folder,
    Force,
    From,
    Raw,
    Source,
    SourceName,
    SparkMaster,
    To,
    day,
)
from pipeline.progress import Progress, say
from pipeline.store import Workspace

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


FIRST_DAY = date(2024, 1, 1)


@app.callback()
def settings(context: typer.Context, engine: EngineChoice = None, spark_master: SparkMaster = None) -> None:
    context.obj = {"engine": engine and engine.value, "spark_master": spark_master}


def _open(
    folder: Path, context: typer.Context | None = None, capacity: int | None = None
) -> tuple[Workspace, Config, Progress]:
    said = context.obj if context else {}
    return Workspace(folder), load_config(folder, capacity=capacity, **said), Progress()


def _both_or_none(source: Source | None, raw: Path | None) -> None:
    if (source is None) != (raw is None):
        raise typer.BadParameter("SOURCE and RAW go together: what kind of files, and where they are")


def _not_before(first: date, last: date) -> date:
    if last < first:
        raise typer.BadParameter(f"--to {last} is before --from {first}")
    return last


@app.command()
def simulate(
    workspace: Folder,
    orders: Annotated[int, typer.Option(min=100, max=100_000_000, help="how many orders")] = 5000,
    seed: Annotated[
        int | None, typer.Option(min=0, help="another seed, another store; default: that of the config")
    ] = None,
    first: Annotated[date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="the store's first day")] = FIRST_DAY,
    days: Annotated[int, typer.Option(min=60, max=3650, help="how many days of history")] = 731,
) -> None:
    """Write the raw files of a made-up store, and the truth behind them, into the workspace."""
    from pipeline.simulate import simulate as step

    place, config, progress = _open(workspace)
    with place.locked():
        step(place, config, progress, orders=orders, seed=seed, first=first, days=days)


@app.command()
def world_page(workspace: Folder) -> None:
    """Draw the simulated store of the workspace beside published ranges."""
    from pipeline.world_page import world_page as step

    place, config, progress = _open(workspace)
    with place.locked(must_exist=True):
        say(f"open in a browser: {step(place, config, progress)}")


@app.command()
def ingest(
    workspace: Folder,
    source: Annotated[Source, typer.Option(help="what kind of files RAW holds")],
    raw: Annotated[Path, typer.Option(help="folder with the source's files")],
) -> None:
    """Replace the workspace's tables by those of the raw files."""
    from pipeline.ingest import ingest as step

    place, config, progress = _open(workspace)
    with place.locked():
        step(place, config, progress, source=source, raw=raw)
    say(f"tables: {place.tables}")


@app.command()
def features(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    is_kept: Annotated[bool, typer.Option("--keep", help="write each family's table too")] = False,
) -> None:
    """Write the training matrix, as `train` would learn from it standing at a day."""
    from pipeline.feature_matrix import write_matrix

    place, config, progress = _open(workspace, context)
    with place.locked(must_exist=True):
        say(f"training matrix: {write_matrix(place, config, progress, as_of=as_of, is_kept=is_kept)}")


@app.command()
def describe_features(context: typer.Context, workspace: Folder, as_of: AsOf) -> None:
    """Write a page that lists every feature with its reason, how often it is missing, and an example."""
    from pipeline.describe_features import describe_features as step

    place, config, progress = _open(workspace, context)
    with place.locked(must_exist=True):
        say(f"every feature: {step(place, config, progress, as_of=as_of)}")


@app.command()
def leak_proof(
    workspace: Folder,
    nights: Annotated[int, typer.Option(min=1, help="how many nights, drawn at random")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="another seed, other nights and disturbances")] = 1,
) -> None:
    """Alter, delete and add facts that a night could not know, and see that none of its features moves."""
    from pipeline.leak_proof import RESULT
    from pipeline.leak_proof import leak_proof as step

    place, config, progress = _open(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, nights=nights, seed=seed)
    say(f"night by night: {place.folder / RESULT}")


@app.command()
def train(context: typer.Context, workspace: Folder, as_of: AsOf) -> None:
    """Fit a model on what had matured by a day and make it the champion."""
    from pipeline.train import train as step

    place, config, progress = _open(workspace, context)
    with place.locked(must_exist=True):
        step(place, config, progress, as_of=as_of)


@app.command()
def score(
    context: typer.Context, workspace: Folder, as_of: AsOf, capacity: Capacity = None, is_forced: Force = False
) -> None:
    """Score one night with the champion and write its contact list."""
    from pipeline.nightly import say_first_rows
    from pipeline.score import score as step

    place, config, progress = _open(workspace, context, capacity)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of, is_forced=is_forced)
    say_first_rows(run)


@app.command()
def backtest(
    context: typer.Context,
    workspace: Folder,
    first: From,
    last: To,
    every: Every = 7,
    capacity: Capacity = None,
    source: SourceName = None,
    raw: Raw = None,
) -> None:
    """Score past nights walking forward and measure how good the lists would have been."""
    from pipeline.backtest import RESULT, say_summary
    from pipeline.backtest import backtest as step
    from pipeline.ingest import ingest as load

    _both_or_none(source, raw)
    place, config, progress = _open(workspace, context, capacity)
    with place.locked():
        if source and raw:
            load(place, config, progress, source=source, raw=raw)
        say_summary(step(place, config, progress, first=first, last=_not_before(first, last), every=every))
    say(f"every night and stage: {place.folder / RESULT}")


@app.command()
def evaluate(context: typer.Context, workspace: Folder, first: From, last: To, every: Every = 7) -> None:
    """Compare the model of past nights with rules of thumb and, in a simulated store, with the true risk."""
    from pipeline.evaluate import RESULT, say_evaluation
    from pipeline.evaluate import evaluate as step

    place, config, progress = _open(workspace, context)
    with place.locked(must_exist=True):
        say_evaluation(step(place, config, progress, first=first, last=_not_before(first, last), every=every))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def ablation(context: typer.Context, workspace: Folder, first: From, last: To, every: Every = 7) -> None:
    """What each family of features adds to the model of past nights, with an interval."""
    from pipeline.ablation import RESULT, say_ablation
    from pipeline.ablation import ablation as step

    place, config, progress = _open(workspace, context)
    with place.locked(must_exist=True):
        say_ablation(step(place, config, progress, first=first, last=_not_before(first, last), every=every))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def leak_cost(workspace: Folder, first: From, last: To, every: Every = 7) -> None:
    """What the usual mistakes with time would have claimed on past nights, beside the honest figure."""
    from pipeline.leak_cost import RESULT, say_leak_cost
    from pipeline.leak_cost import leak_cost as step

    place, config, progress = _open(workspace)
    with place.locked(must_exist=True):
        say_leak_cost(step(place, config, progress, first=first, last=_not_before(first, last), every=every))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def replay(context: typer.Context, workspace: Folder, first: From, last: To, capacity: Capacity = None) -> None:
    """What contact policies would have prevented and saved in a simulated store, night by night."""
    from pipeline.replay import RESULT, replay_policies, say_replay

    place, config, progress = _open(workspace, context, capacity)
    with place.locked(must_exist=True):
        say_replay(replay_policies(place, config, progress, first=first, last=_not_before(first, last)))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def nightly(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    source: SourceName = None,
    raw: Raw = None,
    capacity: Capacity = None,
    is_forced: Force = False,
) -> None:
    """Ingest, train if there is no champion, score: tonight's list in one step."""
    from pipeline.nightly import nightly as step
    from pipeline.nightly import say_first_rows

    _both_or_none(source, raw)
    place, config, progress = _open(workspace, context, capacity)
    with place.locked():
        run = step(place, config, progress, as_of=as_of, source=source, raw=raw, is_forced=is_forced)
    say_first_rows(run)


def main(run: Callable[[], None] = app) -> None:
    """Run a step; a user's error is a message and its exit code, a defect of ours says so and shows where."""
    try:
        run()
    except UserError as error:
        typer.echo(f"pipeline: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        typer.echo("pipeline: a defect of the program, not of your data; the last good output is kept.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
