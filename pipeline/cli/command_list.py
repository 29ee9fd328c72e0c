"""Puts the steps into the order, the groups and the lines in which `--help` lists them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from typer.models import CommandInfo, OptionInfo

from pipeline.installation.step_groups import GROUPS


def listed(commands: list[CommandInfo]) -> list[CommandInfo]:
    """The commands in the order of `GROUPS`, each with its group and its line.

    One without a line, and those that are hidden, come last as they are: a test reports the first.
    """
    by_name = {name_of(command): command for command in commands}
    ordered = [
        _described(by_name.pop(name), group, text)
        for group, texts in GROUPS.items()
        for name, text in texts.items()
        if name in by_name
    ]
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
