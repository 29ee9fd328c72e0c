"""Erase a buyer from the answers of shops, payment providers and tracking services, from pushes,
and from the tables that are made from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.settings.delivery.pull_settings import Pull
from pipeline.settings.errors import WorkspaceBusy
from pipeline.sources.erased_ids import ErasedIds
from pipeline.sources.forgotten.erase_answers import (
    PAYMENTS,
    RECEIVED,
    SHOPS,
    TRACKING,
    complete_answers,
    erase_answers,
    find_orders,
    locked_stores,
)
from pipeline.sources.shops.export_tables import raw_folder, rewrite_tables
from pipeline.workspace.workspace import write_whole

PLATFORMS = ("aliexpress", *SHOPS, *PAYMENTS, *TRACKING)


@contextmanager
def locked_pulls(folder: Path, *, is_dry: bool) -> Iterator[None]:
    """Hold every store and the receiver, and complete what killed pulls left. Raises
    `WorkspaceBusy` if one of them is in use."""
    with locked_stores(folder, PLATFORMS), _locked_receiver(folder):
        if not is_dry:
            complete_answers(folder, (*SHOPS, *PAYMENTS, *TRACKING), with_pushes=True)
        yield


@contextmanager
def _locked_receiver(folder: Path) -> Iterator[None]:
    """Pushes are in a file that a receiver is writing, so that none may run."""
    state = folder / "pull" / "receive"
    if not state.exists():
        yield
        return
    lock = locked_store(StoreFolders(state, folder / RECEIVED), "receive")
    try:
        lock.__enter__()
    except WorkspaceBusy:
        raise WorkspaceBusy(
            "A receiver of this workspace is running, and writes pushes that may show the buyer. "
            "Stop make receive, run make forget, and start make receive again: the services send "
            "again what they could not deliver meanwhile. Nothing was changed."
        ) from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def erase_pulled(
    folder: Path, pull: Pull, erased: ErasedIds, traces: BuyerTraces, *, is_dry: bool
) -> Iterator[Path]:
    """Erase the buyer; yields each file that changes. With `is_dry`, only names them."""
    orders = find_orders(folder, erased, dict.fromkeys(traces.orders, traces.pseudonym))
    # these first: only the answers say which e-mail addresses are the buyer's
    tables = sorted(raw_folder(folder).glob("*"))
    for path in (*tables, *sorted(folder.glob("pull/*/*/*.json"))):
        text = path.read_text(encoding="utf-8", errors="replace")
        if traces.are_in(text):
            if not is_dry:
                write_whole(path, traces.hide(text))
            yield path
    yield from erase_answers(folder, pull, orders, is_dry=is_dry)
    if tables and not is_dry:
        rewrite_tables(folder, pull)
