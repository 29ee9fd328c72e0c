"""Recognise a disk that is full, read-only, broken or closed to us, and report it without a
traceback.

The same problem appears in many forms: from the operating system, from polars, or from SQLite
behind MLflow. All of them name the cause.
"""

from __future__ import annotations

import errno
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.settings.errors import Damaged, DiskTrouble, TooLittleMemory

# error numbers; words that the system, polars and SQLite use; the message for the user
KINDS: tuple[tuple[frozenset[int], tuple[str, ...], str], ...] = (
    (
        frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG}),
        (
            "no space left on device",
            "disk is full",
            "quota exceeded",
            "file too large",
            "os error 28",
            "os error 122",
        ),
        "the disk is full, or a quota or file size limit is reached. Free some space and run again",
    ),
    (
        frozenset({errno.EMFILE, errno.ENFILE}),
        ("too many open files", "os error 24"),
        "this process may not open so many files. Allow more (ulimit -n 1024) and run again",
    ),
    (
        frozenset({errno.EROFS}),
        ("read-only file system", "readonly database", "os error 30"),
        "the folder is read-only. Make it writable, or use another WORKSPACE",
    ),
    (
        frozenset({errno.EACCES, errno.EPERM}),
        ("permission denied", "operation not permitted", "os error 13"),
        "you have no permission to write there. Change the permissions, or use another WORKSPACE",
    ),
    (
        frozenset({errno.EIO}),
        ("input/output error", "disk i/o error", "os error 5)"),
        "the disk reports an input/output error. Check the disk before you do anything else",
    ),
)


_UNCHANGED = "No half-written file remains, and the last list is unchanged."
FULL_BYTES = 1_000_000
GB = 1 << 30
# a night of 1,500 orders fails with 2 GB of address space; most of it is reserved, not used
LEAST_BYTES = 3 * GB
# words of the system, of C++ in LightGBM, and of threads that cannot start
NO_MEMORY = ("cannot allocate memory", "bad allocation", "bad_alloc", "can't start new thread")
PARQUET = ("parquet", "thrift", "out of specification", "snappy", "zstd", "lz4", "decompress")


def disk_trouble(error: BaseException, where: Path | None = None) -> DiskTrouble | None:
    """The disk error behind `error` or one of its causes, or None if there is none.

    `where`: a path on the disk in question; the message names it if the error names no file.
    """
    for cause in _chain(error):
        if "transport error" in str(cause) and where is not None and _is_full(where):
            # polars reports this when the space runs out within the last few bytes of a file
            return DiskTrouble(f"{where}: {KINDS[0][2]}. {_UNCHANGED}")
        for numbers, words, message in KINDS:
            text = str(cause).lower()
            if getattr(cause, "errno", None) in numbers or any(word in text for word in words):
                path = getattr(cause, "filename", None) or where
                return DiskTrouble(f"{path or 'writing a file'}: {message}. {_UNCHANGED}")
    return None


def memory_trouble(error: BaseException) -> TooLittleMemory | None:
    """The lack of memory behind `error` or one of its causes, or None if there is none."""
    for cause in _chain(error):
        if (
            isinstance(cause, MemoryError)
            or getattr(cause, "errno", None) == errno.ENOMEM
            or any(word in str(cause).lower() for word in NO_MEMORY)
        ):
            return TooLittleMemory(
                "there is not enough memory for this step. Allow the process more (ulimit -v, the "
                "limit of its container), or end other programs, and run again. "
                "docs/guide/analyst/benchmarks.md says how much a store needs. " + _UNCHANGED
            )
    return None


def refuse_small_memory() -> None:
    """Raise `TooLittleMemory` if a limit leaves this process less than the smallest store needs.

    Polars and LightGBM end the process without a message when the system refuses them memory.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_BYTES:
        raise TooLittleMemory(
            f"this process may take {limit / GB:.1f} GB of memory (ulimit -v); even a small store "
            f"needs {LEAST_BYTES / GB:.0f} GB. Allow it more and run again. Nothing was changed."
        )


def damage(error: BaseException, workspace: Path | None) -> Damaged | None:
    """The damaged file of the workspace behind `error`, or None if there is none.

    Steps check the files that they read; this is for a file or folder that is of another kind, such
    as a folder in place of a file, and for a Parquet file of an earlier version without checksum.
    """
    # only here, after an error: loading polars takes a tenth of a second
    import polars as pl

    for cause in _chain(error):
        name = getattr(cause, "filename", None)
        is_inside = workspace is not None and str(name or "").startswith(f"{workspace}/")
        is_kind = isinstance(cause, IsADirectoryError | NotADirectoryError | FileExistsError)
        text = str(cause)
        if (is_kind and is_inside) or (
            isinstance(cause, pl.exceptions.PolarsError | pl.exceptions.PanicException)
            and any(word in text.lower() for word in PARQUET)
        ):
            return Damaged(
                f"{name or workspace or 'a Parquet file'}: is damaged or not what this program "
                f"wrote ({text.splitlines()[0][:200]}). Move it away, then run the step that makes "
                "it anew: make ingest for tables, make nightly FORCE=1 for a night."
            )
    return None


def _is_full(where: Path) -> bool:
    try:
        return shutil.disk_usage(where).free < FULL_BYTES
    except OSError:
        return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
