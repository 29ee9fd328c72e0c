"""What `connect` needs to know of a platform: its questions, and how its credentials are tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

from pipeline.connections.connection_check import MethodCheck
from pipeline.settings.delivery.pull_section import PullSection

Answers = Mapping[str, Any]
Checker = Callable[[Any, str, Path], list[MethodCheck]]


def named(function: str) -> Checker:
    """The checker `module:function`, which is imported when it is needed: web clients and SDKs take
    a while to load."""

    def check(settings: Any, store: str, folder: Path) -> list[MethodCheck]:
        return cast("list[MethodCheck]", resolve_name(function)(settings, store, folder))

    return check


def named_check(function: str) -> Checker:
    """The same for a checker that leaves nothing for the first pull, and needs no folder."""

    def check(settings: Any, store: str, folder: Path) -> list[MethodCheck]:
        return cast("list[MethodCheck]", resolve_name(function)(settings, store))

    return check


def _always(answers: Answers) -> bool:
    return True


@dataclass(frozen=True)
class ConnectQuestion:
    """One question. `key`: the setting that the answer becomes.

    `is_secret`: typed without showing it, and kept outside config.toml. `is_used_once`: such a
    secret is worth nothing once it was used. `is_setting`: False if the answer is only needed for
    what comes later. `is_asked` and `before`, a text that comes first, see the earlier answers.
    `cleaned` takes what a person pastes.
    """

    key: str
    text: str
    default: str = ""
    is_secret: bool = False
    is_used_once: bool = False
    is_setting: bool = True
    is_asked: Callable[[Answers], bool] = _always
    before: Callable[[Answers], str] | None = None
    cleaned: Callable[[str], str] = str.strip


@dataclass(frozen=True)
class ConnectPlatform:
    """One platform. `section`: the model of `[pull.<name>.NAME]`; `needs`: what to have at hand.

    `checker` gets the settings, the name of the store and a folder for what the first pull needs,
    such as a token. It returns a check for each method, and raises `PullFailed` or a fault of
    `call_faults`. `required`: methods without which a pull brings nothing. `settled`: settings that
    follow from the checks. `others`: values in other sections of config.toml, from the answers.
    """

    name: str
    title: str
    needs: str
    section: type[PullSection]
    questions: Sequence[ConnectQuestion]
    checker: Checker
    required: frozenset[str] = frozenset()
    settled: Callable[[Any, Sequence[MethodCheck]], dict[str, Any]] = lambda settings, checks: {}
    others: Callable[[Answers], dict[tuple[str, ...], dict[str, Any]]] = lambda answers: {}

    def is_enough(self, checks: Sequence[MethodCheck]) -> bool:
        """Whether a pull would bring something."""
        allowed = {check.method for check in checks if check.may_call}
        return self.required <= allowed if self.required else bool(allowed)
