"""The step `pull`: query the database of a shop for new rows, and store the answers next to its
database.toml; or fetch what is new from the platforms of `[pull]` into the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.output.safe_text import one_line
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Damaged, PullFailed, WorkspaceBusy
from pipeline.workspace.locks import run_lock
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.sources.openplatform.pull_store import PullReport

# different reasons of failed requests that are shown
MOST_FAULTS = 5


def pull_into(raw: Path, progress: Progress, *, anew: bool = False) -> None:
    """Run the queries of the `database.toml` in `raw`. The files are replaced at the very end.

    `anew`: read all rows again. Raises `BadInput` if a query is wrong, and `NoDatabase` if the
    database cannot be reached.
    """
    # database drivers take a third of a second to load; other sources should not wait for them
    from pipeline.sources.database.run_queries import pull

    with progress.piece("pull"):
        pull(raw, say, anew=anew)


def pull_platforms(
    workspace: Workspace, config: Config, progress: Progress, store: str | None = None
) -> None:
    """Fetch what is new from the platforms of `[pull]`, one store after the other.

    `store`: only this one. Raises `BadInput` if there is none, and `PullFailed` at the end if one
    of them failed; the others are pulled all the same.
    """
    # this loads the web client, which other steps do not need
    from pipeline.sources.openplatform.pull_store import StoreFolders, pull_store

    stores = config.pull.aliexpress
    if not stores or (store is not None and store not in stores):
        raise BadInput(
            f"{workspace.folder / 'config.toml'}: has no section "
            f"[pull.aliexpress.{store or 'NAME'}]. docs/guide/operator/pull-from-aliexpress.md "
            "shows one. To pull from a database, write RAW=, the folder of its database.toml."
        )
    failures = []
    for name in [store] if store else stores:
        with progress.piece(f"pull {name}"):
            try:
                folders = StoreFolders.of(workspace.folder, name)
                report = pull_store(name, stores[name], folders, say)
            except (PullFailed, WorkspaceBusy) as failure:
                failures.append(str(failure))
                warn(str(failure))
                continue
        for line in _report_lines(name, report):
            say(line)
        _compact(workspace, config, name)
    if failures:
        raise PullFailed("; ".join(failures))


def _compact(workspace: Workspace, config: Config, name: str) -> None:
    """Compact the store's old answers, unless a step may be reading them now."""
    from pipeline.load.compact_dumps import compact_dumps, is_old
    from pipeline.sources.erased_ids import read_erased
    from pipeline.sources.openplatform.pull_store import StoreFolders, store_lock

    folders = StoreFolders.of(workspace.folder, name)
    is_due = is_old(config.pull.aliexpress[name].keep_answers_days, datetime.now(UTC))
    try:
        with run_lock(workspace.folder, "pull", 0, say), store_lock(folders, name):
            done = compact_dumps(folders.dumps, is_due, read_erased(workspace.folder))
    except WorkspaceBusy:
        say(f"{name}: old answers stay for now, because another step uses the workspace")
        return
    except (BadInput, Damaged) as error:
        warn(f"{name}: old answers were not compacted: {one_line(str(error), 300)}")
        return
    if done.count_dumps:
        say(
            f"{name}: {done.count_dumps:,} files of old answers compacted: {done.dump_bytes:,} "
            f"bytes removed, {done.bytes_after - done.bytes_before:,} added to compacted-rows"
        )


def _report_lines(name: str, report: PullReport) -> Iterator[str]:
    """What a run did, and what is left."""
    yield (
        f"{name}: {report.count_answers:,} answers kept, {report.count_requests:,} requests"
        + (f". Stopped early: {report.stop}" if report.stop else "")
    )
    for kind, (count, failed) in sorted(report.left.items()):
        failures = f", {failed:,} of them failed" if failed else ""
        yield f"{name}: {count:,} {kind} left for the next run{failures}"
    for fault in report.faults[:MOST_FAULTS]:
        yield f"{name}: {one_line(fault, 300)}"
    for kind, cost in sorted(report.missing.items()):
        yield f"{name}: no {kind}: {one_line(cost, 300)}"
    if report.count_dropped:
        yield f"{name}: {report.count_dropped:,} requests failed in 30 runs and were given up"
