"""What the charts of an HTML page share: colours, style, and the chart library inside the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart

# colours of Okabe and Ito, which colour-blind readers can distinguish
ORANGE, BLUE, GREY, GREEN, INK = "#D55E00", "#0072B2", "#8A8A8A", "#009E73", "#222222"
WIDTH = 600
CHART_STYLE = {
    "background": "white",
    "font": "system-ui, sans-serif",
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "#E6E6E6",
    },
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "orient": "top"},
    "header": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "view": {"stroke": None},
}


@dataclass(frozen=True)
class Figure:
    """A chart with a title and an explanation. `spec` is Vega-Lite and contains the data."""

    title: str
    note: str
    spec: dict[str, Any]


def chart_library() -> Markup:
    """Vega, Vega-Lite and the code that shows their charts, as JavaScript for the page. The browser
    downloads nothing when the page is opened."""
    version = alt.SCHEMA_VERSION.rsplit(".", 1)[0]
    return Markup(
        vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version).replace(
            "</script", r"<\/script"
        )
    )
