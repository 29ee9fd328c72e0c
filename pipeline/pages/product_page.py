"""products.html: the page of a selection review: forest plot, whose part it is, loss, verdicts, two
compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import altair as alt
import polars as pl

from models.product.product_table import Reviewed
from pipeline.output.safe_text import neutral_frame
from pipeline.pages.charts import BLUE, GREY, ORANGE
from pipeline.pages.html import chart_spec, render
from pipeline.pages.page_rows import Strings, choices, pack_columns

PAGE = "products.html"
# worst first; the csv has all
MOST_PRODUCTS, MOST_GROUPS, MOST_DOTS = 5_000, 30, 1_000
TEXTS = ("product_id", "category", "supplier_id", "verdict", "why", "note", "trend")
NUMBERS = (
    "count_orders",
    "count_disputes",
    "rate",
    "rate_low",
    "rate_high",
    "chance_over_limit",
    "product_x",
    "lane_x",
    "buyers_x",
    "supplier_x",
    "category_x",
    "loss_per_100_units_usd",
    "margin_per_100_units_usd",
)
SEARCHED = ("product_id", "category", "supplier_id", "why")
FILTERS = ("verdict", "category", "supplier_id")
GROUP_COLUMNS = (
    "count_products",
    "count_orders",
    "count_disputes",
    "rate",
    "rate_low",
    "rate_high",
    "chance_over_limit",
)
PROGRAM = ("page.js", "list_data.js", "list_view.js", "products.js")
PARTS = ("page", "product", "verdict", "trend", "chart")


def products_page(
    reviewed: Reviewed,
    frames: Mapping[str, pl.DataFrame],
    *,
    as_of: date,
    limit: float,
    limit_from: str,
    charts: bool,
) -> str:
    """The page. `frames`: `products`, `suppliers`, `categories` and perhaps `what_if`, as their
    files have them."""
    told = frames["products"]
    shown = neutral_frame(told.head(MOST_PRODUCTS))
    drawn = (
        {"parts": chart_spec(parts_chart(shown)), "loss": chart_spec(loss_chart(shown))}
        if charts
        else {}
    )
    strings = Strings()
    packed = pack_columns(shown, (*TEXTS, *NUMBERS), strings)
    data = {
        "as_of": as_of.isoformat(),
        "limit": limit,
        "searched": SEARCHED,
        "charts": drawn,
        "view": {"part": "product", "sort": "chance_over_limit", "descending": True},
        "list": packed
        | {"shapes": _shapes(reviewed, told.head(MOST_PRODUCTS)), "strings": strings.texts},
    }
    counts = told["verdict"].value_counts().sort("count", "verdict", descending=[True, False])
    return render(
        "products.html",
        program=PROGRAM,
        parts=PARTS,
        data=data,
        charts=charts,
        as_of=as_of,
        limit=limit,
        limit_from=limit_from,
        count=told.height,
        shown=shown.height,
        verdicts=list(counts.iter_rows()),
        chart_places=list(drawn),
        choices={column: choices(shown, column) for column in FILTERS},
        groups={name: _groups(frames[name]) for name in ("suppliers", "categories")},
        what_if=frames["what_if"].to_dicts() if "what_if" in frames else [],
    )


def _shapes(reviewed: Reviewed, told: pl.DataFrame) -> list[list[float]]:
    """Of each product its posterior Beta(above, below): what two products are compared by."""
    shapes = pl.DataFrame(
        {
            "product_id": reviewed.products["product_id"],
            "above": reviewed.posterior.above,
            "below": reviewed.posterior.below,
        }
    )
    found = told.select("product_id").join(
        shapes, on="product_id", how="left", maintain_order="left"
    )
    return [
        [round(above, 4), round(below, 3)]
        for above, below in found.select("above", "below").iter_rows()
    ]


def _groups(frame: pl.DataFrame) -> list[dict[str, object]]:
    name = frame.columns[0]
    top = frame.sort("chance_over_limit", "rate", name, descending=[True, True, False]).head(
        MOST_GROUPS
    )
    return neutral_frame(top.select(pl.col(name).alias("name"), *GROUP_COLUMNS)).to_dicts()


def parts_chart(shown: pl.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """What multiplies the store's rate: the product's own part against its lanes'."""
    rows = shown.filter(pl.col("exposure") > 0).sort(
        "count_orders", "product_id", descending=[True, False]
    )
    rows = rows.head(MOST_DOTS).select("lane_x", "product_x", "count_orders", "verdict")
    base = alt.Chart(rows.with_columns(is_kept=pl.col("verdict") == "keep"))
    dots = base.mark_circle(opacity=0.55).encode(
        x=alt.X("lane_x:Q", title="@product.lane_part").scale(zero=False),
        y=alt.Y("product_x:Q", title="@product.own_part").scale(zero=False),
        size=alt.Size("count_orders:Q", title="@product.orders"),
        color=alt.Color("is_kept:N", legend=None).scale(domain=[True, False], range=[BLUE, ORANGE]),
    )
    ones = alt.Chart(pl.DataFrame({"one": [1.0]}))
    rules = [
        ones.mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=alt.X("one:Q")),
        ones.mark_rule(color=GREY, strokeDash=[4, 3]).encode(y=alt.Y("one:Q")),
    ]
    return alt.layer(*rules, dots).properties(
        width="container", height=260, description="@product.parts"
    )


def loss_chart(shown: pl.DataFrame, count: int = 12) -> alt.Chart:
    """The products whose disputes cost most in 100 units."""
    rows = shown.sort("loss_per_100_units_usd", "product_id", descending=[True, False]).head(count)
    rows = rows.select("product_id", "loss_per_100_units_usd")
    bars = alt.Chart(rows).mark_bar(color=BLUE)
    return bars.encode(
        x=alt.X("loss_per_100_units_usd:Q", title="@product.loss"),
        y=alt.Y("product_id:N", title=None, sort=None).axis(labelLimit=220),
    ).properties(width="container", height=260, description="@product.most_loss")
