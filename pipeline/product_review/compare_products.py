"""compare-products: which of two products is disputed less, and how certain that is."""

from __future__ import annotations

from datetime import date

import numpy as np

from models.product.product_rates import chance_better, orders_to_settle
from pipeline.product_review.review import read_review
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace


def compare_products(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, first: str, other: str
) -> dict[str, float | None]:
    """Print and return the probability that `first` is disputed less than `other` (`chance`), and
    how many more orders of each would settle it (`more_orders`; None: no reasonable number).

    Raises `BadInput` for a product without sales in the lookback.
    """
    with progress.piece("products"):
        reviewed = read_review(workspace, config, as_of)
    row_of = {name: number for number, name in enumerate(reviewed.products["product_id"])}
    if unknown := [product for product in (first, other) if product not in row_of]:
        raise BadInput(
            f"{', '.join(unknown)}: did not sell in the lookback. Name two products of "
            "products.csv."
        )
    posterior = reviewed.posterior
    shapes = [
        (float(posterior.above[row_of[product]]), float(posterior.below[row_of[product]]))
        for product in (first, other)
    ]
    chance = chance_better(shapes[0], shapes[1], np.random.default_rng(config.seed))
    more = orders_to_settle(shapes[0], shapes[1], config.products.sure)
    for product, (above, below) in zip((first, other), shapes, strict=True):
        row = reviewed.products.row(row_of[product], named=True)
        say(
            f"{product}: {above / (above + below):.2%}; "
            f"{row['count_disputes']:.0f} disputes in {row['count_orders']} orders"
        )
    say(f"chance that {first} is disputed less than {other}: {chance:.0%}")
    _say_more_orders(more, config.products.sure)
    return {"chance": chance, "more_orders": more}


def _say_more_orders(more: float | None, sure: float) -> None:
    if more is None:
        say("the two are alike: no reasonable number of orders would settle it")
    elif more == 0:
        say(f"that is already settled, at {sure:.0%} certainty")
    else:
        say(
            f"about {more:,.0f} more orders of each would settle it, at {sure:.0%} certainty, if "
            "the rates are as estimated"
        )
