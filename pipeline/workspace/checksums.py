"""Checksums: every file that the program reads back is as the program wrote it, or it is reported.

A folder that is written whole has an index, `manifest.json` or `store.json`. It has the sha256 of
each Parquet and JSON file of the folder, and, as its last entry, a checksum of itself. Folders of
earlier versions of this program have none and are read as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import Damaged

INDEXES = ("manifest.json", "store.json")
FILES, CHECKSUM = "files_sha256", "checksum"


def file_sha256(path: Path) -> str:
    """The sha256 of a file. A file that did not change is not read twice within a process."""
    state = path.stat()
    return _sha256(path, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@lru_cache(maxsize=10_000)
def _sha256(path: Path, *_: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its checksum as the last entry; values of other types become text."""
    plain = json.loads(_text({k: v for k, v in content.items() if k != CHECKSUM}))
    return {**plain, CHECKSUM: _digest(plain)}


def index_of(folder: Path) -> Path | None:
    """The index of a folder, or None if it has none."""
    return next((folder / name for name in INDEXES if (folder / name).is_file()), None)


def sealed_index(folder: Path, index: Path) -> dict[str, Any]:
    """The content of the index with the hashes of the folder's files."""
    content = json.loads(index.read_text(encoding="utf-8"))
    files = sorted([*folder.glob("*.parquet"), *folder.glob("*.json")])
    return sealed({**content, FILES: {f.name: file_sha256(f) for f in files if f != index}})


def read_sealed(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object in a file.

    `remedy`: what to do if it is damaged. Raises `Damaged` if it is not a JSON object or differs
    from its checksum, and `FileNotFoundError` if there is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, remedy, str(error)) from None
    if not isinstance(content, dict):
        raise damaged(path, remedy, "it is not a JSON object")
    checksum = content.get(CHECKSUM)
    plain = {name: value for name, value in content.items() if name != CHECKSUM}
    if checksum is not None and checksum != _digest(plain):
        raise damaged(path, remedy, "it differs from its checksum")
    return content


def check_file(path: Path, index: Mapping[str, Any], remedy: str) -> None:
    """Raises `Damaged` if the file differs from its hash in the index of its folder, or is
    missing."""
    expected = index.get(FILES, {}).get(path.name)
    if not path.is_file():
        raise damaged(path, remedy, "it is not a file" if path.exists() else "it is missing")
    if expected is not None and expected != file_sha256(path):
        raise damaged(path, remedy, "it differs from its checksum")


def damaged(path: Path, remedy: str, why: str) -> Damaged:
    """The error for a file that is not as the program wrote it."""
    return Damaged(f"{path}: is damaged ({why[:200]}). {remedy}")


# one night


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run. Raises `Damaged` if it is damaged."""
    return read_sealed(folder / "manifest.json", night_remedy(folder))


def read_run_json(folder: Path, name: str) -> dict[str, Any]:
    """Another JSON file of a run. Raises `Damaged` if it differs from its hash in the manifest."""
    check_file(folder / name, read_manifest(folder), night_remedy(folder))
    return read_sealed(folder / name, night_remedy(folder))


def read_run_table(folder: Path, name: str, columns: list[str] | None = None) -> pl.DataFrame:
    """A Parquet file of a run. Raises `Damaged` if it differs from its hash in the manifest."""
    index = read_manifest(folder) if (folder / "manifest.json").exists() else {}
    return read_parquet(folder / name, index, night_remedy(folder), columns)


def reseal(folder: Path) -> None:
    """Write the hashes of a folder's files into its index, after one of them was replaced."""
    index = index_of(folder)
    if index and _is_object(index):
        index.write_text(_text(sealed_index(folder, index)) + "\n", encoding="utf-8")


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (ValueError, RecursionError):
        return False


def read_parquet(
    path: Path, index: Mapping[str, Any], remedy: str, columns: list[str] | None = None
) -> pl.DataFrame:
    """A Parquet file with a hash in `index`. Raises `Damaged` if it cannot be read."""
    check_file(path, index, remedy)
    try:
        return pl.read_parquet(path, columns=columns)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise damaged(path, remedy, str(error)) from None


def night_remedy(folder: Path) -> str:
    """What to do about a damaged file of a run."""
    folder = folder.resolve()
    return (
        f"Restore {folder} from a backup, or move it out of the workspace and make that night "
        f"again: make nightly WORKSPACE=... AS_OF={folder.parent.name} FORCE=1"
    )


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(plain).encode(errors="surrogatepass")).hexdigest()
