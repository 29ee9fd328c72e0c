"""pull: ask a shop's database for what is new, and lay the answers beside its database.toml."""

from __future__ import annotations

from pathlib import Path

from pipeline.workspace.progress import Progress, say


def pull_into(raw: Path, progress: Progress, *, anew: bool = False) -> None:
    """`anew`: all rows again. Raises `BadInput` and `NoDatabase`; the files are replaced at the
    very end."""
    # the drivers take a third of a second to load, which other sources should not wait for
    from pipeline.sources.database.run_queries import pull

    with progress.piece("pull"):
        pull(raw, say, anew=anew)
