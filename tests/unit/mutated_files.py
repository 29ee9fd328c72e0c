"""Mutations of a workspace's files, for the tests and for tests/bench/mutations.py."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

# read by no step, or written anew by each
NEVER_READ = (".lock", "log.1.jsonl")


def own_files(folder: Path) -> list[Path]:
    """The files of a workspace that steps may read."""
    return [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in NEVER_READ
    ]


def new_copy(finished: Path, to: Path) -> Path:
    """A copy of a workspace, in place of a previous copy."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(finished, to, symlinks=True)


# damage: what a broken disk, a killed copy or a careless hand leaves


def flip(path: Path, draw: random.Random) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, draw: random.Random) -> None:
    """Drop the end."""
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data) + 1)])


def empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def scramble(path: Path, draw: random.Random) -> None:
    """Random bytes of the same number."""
    path.write_bytes(draw.randbytes(max(path.stat().st_size, 1)))


def repeat(path: Path, draw: random.Random) -> None:
    """The content twice, as after an append that should have been a replace."""
    path.write_bytes(path.read_bytes() * 2)


def change_digit(path: Path, draw: random.Random) -> None:
    """Another digit in place of one: text stays well-formed."""
    data = bytearray(path.read_bytes())
    positions = [match.start() for match in re.finditer(rb"\d", data)]
    if positions:
        at = draw.choice(positions)
        data[at] = ord(str((int(chr(data[at])) + draw.randrange(1, 10)) % 10))
    path.write_bytes(data)


# another kind: what lies there is not a file of this workspace


def replace_by_folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()


def remove(path: Path, draw: random.Random) -> None:
    path.unlink()


def link_to_nothing(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to("nothing")


def link_to_itself(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def replace_by_pipe(path: Path, draw: random.Random) -> None:
    """A named pipe that no process writes: opening it waits for ever."""
    path.unlink()
    os.mkfifo(path)


def link_to_zeros(path: Path, draw: random.Random) -> None:
    """A device that never ends."""
    path.unlink()
    path.symlink_to("/dev/zero")


def replace_by_another(path: Path, draw: random.Random) -> None:
    """The content of another file of the workspace that has the same ending."""
    root = next(parent for parent in path.parents if (parent / ".lock").exists())
    others = [other for other in root.rglob(f"*{path.suffix}") if other.is_file() and other != path]
    if others:
        shutil.copyfile(draw.choice(sorted(others)), path)


Mutation = Callable[[Path, random.Random], None]
DAMAGE: tuple[Mutation, ...] = (flip, truncate, empty, scramble, repeat, change_digit)
OTHER_KINDS: tuple[Mutation, ...] = (
    replace_by_folder,
    remove,
    link_to_nothing,
    link_to_itself,
    replace_by_pipe,
    link_to_zeros,
    replace_by_another,
)
MUTATIONS = DAMAGE + OTHER_KINDS
# what fits the links of a workspace, to its tables and to the last run of a night
OF_LINKS: tuple[Mutation, ...] = (
    replace_by_folder,
    remove,
    link_to_nothing,
    link_to_itself,
    replace_by_pipe,
    link_to_zeros,
)
