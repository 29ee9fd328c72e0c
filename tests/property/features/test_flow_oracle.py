"""The flow family equals plain loops over nights, parcels and facts in many small stores."""

from __future__ import annotations

import pytest

from features.build.registry import build_features
from features.families.flow import FEATURES
from features.spine import build_spine
from tests.conftest import day
from tests.property.features.test_oracle import WORLDS, read_tables
from tests.property.naive import LEG_LEVELS, LEVELS, QUIET_DAYS, Order, read_worlds

NIGHTS = [day("2024-01-20"), day("2024-02-05"), day("2024-03-05")]
LEGS = range(len(LEG_LEVELS))
STEPS = len(QUIET_DAYS)


class Others:
    """Totals over the other orders of one spine row's entities."""

    def __init__(self, orders: list[Order], own: Order, as_of: int) -> None:
        self.orders = [o for o in orders if o is not own]
        self.own, self.as_of = own, as_of

    def total(self, measure: str, entity: str, days: int, ago: int = 0) -> int | None:
        """The sum over facts known in [as_of - days, as_of - ago)."""
        values = self.own.member.get(entity, {})
        if not values:
            return None
        value = min(values) if entity != "supplier_id" else self.first_supplier()
        return sum(
            number
            for order in self.orders
            if value in order.member.get(entity, {})
            for known, number in order.facts(measure, entity, value)
            if self.as_of - days <= known < self.as_of - ago
        )

    def first_supplier(self) -> str:
        lines = [r for r in self.own.own["order_lines"] if r["known_day"] < self.as_of]
        first = min(lines, key=lambda r: (r["line_id"], r["product_id"], r["supplier_id"]))
        return first["supplier_id"]

    def share(self, hits: str, cases: str, leg: int, step: int) -> float:
        every = [other * STEPS + step for other in LEGS]
        share = 0.5
        for entity, cells in (
            ("store_id", every),
            ("store_id", [leg * STEPS + step]),
            ("service", [leg * STEPS + step]),
        ):
            hit, case = (
                sum(self.total(f"count_{name}_cell{cell}", entity, 90) or 0 for cell in cells)
                for name in (hits, cases)
            )
            share = (hit + 20 * share) / (case + 20)
        return share

    def week(self, measure: str, entity: str) -> float:
        this, last = self.total(measure, entity, 7), self.total(measure, entity, 14, ago=7)
        return (this + 5) / (last + 5)


def expected_features(orders: list[Order], own: Order, as_of: int) -> dict[str, float | None]:
    others = Others(orders, own, as_of)
    if not others.total("count_followed", "store_id", 90):
        return {feature.name: None for feature in FEATURES}
    news = [r for t in ("shipments", "tracking") for r in own.own[t] if r["known_day"] < as_of]
    is_in = any(r.get("status") == "Delivered" for r in news)
    silence = as_of - max((r["known_day"] for r in news), default=as_of)
    news_share = arrival_share = None
    if silence >= min(QUIET_DAYS) and not is_in:
        level = max(LEVELS.get(r.get("sub_status"), LEVELS.get(r.get("status"), 0)) for r in news)
        leg = sum(level >= lowest for lowest in LEG_LEVELS) - 1
        step = sum(silence >= days for days in QUIET_DAYS) - 1
        news_share = others.share("heard", "quiet", leg, step)
        arrival_share = others.share("arrived", "waited", leg, step)
    backlog = change = None
    lines = [r for r in own.own["order_lines"] if r["known_day"] < as_of]
    if lines and (orders_90d := others.total("count_orders", "supplier_id", 90)):
        backlog = others.total("count_unsent", "supplier_id", 10_000) / (orders_90d / 90)
        change = others.total("count_unsent", "supplier_id", 14) / (orders_90d / 90)
    return {
        "flow_news_share_90d": news_share,
        "flow_arrival_share_90d": arrival_share,
        "flow_carrier_scans": others.week("count_scans", "service"),
        "flow_carrier_deliveries": others.week("count_delivered", "service"),
        "flow_customs_releases": others.week("count_released", "country"),
        "flow_supplier_backlog_days": backlog,
        "flow_supplier_backlog_change": change,
    }


@pytest.mark.parametrize("batch", [200, 201])
def test_flow_equals_a_loop_over_other_parcels(batch: int) -> None:
    tables, rows = read_tables(batch)
    features = build_features(tables, build_spine(tables, NIGHTS))
    worlds = read_worlds(rows)
    store_of = {o.row["order_id"]: o for each in worlds.values() for o in each}
    count_quiet = 0
    for row in features.iter_rows(named=True):
        own = store_of[row["order_id"]]
        expected = expected_features(worlds[own.row["store_id"]], own, row["as_of_day"])
        actual = {name: row[name] for name in expected}
        assert actual == pytest.approx(expected, abs=1e-12), (row["order_id"], row["as_of_day"])
        count_quiet += expected["flow_news_share_90d"] is not None
    assert features.height > WORLDS
    assert count_quiet > WORLDS / 4
