"""Where the secrets of a store are kept: in files of mode 0600, in environment variables, or in the
system's keyring. config.toml only says where."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.settings.delivery.delivery_section import SecretSource
from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import new_id, sync

FILE, ENV, KEYRING = WAYS = ("file", "env", "keyring")
STAGING = ".connect-"
LEFT_SECONDS = 3_600.0


def given_source(text: str, key: str) -> SecretSource:
    """`env:NAME`, `file:/path` or `keyring:service/name`. Raises `BadInput` for anything else,
    without showing it: it may be the secret itself."""
    way, _, where = text.partition(":")
    if way in WAYS:
        try:
            return SecretSource(**{way: where})
        except ValueError:
            pass
    raise BadInput(
        f"{key}: write where the secret is, as env:NAME, file:/path or keyring:service/name. A "
        "secret itself is never an option: other users of this machine see it, and the shell keeps "
        "it."
    )


@contextmanager
def staging_folder(workspace: Path) -> Iterator[Path]:
    """A folder that only its owner can read, for secrets and tokens that are being tested. It is
    gone after the block; what a killed run left behind is removed first."""
    parent = workspace / "pull"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{STAGING}*"):
        # a younger one may be that of a connection that goes on
        if time.time() - left.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{STAGING}{new_id()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            # it stays if a store has something in it
            parent.rmdir()


def write_secret(path: Path, value: str) -> None:
    """Write a secret into a new file; at no moment can others read it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        file.write(f"{value}\n")
        file.flush()
        os.fsync(handle)


def install(staging: Path, state: Path) -> list[Path]:
    """Move the files of the test to where the pull reads them, and return their new paths. Each
    replaces an earlier one whole."""
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    moved = []
    for file in sorted(path for path in staging.iterdir() if path.is_file()):
        file.replace(state / file.name)
        moved.append(state / file.name)
    sync(state)
    return moved
