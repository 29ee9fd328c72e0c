"""Write files of kept answers anew. Lines without a forgotten buyer stay as they are, byte for
byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.sources.erased_ids import BUYER, NUMBER, ErasedIds
from pipeline.sources.mapped.mapped_tables import mail_id
from pipeline.workspace.file_modes import close_to_others
from pipeline.workspace.workspace import sync

# no reader of answers takes a file with this ending
NEW = ".erasing"
_WORD = re.compile(r"[\w.@+-]+")
Content = Mapping[str, Any]
Erase = Callable[[Content, Content], Content]


def erase_file(path: Path, erase: Erase, erased: ErasedIds, *, is_dry: bool) -> bool:
    """Erase forgotten buyers from the answers in a file; returns whether some were there. `erase`:
    an answer and its request, without them.

    The new file is complete and on the disk before it replaces the old one.
    """
    lines = path.read_bytes().splitlines(keepends=True)
    new = [_erased_line(line, erase, erased) for line in lines]
    if new == lines:
        return False
    if not is_dry:
        temporary = path.with_name(path.name + NEW)
        temporary.write_bytes(b"".join(new))
        close_to_others(temporary)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    return True


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed erasure left."""
    for path in folder.glob(f"*{NEW}"):
        path.unlink()


def _erased_line(line: bytes, erase: Erase, erased: ErasedIds) -> bytes:
    """The line without forgotten buyers; empty if it is no answer and mentions one."""
    try:
        content = json.loads(line)
        request = content["request"]
        is_answer = isinstance(request, dict)
    except (ValueError, RecursionError, TypeError, KeyError):
        is_answer = False
    if not is_answer:
        return b"" if erased.mentions(line.decode("utf-8", "replace")) else line
    new = erase(content, request)
    if new == content:
        return line
    # ids elsewhere in the answer, such as in the address of the next page
    return json.dumps(_hidden(new, erased)).encode() + b"\n"


def _hidden(node: Any, erased: ErasedIds) -> Any:
    if isinstance(node, str):
        return _WORD.sub(lambda word: _replacement(word[0], erased) or word[0], node)
    if isinstance(node, list):
        return [_hidden(item, erased) for item in node]
    if isinstance(node, dict):
        return {name: _hidden(value, erased) for name, value in node.items()}
    return node


def _replacement(word: str, erased: ErasedIds) -> str | None:
    if "@" in word:
        return erased.replacement(BUYER, mail_id(word))
    return erased.replacement(NUMBER, word)
