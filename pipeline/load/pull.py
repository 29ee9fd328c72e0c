"""The step `pull`: query the database of a shop for new rows, and store the answers next to its
database.toml."""

from __future__ import annotations

from pathlib import Path

from pipeline.workspace.progress import Progress, say


def pull_into(raw: Path, progress: Progress, *, anew: bool = False) -> None:
    """Run the queries of the `database.toml` in `raw`. The files are replaced at the very end.

    `anew`: read all rows again. Raises `BadInput` if a query is wrong, and `NoDatabase` if the
    database cannot be reached.
    """
    # database drivers take a third of a second to load; other sources should not wait for them
    from pipeline.sources.database.run_queries import pull

    with progress.piece("pull"):
        pull(raw, say, anew=anew)
