"""The charts of the report. A title that starts with @ is a key of the page's words; the script of
the page puts the text in."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any, cast

import altair as alt
import polars as pl

from pipeline.pages.html import chart_spec
from pipeline.pages.indicator_panel import Indicators, fan_rows
from pipeline.pages.page_words import english
from pipeline.pages.past_nights_panel import Past

# from the palette of Okabe and Ito, which colour-blind readers can tell apart, adjusted to be
# legible on white and on dark
BLUE, ORANGE, GREY = "#3D8FCB", "#DD6A1F", "#8A8A8A"
PERCENT = ".2~%"
AnyChart = alt.LayerChart | alt.FacetChart


def all_charts(indicators: Indicators, past: Past | None, as_of: date) -> dict[str, Any]:
    """Vega-Lite specifications by name; the page draws each one in the element `chart-<name>`."""
    names = indicators.now["indicator"].to_list() if indicators.now.height else []
    charts = {f"indicator-{name}": indicator_chart(indicators, name, as_of) for name in names}
    if past is not None:
        if past.nights["precision"].null_count() < past.nights.height:
            charts["precision"] = precision_chart(past.nights)
        if past.bins.height:
            charts["calibration"] = calibration_chart(past.bins)
    return {name: chart_spec(chart) for name, chart in charts.items()}


def indicator_chart(indicators: Indicators, name: str, as_of: date) -> AnyChart:
    """The rate in past weeks with its interval, the limit, and the forecast up to the day of
    assessment."""
    rows = indicators.trend.filter(pl.col("indicator") == name)
    base = alt.Chart(rows.select("day", "rate", "low", "high")).encode(x=_day("day"))
    layers = [
        base.mark_area(color=BLUE, opacity=0.18).encode(y=_percent("low"), y2="high:Q"),
        base.mark_line(color=BLUE).encode(y=_percent("rate")),
    ]
    fan = fan_rows(indicators, name, as_of)
    if fan.height:
        ahead = alt.Chart(fan).encode(x=_day("day"))
        layers += [
            ahead.mark_area(color=ORANGE, opacity=0.2).encode(y=_percent("q10"), y2="q90:Q"),
            ahead.mark_area(color=ORANGE, opacity=0.3).encode(y=_percent("q25"), y2="q75:Q"),
            ahead.mark_line(color=ORANGE, strokeDash=[5, 3]).encode(y=_percent("q50")),
        ]
    limit = indicators.now.filter(pl.col("indicator") == name)["limit"][0]
    if limit is not None:
        rule = alt.Chart(pl.DataFrame({"limit": [limit]})).encode(y=_percent("limit"))
        layers += [rule.mark_rule(color=ORANGE, strokeWidth=2), _limit_label(limit)]
    return _sized(alt.layer(*layers), f"@indicator.{name}")


def _limit_label(limit: float) -> alt.Chart:
    text = alt.Chart(pl.DataFrame({"limit": [limit], "text": ["@chart.limit"]}))
    mark = text.mark_text(align="left", baseline="bottom", dx=4, dy=-2)
    label: alt.Chart = mark.encode(y=_percent("limit"), x=alt.value(0), text="text:N")
    return label


def precision_chart(nights: pl.DataFrame) -> AnyChart:
    """Share of each matured night's listed orders that were disputed, and the share that the model
    predicted. `nights`: `Past.nights`."""
    base = alt.Chart(nights.select("night", "precision", "expected")).encode(x=_day("night"))
    dots = base.mark_circle(color=BLUE, opacity=0.7, size=35).encode(y=_percent("precision"))
    line = base.mark_line(color=ORANGE).encode(y=_percent("expected"))
    return _sized(alt.layer(line, dots), "@chart.precision")


def calibration_chart(bins: pl.DataFrame) -> AnyChart:
    """Predicted against realised share, with the diagonal. `bins`: `Past.bins`."""
    top = max(float(value or 0.0) for value in (bins["predicted"].max(), bins["high"].max()))  # type: ignore[arg-type]
    ends = pl.DataFrame({"predicted": [0.0, top], "realised": [0.0, top]})
    x = alt.X("predicted:Q", title="@chart.predicted").axis(format=PERCENT, tickCount=5)
    diagonal = alt.Chart(ends).mark_line(color=GREY, strokeDash=[4, 3])
    base = alt.Chart(bins.select("predicted", "realised", "low", "high"))
    bars = base.mark_rule(color=BLUE).encode(x=x, y=_percent("low"), y2="high:Q")
    dots = base.mark_circle(color=ORANGE, opacity=1, size=50).encode(
        x=x, y=_percent("realised", "@chart.realised")
    )
    layers = alt.layer(diagonal.encode(x=x, y=_percent("realised")), bars, dots)
    return _sized(layers, "@chart.calibration")


def effect_chart(table: pl.DataFrame) -> AnyChart:
    """Disputes per 100 orders that messages add (below zero: prevent), for all lists and for each
    group, with the interval that is valid on any night.

    `table`: `impact_table`. Groups with too few held-out orders are left out.
    """
    measured = table.drop_nulls("effect").select(
        pl.concat_str(pl.col("by").str.strip_prefix("likely_"), pl.lit(": "), "group").alias(
            "group"
        ),
        (pl.col("always", "always_low", "always_high") * 100).name.map(
            lambda name: name.replace("always", "effect")
        ),
    )
    y = alt.Y("group:N", title=None, sort=measured["group"].to_list())
    base = alt.Chart(measured).encode(y=y)
    title = "disputes per 100 orders, compared with held-out orders"
    interval = base.mark_rule(color=BLUE).encode(
        x=alt.X("effect_low:Q", title=title), x2="effect_high:Q"
    )
    dots = base.mark_circle(color=ORANGE, opacity=1, size=50).encode(x="effect:Q")
    zero = alt.Chart(pl.DataFrame({"x": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 3])
    return alt.layer(zero.encode(x="x:Q"), interval, dots).properties(width=400)


def in_english(chart: AnyChart) -> AnyChart:
    """The chart with English words, for use outside a page."""
    spec = re.sub(r'"@([\w.]+)"', lambda key: json.dumps(english(key[1])), chart.to_json())
    return cast("AnyChart", type(chart).from_json(spec))


def _day(column: str) -> alt.X:
    return alt.X(f"{column}:T", title=None).axis(
        format="%Y-%m-%d", labelAngle=0, tickCount=4, labelFlush=True
    )


def _percent(column: str, title: str | None = None) -> alt.Y:
    return alt.Y(f"{column}:Q", title=title).axis(format=PERCENT, tickCount=5)


def _sized(chart: alt.LayerChart | alt.FacetChart, description: str) -> AnyChart:
    return chart.properties(width="container", height=200, description=description)
