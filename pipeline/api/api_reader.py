"""Reads what the API answers from the published nights and the desk of a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.api.api_answers import (
    ClockRow,
    ContactListPage,
    DataCheck,
    DeskState,
    DisputeClock,
    IndicatorRate,
    IndicatorRates,
    ListedOrder,
    NightEntry,
    Nights,
    OpenOrder,
    OpenOrders,
    OrderQueues,
    ProductReviewPage,
    QueuedOrder,
    ReviewedProduct,
    StoreHealth,
    from_row,
)
from pipeline.api.api_order_answers import OrderAnswer, OrderScore
from pipeline.desk.desk_state import BuyerState
from pipeline.desk.desk_work import Desk
from pipeline.desk.order_report import order_report
from pipeline.desk.order_search import find_orders
from pipeline.desk.published_nights import SCORES, PublishedRun, newest, published
from pipeline.pages.page_words import english
from pipeline.pages.report_data import read_clock
from pipeline.settings.config import Config

QUEUES = "queues"
_MOMENTS = ("last_scan_at", "said_at", "unanswered_since")
_REASONS = ("reason_1", "reason_2", "reason_3")
MOST_MATCHES = 500


class NoAnswer(Exception):
    """There is nothing to answer with; the message says what to do."""


class ApiReader:
    """The answers about one workspace."""

    def __init__(self, desk: Desk, config: Config) -> None:
        self.desk, self.config = desk, config

    def nights(self) -> Nights:
        """All published nights."""
        return Nights(nights=[_summary(run) for run in published(self.desk.store)])

    def contact_list(self, night: date, limit: int, offset: int) -> ContactListPage:
        """The list of a night."""
        runs = [run for run in published(self.desk.store) if run.night == night]
        if not runs:
            raise NoAnswer(f"the night of {night} has no published list")
        listed = runs[0].listed
        rows = list(listed.slice(offset, limit).iter_rows(named=True))
        states = self.desk.states({row["buyer_id"] for row in rows})
        return ContactListPage(
            night=night,
            count=listed.height,
            rows=[_listed(row, states.get(row["buyer_id"], BuyerState())) for row in rows],
        )

    def queues(self, limit: int, offset: int) -> OrderQueues:
        """The queues of the newest night: oldest first, queue by queue."""
        run = self._newest()
        if not (run.folder / f"{QUEUES}.parquet").exists():
            raise NoAnswer("an earlier version made this night; it has no queues")
        queued = run.table(f"{QUEUES}.parquet")
        rows = queued.slice(offset, limit).iter_rows(named=True)
        models = [from_row(QueuedOrder, row) for row in rows]
        return OrderQueues(night=run.night, count=queued.height, rows=models)

    def open_orders(self, query: str, limit: int, offset: int) -> OpenOrders:
        """The open orders; with a query, those of the best 500 matches that are open."""
        run = self._newest()
        scores = run.table(SCORES)
        if query:
            with self.desk.opened() as workspace:
                ids = [row["order_id"] for row in find_orders(workspace, query, MOST_MATCHES)]
            scores = scores.filter(pl.col("order_id").is_in(ids))
        is_listed = pl.col("order_id").is_in(run.listed["order_id"].implode())
        rows = scores.sort("order_id").slice(offset, limit).with_columns(is_listed=is_listed)
        models = [from_row(OpenOrder, row) for row in rows.iter_rows(named=True)]
        return OpenOrders(night=run.night, count=scores.height, rows=models)

    def order(self, order_id: str) -> OrderAnswer:
        """One order, open or not."""
        with self.desk.opened() as workspace:
            report = order_report(workspace, self.config, order_id)
        if report is None:
            raise NoAnswer("there is no order with this id")
        key, values = report["why"]
        buyer = report["buyer_id"]
        state = self.desk.states([buyer]).get(buyer, BuyerState())
        answer: OrderAnswer = from_row(
            OrderAnswer,
            report,
            is_listed=report["listed"] is not None,
            why=english(key, **values),
            score=report["score"] and from_row(OrderScore, report["score"]),
            desk=_desk(state),
        )
        return answer

    def clock(self) -> DisputeClock:
        """The dispute clock of the newest night."""
        run = self._newest()
        rows = [
            from_row(ClockRow, {**r, "deadline": r["deadline_store"]}) for r in _clock(run.folder)
        ]
        return DisputeClock(night=run.night, rows=rows)

    def indicators(self) -> IndicatorRates:
        """The rates of the newest `make kpi`."""
        night, rows = self._csv("latest-kpi/kpi.csv", "kpi")
        models = [from_row(IndicatorRate, row) for row in rows.iter_rows(named=True)]
        return IndicatorRates(night=night, rows=models)

    def products(self, limit: int, offset: int) -> ProductReviewPage:
        """The products of the newest `make products`."""
        night, rows = self._csv("latest-products/products.csv", "products")
        shown = rows.slice(offset, limit).iter_rows(named=True)
        models = [from_row(ReviewedProduct, row) for row in shown]
        return ProductReviewPage(night=night, count=rows.height, rows=models)

    def health(self) -> StoreHealth:
        """Whether the newest night can be trusted."""
        store, run = self.desk.store, newest(self.desk.store)
        manifest: Mapping[str, Any] = run.manifest if run else {}
        judged = manifest.get("health") or {}
        return StoreHealth(
            night=run.night if run else None,
            made_at=manifest.get("created_at"),
            verdict=judged.get("verdict", "unknown"),
            reason=judged.get("reason", "no night has been published yet"),
            data_checks=[
                DataCheck(check=gate["gate"], says=gate["says"], is_out=gate["is_out"])
                for gate in manifest.get("data_gates", [])
            ],
            refused=sorted(_dates(store.folder.glob("refused/????-??-??.json"))),
            count_open_orders=manifest.get("rows", {}).get("scores", 0),
        )

    def _newest(self) -> PublishedRun:
        run = newest(self.desk.store)
        if run is None:
            raise NoAnswer("no night has been published yet: make nightly")
        return run

    def _csv(self, name: str, target: str) -> tuple[date, pl.DataFrame]:
        """The newest such table of a run of its own, and its night."""
        paths = sorted(self.desk.store.folder.glob(f"runs/????-??-??/{name}"))
        if not paths:
            raise NoAnswer(f"make {target} has not run yet")
        path = paths[-1]
        night = date.fromisoformat(path.parent.parent.name)
        return night, _read_csv(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read_csv(path: Path, _: int) -> pl.DataFrame:
    texts = ("product_id", "category", "supplier_id", "dimension", "value", "why", "note")
    return pl.read_csv(
        path, infer_schema_length=None, schema_overrides=dict.fromkeys(texts, pl.String)
    )


@lru_cache(maxsize=8)
def _clock(folder: Path) -> list[dict[str, Any]]:
    return read_clock(folder)


def _dates(paths: Iterable[Path]) -> list[date]:
    days = []
    for path in paths:
        with suppress(ValueError):
            days.append(date.fromisoformat(path.stem))
    return days


def _summary(run: PublishedRun) -> NightEntry:
    return NightEntry(
        night=run.night,
        count_listed=run.listed.height,
        net_saving_usd=float(run.listed["expected_value_usd"].sum()),
        count_disputes=run.manifest.get("clock", {}).get("count_disputes"),
    )


def _listed(row: Mapping[str, Any], state: BuyerState) -> ListedOrder:
    model: ListedOrder = from_row(
        ListedOrder,
        dict(row),
        **{name: row[name] and f"{row[name]:%Y-%m-%d %H:%M}" for name in _MOMENTS if name in row},
        reasons=[row[name] for name in _REASONS if row.get(name)],
        also_orders=(row.get("also_orders") or "").split(),
        draft_message=row.get("draft_message") or "",
        desk=_desk(state),
    )
    return model


def _desk(state: BuyerState) -> DeskState:
    return DeskState.model_validate(
        {
            "assignee": state.assignee,
            "snoozed_until": state.snoozed_until,
            "notes": [entry.value["text"] for entry in state.notes],
        }
    )
