"""Keep the answers of a service as they came, one per line, as the dumps that the sources read.

A file is written under another name until it is complete. What a killed run left behind is used:
every line that came to the disk whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.connections.pull_clock import utc_text
from pipeline.connections.secret_values import SecretValues
from pipeline.workspace.file_modes import FILE
from pipeline.workspace.workspace import sync

PART = ".part"
MOST_BYTES = 64_000_000


def dump_line(
    text: str, arrived_at: datetime, request: Mapping[str, Any], secrets: SecretValues
) -> str:
    """One line: the request, when the answer arrived, and the answer's own text, a JSON object.

    The text is not written anew, so that its numbers stay as they are. A line break in JSON can
    only be between two values. Secrets are hidden, in case the platform repeats one.
    """
    arrived = utc_text(arrived_at)
    head = {"fetched_at": arrived, "request": {**request, "fetched_at": arrived}}
    rest = text.strip().replace("\r", " ").replace("\n", " ")[1:]
    return secrets.hide(json.dumps(head, ensure_ascii=False)[:-1] + ", " + rest)


class AnswerDumps:
    """The dumps of one run. Nothing is created before the first line."""

    def __init__(self, folder: Path, started_at: datetime, kind: str = "answers") -> None:
        self._folder = folder
        self._stem = f"{kind}-{started_at:%Y%m%dT%H%M%S}"
        self._number, self._path, self._size = 0, folder, 0
        self._file: BinaryIO | None = None
        self.count = 0

    def append(self, lines: Iterable[str]) -> None:
        """Write the lines, and return when they are on the disk. Raises `OSError` if they are not;
        then none of them is kept, and the next call begins another file."""
        content = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="replace")
        if not content:
            return
        if self._file is None:
            self._open()
        file = self._file
        assert file is not None
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            self._drop_unwritten(file)
            raise
        self.count += content.count(b"\n")
        self._size += len(content)
        if self._size > MOST_BYTES:
            self.close()

    def close(self) -> None:
        """Give the file its final name."""
        if self._file is not None:
            self._file.close()
            self._file = None
            _complete(self._path)

    def _drop_unwritten(self, file: BinaryIO) -> None:
        """End the file after the last lines that are known to be on the disk."""
        self._file = None
        with suppress(OSError):
            # closing tries to write once more
            file.close()
        os.truncate(self._path, self._size)
        if self._size:
            _complete(self._path)
        else:
            self._path.unlink()

    def _open(self) -> None:
        self._size = 0
        # another run may have begun in the same second, or the clock was set back
        while True:
            self._number += 1
            self._path = self._folder / f"{self._stem}-{self._number:04}.jsonl{PART}"
            if not self._path.exists() and not _final(self._path).exists():
                break
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
        self._file = os.fdopen(handle, "wb")
        sync(self._folder)


def recover(folder: Path) -> int:
    """Complete the files that killed runs left. A last line that is cut off is removed: its answer
    will be fetched again. Returns the number of files."""
    parts = sorted(folder.glob(f"*{PART}"))
    for path in parts:
        with path.open("rb+") as file:
            file.truncate(_whole_lines(file))
            file.flush()
            os.fsync(file.fileno())
            is_empty = file.seek(0, os.SEEK_END) == 0
        if is_empty:
            path.unlink()
        else:
            _complete(path)
    return len(parts)


def _whole_lines(file: BinaryIO) -> int:
    """The number of bytes up to the last line break."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(end - 65_536, 0)
        file.seek(start)
        position = file.read(end - start).rfind(b"\n")
        if position >= 0:
            return start + position + 1
        end = start
    return 0


def _complete(path: Path) -> None:
    path.rename(_final(path))
    sync(path.parent)


def _final(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(PART))
