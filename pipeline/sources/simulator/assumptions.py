"""Every number of the simulated store, with where it comes from.

No platform publishes its dispute rate by lane or product, nor how many disputes are escalated: what is marked
"assumption" is judgement, chosen so that the totals come out where public sources say they are.
Hazards are per day; a hazard of 0.001 is a chance of about 0.1 % on each day. "x" is a factor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A carrier service. Transit is lognormal; the delivery promise is `promise_x` times the median, plus handling."""

    name: str
    share: float
    median_days: float
    sigma: float
    loss_share: float
    promise_x: float
    shipping_usd: float


@dataclass(frozen=True)
class Country:
    """A buyers' country: share of buyers, and how transit and loss compare with the service's ordinary ones."""

    code: str
    share: float
    transit_x: float
    loss_x: float


@dataclass(frozen=True)
class Milestone:
    """A carrier scan: in 17TRACK's words, between which shares of the transit, and how often it is made at all."""

    status: str
    sub_status: str
    earliest: float
    latest: float
    chance: float


# Medians inside the ranges that carrier guides print: AliExpress Standard 15-45 days (Cainiao's own: 10-18), Premium
# 7-15, Super Economy 30-60, Yanwen lines 10-20; post took 25-30 days to Russia in 2019. Spread: assumption within
# 0.25-0.45. Loss: 0.5-2 % (vendor claims reach 3 %). Shares, slack of the promise, prices: assumption.
SERVICES = (
    Service("AE Standard", 0.42, 17.0, 0.32, 0.008, 1.60, 1.9),
    Service("AE Premium", 0.14, 9.0, 0.25, 0.005, 1.60, 5.9),
    Service("AE Super Economy", 0.16, 31.0, 0.38, 0.014, 1.55, 0.0),
    Service("YW Line", 0.16, 14.0, 0.30, 0.008, 1.55, 2.4),
    Service("China Post", 0.12, 25.0, 0.40, 0.012, 1.50, 1.2),
)
# Order of transit by country as a freight agent's table has it (US 12-20 days, UK 10-18, DE 11-19, AU 14-25,
# CA 15-22); Latin America slower, and losing more: assumption. Shares: assumption.
COUNTRIES = (
    Country("US", 0.20, 0.95, 1.0),
    Country("BR", 0.14, 1.40, 1.5),
    Country("ES", 0.11, 0.95, 1.0),
    Country("FR", 0.10, 0.95, 0.9),
    Country("RU", 0.10, 1.10, 1.2),
    Country("PL", 0.07, 0.90, 0.8),
    Country("DE", 0.07, 0.90, 0.8),
    Country("GB", 0.07, 0.85, 0.8),
    Country("CA", 0.04, 1.10, 1.0),
    Country("AU", 0.04, 1.10, 0.9),
    Country("MX", 0.03, 1.25, 1.6),
    Country("CL", 0.03, 1.30, 1.3),
)
# Stages of a parcel from China (international leg about half of the way, customs 1-3 days, last mile a third):
# a Russian parcel guide. How often a scan is missing: assumption.
MILESTONES = (
    Milestone("InfoReceived", "InfoReceived", 0.005, 0.01, 1.0),
    Milestone("InTransit", "InTransit_PickedUp", 0.02, 0.10, 0.95),
    Milestone("InTransit", "InTransit_Departure", 0.15, 0.30, 0.9),
    Milestone("InTransit", "InTransit_Arrival", 0.50, 0.70, 0.9),
    Milestone("InTransit", "InTransit_CustomsProcessing", 0.71, 0.76, 0.7),
    Milestone("InTransit", "InTransit_CustomsReleased", 0.78, 0.85, 0.7),
    Milestone("OutForDelivery", "OutForDelivery_Other", 0.94, 0.98, 0.8),
    Milestone("Delivered", "Delivered_Other", 1.0, 1.0, 1.0),
)
CATEGORIES = (
    "dresses", "shoes", "phone cases", "headphones", "home textiles", "kitchen", "toys", "beauty", "watches", "tools",
)  # fmt: skip
CAUSES = ("not_received", "not_as_described", "other")


