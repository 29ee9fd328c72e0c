"""The charts of the model page. A title that starts with @ is a key of the page's words; the
script of the page puts the text in."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pipeline.pages.charts import BLUE, GREY, ORANGE, PERCENT, AnyChart

# as wide as its container; tall enough to read a value
HEIGHT, TALL = 260, 340
ROOT_TICKS = (0.0, 0.002, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def recall_chart(curve: pl.DataFrame, base_rate: float) -> AnyChart:
    """Precision by recall with its interval; a dashed line at the share of all orders.

    `curve`: as `recall_curve` gives it.
    """
    x = _x("recall", "@model.recall", alt.Scale(domain=[0, 1]))
    base = alt.Chart(curve)
    layers = [
        base.mark_area(color=BLUE, opacity=0.18).encode(
            x=x, y=_y("low", "@model.precision"), y2="high:Q"
        ),
        base.mark_line(color=BLUE).encode(x=x, y=_y("precision", "@model.precision")),
        *_level(base_rate, "@model.base_rate", PERCENT),
    ]
    return _sized(alt.layer(*layers), "@model.recall_curve")


def lift_chart(curve: pl.DataFrame, capacity_share: float) -> AnyChart:
    """Lift by the share of a night's orders on the list, with its interval.

    `curve`: as `lift_curve` gives it; `capacity_share`: the share that the list has. The first
    hundredths matter most, so the axis is that of square roots.
    """
    x = _x("share", "@model.share_listed", alt.Scale(type="sqrt", domain=[0, 1]))
    y = alt.Y("lift:Q", title="@model.lift").axis(tickCount=5)
    base = alt.Chart(curve)
    low = alt.Y("low:Q", title="@model.lift").axis(tickCount=5)
    capacity = alt.Chart(
        pl.DataFrame({"share": [min(capacity_share, 1.0)], "text": ["@model.list"]})
    )
    layers = [
        base.mark_area(color=BLUE, opacity=0.18).encode(x=x, y=low, y2="high:Q"),
        base.mark_line(color=BLUE).encode(x=x, y=y),
        *_level(1.0, "@model.chance", "~g", name="lift"),
        capacity.mark_rule(color=ORANGE, strokeWidth=2).encode(x=x),
        capacity.mark_text(align="left", baseline="top", dx=5, dy=2).encode(
            x=x, y=alt.value(0), text="text:N"
        ),
    ]
    return _sized(alt.layer(*layers), "@model.lift_curve")


def bins_chart(bins: pl.DataFrame) -> AnyChart:
    """Predicted and actual share in equally filled bins, with intervals and the diagonal.

    `bins`: `predicted, realised, low, high`. Most orders have a low probability, so both axes are
    those of square roots.
    """
    top = 1.05 * max(float(bins[name].max() or 0.0) for name in ("predicted", "high"))  # type: ignore[arg-type]
    scale = alt.Scale(type="sqrt", domain=[0, top], nice=False)
    ends = pl.DataFrame({"predicted": [top * n / 40 for n in range(41)]})
    x = _x("predicted", "@chart.predicted", scale)
    y = _y("realised", "@chart.realised", scale)
    diagonal = alt.Chart(ends.with_columns(realised="predicted"))
    base = alt.Chart(bins.select("predicted", "realised", "low", "high"))
    layers = [
        diagonal.mark_line(color=GREY, strokeDash=[4, 3]).encode(x=x, y=y),
        base.mark_rule(color=BLUE, strokeWidth=2).encode(
            x=x, y=_y("low", "@chart.realised", scale), y2="high:Q"
        ),
        base.mark_circle(color=ORANGE, opacity=1, size=70).encode(x=x, y=y),
    ]
    return _sized(alt.layer(*layers), "@chart.calibration", TALL)


def nights_chart(nights: pl.DataFrame) -> AnyChart:
    """Precision at capacity and average precision of each night. `nights`: `night` and both."""
    named = {
        "precision_at_capacity": "@model.precision_listed",
        "average_precision": "@model.average_precision",
    }
    long = nights.select("night", *named).rename(named).unpivot(list(named.values()), index="night")
    x = alt.X("night:T", title=None).axis(
        format="%Y-%m-%d",
        labelAngle=0,
        tickCount=4,
        labelFlush=True,
        labelOverlap="greedy",
        labelSeparation=10,
    )
    colour = alt.Color("variable:N", title=None).scale(
        domain=list(named.values()), range=[BLUE, ORANGE]
    )
    base = alt.Chart(long).encode(x=x, y=_y("value", "@model.share"), color=colour)
    return _sized(base.mark_line() + base.mark_circle(opacity=1, size=50), "@model.by_night")


def learning_chart(curve: pl.DataFrame) -> AnyChart:
    """Average precision by the number of training orders. `curve`: `orders, average_precision`."""
    chart = alt.Chart(curve.select("orders", "average_precision")).encode(
        x=alt.X("orders:Q", title="@model.training_orders").axis(tickCount=5),
        y=alt.Y("average_precision:Q", title="@model.average_precision").axis(tickCount=5),
    )
    dots = chart.mark_circle(color=ORANGE, opacity=1, size=70)
    return _sized(chart.mark_line(color=BLUE) + dots, "@model.learning")


def importance_chart(importance: pl.DataFrame, count: int = 15) -> alt.Chart:
    """The features that move the risk most. `importance`: as `feature_importance` gives it."""
    bars = alt.Chart(importance.head(count).select("feature", "share")).mark_bar(color=BLUE)
    chart: alt.Chart = bars.encode(
        x=alt.X("share:Q", title="@model.importance_share").axis(format=PERCENT, tickCount=4),
        y=alt.Y("feature:N", title=None, sort=None).axis(labelLimit=230),
    )
    return chart.properties(width="container", height=22 * count, description="@model.importance")


def _level(value: float, text: str, number: str, name: str = "precision") -> list[alt.Chart]:
    """A dashed line at a value of y, with its name at the left, where the curves are high."""
    line = alt.Chart(pl.DataFrame({name: [value], "text": [text]}))
    y = alt.Y(f"{name}:Q").axis(format=number)
    label = line.mark_text(align="left", baseline="bottom", dx=4, dy=-3)
    return [
        line.mark_rule(color=GREY, strokeDash=[4, 3]).encode(y=y),
        label.encode(y=y, x=alt.value(0), text="text:N"),
    ]


def _x(column: str, title: str, scale: alt.Scale) -> alt.X:
    return alt.X(f"{column}:Q", title=title, scale=scale).axis(format=PERCENT, **_ticks(scale))


def _y(column: str, title: str, scale: alt.Scale | None = None) -> alt.Y:
    if scale is None:
        return alt.Y(f"{column}:Q", title=title).axis(format=PERCENT, tickCount=5)
    return alt.Y(f"{column}:Q", title=title, scale=scale).axis(format=PERCENT, **_ticks(scale))


def _ticks(scale: alt.Scale) -> dict[str, Any]:
    """The ticks of an axis: on one of square roots, Vega's own are all at its upper end."""
    spec = scale.to_dict()
    if spec.get("type") != "sqrt":
        return {"tickCount": 6}
    shares = [share for share in ROOT_TICKS if share <= spec["domain"][1]]
    return {"values": shares, "labelOverlap": "greedy", "labelSeparation": 6}


def _sized(chart: AnyChart, description: str, height: int = HEIGHT) -> AnyChart:
    return chart.properties(width="container", height=height, description=description)
