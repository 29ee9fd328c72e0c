"""Who may use the board and the API of a workspace: one file, `board_users.json`.

Passwords are kept as scrypt hashes of werkzeug, which Flask brings. A token of the API has 256
random bits, so that its sha256 is enough. The file is readable by its owner only. Without the file,
the board has no login and answers on its own machine alone.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.security import check_password_hash, generate_password_hash

from pipeline.desk.desk_state import Member, Role
from pipeline.settings.errors import BadInput, Damaged
from pipeline.workspace.workspace import write_bytes_whole

FILE = "board_users.json"
NAME = re.compile(r"\w[\w.@-]{0,63}")
LEAST_PASSWORD = 12
TOKEN_PREFIX = "drt_"


class StoredUser(BaseModel):
    """One user of the file. Without a password, only a proxy signs them in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    role: Role
    password_hash: str = ""
    token_sha256: str = ""


class UserFile(BaseModel):
    """The content of the file. `session_key` signs the cookies of those who are signed in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    session_key: str = Field(default_factory=lambda: secrets.token_hex(32), min_length=32)
    users: dict[str, StoredUser] = {}


def read_members(workspace: Path) -> UserFile | None:
    """The users of a workspace; None if it has no user file. Raises `Damaged` for a file that this
    program did not write, so that a damaged file never opens the board to everyone."""
    path = workspace / FILE
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return _read(path, state.st_mtime_ns, state.st_ino, state.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, *_: int) -> UserFile:
    try:
        return UserFile.model_validate_json(path.read_bytes())
    except (ValidationError, OSError):
        raise Damaged(
            f"{path}: is not a user file. Restore it from a backup, or remove it and add the users "
            "again: make board-user"
        ) from None


def change_member(workspace: Path, name: str, change: Callable[[StoredUser | None], object]) -> str:
    """Add, change or remove one user.

    `change` gets the user, or None for a new name, and returns the user to store, or None to remove
    them. Returns what happened: added, changed or removed. Raises `BadInput` for a bad name.
    """
    if not NAME.fullmatch(name):
        raise BadInput(
            f"LOGIN: {name[:80]!r} is not a user name. Use up to 64 letters, digits and . _ @ -"
        )
    content = read_members(workspace) or UserFile()
    before, after = content.users.get(name), change(content.users.get(name))
    if after is None and before is None:
        raise BadInput(f"LOGIN: there is no user {name!r} in {workspace / FILE}.")
    users = {key: user for key, user in content.users.items() if key != name}
    if isinstance(after, StoredUser):
        users[name] = after
    _write(workspace / FILE, content.model_copy(update={"users": dict(sorted(users.items()))}))
    return "removed" if after is None else "added" if before is None else "changed"


def _write(path: Path, content: UserFile) -> None:
    def write(temporary: Path) -> None:
        temporary.touch(mode=0o600)
        temporary.write_text(content.model_dump_json(indent=2) + "\n", encoding="utf-8")

    write_bytes_whole(path, write)


def hashed_password(password: str) -> str:
    """The hash of a new password. Raises `BadInput` for a short one."""
    if len(password) < LEAST_PASSWORD:
        raise BadInput(
            f"the password has {len(password)} characters; it needs at least {LEAST_PASSWORD}."
        )
    return generate_password_hash(password)


def new_token() -> tuple[str, str]:
    """A new token of the API, and its hash for the file."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, _sha256(token)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# checked for an unknown name, so that the answer takes as long as for a known one
_NO_ONE = generate_password_hash(secrets.token_hex(16))


def signs_in(users: Mapping[str, StoredUser], name: str, password: str) -> bool:
    """Whether the name and the password belong together, and the role may open the board."""
    user = users.get(name)
    is_usable = user is not None and bool(user.password_hash) and user.role != Role.reader
    expected = user.password_hash if user is not None and is_usable else _NO_ONE
    return check_password_hash(expected, password) and is_usable


def token_owner(users: Mapping[str, StoredUser], token: str) -> Member | None:
    """Whose token of the API this is; None if it is no one's."""
    given = _sha256(token)
    for name, user in users.items():
        if user.token_sha256 and secrets.compare_digest(user.token_sha256, given):
            return Member(name, user.role)
    return None


def session_stamp(user: StoredUser) -> str:
    """Changes with the password and the role: a session with another stamp has ended."""
    return _sha256(f"{user.role} {user.password_hash}")[:16]
