"""Contact lists of two nights, the sheets that come back, and what is taken of them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl

from features.tables import TABLES, create_tables
from pipeline.load.contacts import read_own, take_contacts
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

DRAFT = '"¡Hola! Su pedido; está, en camino."'
ORDER, NEXT, OTHER = "8000000000022810", "8000000000022813", "8000000000099999"


def publish(workspace: Workspace, night: str, *ids: str) -> None:
    buyers = {ORDER: "b-000652", NEXT: "b-7", OTHER: "b-8", "00123": "b-9"}
    with workspace.new_run(date.fromisoformat(night), f"run-{night}") as folder:
        pl.DataFrame(
            {
                "rank": range(1, len(ids) + 1),
                "order_id": ids,
                "buyer_id": [buyers[order] for order in ids],
            }
        ).write_parquet(folder / "contact_list.parquet")
        (folder / "manifest.json").write_text("{}")


def take(workspace: Workspace, text: str | bytes, name: str = "filled.csv") -> None:
    file = workspace.folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    take_contacts(workspace, Progress(), file=file, must_take=True)


def taken(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    own = read_own(workspace).sort("contact_id")
    at = pl.col("occurred_at").dt.strftime("%Y-%m-%d %H:%M")
    return own.select("contact_id", at, "outcome").rows()


def reasons(workspace: Workspace) -> list[tuple[str, str, str]]:
    files = sorted((workspace.quarantine / "sheets").glob("*.csv"))
    parts = [pl.read_csv(file, infer_schema=False) for file in files]
    return pl.concat(parts).select("row", "column", "reason").rows() if parts else []


HEAD = ("rank", "order_id", "buyer_id", "as_of", "draft_message", "contacted_at", "outcome")
CONTACT = (f"sheet:2025-12-20:{ORDER}", "2025-12-20 09:30", "answered")


def sheet(*cells: str, separator: str = ",", head: tuple[str, ...] = HEAD) -> str:
    return f"{separator.join(head)}\r\n{separator.join(cells)}\r\n"


def row(order: str, night: str = "2025-12-20", at: str = "2025-12-20 09:30") -> tuple[str, ...]:
    return ("1", order, "b-000652", night, DRAFT, at, "answered")


HEAD_OF_NIGHT = "order_id,as_of,contacted_at\n"


def listed_store(tmp_path: Path) -> Workspace:
    """Three orders with ids of sixteen digits and the lists of two nights."""
    orders = pl.DataFrame(
        {
            "order_id": [ORDER, NEXT, OTHER, "00123"],
            "buyer_id": ["b-000652", "b-7", "b-8", "b-9"],
            "country": ["ES"] * 4,
            "occurred_at": [datetime(2025, 11, 20)] * 4,
        }
    )
    at = pl.col("occurred_at").dt.replace_time_zone("UTC")
    frame = pl.concat(
        [TABLES["orders"].empty(), orders.with_columns(at, known_at=at)], how="diagonal_relaxed"
    )
    workspace = Workspace(tmp_path / "shop")
    with workspace.locked():
        tables = create_tables({"orders": frame}, zone="UTC")
        workspace.write_tables(tables, {"input_sha256": {}, "table_rows": {}})
    publish(workspace, "2025-12-20", ORDER, NEXT, OTHER, "00123")
    publish(workspace, "2025-12-01", NEXT, ORDER)
    return workspace
