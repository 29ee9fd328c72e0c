"""Scores open orders for dispute risk and lists the buyers to contact.

Run a step with `python -m pipeline STEP --workspace DIR`; the make targets do the same.
"""

from __future__ import annotations

import typer

from pipeline.cli import (
    board_steps,
    delivery_steps,
    documentation_steps,
    evaluation_steps,
    load_steps,
    night_steps,
    product_steps,
    simulation_steps,
    training_steps,
)
from pipeline.cli.options import EngineChoice, SparkMaster
from pipeline.workspace.file_modes import tighten_umask
from pipeline.workspace.run_log import name_step

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)
for steps in (
    night_steps,
    board_steps,
    delivery_steps,
    load_steps,
    training_steps,
    evaluation_steps,
    product_steps,
    simulation_steps,
    documentation_steps,
):
    app.add_typer(steps.app)


@app.callback()
def choose_engine(
    context: typer.Context, engine: EngineChoice = None, spark_master: SparkMaster = None
) -> None:
    """Record which step runs and with which engine, and keep its files from other users."""
    tighten_umask()
    name_step(context.invoked_subcommand or "")
    context.obj = {"engine": engine and engine.value, "spark_master": spark_master}
