"""The platforms that `connect` knows. One more is one entry of `PLATFORMS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

from pipeline.connect.aliexpress_answers import (
    authorisation,
    code_in,
    is_gateway,
    is_router,
    settled_tracking,
)
from pipeline.connections.connection_check import MethodCheck
from pipeline.settings.delivery.pull_section import PullSection
from pipeline.settings.delivery.pull_settings import AliexpressStore

Answers = Mapping[str, Any]
Checker = Callable[[Any, str, Path], list[MethodCheck]]


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

    `checker`: `module:function` that gets the settings, the name of the store and a folder for what
    the first pull needs, such as a token. It returns a check for each method, and raises a
    `UserError` or a fault of `call_faults`. It is imported when it is needed. `required`: methods
    without which a pull brings nothing. `settled`: settings that follow from the checks.
    """

    name: str
    title: str
    needs: str
    section: type[PullSection]
    questions: Sequence[ConnectQuestion]
    checker: str
    required: frozenset[str] = frozenset()
    settled: Callable[[Any, Sequence[MethodCheck]], dict[str, Any]] = lambda settings, checks: {}

    def check(self, settings: PullSection, store: str, folder: Path) -> list[MethodCheck]:
        """Test the credentials."""
        return cast("Checker", resolve_name(self.checker))(settings, store, folder)

    def is_enough(self, checks: Sequence[MethodCheck]) -> bool:
        """Whether a pull would bring something."""
        allowed = {check.method for check in checks if check.may_call}
        return self.required <= allowed if self.required else bool(allowed)


ALIEXPRESS = ConnectPlatform(
    name="aliexpress",
    title="AliExpress Open Platform",
    needs="You need an app of your own on the platform's console: its App Key, its App Secret and "
    "its callback URL; and the seller's login, to authorise the app in a browser.",
    section=AliexpressStore,
    questions=(
        ConnectQuestion("app_key", "App Key"),
        ConnectQuestion("app_secret", "App Secret", is_secret=True),
        ConnectQuestion(
            "callback_url",
            "Callback URL of the app, as its console shows it",
            is_setting=False,
            is_asked=is_gateway,
        ),
        ConnectQuestion(
            "code",
            "The code, or the whole address that the browser was sent to",
            is_secret=True,
            is_used_once=True,
            is_asked=is_gateway,
            before=authorisation,
            cleaned=code_in,
        ),
        ConnectQuestion("access_token", "Access token", is_secret=True, is_asked=is_router),
    ),
    checker="pipeline.sources.openplatform.check_connection:check_connection",
    required=frozenset({"aliexpress.solution.order.get"}),
    settled=settled_tracking,
)

PLATFORMS = {platform.name: platform for platform in (ALIEXPRESS,)}
