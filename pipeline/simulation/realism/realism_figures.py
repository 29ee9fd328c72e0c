"""The list of charts on the page of a simulated store, with titles and explanations."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.simulation.realism import dispute_charts, parcel_charts
from pipeline.simulation.realism.realism_sample import Sample
from pipeline.simulation.realism.vega_charts import CHART_STYLE, AnyChart, Figure

CHARTS: tuple[tuple[str, str, Callable[[Sample], AnyChart | None]], ...] = (
    (
        "Disputes by month of purchase, and their target range",
        "The band is the assumed range, 2-5 % of orders. Late parcels in winter and the collapse "
        "of a carrier raise 'not received'.",
        dispute_charts.by_month,
    ),
    (
        "Disputes over an order's life: first about the goods, then about the parcel",
        "Disputes may open from ten days after hand-over. Those about the goods come early, soon "
        "after delivery. Those about parcels not received come late, when promises run out. Each "
        f"point covers three days with at least {dispute_charts.LEAST_OPEN} open orders per day.",
        dispute_charts.by_day_of_life,
    ),
    (
        "Not received: the jump after the promised day",
        "Orders not delivered yet. Buyers react at the promised day rather than gradually, and "
        "tire later on. Each point covers two days.",
        dispute_charts.by_promised_day,
    ),
    (
        "By lane: orders on slow services with few scans are disputed more often",
        "Share of orders disputed. Lanes with fewer than "
        f"{dispute_charts.LEAST_IN_LANE} orders are left out. No one publishes these shares.",
        dispute_charts.by_lane,
    ),
    (
        "By category: 'not as described' differs, 'not received' hardly does",
        "The category of the order's first line. No one publishes these shares.",
        dispute_charts.by_category,
    ),
    (
        "Transit by country on the standard lane, outside the peak",
        "Line: 10th to 90th percentile. Bar: the middle half. Tick: the median. Green: the range "
        "in a freight agent's table.",
        parcel_charts.transit_by_country,
    ),
    (
        "Transit by service, all countries, all year",
        "As above. Green: ranges of shop guides and, for the platform's own services, of Cainiao; "
        "darker where both agree.",
        parcel_charts.transit_by_service,
    ),
    (
        "Escalation: by the buyer on days 4 to 15, automatically on day 16",
        "Calendar days of the store.",
        dispute_charts.escalations,
    ),
    (
        "Scans: expensive services have more",
        "Scans per delivered parcel. A scan reported twice counts once. Assumption: no one "
        "publishes this.",
        parcel_charts.scans_per_parcel,
    ),
    (
        "Orders per day: sales, winter peak, the New Year dip, growth",
        "Dots: sale days. All orders, matured or not.",
        parcel_charts.orders_per_day,
    ),
    (
        "Late news: a silent carrier feed is a spike",
        "Share of a week's scans that the store received late; some scans made during a silence "
        "never arrive. Assumption. Weeks with fewer than "
        f"{parcel_charts.LEAST_SCANS} scans are left out.",
        parcel_charts.late_news,
    ),
)


def figures(sample: Sample) -> list[Figure]:
    """All charts that have something to show. The same sample gives the same figures."""
    drawn = [(title, note, draw(sample)) for title, note, draw in CHARTS]
    return [
        Figure(title, note, chart.properties(description=title).to_dict() | {"config": CHART_STYLE})
        for title, note, chart in drawn
        if chart is not None
    ]
