"""What a message advises to run, in the words of the installed command.

Messages name a step as make does: `make ingest SOURCE=... RAW=...`. Where the program is installed
as `dispute-risk`, there is no make, and the message says `dispute-risk ingest --source ...`.
"""

from __future__ import annotations

import re

from pipeline.installation.release import COMMAND, is_installed_command
from pipeline.installation.step_groups import STEPS

_ADVICE = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)((?: [A-Z_]+=\S*)*)")
_VARIABLE = re.compile(r" ([A-Z_]+)=(\S*)")
# make itself installs more for these; the command has no such option
_INSTALLS = re.compile(r" (CHALLENGERS|ENGINE)=")
# they are set to 1, and are options without a value
_FLAGS = frozenset(
    (
        "AS_JUDGED",
        "DRY_RUN",
        "EXPORTS",
        "FORCE",
        "FULL",
        "KEEP",
        "PROXY",
        "REMOVE",
        "TOKEN",
        "VISIBLE",
    )
)


def advice(text: str) -> str:
    """The text for the terminal of the user: with commands of make, or of `dispute-risk`."""
    return as_command(text) if is_installed_command() else text


def as_command(text: str) -> str:
    """The text with `make STEP NAME=value` written as `dispute-risk STEP --name value`."""
    return _ADVICE.sub(_one_command, text)


def _one_command(match: re.Match[str]) -> str:
    step, variables = match.groups()
    if step not in STEPS or _INSTALLS.search(variables):
        return match[0]
    return f"{COMMAND} {step}{_VARIABLE.sub(_option, variables)}"


def _option(match: re.Match[str]) -> str:
    name, value = match.groups()
    option = f" --{name.lower().replace('_', '-')}"
    if name in _FLAGS and value.startswith("1"):
        return option + value[1:]
    return f"{option} {value or '...'}"
