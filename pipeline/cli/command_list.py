"""Puts the steps into the order, the groups and the lines in which `--help` lists them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.core import TyperCommand, TyperGroup
from typer.models import CommandInfo, OptionInfo

from pipeline.installation.step_groups import GROUPS

_VALUES = {bool: "", str: "TEXT", Path: "PATH", int: "NUMBER", float: "NUMBER"}


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
    names = []
    for name, _, option in _options(step):
        if inspect.signature(step).parameters[name].default is inspect.Parameter.empty:
            # inside Annotated, typer keeps the first name of an option as its default
            names.append(_make_name(option.default if isinstance(option.default, str) else name))
    return names


class Step(TyperCommand):
    """A step on the command line."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`, shown like the others."""
        return _like_the_others(super().get_help_option(ctx))


class StepList(TyperGroup):
    """A list of steps on the command line."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`, shown like the others."""
        return _like_the_others(super().get_help_option(ctx))


def _like_the_others(option: Any) -> Any:
    """The option without the name of a type, and with a text in the style of the others."""
    if option is not None:
        option.metavar, option.help = "", "show this help, and end"
    return option


def make_readable(command: CommandInfo) -> None:
    """Show the help of a step in the words of a user: PATH, NUMBER and TEXT instead of Python's
    types, nothing after an option without a value, and brackets as they are."""
    step = command.callback
    assert step is not None
    command.cls = Step
    # a bracket would be read as a colour
    command.help = (inspect.getdoc(step) or "").replace("[", r"\[")
    # annotations that are text make new options each time that they are read
    step.__annotations__ = get_type_hints(step, include_extras=True)
    for _, hint, option in _options(step):
        if option.help:
            # steps share options, so some are done already
            option.help = re.sub(r"(?<!\\)\[", r"\[", option.help)
        if option.metavar is None:
            option.metavar = _value_word(hint)


def _options(step: Callable[..., Any]) -> Iterator[tuple[str, Any, OptionInfo]]:
    """The parameter, the type of its value and the option, for each option of a step."""
    for name, hint in get_type_hints(step, include_extras=True).items():
        for extra in getattr(hint, "__metadata__", ()):
            if isinstance(extra, OptionInfo):
                yield name, hint.__origin__, extra


def _value_word(hint: Any) -> str | None:
    """The word for the value of an option in its help; None leaves it to typer."""
    inner = [part for part in get_args(hint) if part is not type(None)]
    if inner:
        return _value_word(inner[0])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "|".join(choice.value for choice in hint)
    return _VALUES.get(hint)


def _make_name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_").upper()


def _described(command: CommandInfo, group: str, text: str) -> CommandInfo:
    step = command.callback
    assert step is not None
    make_readable(command)
    required = " ".join(required_options(step))
    command.rich_help_panel = group
    command.short_help = f"{text}: {required}" if required else text
    return command
