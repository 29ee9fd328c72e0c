"""The step `pull`: query the database of a shop for new rows, and store the answers next to its
database.toml; or fetch what is new from the platforms of `[pull]` into the workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, cast

from pipeline.output.safe_text import one_line
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Damaged, MissingExtra, PullFailed, WorkspaceBusy
from pipeline.workspace.locks import run_lock
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.connections.pull_report import PullReport

    PullOne = Callable[[str, Workspace, Config, Callable[[str], None]], PullReport]

# the parts of [pull] in the order in which they are pulled, each with its function
PLATFORMS = {
    "aliexpress": "pipeline.load.pulling.pull:pull_aliexpress",
    "shopify": "pipeline.sources.shops.services:pull_shopify",
    "woocommerce": "pipeline.sources.shops.services:pull_woocommerce",
    "stripe": "pipeline.sources.shops.services:pull_stripe",
    "paypal": "pipeline.sources.shops.services:pull_paypal",
    "seventeentrack": "pipeline.sources.parcelservices.parcel_pull:pull_seventeentrack",
    "aftership": "pipeline.sources.parcelservices.parcel_pull:pull_aftership",
}
# their answers become tables for SOURCE=mapped
SHOPS = frozenset({"shopify", "woocommerce", "stripe", "paypal"})
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

    `store`: only those of this name. Raises `BadInput` if there is none, and `PullFailed` at the
    end if one of them failed; the others are pulled all the same.
    """
    stores = [
        (service, name)
        for service in PLATFORMS
        for name in getattr(config.pull, service)
        if store in (None, name)
    ]
    if not stores:
        raise BadInput(
            f"{workspace.folder / 'config.toml'}: has no section "
            f"[pull.PLATFORM.{store or 'NAME'}]. Platforms: {', '.join(PLATFORMS)}. make connect "
            "writes one. To pull from a database, write RAW=, the folder of its database.toml."
        )
    failures = []
    for service, name in stores:
        shown = name if service == "aliexpress" else f"{service} {name}"
        with progress.piece(f"pull {shown}"):
            try:
                # this loads the web client, which other steps do not need
                pull_one = cast("PullOne", resolve_name(PLATFORMS[service]))
                report = pull_one(name, workspace, config, say)
            except (PullFailed, WorkspaceBusy, MissingExtra) as failure:
                failures.append(str(failure))
                warn(str(failure))
                continue
        for line in _report_lines(shown, report):
            say(line)
        if service == "aliexpress":
            _compact(workspace, config, name)
    _erase_forgotten(workspace, config)
    if SHOPS & {service for service, _ in stores}:
        _write_shop_tables(workspace, config, progress)
    if failures:
        raise PullFailed("; ".join(failures))


def pull_aliexpress(
    name: str, workspace: Workspace, config: Config, say: Callable[[str], None]
) -> PullReport:
    """Pull the store `[pull.aliexpress.NAME]`. Raises `PullFailed` and `WorkspaceBusy`."""
    from pipeline.connections.store_folders import StoreFolders
    from pipeline.sources.openplatform.pull_store import pull_store

    folders = StoreFolders.of(workspace.folder, name)
    return pull_store(name, config.pull.aliexpress[name], folders, say)


def _compact(workspace: Workspace, config: Config, name: str) -> None:
    """Compact the store's old answers, unless a step may be reading them now."""
    from pipeline.connections.store_folders import StoreFolders, locked_store
    from pipeline.load.pulling.compact_dumps import compact_dumps, is_old
    from pipeline.sources.erased_ids import read_erased

    folders = StoreFolders.of(workspace.folder, name)
    is_due = is_old(config.pull.aliexpress[name].keep_answers_days, datetime.now(UTC))
    try:
        with run_lock(workspace.folder, "pull", 0, say), locked_store(folders, name):
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


def _erase_forgotten(workspace: Workspace, config: Config) -> None:
    """Erase forgotten buyers from new answers, unless another run uses the stores."""
    from pipeline.load.pulling.new_answers import erase_new_answers

    try:
        count = erase_new_answers(workspace, config.pull)
    except WorkspaceBusy as error:
        say(f"new answers about forgotten buyers stay until the next pull: {error}")
        return
    if count:
        say(f"forgotten buyers were erased from {count:,} files of new answers")


def _write_shop_tables(workspace: Workspace, config: Config, progress: Progress) -> None:
    from pipeline.sources.forgotten.erase_answers import locked_stores
    from pipeline.sources.shops.export_tables import write_tables

    try:
        # make forget may be erasing a buyer from the answers
        with locked_stores(workspace.folder, sorted(SHOPS)), progress.piece("write tables"):
            for line in write_tables(workspace.folder, config.pull):
                say(line)
    except WorkspaceBusy as error:
        warn(f"the tables of the shops stay as they are until the next pull: {error}")


def ways_to_load(workspace: Workspace, config: Config) -> Iterator[str]:
    """How to load what was pulled."""
    pulled = workspace.folder / "pulled"
    if config.pull.aliexpress:
        yield f"to load it: SOURCE=aliexpress RAW={pulled / 'aliexpress'}"
    if SHOPS & {platform for platform, _ in config.pull.stores()}:
        yield f"to load it: SOURCE=mapped RAW={pulled / 'shops'}"
    if config.pull.seventeentrack or config.pull.aftership:
        yield f"to load the scans, with any source: TRACKING={pulled / 'tracking'}"


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
