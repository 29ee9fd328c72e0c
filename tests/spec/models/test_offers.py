"""The offer suggested for each message; a night's offers stay within their budget."""

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

# usd: order value; p: probability; late: days late on delivery; news: days without news;
# left: days to the promise; odds: chance of being late; miss: days expected to be late;
# ask: questions about the product
ORDERS = """
case,                 stage,     usd,p,   late,news,left,odds,rank,miss,ask,expected,         cost
in time,              transit,   30, 0.3, ,    2,   20,  ,    ,    -5,  0,  nothing,
promise ends soon,    transit,   30, 0.3, ,    2,   6,   ,    ,    -1,  0,  extend_protection,
soon but in time,     transit,   30, 0.3, ,    2,   6,   0.29,0.6, -1,  0,  nothing,
soon and likely late, transit,   30, 0.3, ,    2,   6,   0.3, 0.6, -1,  0,  extend_protection,
soon and silent,      transit,   30, 0.3, ,    15,  6,   0.29,0.6, -1,  0,  extend_protection,
soon and old,         transit,   30, 0.3, ,    2,   6,   0.29,0.96,-1,  0,  extend_protection,
will be late,         transit,   30, 0.3, ,    2,   20,  ,    ,    3,   0,  extend_protection,
past it and silent,   transit,   4,  0.3, ,    25,  -1,  ,    ,    3,   0,  resend,           4
too valuable,         transit,   30, 0.9, ,    25,  -1,  ,    ,    3,   0,  extend_protection,
not sent yet,         unsent,    30, 0.9, ,    ,    -1,  ,    ,    3,   0,  nothing,
came in time,         delivered, 30, 0.3, -2,  ,    ,    ,    ,    ,    0,  nothing,
came late,            delivered, 30, 0.3, 6,   ,    ,    ,    ,    ,    0,  partial_refund,   6
refund not worth it,  delivered, 30, 0.1, 6,   ,    ,    ,    ,    ,    0,  nothing,
budget is spent,      delivered, 30, 0.3, 6,   ,    ,    ,    ,    ,    0,  nothing,
cheap one still fits, delivered, 8,  0.3, 6,   ,    ,    ,    ,    ,    0,  partial_refund,   1.6
buyer has complained, delivered, 30, 0.3, 6,   ,    ,    ,    ,    ,    1,  ask_for_photos,
value is unknown,     delivered, ,   0.3, 6,   ,    ,    ,    ,    ,    0,  nothing,
"""


def orders() -> pl.DataFrame:
    lines = [
        ",".join(cell.strip() for cell in line.split(",")) for line in ORDERS.strip().splitlines()
    ]
    drawn = pl.read_csv(StringIO("\n".join(lines))).rename(
        {
            "usd": "order_value_usd",
            "p": "probability",
            "late": "logistics_delivered_late_days",
            "news": "logistics_days_since_news",
            "left": "logistics_days_to_promise",
            "miss": "logistics_expected_late_days",
            "odds": "logistics_late_chance",
            "rank": "logistics_road_rank",
            "ask": "conversation_count_product_questions",
        }
    )
    return drawn.with_columns(
        pl.col("stage").replace({"transit": "in_transit", "unsent": "before_shipment"})
    )


def test_each_order_gets_what_fits_it() -> None:
    listed = orders()
    offers = suggest(listed, OFFERS, dispute_fixed_cost_usd=10.0)
    for row, (action, cost) in zip(listed.iter_rows(named=True), offers.iter_rows(), strict=True):
        assert (action, cost) == (row["expected"], row["cost"]), row["case"]
    assert offers["offer_usd"].sum() <= OFFERS.budget_usd


def test_what_is_not_allowed_is_not_offered() -> None:
    none = Offers(**{**OFFERS.__dict__, "allowed": ()})
    assert set(suggest(orders(), none, 10.0)["suggested_action"]) == {"nothing"}


def test_no_rows() -> None:
    assert suggest(orders().clear(), OFFERS, 10.0).is_empty()
