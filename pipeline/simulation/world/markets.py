"""Tables of the simulated world: carrier services, countries and categories, with the sources of
the numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A carrier service. `median_days` is the time from hand-over to delivery; the promised time is
    `promise_x` times the median, plus handling.

    `scan_gap_days` is the mean time between scans on the way; `scan_share` is the share of scans
    that reach the store.
    """

    name: str
    share: float
    median_days: float
    sigma: float
    loss_share: float
    promise_x: float
    shipping_usd: float
    scan_gap_days: float
    scan_share: float
    damage_x: float


@dataclass(frozen=True)
class Country:
    """A country of buyers: its share of buyers; factors of transit time, loss, customs time and
    patience compared with an average country; its offset from UTC in hours."""

    code: str
    share: float
    transit_x: float
    loss_x: float
    customs_x: float
    utc_hours: float
    patience_x: float


@dataclass(frozen=True)
class Category:
    """A kind of goods: its share of listings, the price as a factor of the shop's median, the
    median weight, and two risks of disappointment (0 to 1)."""

    name: str
    share: float
    price_x: float
    weight_g: float
    fit_risk: float
    fragility: float


# Medians lie inside the ranges that carrier guides print: AliExpress Standard 15-45 days (Cainiao's
# own figure: 10-18), Premium 7-15 (5-10), Super Economy 30-60 (20-45), Yanwen line 10-20, express
# 3-10; post took 25-30 days to Russia in 2019. Spread: assumption, within 0.25-0.45. Loss: 0.5-2 %
# (a vendor claims 3.2 %). Other columns: assumption.
SERVICES = (
    Service("AE Standard", 0.42, 16.0, 0.32, 0.008, 1.60, 1.9, 2.5, 0.90, 1.0),
    Service("AE Premium", 0.12, 9.0, 0.25, 0.005, 1.60, 5.9, 1.2, 0.97, 0.7),
    Service("AE Super Economy", 0.16, 30.0, 0.36, 0.014, 1.60, 0.0, 7.0, 0.70, 1.4),
    Service("YW Line", 0.15, 14.0, 0.30, 0.008, 1.55, 2.4, 2.5, 0.88, 1.0),
    Service("China Post", 0.11, 25.0, 0.36, 0.012, 1.60, 1.2, 5.0, 0.75, 1.3),
    Service("EMS Express", 0.04, 7.0, 0.28, 0.005, 1.70, 14.0, 1.0, 0.96, 0.8),
)
# Countries rank by transit time as in a freight agent's table (US 12-20 days, UK 10-18, DE 11-19,
# AU 14-25, CA 15-22). Latin America is slower and loses more parcels: assumption. Shares, customs
# and patience: assumption.
COUNTRIES = (
    Country("US", 0.17, 0.95, 1.0, 0.8, -6.0, 0.9),
    Country("BR", 0.12, 1.40, 1.5, 2.2, -3.0, 1.2),
    Country("ES", 0.10, 0.95, 1.0, 1.0, 1.0, 1.0),
    Country("FR", 0.09, 0.95, 0.9, 1.0, 1.0, 0.9),
    Country("RU", 0.09, 1.10, 1.2, 1.3, 3.0, 1.3),
    Country("PL", 0.06, 0.90, 0.8, 0.9, 1.0, 1.0),
    Country("DE", 0.06, 0.90, 0.8, 1.0, 1.0, 0.8),
    Country("GB", 0.06, 0.85, 0.8, 1.0, 0.0, 0.8),
    Country("IT", 0.05, 1.00, 1.1, 1.2, 1.0, 1.0),
    Country("KR", 0.05, 0.60, 0.5, 0.6, 9.0, 0.8),
    Country("CA", 0.03, 1.10, 1.0, 1.1, -5.0, 0.9),
    Country("AU", 0.03, 1.10, 0.9, 0.8, 10.0, 0.9),
    Country("MX", 0.03, 1.25, 1.6, 1.6, -6.0, 1.1),
    Country("CL", 0.02, 1.30, 1.3, 1.3, -4.0, 1.1),
    Country("NL", 0.02, 0.90, 0.8, 0.9, 1.0, 0.9),
    Country("SA", 0.02, 1.05, 1.1, 1.5, 3.0, 1.1),
)
# Categories of cross-border baskets: clothing 33 %, electronics 21 %, media and toys 14 %, health
# 13 % (postal operators' survey). Finer categories, prices, weights and risks: assumption.
CATEGORIES = (
    Category("dresses", 0.050, 1.3, 350, 0.9, 0.0),
    Category("blouses", 0.050, 0.9, 200, 0.8, 0.0),
    Category("t-shirts", 0.045, 0.7, 180, 0.6, 0.0),
    Category("trousers", 0.035, 1.2, 400, 0.9, 0.0),
    Category("coats", 0.025, 2.2, 900, 0.8, 0.0),
    Category("underwear", 0.030, 0.6, 100, 0.7, 0.0),
    Category("swimwear", 0.020, 0.9, 150, 0.9, 0.0),
    Category("shoes", 0.050, 1.6, 700, 1.0, 0.0),
    Category("bags", 0.030, 1.4, 500, 0.1, 0.1),
    Category("jewellery", 0.030, 0.4, 40, 0.3, 0.2),
    Category("watches", 0.025, 1.5, 120, 0.1, 0.4),
    Category("sunglasses", 0.020, 0.5, 60, 0.2, 0.4),
    Category("phone cases", 0.045, 0.3, 50, 0.4, 0.1),
    Category("screen protectors", 0.025, 0.25, 40, 0.5, 0.9),
    Category("cables", 0.035, 0.35, 60, 0.1, 0.2),
    Category("headphones", 0.040, 1.2, 150, 0.0, 0.5),
    Category("smart watches", 0.025, 2.2, 150, 0.1, 0.5),
    Category("power banks", 0.020, 1.3, 300, 0.0, 0.3),
    Category("computer parts", 0.030, 2.0, 250, 0.2, 0.6),
    Category("lamps", 0.030, 1.0, 400, 0.0, 0.8),
    Category("home textiles", 0.035, 1.2, 800, 0.3, 0.0),
    Category("kitchen", 0.035, 0.8, 400, 0.0, 0.5),
    Category("glassware", 0.015, 1.0, 600, 0.0, 1.0),
    Category("storage", 0.025, 0.7, 500, 0.1, 0.2),
    Category("tools", 0.035, 1.3, 700, 0.1, 0.2),
    Category("car parts", 0.030, 1.5, 600, 0.6, 0.3),
    Category("toys", 0.040, 0.8, 300, 0.0, 0.4),
    Category("models and kits", 0.020, 1.6, 500, 0.0, 0.6),
    Category("beauty", 0.040, 0.6, 120, 0.2, 0.3),
    Category("hair", 0.025, 2.0, 200, 0.5, 0.0),
    Category("health", 0.025, 0.8, 200, 0.3, 0.2),
    Category("pet supplies", 0.025, 0.7, 300, 0.3, 0.1),
    Category("garden", 0.020, 0.9, 500, 0.0, 0.4),
    Category("sports", 0.030, 1.2, 500, 0.3, 0.1),
)
CAUSES = ("not_received", "not_as_described", "other")
# reasons by cause: our short names for the reasons that the platform lists (three classes)
REASONS = (
    ("still_in_transit", "untrackable", "customs", "lost", "returned"),
    ("quality", "not_as_described", "size", "damaged"),
    ("no_longer_needed", "ordered_wrong", "found_cheaper"),
)