@dataclass(frozen=True)
class Assumptions:
    """All other parameters; days unless the name says otherwise."""

    # the shop: assumption. Basket: most cross-border baskets are 10-49 euro or less (postal operators' survey).
    count_products: int = 150
    count_suppliers: int = 12
    share_new_products: float = 0.25
    sales_sigma: float = 1.3
    price_median_usd: float = 14.0
    price_sigma: float = 0.7
    share_returning_buyers: float = 0.18
    share_second_line: float = 0.12

    # handling: sellers' guides say 3-10 days of preparation; the rest is assumption
    dispatch_promise_days: tuple[int, int] = (3, 10)
    handling_median_days: tuple[float, float] = (1.2, 3.5)
    handling_sigma: float = 0.45
    share_very_slow: float = 0.03
    very_slow_x: float = 3.5
    share_never_shipped: float = 0.01
    cancelled_days_after_dispatch_promise: float = 7.0
    promised_handling_days: int = 4
    # a seller's delivery promise may reach 60 days (older platform rules)
    longest_promise_days: int = 60

    # parcels: customs hold 1-3 %, returned 1-3 % (parcel guides); returned here lower, so that gone parcels
    # do not make most of the disputes
    share_customs_hold: float = 0.02
    customs_hold_days: tuple[float, float] = (5.0, 20.0)
    share_returned: float = 0.006
    share_lost_reported: float = 0.3
    collapse_days: float = 21.0
    collapse_x: float = 2.0
    # November to January adds 4-10 days to a lane (freight agent's table); more orders, slower packing: assumption
    peak_months: tuple[int, ...] = (11, 12, 1)
    peak_orders_x: float = 1.6
    peak_handling_x: float = 1.4
    peak_transit_x: float = 1.25
    share_late_known: float = 0.10
    late_known_days: tuple[float, float] = (0.2, 2.0)

    # when a buyer may open a dispute: from 10 days after hand-over, until 15 days after delivery (platform's rules);
    # undelivered, until 60 days after the promised day (our choice, as in features/spine.py)
    opens_days_after_hand_over: float = 10.0
    closes_days_after_delivery: float = 15.0
    closes_days_after_promise: float = 60.0
    share_confirming: float = 0.55
    confirm_mean_days: float = 4.0

    # not received. Buyers react at the promised day rather than gradually (Instacart study), mostly 2-15 days after it
    # (vendor). All sizes: assumption, aimed at 2-5 % of orders disputed, not received 45 : not as described 55.
    hazard_not_received: float = 0.00044
    promise_passed_x: float = 9.0
    promise_passed_days: float = 18.0
    long_passed_x: float = 4.0
    silence_free_days: float = 6.0
    silence_x_per_day: float = 0.10
    silence_x_limit: float = 3.0
    lost_x: float = 1.4
    unanswered_x: float = 1.8
    buyer_sigma: float = 0.6
    # not as described: on the days after delivery, by product and supplier: for the average unit sold, and how steeply
    # it rises with a product's latent badness; assumption
    hazard_not_as_described: float = 0.0074
    badness_x: float = 0.75
    after_delivery_fading_days: float = 4.0
    hazard_other: float = 0.00014

    # messages: "where is my order" is most of a shop's mail once parcels are late; sizes are assumption
    hazard_message: float = 0.0035
    message_late_x: float = 8.0
    message_gap_days: float = 3.0
    share_answered: float = 0.85
    answer_median_days: float = 0.6

    # outcomes: withdrawn 15-25 %, escalated 15-25 %, seller liable in 45-65 % of rulings (assumption; a dashboard
    # vendor's example has 48-64 %). Counted from filing as day 1: the buyer may escalate on days 4-15; it goes to the
    # platform by itself on day 16 (platform's older rules).
    share_withdrawn: float = 0.20
    share_escalated: float = 0.20
    share_escalated_by_itself: float = 0.35
    escalated_days: tuple[float, float] = (3.0, 14.0)
    escalated_by_itself_days: float = 15.0
    share_seller_liable: float = 0.55

    # reviews: assumption
    share_reviewed: float = 0.40
    review_mean_days: float = 5.0


ASSUMED = Assumptions()
