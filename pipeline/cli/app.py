"""Scores open orders for dispute risk and lists the buyers to contact.

Each line ends with the options that its step needs: WORKSPACE is --workspace, AS_OF is --as-of.
`dispute-risk COMMAND --help` explains all options of a command, and which files of the workspace it
reads and writes.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import (
    board_steps,
    config_steps,
    delivery_steps,
    documentation_steps,
    evaluation_steps,
    fleet_steps,
    load_steps,
    night_steps,
    product_steps,
    receive_steps,
    simulation_steps,
    training_steps,
)
from pipeline.cli.command_list import StepList, listed, make_readable
from pipeline.cli.options import EngineChoice, SparkMaster
from pipeline.installation.release import VERSION, is_installed_command
from pipeline.installation.step_groups import GROUPS
from pipeline.workspace.file_modes import tighten_umask
from pipeline.workspace.run_log import name_step

app = typer.Typer(
    # a shell completes the name of a command, and `python -m pipeline` is none
    add_completion=is_installed_command(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=__doc__,
    cls=StepList,
)
STEPS = (
    config_steps,
    night_steps,
    fleet_steps,
    board_steps,
    delivery_steps,
    load_steps,
    training_steps,
    evaluation_steps,
    product_steps,
    receive_steps,
    simulation_steps,
    documentation_steps,
)
app.registered_commands = listed(
    [command for steps in STEPS for command in steps.app.registered_commands]
)
for command in config_steps.config.registered_commands:
    make_readable(command)
for group, texts in GROUPS.items():
    if "config" in texts:
        app.add_typer(
            config_steps.config,
            name="config",
            help="Show, check or explain the settings of a workspace.",
            short_help=texts["config"],
            rich_help_panel=group,
            cls=StepList,
        )


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"dispute-risk {VERSION}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        callback=_show_version,
        is_eager=True,
        metavar="",
        help="show the version, and end",
    ),
]


@app.callback()
def choose_engine(
    context: typer.Context,
    engine: EngineChoice = None,
    spark_master: SparkMaster = None,
    is_version_asked: Version = False,
) -> None:
    """Record which step runs and with which engine, and keep its files from other users."""
    tighten_umask()
    name_step(context.invoked_subcommand or "")
    context.obj = {"engine": engine and engine.value, "spark_master": spark_master}
