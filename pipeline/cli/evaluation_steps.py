"""The steps that measure models and past lists; none of them changes what a night does."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import (
    AsOf,
    Capacity,
    Every,
    From,
    MappingFile,
    Raw,
    SourceName,
    To,
    TrackingFolder,
    WorkspaceFolder,
    both_or_none,
    not_before,
    open_workspace,
    side_files_of,
)
from pipeline.workspace.progress import say

app = typer.Typer()
Scenarios = Annotated[
    str,
    typer.Option(help="true effects of actions: weak, published, strong, useless, harmful, all"),
]


@app.command()
def backtest(
    context: typer.Context,
    folder: WorkspaceFolder,
    first: From,
    last: To,
    every: Every = 7,
    capacity: Capacity = None,
    source: SourceName = None,
    raw: Raw = None,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
) -> None:
    """Score past nights, each with a model that knew only earlier outcomes, and measure the lists.

    Reads tables/; with --source and --raw, loads these files first.
    Writes backtest.csv and model_page.html.
    """
    from pipeline.evaluation.backtest import RESULT, say_summary
    from pipeline.evaluation.backtest import backtest as step
    from pipeline.load.ingest import ingest as load

    both_or_none(source, raw)
    workspace, config, progress = open_workspace(folder, context, capacity)
    side_files = side_files_of(mapping, tracking)
    with workspace.locked():
        if source and raw:
            load(workspace, config, progress, source=source, raw=raw, side_files=side_files)
        last = not_before(first, last)
        say_summary(step(workspace, config, progress, first=first, last=last, every=every))
    say(f"every night and stage: {workspace.folder / RESULT}")


@app.command()
def evaluate(
    context: typer.Context,
    folder: WorkspaceFolder,
    first: From,
    last: To,
    every: Every = 7,
    is_visible_asked: Annotated[
        bool,
        typer.Option("--visible", help="also show how much of the true risk is in the features"),
    ] = False,
) -> None:
    """Compare the models of past nights with simple rules and, if simulated, with the true risk.

    Reads tables/ and, in a simulated store, truth/.
    Writes evaluation.csv.
    """
    from pipeline.evaluation.evaluate import RESULT, say_evaluation
    from pipeline.evaluation.evaluate import evaluate as step

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        evaluation = step(
            workspace,
            config,
            progress,
            first=first,
            last=not_before(first, last),
            every=every,
            is_visible_asked=is_visible_asked,
        )
        say_evaluation(evaluation)
    say(f"the same as a table: {workspace.folder / RESULT}")


@app.command()
def compare(
    context: typer.Context, folder: WorkspaceFolder, first: From, last: To, every: Every = 28
) -> None:
    """Compare the model with baselines, other learners and other calibrations on past nights.

    Reads tables/.
    Writes comparison.csv and calibrations.csv.
    """
    from pipeline.evaluation.compare_learners import CALIBRATIONS, RESULT
    from pipeline.evaluation.compare_learners import compare as step
    from pipeline.evaluation.comparison_table import say_comparison

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        last = not_before(first, last)
        say_comparison(step(workspace, config, progress, first=first, last=last, every=every))
    say(
        f"the same as a table: {workspace.folder / RESULT}; "
        f"calibrations: {workspace.folder / CALIBRATIONS}"
    )


@app.command()
def ablation(
    context: typer.Context, folder: WorkspaceFolder, first: From, last: To, every: Every = 7
) -> None:
    """Measure what each family of features adds to the model, with an interval.

    Reads tables/.
    Writes ablation.csv.
    """
    from pipeline.evaluation.ablation import RESULT, say_ablation
    from pipeline.evaluation.ablation import ablation as step

    workspace, config, progress = open_workspace(folder, context)
    with workspace.locked(must_exist=True):
        last = not_before(first, last)
        say_ablation(step(workspace, config, progress, first=first, last=last, every=every))
    say(f"the same as a table: {workspace.folder / RESULT}")


@app.command()
def leak_cost(folder: WorkspaceFolder, first: From, last: To, every: Every = 7) -> None:
    """Show how good the model would wrongly look with the usual mistakes with time.

    Reads tables/.
    Writes leak_cost.csv.
    """
    from pipeline.evaluation.leak_cost import RESULT, say_leak_cost
    from pipeline.evaluation.leak_cost import leak_cost as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        last = not_before(first, last)
        say_leak_cost(step(workspace, config, progress, first=first, last=last, every=every))
    say(f"the same as a table: {workspace.folder / RESULT}")


@app.command()
def impact(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Estimate what the lists achieved, by comparison with the hold-out, with intervals.

    Reads tables/ and past runs.
    Writes impact.txt, impact.csv, effects.csv and policies.csv into runs/AS_OF/latest-impact/.
    """
    from pipeline.evaluation.impact import impact as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        run = step(workspace, config, progress, as_of=as_of)
    say(f"the same as files: {run / 'impact.txt'}, {run / 'impact.csv'}")


@app.command()
def replay(
    context: typer.Context,
    folder: WorkspaceFolder,
    first: From,
    last: To,
    capacity: Capacity = None,
    scenario: Scenarios = "published",
) -> None:
    """Simulate what ways to choose among actions would have saved in a simulated store.

    Reads tables/, truth/ and actions/.
        Writes replay.csv and replay_stops.csv.
    """
    from pipeline.evaluation.actions.action_seasons import (
        RESULT,
        replay_actions,
        say_actions,
        scenario_names,
    )

    workspace, config, progress = open_workspace(folder, context, capacity)
    with workspace.locked(must_exist=True):
        last = not_before(first, last)
        names = scenario_names(scenario)
        say_actions(
            replay_actions(workspace, config, progress, first=first, last=last, scenarios=names)
        )
    say(f"the same as a table: {workspace.folder / RESULT}")


@app.command()
def rules_check(folder: WorkspaceFolder, first: From, last: To) -> None:
    """Compare forecasts of rates and escalations on past month-ends with what happened.

    Reads tables/ and the policy.
    Writes rules_check.csv.
    """
    from pipeline.evaluation.kpi_forecast_check import RESULT
    from pipeline.evaluation.kpi_forecast_check import rules_check as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        step(workspace, config, progress, first=first, last=not_before(first, last))
    say(f"month by month: {workspace.folder / RESULT}")


@app.command()
def notebooks(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Run the notebooks on the data of a workspace.

    Reads the program's notebooks and the workspace.
    Writes the executed notebooks into notebooks/.
    """
    from pipeline.evaluation.run_notebooks import run_notebooks

    workspace, _, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        say(f"notebooks: {run_notebooks(workspace, progress, as_of=as_of)}")
