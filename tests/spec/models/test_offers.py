"""What is offered beside a message, and that a night's offers stay within their budget."""

from __future__ import annotations

from io import StringIO

import polars as pl

from models.contact.offers import Offers, suggest

OFFERS = Offers(
    allowed=("extend_protection", "resend", "partial_refund", "ask_for_photos"),
    budget_usd=12.0,
    refund_share=0.2,
    max_refund_usd=10.0,
    late_days=5.0,
    resend_max_usd=20.0,
    resend_silent_days=21.0,
    protection_days=7.0,
    protection_late_chance=0.3,
)

ORDERS = """
case,                      stage,          value,chance,late,silent,left,likely,rank,missed,asked,expected,         cost
in time,                   in_transit,     30,   0.3,   ,    2,     20,  ,      ,    -5,    0,    nothing,          
the promise ends soon,     in_transit,     30,   0.3,   ,    2,     6,   ,      ,    -1,    0,    extend_protection,
soon but it comes in time, in_transit,     30,   0.3,   ,    2,     6,   0.29,  0.6, -1,    0,    nothing,          
soon and likely late,      in_transit,     30,   0.3,   ,    2,     6,   0.3,   0.6, -1,    0,    extend_protection,
soon and silent,           in_transit,     30,   0.3,   ,    15,    6,   0.29,  0.6, -1,    0,    extend_protection,
soon and older than most,  in_transit,     30,   0.3,   ,    2,     6,   0.29,  0.96,-1,    0,    extend_protection,
the promise will be missed,in_transit,     30,   0.3,   ,    2,     20,  ,      ,    3,     0,    extend_protection,
past it and silent,        in_transit,     4,    0.3,   ,    25,    -1,  ,      ,    3,     0,    resend,           4
too dear to send again,    in_transit,     30,   0.9,   ,    25,    -1,  ,      ,    3,     0,    extend_protection,
not sent yet,              before_shipment,30,   0.9,   ,    ,      -1,  ,      ,    3,     0,    nothing,          
came in time,              delivered,      30,   0.3,   -2,  ,      ,    ,      ,    ,      0,    nothing,          
came late,                 delivered,      30,   0.3,   6,   ,      ,    ,      ,    ,      0,    partial_refund,   6
a refund is too dear,      delivered,      30,   0.1,   6,   ,      ,    ,      ,    ,      0,    nothing,          
the budget is spent,       delivered,      30,   0.3,   6,   ,      ,    ,      ,    ,      0,    nothing,          
a cheap one still fits,    delivered,      8,    0.3,   6,   ,      ,    ,      ,    ,      0,    partial_refund,   1.6
the buyer has complained,  delivered,      30,   0.3,   6,   ,      ,    ,      ,    ,      1,    ask_for_photos,   
nobody knows the value,    delivered,      ,     0.3,   6,   ,      ,    ,      ,    ,      0,    nothing,          
"""  # noqa: W291


def orders() -> pl.DataFrame:
    lines = [
        ",".join(cell.strip() for cell in line.split(",")) for line in ORDERS.strip().splitlines()
    ]
    return pl.read_csv(StringIO("\n".join(lines))).rename(
        {
            "value": "order_value_usd",
            "chance": "probability",
            "late": "logistics_delivered_late_days",
            "silent": "logistics_days_since_news",
            "left": "logistics_days_to_promise",
            "missed": "logistics_expected_late_days",
            "likely": "logistics_late_chance",
            "rank": "logistics_road_rank",
            "asked": "conversation_count_product_questions",
        }
    )


def test_each_order_gets_what_fits_it() -> None:
    told = orders()
    found = suggest(told, OFFERS, dispute_fixed_cost_usd=10.0)
    for row, (action, cost) in zip(told.iter_rows(named=True), found.iter_rows(), strict=True):
        assert (action, cost) == (row["expected"], row["cost"]), row["case"]
    assert found["offer_usd"].sum() <= OFFERS.budget_usd


def test_what_is_not_allowed_is_not_offered() -> None:
    none = Offers(**{**OFFERS.__dict__, "allowed": ()})
    assert set(suggest(orders(), none, 10.0)["suggested_action"]) == {"nothing"}


def test_no_rows() -> None:
    assert suggest(orders().clear(), OFFERS, 10.0).is_empty()
