"""The file of a store's access token, which only its owner can read.

A refresh token counts once: when the platform has answered, the former one is worth nothing. So the
space for the answer is taken on the disk before the platform is asked, and the answer goes there
before anything else happens to it:

    token.json      the token in use
    token.next      empty: a run asked for a token. With a whole line: the token that it got

A run that is killed after the line was written loses nothing: the next one takes `token.next`.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.workspace.workspace import sync

# a token has a few hundred letters
MOST_BYTES = 32_768
# a token is renewed when this share of its life is left, or this many seconds if that is less
LAST_SHARE, LAST_SECONDS = 0.2, 3 * 86_400.0


class TokenFileFault(Exception):
    """The file cannot be used. The message says what to do, and holds no token."""


@dataclass(frozen=True)
class StoredToken:
    """A token with the seconds since 1970 at which it was made and ends; `code`: a hash of the code
    that it came from, so that no code is used twice."""

    access: str
    refresh: str = ""
    made: float = 0.0
    ends: float = 0.0
    refresh_ends: float = 0.0
    code: str = ""

    def is_due(self, now: float) -> bool:
        """Whether it is time to renew it."""
        left = min((self.ends - self.made) * LAST_SHARE, LAST_SECONDS)
        return bool(self.refresh) and self.ends > 0 and now > self.ends - left


class TokenFile:
    """`path`: of token.json. `was_cut_off`: an earlier run ended while it waited for a token."""

    def __init__(self, path: Path) -> None:
        self._path, self._next = path, path.with_suffix(".next")
        self.was_cut_off = False

    def read(self) -> StoredToken | None:
        """The newest token that an earlier run stored, or None. Raises `TokenFileFault`."""
        line = _first_line(self._path)
        token = None if line is None else _parsed(line, self._path)
        if not self._next.exists():
            return token
        self.was_cut_off = True
        late_line = _first_line(self._next)
        late = None if late_line is None else _parsed(late_line, self._next)
        # a new authorisation may have come after it
        if late_line is None or late is None or (token is not None and token.made > late.made):
            return token
        # without the space that was taken for it
        os.truncate(self._next, len(late_line.encode()) + 1)
        self._replace()
        return late

    @contextmanager
    def prepared(self) -> Iterator[int]:
        """A handle to `token.next`, with the space for a token. Raises `TokenFileFault` if there is
        no space: before the platform is asked, not after."""
        handle = None
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            handle = os.open(self._next, flags, 0o600)
            os.fchmod(handle, 0o600)
            os.pwrite(handle, bytes(MOST_BYTES), 0)
            os.fsync(handle)
            sync(self._path.parent)
        except OSError as error:
            if handle is not None:
                os.close(handle)
            raise TokenFileFault(f"{self._next}: cannot be written ({error.strerror})") from None
        try:
            yield handle
        finally:
            os.close(handle)

    def keep(self, handle: int, token: StoredToken) -> None:
        """Write the token through the handle of `prepared`, and make it the one in use."""
        line = f"{json.dumps(asdict(token))}\n".encode()
        os.pwrite(handle, line, 0)
        os.fsync(handle)
        os.ftruncate(handle, len(line))
        self._replace()
        self.was_cut_off = False

    def give_up(self) -> None:
        """Forget that a token was asked for: the platform answered that there is none."""
        self._next.unlink(missing_ok=True)

    def _replace(self) -> None:
        self._next.replace(self._path)
        sync(self._path.parent)


def _first_line(path: Path) -> str | None:
    """The first line of a file, None if there is no file or no whole line."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenFileFault(f"{path}: cannot be read ({error.strerror})") from None
    with os.fdopen(handle, "rb") as file:
        if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
            raise TokenFileFault(
                f"{path} can be read or written by other users; run: chmod 600 {path}"
            )
        content = file.read(MOST_BYTES)
    line, end, _ = content.partition(b"\n")
    # a file of an earlier version has no end of line
    is_whole = bool(end) or (bool(line) and b"\0" not in line)
    return line.decode("utf-8", errors="replace") if is_whole else None


def _parsed(line: str, path: Path) -> StoredToken:
    try:
        return StoredToken(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        raise TokenFileFault(f"{path} is damaged; remove it") from None
