"""The order, the groups and the one-line help of the steps, as `--help` lists them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from typer.models import CommandInfo, OptionInfo

# group -> step -> what it does. The names of its required options follow, as make names them; with
# them, a line is at most 57 characters, so that it stays one line in a terminal of 80.
GROUPS = {
    "Set up a store": {
        "doctor": "Check files before you load them",
        "map": "Propose what the columns of unknown tables mean",
        "pull": "Get the new rows from a shop's database",
        "ingest": "Load files into a workspace",
        "quarantine": "Show which rows were rejected, and why",
        "requarantine": "Load the rows that you have fixed",
    },
    "Every night": {
        "nightly": "Load, score and list in one step",
        "score": "Make the list from what is loaded",
        "monitor": "Check the model and its inputs",
        "clock": "List the open disputes by deadline",
        "report": "Make the page of a night again",
        "deliver": "Send a night to its targets, each once",
        "send": "Send released drafts, each once",
    },
    "Work on the list": {
        "board": "Show the list in a browser, and share it",
        "board-user": "Add, change or remove a user",
        "contacts": "Load a list that agents filled in",
    },
    "Rates and products": {
        "kpi": "Calculate the platform's rates",
        "products": "Review the products on sale",
        "candidate": "Forecast for products not yet sold",
        "compare-products": "Compare two products",
    },
    "The model": {
        "train": "Train a champion or a challenger",
        "tune": "Search better settings for the model",
        "promote": "Make the challenger the champion, if better",
        "rollback": "Return to the previous champion",
        "features": "Write the training rows to a file",
        "describe-features": "Describe every feature",
        "leak-proof": "Check that no feature sees the future",
    },
    "What it achieves": {
        "impact": "Estimate what the lists achieved",
        "backtest": "Score past nights and measure them",
        "evaluate": "Compare past models with rules",
        "compare": "Compare with other learners",
        "ablation": "Measure each feature family",
        "leak-cost": "Show what mistakes with time hide",
        "rules-check": "Check past forecasts of rates",
        "notebooks": "Run the notebooks on a store",
    },
    "A simulated store": {
        "simulate": "Simulate a store",
        "world-page": "Compare it with published figures",
        "replay": "Simulate ways to choose actions",
        "products-check": "Check reviews by the true rates",
    },
}


def listed(commands: list[CommandInfo]) -> list[CommandInfo]:
    """The commands in the order of `GROUPS`, each with its group and its line; hidden ones last.

    Raises `KeyError` if a command that is not hidden has no line.
    """
    by_name = {name_of(command): command for command in commands}
    ordered = [
        _described(by_name.pop(name), group, text)
        for group, texts in GROUPS.items()
        for name, text in texts.items()
        if name in by_name
    ]
    if unlisted := [name for name, command in by_name.items() if not command.hidden]:
        raise KeyError(f"GROUPS has no line for {', '.join(unlisted)}")
    return ordered + list(by_name.values())


def name_of(command: CommandInfo) -> str:
    """The name under which a command is called."""
    assert command.callback is not None
    return command.name or command.callback.__name__.replace("_", "-")


def required_options(step: Callable[..., Any]) -> list[str]:
    """The options that a step cannot do without, as make names them: AS_OF for --as-of."""
    hints, names = get_type_hints(step, include_extras=True), []
    for name, parameter in inspect.signature(step).parameters.items():
        for extra in getattr(hints[name], "__metadata__", ()):
            if isinstance(extra, OptionInfo) and parameter.default is parameter.empty:
                # inside Annotated, typer keeps the first name of an option as its default
                names.append(_make_name(extra.default if isinstance(extra.default, str) else name))
    return names


def _make_name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_").upper()


def _described(command: CommandInfo, group: str, text: str) -> CommandInfo:
    step = command.callback
    assert step is not None
    required = " ".join(required_options(step))
    command.rich_help_panel = group
    command.short_help = f"{text}: {required}" if required else text
    # a bracket would be read as a colour
    command.help = (inspect.getdoc(step) or "").replace("[", r"\[")
    return command
