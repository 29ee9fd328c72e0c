"""The steps that measure: past nights, baselines, what contact achieved. None of them changes what
a night does."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import (
    AsOf,
    Capacity,
    Every,
    Folder,
    From,
    MappingFile,
    Raw,
    SourceName,
    To,
    TrackingFolder,
    both_or_none,
    not_before,
    open_workspace,
)
from pipeline.sources.source_context import SideFiles
from pipeline.workspace.progress import say

app = typer.Typer()


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
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
) -> None:
    """Score past nights walking forward and measure how good the lists would have been."""
    from pipeline.evaluation.backtest import RESULT, say_summary
    from pipeline.evaluation.backtest import backtest as step
    from pipeline.load.ingest import ingest as load

    both_or_none(source, raw)
    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked():
        if source and raw:
            load(
                place,
                config,
                progress,
                source=source,
                raw=raw,
                side_files=SideFiles(mapping, tracking),
            )
        say_summary(
            step(place, config, progress, first=first, last=not_before(first, last), every=every)
        )
    say(f"every night and stage: {place.folder / RESULT}")


@app.command()
def evaluate(
    context: typer.Context,
    workspace: Folder,
    first: From,
    last: To,
    every: Every = 7,
    is_visible_asked: Annotated[
        bool, typer.Option("--visible", help="how much of it the features tell")
    ] = False,
) -> None:
    """Compare the model of past nights with rules of thumb and, in a simulated store, with the true
    risk."""
    from pipeline.evaluation.evaluate import RESULT, say_evaluation
    from pipeline.evaluation.evaluate import evaluate as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        last = not_before(first, last)
        found = step(
            place,
            config,
            progress,
            first=first,
            last=last,
            every=every,
            is_visible_asked=is_visible_asked,
        )
        say_evaluation(found)
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def compare(
    context: typer.Context, workspace: Folder, first: From, last: To, every: Every = 28
) -> None:
    """The model of past nights beside baselines and other learners, and the ways to calibrate it
    beside each other."""
    from pipeline.evaluation.compare_learners import CALIBRATIONS, RESULT
    from pipeline.evaluation.compare_learners import compare as step
    from pipeline.evaluation.comparison_table import say_comparison

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say_comparison(
            step(place, config, progress, first=first, last=not_before(first, last), every=every)
        )
    say(
        f"the same as a table: {place.folder / RESULT}; ways to calibrate: {place.folder / CALIBRATIONS}"
    )


@app.command()
def ablation(
    context: typer.Context, workspace: Folder, first: From, last: To, every: Every = 7
) -> None:
    """What each family of features adds to the model of past nights, with an interval."""
    from pipeline.evaluation.ablation import RESULT, say_ablation
    from pipeline.evaluation.ablation import ablation as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say_ablation(
            step(place, config, progress, first=first, last=not_before(first, last), every=every)
        )
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def leak_cost(workspace: Folder, first: From, last: To, every: Every = 7) -> None:
    """What the usual mistakes with time would have claimed on past nights, beside the honest
    figure."""
    from pipeline.evaluation.leak_cost import RESULT, say_leak_cost
    from pipeline.evaluation.leak_cost import leak_cost as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say_leak_cost(
            step(place, config, progress, first=first, last=not_before(first, last), every=every)
        )
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def impact(workspace: Folder, as_of: AsOf) -> None:
    """What the lists achieved, from the hold-out that they keep, with intervals."""
    from pipeline.evaluation.impact import impact as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of)
    say(f"the same as files: {run / 'impact.txt'}, {run / 'impact.csv'}")


@app.command()
def replay(
    context: typer.Context, workspace: Folder, first: From, last: To, capacity: Capacity = None
) -> None:
    """What contact policies would have prevented and saved in a simulated store, night by night."""
    from pipeline.evaluation.replay import RESULT, replay_policies, say_replay

    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked(must_exist=True):
        say_replay(
            replay_policies(place, config, progress, first=first, last=not_before(first, last))
        )
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def rules_check(workspace: Folder, first: From, last: To) -> None:
    """The forecasts of the rates, and the chances of escalation, on past month-ends beside what
    came."""
    from pipeline.evaluation.kpi_forecast_check import RESULT
    from pipeline.evaluation.kpi_forecast_check import rules_check as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, first=first, last=not_before(first, last))
    say(f"month by month: {place.folder / RESULT}")


@app.command()
def notebooks(workspace: Folder, as_of: AsOf) -> None:
    """Run the notebooks on a workspace and keep them there with what they show."""
    from pipeline.evaluation.run_notebooks import run_notebooks

    place, _, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"notebooks: {run_notebooks(place, progress, as_of=as_of)}")
