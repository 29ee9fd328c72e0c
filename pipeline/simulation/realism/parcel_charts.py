"""Charts of the orders, parcels and scans of a simulated store. A green band is a published range.
All numbers are computed here, not in the browser. A function returns None if it has nothing to
show."""

from __future__ import annotations

import altair as alt
import polars as pl

from pipeline.simulation.realism.parcel_ranges import COUNTRY_RANGES, SERVICE_RANGES
from pipeline.simulation.realism.realism_sample import LATE_NEWS_DAYS, Sample
from pipeline.simulation.realism.vega_charts import BLUE, GREEN, INK, ORANGE, WIDTH, AnyChart
from pipeline.simulation.world.assumptions import SHOPPING
from pipeline.simulation.world.markets import COUNTRIES, SERVICES

SERVICE_ORDER = [s.name for s in sorted(SERVICES, key=lambda service: service.median_days)]
# groups of fewer parcels or scans than these are not drawn
LEAST_PARCELS, LEAST_SCANS = 50, 20


def transit_by_country(sample: Sample) -> AnyChart | None:
    rows = sample.matured.filter(
        pl.col("transit_days").is_not_null(), pl.col("service") == "AE Standard", ~pl.col("is_peak")
    )
    bands = pl.DataFrame(
        COUNTRY_RANGES, schema=["country", "low", "high"], orient="row"
    ).with_columns(source=pl.lit("freight agent's table"))
    axis = alt.Y("country:N", title="buyer's country", sort=[c.code for c in COUNTRIES])
    return _transit_chart(rows, bands, "country", axis) if rows.height >= LEAST_PARCELS else None


def transit_by_service(sample: Sample) -> AnyChart | None:
    rows = sample.matured.filter(pl.col("transit_days").is_not_null())
    bands = pl.DataFrame(SERVICE_RANGES, schema=["service", "low", "high", "source"], orient="row")
    axis = alt.Y("service:N", title="carrier service", sort=SERVICE_ORDER)
    return _transit_chart(rows, bands, "service", axis) if rows.height >= LEAST_PARCELS else None


def _transit_chart(rows: pl.DataFrame, bands: pl.DataFrame, by: str, axis: alt.Y) -> AnyChart:
    """For each value of the column `by`: a line from the 10th to the 90th percentile of transit
    days, a bar from the 25th to the 75th, and a tick at the median."""
    quantiles = {f"p{q}": pl.col("transit_days").quantile(q / 100.0) for q in (10, 25, 50, 75, 90)}
    groups = rows.group_by(by).agg(pl.len().alias("parcels"), **quantiles)
    groups = groups.filter(pl.col("parcels") >= LEAST_PARCELS).sort(by)
    days = alt.X("p10:Q", title="days from hand-over to delivery")
    tooltip = [
        alt.Tooltip(f"{by}:N"),
        alt.Tooltip("parcels:Q"),
        *(alt.Tooltip(f"{q}:Q", format=".1f") for q in quantiles),
    ]
    base = alt.Chart(groups).encode(y=axis, tooltip=tooltip)
    band = alt.Chart(bands.filter(pl.col(by).is_in(groups[by].to_list()))).mark_bar(
        color=GREEN, opacity=0.28, height=17
    )
    chart: AnyChart = (
        band.encode(
            y=axis,
            x=alt.X("low:Q"),
            x2="high:Q",
            tooltip=[f"{by}:N", "low:Q", "high:Q", "source:N"],
        )
        + base.mark_rule(color=BLUE).encode(x=days, x2="p90:Q")
        + base.mark_bar(color=BLUE, height=7).encode(x=alt.X("p25:Q"), x2="p75:Q")
        + base.mark_tick(color=INK, thickness=2.5, height=15).encode(x="p50:Q")
    ).properties(width=WIDTH, height=24 * max(groups.height, 1))
    return chart


def scans_per_parcel(sample: Sample) -> AnyChart | None:
    delivered = sample.matured.filter(pl.col("transit_days").is_not_null())
    if delivered.is_empty():
        return None
    rows = (
        delivered.group_by("service", "count_scans").len("parcels").sort("service", "count_scans")
    )
    rows = rows.with_columns(
        percent=100.0 * pl.col("parcels") / pl.col("parcels").sum().over("service")
    )
    bars = (
        alt.Chart(rows)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("count_scans:O", title="scans of a delivered parcel").axis(
                labelAngle=0, values=list(range(0, 19, 3))
            ),
            y=alt.Y("percent:Q", title="parcels, %"),
            tooltip=[
                "service:N",
                "count_scans:O",
                "parcels:Q",
                alt.Tooltip("percent:Q", format=".1f"),
            ],
        )
    )
    facet = alt.Facet("service:N", title=None, sort=SERVICE_ORDER)
    chart: AnyChart = bars.properties(width=WIDTH // 3 - 30, height=110).facet(facet, columns=3)
    return chart


def orders_per_day(sample: Sample) -> AnyChart | None:
    on_sale = pl.any_horizontal(
        (pl.col("placed_on").dt.month() == month) & (pl.col("placed_on").dt.day() == day)
        for month, day, _ in SHOPPING.sale_days
    )
    rows = sample.orders.group_by("placed_on").len("sampled").sort("placed_on")
    rows = rows.select("placed_on", orders=pl.col("sampled") * sample.step, is_sale=on_sale)
    base = alt.Chart(rows).encode(
        x=alt.X("placed_on:T", title="day of purchase"),
        y=alt.Y("orders:Q", title="orders per day"),
        tooltip=["placed_on:T", "orders:Q"],
    )
    sales = base.transform_filter("datum.is_sale").mark_point(color=ORANGE, filled=True, size=45)
    chart: AnyChart = (base.mark_line(color=BLUE, strokeWidth=1) + sales).properties(
        width=WIDTH, height=200
    )
    return chart


def late_news(sample: Sample) -> AnyChart | None:
    rows = sample.news.filter(pl.col("count_scans") >= LEAST_SCANS)
    if rows.is_empty():
        return None
    rows = rows.with_columns(percent=100.0 * pl.col("count_late") / pl.col("count_scans"))
    chart: AnyChart = (
        alt.Chart(rows)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("week:T", title="week of the scan"),
            y=alt.Y("percent:Q", title=f"scans known more than {LATE_NEWS_DAYS:g} day later, %"),
            color=alt.Color("service:N", title="carrier service", sort=SERVICE_ORDER).scale(
                scheme="dark2"
            ),
            tooltip=[
                "service:N",
                "week:T",
                "count_scans:Q",
                alt.Tooltip("percent:Q", format=".1f"),
            ],
        )
        .properties(width=WIDTH, height=220)
    )
    return chart
