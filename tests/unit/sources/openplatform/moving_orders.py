"""Orders that arrive, change or close while the pages of a search are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.sources.openplatform.fake_store import FakeStore, Row, is_listed

# of the orders that can arrive between two pages, so many do after each page
AT_ONCE = 2


@dataclass
class MovingOrders:
    """Orders with news that come between two pages: what is listed then, and the details, by order
    number. Counts how many arrived in a search and how many left one."""

    listed: dict[int, Row] = field(default_factory=dict)
    details: dict[str, Row] = field(default_factory=dict)
    count_arrived: int = 0
    count_left: int = 0
    # searches with more orders than one may return
    count_split: int = 0
    # numbers of those that came
    moved: list[int] = field(default_factory=list)

    def hold(self, changes: FakeStore, order_id: int) -> None:
        """Take an order out of `changes`; it comes later."""
        (listed,) = (row for row in changes.orders if row["order_id"] == order_id)
        changes.orders.remove(listed)
        self.listed[order_id] = listed
        self.details[str(order_id)] = changes.details.pop(str(order_id))

    def after_page(self, store: FakeStore, query: dict[str, Any], total: int) -> None:
        """A page was answered: let a few orders come, and all of them before the last page."""
        size, page = query["page_size"], query["current_page"]
        if page * size >= total or not self.listed:
            return
        former = {o["order_id"]: o for o in store.orders if o["order_id"] in self.listed}
        moving = [
            order_id
            for order_id, row in self.listed.items()
            if is_listed(row, query) or (order_id in former and is_listed(former[order_id], query))
        ]
        for order_id in moving if (page + 1) * size >= total else moving[:AT_ONCE]:
            is_arriving = is_listed(self.listed[order_id], query)
            self.count_arrived += is_arriving
            self.count_left += not is_arriving
            self.come(store, order_id)

    def come(self, store: FakeStore, order_id: int) -> None:
        """Let an order come."""
        news = FakeStore([self.listed.pop(order_id)])
        news.details[str(order_id)] = self.details.pop(str(order_id))
        store.merge(news)
        self.moved.append(order_id)
