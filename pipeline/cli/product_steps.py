"""The steps of a selection review: products, candidates, two products beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsOf, Folder, From, To, not_before, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command()
def products(
    workspace: Folder,
    as_of: AsOf,
    costs: Annotated[
        Path | None, typer.Option(help="what a unit costs: product_id, cost, currency")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="what if this product were dropped; several times")
    ] = None,
    move: Annotated[str | None, typer.Option(help="what if: OLD LANE=NEW LANE")] = None,
) -> None:
    """Review the products: rate with interval, whose fault, verdict; by supplier and category; a
    what-if."""
    from pipeline.product_review.review import products as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        run = step(
            place, config, progress, as_of=as_of, costs=costs, dropped=drop or [], moved=move
        )
    say(f"to open at the review: {run / 'products.html'}")
    say(f"the same as tables: {run / 'products.csv'}, {run / 'products.xlsx'}")


@app.command()
def candidate(
    workspace: Folder,
    as_of: AsOf,
    file: Annotated[Path, typer.Option(help="products not yet sold: docs/products.md")],
) -> None:
    """Foretell the dispute rate of products not yet sold."""
    from pipeline.product_review.candidate import candidate as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of, file=file)
    say(f"the same as tables: {run / 'candidates.csv'}, {run / 'candidates.xlsx'}")


@app.command()
def compare_products(
    workspace: Folder,
    as_of: AsOf,
    first: Annotated[str, typer.Option("--a", help="a product")],
    other: Annotated[str, typer.Option("--b", help="another")],
) -> None:
    """Which of two products is disputed less, how sure that is, what would settle it."""
    from pipeline.product_review.review import compare_products as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, as_of=as_of, first=first, other=other)


@app.command()
def products_check(workspace: Folder, first: From, last: To) -> None:
    """Product reviews of 24 past days of a simulated store, beside its true rates."""
    from pipeline.evaluation.product_review_check import RESULT
    from pipeline.evaluation.product_review_check import products_check as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, config, progress, first=first, last=not_before(first, last))
    say(f"figures: {place.folder / RESULT}")
