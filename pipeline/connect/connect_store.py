"""The step `connect`: ask a seller for what a platform needs, test it, and write it down.

Nothing is written before the test has passed, unless the seller says so: the answers are in memory,
and secrets and the first token in a folder of their own, which becomes the store's at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.connect.asked_answers import AskedAnswers
from pipeline.connect.config_sections import changed_config, write_config
from pipeline.connect.kept_secrets import install, staging_folder
from pipeline.connect.store_answers import ConnectOptions, StoreAnswers
from pipeline.connections.call_faults import PlatformFault, PullStopped, SecretFault
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.secret_values import SHORTEST
from pipeline.connections.store_folders import locked_store
from pipeline.connections.system_keyring import write_keyring
from pipeline.output.safe_text import one_line
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, PullFailed
from pipeline.workspace.progress import say, warn
from pipeline.workspace.workspace import Workspace

CONFIG = "config.toml"
LONGEST = 300


def connect(workspace: Workspace, options: ConnectOptions) -> int:
    """Connect one store. Returns the number of questions that a person answered.

    Raises `BadInput` for an option that is not allowed, and `PullFailed` if the test fails and
    nothing was written.
    """
    load_config(workspace.folder)
    asked = AskedAnswers(options.given())
    with staging_folder(workspace.folder) as staging:
        store = StoreAnswers(workspace, options, asked, staging)
        if store.folders.state.exists():
            # now, not after a code was used that counts once
            with locked_store(store.folders, store.store):
                pass
        store.ask()
        say("testing the credentials ...")
        checks, problem = _tested(store, staging)
        for check in checks:
            say(_check_line(store, check))
        if problem:
            warn(f"the test failed: {problem}")
            if not options.is_forced and not asked.is_agreed("Write it all the same?"):
                raise PullFailed(f"{store.store}: nothing was written. {problem}")
        try:
            _write(workspace.folder / CONFIG, store, staging, checks)
        except SecretFault as fault:
            raise BadInput(f"{fault} config.toml was not changed.") from None
    return asked.count


def _tested(store: StoreAnswers, staging: Path) -> tuple[list[MethodCheck], str]:
    """The checks of all methods, and why the test failed, or an empty text."""
    try:
        checks = store.platform.checker(store.settings(), store.store, staging)
    except (PullFailed, PlatformFault, PullStopped, SecretFault) as fault:
        return [], store.secrets.hide(one_line(str(fault), 2 * LONGEST))
    enough = store.platform.is_enough(checks)
    return checks, "" if enough else "without the methods that it may not call, nothing works"


def _check_line(store: StoreAnswers, check: MethodCheck) -> str:
    detail = f" ({one_line(check.detail, LONGEST)})" if check.detail else ""
    if check.may_call:
        return store.secrets.hide(f"  may call      {check.method}{detail}")
    return store.secrets.hide(f"  may not call  {check.method}: {check.cost}{detail}")


def _write(path: Path, store: StoreAnswers, staging: Path, checks: Sequence[MethodCheck]) -> None:
    """Write secrets and token first and config.toml last: it names them."""
    platform = store.platform
    # what an earlier connection of this store had, and this one has not
    values: dict[str, Any] = {q.key: None for q in platform.questions if q.is_setting}
    values |= store.own_settings() | platform.settled(store.settings(), checks)
    values |= {key: s.model_dump(exclude_none=True) for key, s in store.sources.items()}
    sections = {("pull", platform.name, store.store): values, **platform.others(store.answers)}
    text = changed_config(path, sections)
    if any(value in text for value in store.typed.values() if len(value) >= SHORTEST):
        raise BadInput(
            f"{path}: an answer, or a setting that is there already, is the same as a secret. "
            "config.toml never holds a secret. Nothing was written."
        )
    with locked_store(store.folders, store.store):
        for key, source in store.sources.items():
            if source.keyring and key in store.typed:
                write_keyring(source.keyring, store.typed[key], key)
                (staging / key).unlink()
        install(staging, store.folders.state)
        write_config(path, text)
    say(f"written: [pull.{platform.name}.{store.store}] in {path}")
    for key, source in store.sources.items():
        say(f"  {key}: in {source}")
