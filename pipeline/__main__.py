"""`python -m pipeline STEP ...`: run one step and end with its exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

import typer

from pipeline.cli.app import app
from pipeline.settings.errors import UserError
from pipeline.workspace.disk_errors import disk_trouble
from pipeline.workspace.progress import warn
from pipeline.workspace.run_log import close_run_log, current_folder


def main(run: Callable[[], None] = app) -> None:
    """Run a step; a user's error is a message and its exit code, a defect of ours says so and shows
    where."""
    code, message = 0, ""
    try:
        run()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except UserError as error:
        code, message = error.exit_code, str(error)
    except Exception as error:
        if trouble := disk_trouble(error, current_folder()):
            code, message = trouble.exit_code, str(trouble)
        else:
            traceback.print_exc()
            code, message = (
                1,
                "a defect of the program, not of your data; the last good output is kept.",
            )
    for odd in close_run_log(code, message):
        warn(odd)
    if message:
        typer.echo(f"pipeline: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
