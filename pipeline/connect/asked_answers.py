"""Asks questions on the terminal, or takes the answers from options: a wrong answer that was typed
is asked for again, a wrong option ends the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import warn

Result = TypeVar("Result")
# the question for the variable of a secret has the secret's key and this
VARIABLE = "_variable"


class AskedAnswers:
    """`given`: the answers that came as options. `count`: questions that a person answered."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.count = 0

    def answer(
        self,
        key: str,
        text: str,
        check: Callable[[str], Result],
        *,
        default: str = "",
        is_hidden: bool = False,
    ) -> Result:
        """What `check` makes of the answer; it raises `BadInput` for a wrong one. A hidden answer
        is never taken from an option."""
        if key in self._given and not is_hidden:
            return check(self._given[key])
        self.count += 1
        while True:
            try:
                return check(_typed(key, text, default, is_hidden=is_hidden))
            except BadInput as error:
                warn(str(error))

    def is_agreed(self, text: str) -> bool:
        """Whether a person says yes. No one there: no."""
        try:
            return typer.confirm(text, default=False)
        except typer.Abort:
            return False


def _typed(key: str, text: str, default: str, *, is_hidden: bool) -> str:
    """What is typed; getpass reads a hidden answer."""
    shown = f"{text} (it is not shown)" if is_hidden else text
    try:
        return str(typer.prompt(shown, default=default or None, hide_input=is_hidden))
    except typer.Abort:
        way = f"ANSWERS='{key}=...'"
        if key in ("platform", "store", "keep"):
            way = f"{key.upper()}=..."
        elif is_hidden or key.endswith(VARIABLE):
            way = f"SECRETS='{key.removesuffix(VARIABLE)}=env:NAME'"
        raise typer.BadParameter(
            f"no answer to: {text}. Without a terminal, give all answers as options; here {way}."
        ) from None
