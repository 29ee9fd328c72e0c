"""`python -m pipeline STEP ...`: runs one step and ends with its exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import typer

from pipeline.cli.app import app
from pipeline.installation.extras import extra_of
from pipeline.installation.make_hints import advice
from pipeline.installation.release import program_name
from pipeline.settings.errors import UserError
from pipeline.workspace.disk_errors import damage, disk_trouble, memory_trouble
from pipeline.workspace.progress import warn
from pipeline.workspace.run_log import close_run_log, current_folder
from pipeline.workspace.short_text import LONGEST, shortened

WHOLE_MESSAGE = "last_error.txt"


def main(run: Callable[[], None] = app) -> None:
    """Run a step.

    A `UserError` is shown as a message and gives its exit code; any other exception is a bug of the
    program and shows its traceback.
    """
    code, message = 0, ""
    try:
        run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except UserError as error:
        code, message = error.exit_code, str(error)
    except BaseException as error:
        # a panic of polars is no Exception; polars is loaded by the steps that need it
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        where = current_folder()
        if trouble := (
            disk_trouble(error, where)
            or memory_trouble(error)
            or damage(error, where)
            or extra_of(error)
        ):
            code, message = trouble.exit_code, str(trouble)
        else:
            traceback.print_exc()
            code, message = (
                1,
                "this is a bug in the program, not in your data; the last good output is kept.",
            )
    folder = current_folder()
    for problem in close_run_log(code, message):
        warn(problem)
    if message:
        typer.echo(f"{program_name()}: {advice(short_message(message, folder))}", err=True)
    sys.exit(code)


def short_message(message: str, workspace: Path | None) -> str:
    """The message on one line. If it is too long for that, the whole of it is in `last_error.txt`
    of the workspace."""
    short = shortened(message)
    if len(message) <= LONGEST or workspace is None:
        return short
    from pipeline.workspace.workspace import write_whole

    with suppress(OSError):
        write_whole(workspace / WHOLE_MESSAGE, message + "\n")
        return f"{short} (the whole message: {WHOLE_MESSAGE} in the workspace)"
    return short


if __name__ == "__main__":
    main()
