"""Every parameter of the simulated store, with its source.

No platform publishes its dispute rate by lane or product, how many disputes are escalated, or what
a message to the buyer prevents. Values marked "assumption" are judgement, chosen so that totals
agree with public sources. Hazards are per day: 0.001 is a chance of about 0.1 % on each day. A name
ending in `_x` is a factor. Tables of services, countries and categories: `markets.py`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shopping:
    """When and what buyers buy. All assumptions, except the basket: 56 % of cross-border baskets
    are below 50 euro (postal operators' survey)."""

    # Monday to Sunday, in the store's time zone
    weekday_x: tuple[float, ...] = (1.05, 1.0, 1.0, 0.98, 0.97, 0.98, 1.02)
    # month, day, factor: the platform's birthday, mid-year, 11.11, the week of Black Friday, 12.12
    sale_days: tuple[tuple[int, int, float], ...] = (
        (3, 28, 2.0),
        (6, 18, 1.8),
        (11, 11, 4.0),
        (11, 28, 2.2),
        (12, 12, 1.8),
    )
    sale_discount: float = 0.85
    peak_months: tuple[int, ...] = (11, 12, 1)
    peak_x: float = 1.35
    growth_a_year: float = 1.2
    new_year_x: float = 0.7
    day_sigma: float = 0.10

    products_x: float = 3.0  # number of products = this x square root of the number of orders
    products_a_supplier: float = 12.0
    sales_sigma: float = 1.6
    share_listed_later: float = 0.45
    ramp_days: float = 45.0
    retired_after_days: float = 900.0  # mean of an exponential
    share_improved: float = 0.25
    price_median_usd: float = 14.0
    price_sigma: float = 0.55
    price_step_sigma: float = 0.08
    price_step_days: float = 120.0
    share_second_line: float = 0.12
    extra_units_mean: float = 0.15

    # most buyers buy once: assumption
    share_returning: float = 0.25
    regulars_x: float = 0.12  # number of regular buyers = this x the number of orders
    regulars_power: float = 1.35  # higher: fewer of the regulars place most of their orders
    share_habitual: float = 0.02
    habitual_x: float = 7.0
    temper_sigma: float = 0.65
    patience_sigma: float = 0.8


@dataclass(frozen=True)
class Road:
    """From payment to the buyer's door. Each leg has a share of the lane's median time and a
    spread of its own; see `journey.py`."""

    # handling: sellers' guides say 3-10 days of preparation; the rest: assumption
    payment_median_days: float = 0.02
    payment_sigma: float = 1.2
    dispatch_promise_days: tuple[int, int] = (3, 10)
    handling_median_days: tuple[float, float] = (1.0, 3.5)
    handling_sigma: float = 0.5
    share_very_slow: float = 0.03
    very_slow_x: float = 3.5
    share_never_shipped: float = 0.01
    cancelled_days_after_dispatch_promise: float = 7.0
    promised_handling_days: int = 4
    # a seller's delivery promise may reach 60 days (older platform rules)
    longest_promise_days: int = 60

    # Origin, international, customs, last mile. Stages of a parcel from China to Russia:
    # international 10-20 days, customs 1-3, last mile 7-14 (a parcel guide)
    leg_shares: tuple[float, ...] = (0.20, 0.42, 0.08, 0.30)
    # Legs vary independently, so each varies more than the whole (sum of squared shares: 0.30,
    # square root 0.55). The median of a sum of lognormals is above the sum of their medians
    leg_sigma_x: float = 1.65
    leg_median_x: float = 0.87
    # Customs hold 1-3 %, returned 1-3 % (platform-rules, base rates; returned is near the lower
    # end, so that lost and returned parcels do not make most of the disputes). Loss depends on
    # service and country. Which leg loses a parcel: assumption
    lost_by_leg: tuple[float, ...] = (0.25, 0.25, 0.15, 0.35)
    share_customs_hold: float = 0.02
    customs_hold_days: tuple[float, float] = (5.0, 20.0)
    share_returned: float = 0.012
    share_lost_reported: float = 0.3
    lost_reported_days: tuple[float, float] = (10.0, 30.0)
    share_failed_attempt: float = 0.06
    failed_attempt_days: tuple[float, float] = (1.0, 6.0)
    share_pickup: float = 0.12
    pickup_days: tuple[float, float] = (0.5, 5.0)

    # November to January adds 4-10 days to a lane of 12-25 days (freight agent's table). Chinese
    # New Year holidays: assumption
    peak_handling_x: float = 1.35
    peak_road_x: float = 1.42
    new_year_days: tuple[int, int] = (-4, 12)
    new_year_handling_x: float = 2.5
    new_year_origin_x: float = 1.8
    # shocks: one of each kind per `..._every_days`, and how long it lasts: assumption
    collapse_every_days: float = 220.0
    collapse_days: int = 21
    collapse_x: float = 2.2
    border_every_days: float = 250.0
    border_days: int = 30
    border_x: float = 5.0
    silence_every_days: float = 200.0
    silence_days: int = 12
    share_lost_in_silence: float = 0.4

    # scans: assumption
    share_late_known: float = 0.10
    late_known_days: tuple[float, float] = (0.3, 3.0)
    usual_known_days: float = 0.02
    share_duplicated: float = 0.02

    # closing without a complaint. Most buyers confirm before the fifteen days are over: assumption
    confirm_median_days: float = 8.0
    confirm_sigma: float = 1.2


@dataclass(frozen=True)
class Quarrel:
    """Why and when buyers write messages and open disputes, and how disputes end."""

    # A buyer may open a dispute from 10 days after hand-over until 15 days after delivery
    # (platform's buyer help), or for an undelivered order until 60 days after the promised day (our
    # choice, as in features/spine.py)
    opens_days_after_hand_over: float = 10.0
    closes_days_after_delivery: float = 15.0
    closes_days_after_promise: float = 60.0

    # Not received. Buyers react at the promised day rather than gradually (Instacart study), most
    # of them 2-15 days after it (a vendor). Sizes: assumption, chosen for 2-5 % of orders disputed
    # and a ratio of "not received" to "not as described" of 45:55 on post lanes and 30:70 on fast
    # lanes.
    hazard_not_received: float = 0.00023
    promise_passed_x: float = 12.0
    patience_days: float = 2.5
    tired_after_days: float = 15.0
    tired_x: float = 0.2
    silence_free_days: float = 6.0
    silence_x_per_day: float = 0.08
    silence_x_limit: float = 2.5
    bad_news_x: float = 2.0
    customs_x: float = 1.6
    unanswered_x: float = 1.9
    value_power: float = 0.25

    # not as described: in the days after delivery, depending on the product. Sizes and spreads:
    # assumption
    hazard_not_as_described: float = 0.0043
    quality_sigma: tuple[float, float, float] = (0.75, 0.45, 0.30)  # product, supplier, category
    honesty_sigma: float = 0.45
    improved_by: float = 1.1
    late_delivery_x: float = 1.3
    after_delivery_fading_days: float = 6.0
    hazard_other: float = 0.00011

    # messages: once parcels are late, most of a shop's mail asks where the order is. Sizes:
    # assumption
    hazard_message: float = 0.0045
    message_late_x: float = 7.0
    share_answered: float = 0.88
    answer_median_days: float = 0.6
    answer_weekend_x: float = 2.0
    unanswered_days: tuple[float, float] = (1.0, 14.0)

    # Outcomes: withdrawn 15-25 %, escalated 15-25 %, seller liable in 45-65 % of rulings:
    # assumption (a dashboard vendor's example has 48-64 %). The day of filing is day 1: the buyer
    # may escalate on days 4-15; on day 16 the dispute is escalated automatically (the platform's
    # older rules). The seller must answer within 5 days (newer rules).
    share_withdrawn: float = 0.20
    share_escalated: float = 0.18
    share_escalated_by_itself: float = 0.35
    escalated_days: tuple[float, float] = (3.0, 14.0)
    escalated_by_itself_days: float = 15.0
    ruled_days: tuple[float, float] = (2.0, 10.0)
    answer_within_days: float = 5.0
    seller_answers_median_days: float = 1.2
    share_seller_answers: float = 0.92
    unanswered_escalated_x: float = 2.0
    liable_not_received: float = 0.65
    liable_otherwise: float = 0.50

    # Reviews: most buyers give five stars, and some angry ones give one. Sizes: assumption.
    # `review_late` and `review_disputed` lower a buyer's mood after a late parcel or a dispute. The
    # score is five stars, less one for each of `review_edges` that the mood is below.
    share_reviewed: float = 0.35
    review_mean_days: float = 6.0
    review_mood: float = 0.9
    review_risk_x: float = 0.5
    review_late: float = 0.7
    review_disputed: float = 1.5
    review_sigma: float = 0.8
    review_edges: tuple[float, ...] = (0.0, -0.4, -0.65, -0.8)


@dataclass(frozen=True)
class Contact:
    """What a message to the buyer changes. Vendors without a control group claim 40-80 % fewer
    disputes; no randomised figure is published. Assumption: among buyers who respond, 15-35 % fewer
    "not received" and 5-15 % fewer "not as described" disputes, waning over time. The message
    provokes a small share of buyers."""

    share_responding: float = 0.65
    share_responding_habitual: float = 0.20
    share_provoked: float = 0.04
    provoked_habitual_x: float = 2.0
    not_received: tuple[float, float] = (0.15, 0.35)
    not_as_described: tuple[float, float] = (0.05, 0.15)
    other: tuple[float, float] = (0.0, 0.05)
    provoked: tuple[float, float] = (0.1, 0.5)
    # before shipment, at dispatch, in transit, after delivery
    stage_x: tuple[float, ...] = (0.7, 0.8, 1.0, 1.0)
    waning_days: float = 35.0
    # a message does not bring back a lost parcel; buyers of long overdue orders no longer listen
    gone_x: float = 0.4
    overdue_days: float = 10.0
    overdue_x: float = 0.7
    # a buyer who is waiting for an answer welcomes a message
    unanswered_x: float = 1.5


SHOPPING, ROAD, QUARREL, CONTACT = Shopping(), Road(), Quarrel(), Contact()
