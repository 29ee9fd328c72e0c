"""The step `pull`: query the database of a shop for new rows, and store the answers next to its
database.toml; or fetch what is new from the services of `[pull]` into the workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.output.safe_text import one_line
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, PullFailed, WorkspaceBusy
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
) -> list[str]:
    """Fetch what is new from the services of `[pull]`, one store or account after the other.
    Returns how to load it.

    `store`: only those of this name. Raises `BadInput` if there is none, and `PullFailed` at the
    end if one of them failed; the others are pulled all the same.
    """
    chosen = [
        (kind, name)
        for kind in PULLS
        for name in getattr(config.pull, kind)
        if store in (None, name)
    ]
    if not chosen:
        raise BadInput(
            f"{workspace.folder / 'config.toml'}: has no section "
            f"[pull.aliexpress.{store or 'NAME'}], nor one of {', '.join([*PULLS][1:])}. "
            "docs/guide/operator/pull-from-aliexpress.md and pull-from-shops.md show them. "
            "To pull from a database, write RAW=, the folder of its database.toml."
        )
    failures = []
    for kind, name in chosen:
        with progress.piece(f"pull {name}"):
            try:
                report = PULLS[kind](workspace, config, name)
            except (PullFailed, WorkspaceBusy) as failure:
                failures.append(str(failure))
                warn(str(failure))
                continue
        title = name if kind == "aliexpress" else f"{kind} {name}"
        for line in _report_lines(title, report):
            say(line)
    kinds = {kind for kind, _ in chosen}
    if SHOPS & kinds:
        _write_shop_tables(workspace, config, progress)
    if failures:
        raise PullFailed("; ".join(failures))
    pulled = workspace.folder / "pulled"
    ways = {"aliexpress": {"aliexpress"} & kinds, "mapped": SHOPS & kinds}
    folders = {"aliexpress": "aliexpress", "mapped": "shops"}
    return [f"SOURCE={way} RAW={pulled / folders[way]}" for way, used in ways.items() if used]


def _pull_aliexpress(workspace: Workspace, config: Config, name: str) -> PullReport:
    # this loads the web client, which other steps do not need
    from pipeline.sources.openplatform.pull_store import StoreFolders, pull_store

    folders = StoreFolders.of(workspace.folder, name)
    return pull_store(name, config.pull.aliexpress[name], folders, say)


def _pull_service(kind: str, workspace: Workspace, config: Config, name: str) -> PullReport:
    """A shop system or a payment provider."""
    from pipeline.sources.shops.service_run import run_service
    from pipeline.sources.shops.services import service_of

    settings = getattr(config.pull, kind)[name]
    return run_service(service_of(kind), name, settings, workspace.folder, say)


def _write_shop_tables(workspace: Workspace, config: Config, progress: Progress) -> None:
    from pipeline.sources.shops.export_tables import write_tables

    with progress.piece("write tables"):
        for line in write_tables(workspace.folder, config.pull):
            say(line)


# by service: fetch what is new in the store or account of this name
PULLS: dict[str, Callable[[Workspace, Config, str], PullReport]] = {
    "aliexpress": _pull_aliexpress,
    "shopify": partial(_pull_service, "shopify"),
    "woocommerce": partial(_pull_service, "woocommerce"),
    "stripe": partial(_pull_service, "stripe"),
    "paypal": partial(_pull_service, "paypal"),
}
# their answers become tables for SOURCE=mapped
SHOPS = frozenset({"shopify", "woocommerce", "stripe", "paypal"})


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
