"""Find the order of each row of a contact list: by its id, or by rank and buyer in the published
list where a spreadsheet has rounded the id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pipeline.load.rounded_contact_ids import OTHER_BUYER, ROUNDED_ID, could_be, is_rounded
from pipeline.output.safe_text import neutral, neutral_text
from pipeline.settings.errors import Damaged
from pipeline.workspace.checksums import read_run_table
from pipeline.workspace.workspace import Workspace

_LIST = {"as_of": pl.String, "rank": pl.String, "order_id": pl.String, "buyer_id": pl.String}
UNKNOWN = "unknown order"


def read_lists(workspace: Workspace) -> pl.DataFrame:
    """`as_of, rank, order_id, buyer_id` of all published lists, as text. A night may have several
    lists, one per run."""
    parts = [pl.DataFrame(schema=_LIST)]
    for path in sorted(workspace.folder.glob("runs/????-??-??/*/contact_list.parquet")):
        if path.parent.is_symlink():
            continue
        parts.append(_read_list(path))
    return pl.concat(parts).unique(maintain_order=True)


def _read_list(path: Path) -> pl.DataFrame:
    """One list; empty if an older version wrote it, or if it is damaged: then ids cannot be
    compared with it, which is said at each rounded id."""
    try:
        listed = read_run_table(path.parent, path.name, ["rank", "order_id", "buyer_id"])
    except (Damaged, OSError):
        return pl.DataFrame(schema=_LIST)
    night = pl.lit(path.parent.parent.name).alias("as_of")
    return listed.cast(pl.String).select(night, "rank", "order_id", "buyer_id")


def resolve_orders(rows: pl.DataFrame, orders: pl.DataFrame, lists: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the true `order_id`, `placed_at`, when the order was placed, and `order_fault`,
    why no order was found (null if one was).

    `rows`: text columns `order_id, buyer_id, rank, as_of`. `orders`: `order_id, buyer_id,
    occurred_at`. The list may have made an id harmless, so both forms are known. An id that a
    spreadsheet may have rounded is right only if the buyer agrees.
    """
    known = _known(orders, rows["order_id"])
    at_rank: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for night, rank, order_id, buyer_id in lists.iter_rows():
        at_rank.setdefault((night, rank), []).append((order_id, buyer_id))
    resolved = [_order_of(row, known, at_rank) for row in rows.iter_rows(named=True)]
    ids = pl.Series("order_id", [order for order, _ in resolved], dtype=pl.String)
    faults = pl.Series("order_fault", [fault for _, fault in resolved], dtype=pl.String)
    placed = orders.select("order_id", placed_at="occurred_at")
    return rows.with_columns(ids, faults).join(
        placed, on="order_id", how="left", maintain_order="left"
    )


def _known(orders: pl.DataFrame, ids: pl.Series) -> dict[str, tuple[str, str]]:
    """The true id and buyer of each id as it may be shown; an exact id wins over a shown one."""
    shown = orders.select(
        order_id=neutral(pl.col("order_id")), true_id="order_id", buyer="buyer_id"
    )
    exact = orders.select("order_id", true_id="order_id", buyer="buyer_id")
    both = pl.concat([shown, exact]).filter(pl.col("order_id").is_in(ids.implode()))
    return {shown_id: (true_id, buyer) for shown_id, true_id, buyer in both.iter_rows()}


def _order_of(
    row: dict[str, Any],
    known: dict[str, tuple[str, str]],
    at_rank: dict[tuple[str, str], list[tuple[str, str]]],
) -> tuple[str | None, str | None]:
    """(order id, fault): the id of the order, or the id as read with the reason."""
    text, buyer, rank = row["order_id"], row["buyer_id"], row["rank"]
    if text is None:
        return None, None
    exact = known.get(text)
    if exact and not is_rounded(text):
        return exact[0], None
    listed = at_rank.get((row["as_of"] or "", (rank or "").removesuffix(".0")), [])
    fitting = {
        order_id
        for order_id, of_buyer in listed
        if buyer is not None and _is_buyer(buyer, of_buyer) and could_be(text, order_id)
    }
    if len(fitting) == 1:
        return fitting.pop(), None
    if exact and (buyer is None or _is_buyer(buyer, exact[1])):
        return exact[0], None
    if exact:
        return text, OTHER_BUYER
    return text, ROUNDED_ID if is_rounded(text) else UNKNOWN


def _is_buyer(shown: str, true_id: str) -> bool:
    return shown in (true_id, neutral_text(true_id)) or could_be(shown, true_id)
