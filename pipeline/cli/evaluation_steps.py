"""The steps that judge: past nights, rules of thumb, proofs, what-ifs. None of them changes what a night will do."""

from __future__ import annotations

from ipaddress import ip_address
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
from pipeline.workspace.progress import say, warn

app = typer.Typer()


@app.command()
def world_page(workspace: Folder) -> None:
    """Draw the simulated store of the workspace beside published ranges."""
    from pipeline.simulation.realism_page import world_page as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"open in a browser: {step(place, config, progress)}")


@app.command()
def impact(workspace: Folder, as_of: AsOf) -> None:
    """What the lists achieved, from the hold-out that they keep, with intervals."""
    from pipeline.evaluation.impact import impact as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of)
    say(f"the same as files: {run / 'impact.txt'}, {run / 'impact.csv'}")


@app.command()
def monitor(workspace: Folder, as_of: AsOf) -> None:
    """Is the model still right, and are its inputs as usual: fine, watch or act, with the reason."""
    from pipeline.night.monitor import monitor as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of)
    say(f"the same as files: {run / 'health.txt'}, {run / 'health.csv'}")


@app.command()
def rules_check(workspace: Folder, first: From, last: To) -> None:
    """The forecasts of the rates, and the chances of escalation, on past month-ends beside what came."""
    from pipeline.evaluation.kpi_forecast_check import RESULT
    from pipeline.evaluation.kpi_forecast_check import rules_check as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, first=first, last=not_before(first, last))
    say(f"month by month: {place.folder / RESULT}")


@app.command()
def leak_proof(
    workspace: Folder,
    nights: Annotated[int, typer.Option(min=1, help="how many nights, drawn at random")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="another seed, other nights and disturbances")] = 1,
) -> None:
    """Alter, delete and add facts that a night could not know, and see that none of its features moves."""
    from pipeline.training.leak_proof import RESULT
    from pipeline.training.leak_proof import leak_proof as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, nights=nights, seed=seed)
    say(f"night by night: {place.folder / RESULT}")


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
            load(place, config, progress, source=source, raw=raw, beside=SideFiles(mapping, tracking))
        say_summary(step(place, config, progress, first=first, last=not_before(first, last), every=every))
    say(f"every night and stage: {place.folder / RESULT}")


@app.command()
def evaluate(
    context: typer.Context,
    workspace: Folder,
    first: From,
    last: To,
    every: Every = 7,
    is_visible_asked: Annotated[bool, typer.Option("--visible", help="how much of it the features tell")] = False,
) -> None:
    """Compare the model of past nights with rules of thumb and, in a simulated store, with the true risk."""
    from pipeline.evaluation.evaluate import RESULT, say_evaluation
    from pipeline.evaluation.evaluate import evaluate as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        last = not_before(first, last)
        found = step(place, config, progress, first=first, last=last, every=every, is_visible_asked=is_visible_asked)
        say_evaluation(found)
    say(f"the same as a table: {place.folder / RESULT}")


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
def compare(context: typer.Context, workspace: Folder, first: From, last: To, every: Every = 28) -> None:
    """The model of past nights beside baselines and other learners, and the ways to calibrate it beside each other."""
    from pipeline.evaluation.compare_learners import CALIBRATIONS, RESULT, say_comparison
    from pipeline.evaluation.compare_learners import compare as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say_comparison(step(place, config, progress, first=first, last=not_before(first, last), every=every))
    say(f"the same as a table: {place.folder / RESULT}; ways to calibrate: {place.folder / CALIBRATIONS}")


@app.command()
def ablation(context: typer.Context, workspace: Folder, first: From, last: To, every: Every = 7) -> None:
    """What each family of features adds to the model of past nights, with an interval."""
    from pipeline.evaluation.ablation import RESULT, say_ablation
    from pipeline.evaluation.ablation import ablation as step

    place, config, progress = open_workspace(workspace, context)
    with place.locked(must_exist=True):
        say_ablation(step(place, config, progress, first=first, last=not_before(first, last), every=every))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def leak_cost(workspace: Folder, first: From, last: To, every: Every = 7) -> None:
    """What the usual mistakes with time would have claimed on past nights, beside the honest figure."""
    from pipeline.evaluation.leak_cost import RESULT, say_leak_cost
    from pipeline.evaluation.leak_cost import leak_cost as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say_leak_cost(step(place, config, progress, first=first, last=not_before(first, last), every=every))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def replay(context: typer.Context, workspace: Folder, first: From, last: To, capacity: Capacity = None) -> None:
    """What contact policies would have prevented and saved in a simulated store, night by night."""
    from pipeline.evaluation.replay import RESULT, replay_policies, say_replay

    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked(must_exist=True):
        say_replay(replay_policies(place, config, progress, first=first, last=not_before(first, last)))
    say(f"the same as a table: {place.folder / RESULT}")


@app.command()
def board(
    workspace: Folder,
    port: Annotated[int, typer.Option(min=1, max=65535, help="of this machine")] = 8321,
    address: Annotated[str, typer.Option(help="to listen on")] = "127.0.0.1",
    reason: Annotated[str | None, typer.Option(help="why it is safe to open it to other machines")] = None,
) -> None:
    """Look at the nights, orders and products in a browser, and mark contacts."""
    from pipeline.board.board_app import check_address, serve

    place, _, _ = open_workspace(workspace)
    listened = check_address(address, reason)
    place.read_ingest_facts()
    is_open = not ip_address(listened).is_loopback
    if is_open:
        warn(f"the board answers other machines on {listened}, without a login. The reason given: {reason}")
    say(f"the board of {place.folder}: http://{address}:{port}/ (Ctrl-C ends it)")
    serve(place, address=listened, port=port, is_open=is_open)


@app.command()
def notebooks(workspace: Folder, as_of: AsOf) -> None:
    """Run the notebooks on a workspace and keep them there with what they show."""
    from pipeline.evaluation.run_notebooks import run_notebooks

    place, _, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"notebooks: {run_notebooks(place, progress, as_of=as_of)}")
