"""Erase forgotten buyers from what the pull has just fetched, and from pushes."""

from __future__ import annotations

import polars as pl

from pipeline.settings.delivery.pull_settings import Pull
from pipeline.settings.errors import BadInput
from pipeline.sources.erased_ids import BUYER, ErasedIds, read_erased, write_erased
from pipeline.sources.forgotten.erase_answers import (
    PAYMENTS,
    RECEIVED,
    SHOPS,
    TRACKING,
    complete_answers,
    erase_answers,
    find_orders,
    locked_stores,
    store_folders,
)
from pipeline.workspace.workspace import Workspace

PLATFORMS = (*SHOPS, *PAYMENTS, *TRACKING)


def erase_new_answers(workspace: Workspace, pull: Pull) -> int:
    """Erase forgotten buyers from the answers of shops, payment providers and tracking services,
    and from pushes that are complete; returns the number of files that changed.

    A receiver may run: the file that it writes is left until the next time. Raises `WorkspaceBusy`
    if a store is being pulled.
    """
    folder = workspace.folder
    is_pulled = any(store_folders(folder, PLATFORMS)) or (folder / RECEIVED).exists()
    if not is_pulled or not read_erased(folder):
        return 0
    with locked_stores(folder, PLATFORMS):
        complete_answers(folder, PLATFORMS)
        erased = read_erased(folder)
        orders = find_orders(folder, erased, _orders(workspace, erased))
        # parcels that left after their buyer was forgotten
        orders.erased = erased.with_parcels(orders.parcels)
        if orders.erased != erased:
            write_erased(folder, orders.erased)
        return len(list(erase_answers(folder, pull, orders)))


def _orders(workspace: Workspace, erased: ErasedIds) -> dict[str, str]:
    """The orders of forgotten buyers in the tables, with the pseudonyms."""
    try:
        orders = workspace.read_tables()["orders"].select("order_id", "buyer_id")
    except BadInput:
        return {}
    known = erased.mapping(BUYER, orders["buyer_id"])
    known |= {other: other for other in erased.replacements.values()}
    theirs = orders.filter(pl.col("buyer_id").is_in(list(known)))
    return {order: known[buyer] for order, buyer in theirs.iter_rows()}
